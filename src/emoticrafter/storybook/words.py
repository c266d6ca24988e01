"""The words of the captions: names for places, subjects, actions and times, and a lexicon of feeling.

Coverage of names was checked against the annotation keywords of Unicode CLDR. The coordinates of the lexicon were placed
by hand to agree with what `world.mood` paints, and are not those of any published norm list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import hypot

# ---- What a scene holds. The first name of each is the canonical one.

SUBJECT_NAMES = {
    "girl": "girl, little girl, young girl, small girl, child, kid, schoolgirl, daughter, granddaughter",
    "boy": "boy, little boy, young boy, small boy, child, kid, schoolboy, lad, son, grandson",
    "woman": "woman, lady, young woman, adult woman, mother, mum, mom, person, someone, teacher, friend",
    "man": "man, guy, young man, adult man, gentleman, father, dad, person, someone, neighbour, neighbor, friend",
    "grandmother": "grandmother, old woman, grandma, granny, old lady, elderly woman, elderly lady, pensioner",
    "grandfather": "grandfather, old man, grandpa, granddad, elderly man, old gentleman, elderly gentleman",
    "toddler": "toddler, baby, infant, small child, little child, tiny child, little one, small kid",
    "doctor": "doctor, physician, nurse, medic, health worker, surgeon, doctor in a white coat",
    "firefighter": "firefighter, fireman, fire fighter, firewoman, firefighter in uniform",
    "astronaut": "astronaut, spaceman, cosmonaut, space traveller, space traveler, astronaut in a spacesuit, spacewoman",
    "dog": "dog, puppy, hound, pup, doggy, pet dog, little dog, big dog, doggie",
    "cat": "cat, kitten, kitty, pet cat, pussycat, little cat, tomcat, tabby",
    "rabbit": "rabbit, bunny, bunny rabbit, hare, little rabbit, pet rabbit",
    "horse": "horse, pony, stallion, mare, foal, racehorse, steed",
    "cow": "cow, dairy cow, bull, calf, spotted cow, ox, milk cow",
    "pig": "pig, piglet, hog, pink pig, little pig, sow",
    "sheep": "sheep, lamb, ewe, ram, woolly sheep, fluffy sheep, little lamb",
    "elephant": "elephant, baby elephant, big elephant, grey elephant, elephant with a trunk",
    "duck": "duck, duckling, mallard, drake, wild duck, little duck",
    "penguin": "penguin, little penguin, baby penguin, emperor penguin",
    "turtle": "turtle, tortoise, sea turtle, little turtle, terrapin, green turtle",
    "butterfly": "butterfly, moth, insect, blue butterfly, little butterfly",
    "owl": "owl, little owl, brown owl, barn owl, night owl",
    "bird": "bird, little bird, small bird, songbird, robin, sparrow, wild bird",
    "deer": "deer, stag, doe, fawn, roe deer, young deer, wild deer, reindeer",
    "rooster": "rooster, cockerel, chicken, hen, cock, farm chicken",
    "squirrel": "squirrel, chipmunk, red squirrel, little squirrel",
    "camel": "camel, dromedary, bactrian camel, desert camel",
    "tiger": "tiger, big cat, striped tiger, tigress, tiger cub, bengal tiger",
    "monkey": "monkey, ape, chimp, little monkey, chimpanzee, baboon",
    "flamingo": "flamingo, pink flamingo, pink bird, wading bird",
    "hedgehog": "hedgehog, little hedgehog, spiny hedgehog, porcupine, prickly hedgehog",
    "kangaroo": "kangaroo, wallaby, young kangaroo, kangaroo with a pouch",
    "dinosaur": "dinosaur, dino, t-rex, tyrannosaurus, big dinosaur, baby dinosaur, green dinosaur",
    "snail": "snail, little snail, garden snail, snail with a shell",
    "swan": "swan, white swan, cygnet, white bird",
    "car": "car, red car, automobile, motor car, small car, vehicle, motorcar, parked car",
    "taxi": "taxi, cab, yellow taxi, taxicab, yellow cab, minicab",
    "bus": "bus, city bus, school bus, coach, minibus, public bus",
    "truck": "truck, lorry, delivery truck, van, big truck, delivery van",
    "tractor": "tractor, farm tractor, farming tractor, big tractor",
    "fire_engine": "fire engine, fire truck, firetruck, red fire engine, fire brigade truck",
    "train": "train, steam train, locomotive, steam engine, railway engine, railroad train, steam locomotive",
    "bicycle": "bicycle, bike, push bike, cycle, parked bicycle, city bike",
    "scooter": "scooter, motor scooter, moped, motorbike, motorcycle, vespa",
    "sailboat": "sailboat, sailing boat, boat, yacht, ship, little boat, sailing ship, small boat",
    "rocket": "rocket, space rocket, spaceship, rocket ship, spacecraft, space ship",
    "balloon": "balloon, red balloon, party balloon, toy balloon",
    "ball": "ball, football, soccer ball, toy ball, black and white ball",
    "teddy_bear": "teddy bear, teddy, stuffed bear, plush bear, toy bear, stuffed animal, bear, soft toy",
    "umbrella": "umbrella, open umbrella, brolly, parasol, purple umbrella",
    "guitar": "guitar, electric guitar, musical instrument, acoustic guitar",
    "cake": "cake, birthday cake, cake with candles, cream cake, tart",
    "gift": "gift, present, gift box, wrapped gift, birthday present, wrapped present, parcel",
    "tent": "tent, camping tent, camp, little tent",
    "sunflower": "sunflower, yellow flower, big sunflower, tall sunflower, flower",
    "pumpkin": "pumpkin, jack-o'-lantern, halloween pumpkin, carved pumpkin, orange pumpkin",
    "snowman": "snowman, snow man, little snowman, snowman with a hat",
    "fountain": "fountain, water fountain, stone fountain, garden fountain",
    "drum": "drum, snare drum, toy drum, drum with drumsticks",
    "chair": "chair, wooden chair, seat, stool, armchair",
    "lantern": "lantern, paper lantern, red lantern, lamp, red paper lantern",
}  # fmt: skip

# "on|at a|the beach, shore; ...": prepositions, articles, nouns. `-` is none, `_` a space within a preposition, and a noun
# with * is only for the day (a city at night is a place of its own).
PLACE_NAMES = {
    "playground": "on|at|in a|the playground, children's playground, kids' playground, play area, play park, adventure playground; "
                  "by|near|next_to|in_front_of a|the slide, playground slide, swing, climbing frame, sandpit; by|near the swings",
    "beach": "on|at a|the beach, sandy beach, seaside beach, beach by the sea, tropical beach; "
             "at|by|near the seaside, sea, seashore, shore, coast, ocean; on the sand, shore, coast, seashore; "
             "in_front_of|by the waves, ocean, sea",
    "forest": "in a|the forest, wood, pine forest, forest clearing, green forest, jungle, rainforest, forest of tall trees, grove; "
              "in the woods, woodland, wilderness; among|between the trees, tall trees, fir trees, pine trees; on a|the forest path, "
              "forest trail, woodland path",
    "street": "on|in a|the street, city street*, town street*, village street, side street, street with houses; "
              "on a|the road, sidewalk, pavement, avenue, street corner, highway, main road; "
              "in a|the town*, city*, neighbourhood, neighborhood, suburb, lane, alley; in_front_of|between the houses, buildings, shops",
    "room": "in a|the room, living room, bedroom, nursery, children's room, playroom, lounge, sitting room, child's room, small room; "
            "in a|the house, flat, apartment; in_front_of|by|near a|the sofa, couch, armchair, window, bed; at - home; - - indoors, inside",
    "lake": "by|at|near|beside a|the lake, mountain lake, small lake, pond, river, lake with reeds; "
            "on|by|at the lakeside, lakeshore, water, waterside, riverbank, shore of a lake; on a|the lake shore, river bank",
    "meadow": "in|on a|the meadow, field, flower meadow, grassy field, green field, pasture, field of flowers, flower field, "
              "wildflower meadow; in|on the grass, fields, hills, grassland; among the flowers, wildflowers, wild flowers; "
              "in the countryside, country; in - nature; on a|the hill, hillside, green hill",
    "harbour": "at|in a|the harbour, harbor, port, marina, fishing port, seaport, fishing harbour, small harbor; "
               "on|by|at|near a|the dock, quay, pier, jetty, wharf, quayside; at the docks; by|near|in_front_of the boats, ships, "
               "fishing boats, waterfront",
    "desert": "in a|the desert, sandy desert, rocky desert, desert with cacti, dry desert, desert landscape; "
              "in|among|between the dunes, sand dunes, cacti, cactuses, desert sand; on a|the dune, sand dune; in the sahara",
    "snowy_village": "in a|the snowy village, winter village, village in the snow, snowy town, snow-covered village, mountain village "
                     "in winter, village in winter; in|on the snow; in a|the snowy landscape, winter landscape; "
                     "in_front_of a|the snowy house, snowy cottage, snow-covered house, snow-covered cottage; - - in winter",
    "night_city": "in a|the city at night, night city, big city at night, neon city, metropolis at night, downtown street at night, "
                  "city centre at night, city center at night, town at night; in_front_of a|the skyline at night, night skyline, city skyline at night; "
                  "in_front_of|under|below the city lights, neon lights, skyscrapers at night, skyscrapers; in - downtown at night",
    "park": "in|at a|the park, city park, public park, garden, green park, town park, public garden, park with trees, national park; "
            "on a|the lawn, park lawn, path in a park, park path; under a|the tree in a park",
    "school": "at|outside|in_front_of|near a|the school, school building, schoolhouse, primary school, elementary school, village school; "
              "in|on|at a|the schoolyard, school yard, school grounds; in a|the classroom, school",
    "hospital": "at|outside|in_front_of|near a|the hospital, clinic, hospital building, medical centre, medical center, city hospital, "
                "health centre, infirmary; in a|the hospital, clinic, hospital ward",
    "cemetery": "in|at a|the cemetery, graveyard, churchyard, old cemetery, old graveyard, burial ground; "
                "among|between the graves, gravestones, tombstones, headstones, tombs; by|near|beside a|the grave, gravestone, tombstone, tomb",
    "market": "at|in a|the market, marketplace, market place, street market, farmers' market, fruit market, market square, bazaar, "
              "vegetable market, food market, town square; among|between the market stalls, stalls; at|by|near a|the market stall, fruit stall, stall, "
              "fruit stand; in a|the shop, store",
    "farm": "on|at a|the farm, ranch, small farm, dairy farm, farmyard; by|near|outside|in_front_of a|the barn, farmhouse, stable, red barn, shed, "
            "farm building; in a|the farmyard, barnyard",
    "castle": "at|near|outside|in_front_of|by a|the castle, old castle, medieval castle, palace, fortress, stone castle, royal palace, fairytale castle, "
              "castle with towers; in a|the castle courtyard, castle garden, castle; below|under the castle walls, castle towers, towers of a castle",
}  # fmt: skip

# "base/third person/participle tail"; where an action needs no verb, the scene is only "a dog on a beach".
ACTION_NAMES = {
    "standing": "stand/stands/standing, stand/stands/standing there, stand/stands/standing still, wait/waits/waiting",
    "walking": "walk/walks/walking, stroll/strolls/strolling, take/takes/taking a walk, go/goes/going for a walk, "
               "walk/walks/walking along, hike/hikes/hiking",
    "running": "run/runs/running, jog/jogs/jogging, race/races/racing along, sprint/sprints/sprinting, run/runs/running fast",
    "jumping": "jump/jumps/jumping, leap/leaps/leaping, hop/hops/hopping, jump/jumps/jumping up, jump/jumps/jumping in the air, "
               "skip/skips/skipping",
    "dancing": "dance/dances/dancing, dance/dances/dancing around, do/does/doing a dance",
    "waving": "wave/waves/waving, wave/waves/waving a hand, wave/waves/waving hello, wave/waves/waving goodbye, say/says/saying hello, greet/greets/greeting us",
    "sitting": "sit/sits/sitting, sit/sits/sitting down, sit/sits/sitting on the ground, rest/rests/resting on the ground",
    "reading": "read/reads/reading a book, read/reads/reading, look/looks/looking at a book, hold/holds/holding a book, study/studies/studying, "
               "read/reads/reading a story",
    "flying_kite": "fly/flies/flying a kite, play/plays/playing with a kite, hold/holds/holding a kite, fly/flies/flying a colourful kite, "
                   "fly/flies/flying a colorful kite",
    "holding_balloon": "hold/holds/holding a balloon, carry/carries/carrying a balloon, hold/holds/holding a red balloon, hold/holds/holding on to a balloon",
    "holding_umbrella": "hold/holds/holding an umbrella, carry/carries/carrying an umbrella, hold/holds/holding up an umbrella, stand/stands/standing under an umbrella",
    "playing_ball": "play/plays/playing ball, play/plays/playing with a ball, play/plays/playing football, play/plays/playing soccer, kick/kicks/kicking a ball, "
                    "throw/throws/throwing a ball, catch/catches/catching a ball, play/plays/playing a game",
    "playing_guitar": "play/plays/playing the guitar, play/plays/playing guitar, play/plays/playing a guitar, play/plays/playing music, strum/strums/strumming a guitar, "
                      "make/makes/making music",
    "eating_ice_cream": "eat/eats/eating ice cream, eat/eats/eating an ice cream, lick/licks/licking an ice cream, have/has/having an ice cream, "
                        "hold/holds/holding an ice cream cone, eat/eats/eating a dessert",
    "hugging_teddy": "hug/hugs/hugging a teddy bear, hug/hugs/hugging a teddy, hold/holds/holding a teddy bear, cuddle/cuddles/cuddling a teddy bear, "
                     "carry/carries/carrying a toy bear, hug/hugs/hugging a stuffed animal, hold/holds/holding a toy",
    "sleeping": "sleep/sleeps/sleeping, nap/naps/napping, take/takes/taking a nap, lie/lies/lying asleep, lie/lies/lying down, "
                "doze/dozes/dozing",
    "driving": "drive/drives/driving, drive/drives/driving along, drive/drives/driving by, move/moves/moving, roll/rolls/rolling by, pass/passes/passing by",
}  # fmt: skip

# Where one kind does an action in its own way.
KIND_ACTION_NAMES = {
    ("butterfly", "standing"): "sit/sits/sitting, flutter/flutters/fluttering, rest/rests/resting",
    ("butterfly", "running"): "fly/flies/flying, flutter/flutters/fluttering around, fly/flies/flying around",
    ("butterfly", "jumping"): "fly/flies/flying up, flutter/flutters/fluttering up",
    ("bird", "running"): "run/runs/running, fly/flies/flying, fly/flies/flying by",
    ("bird", "jumping"): "hop/hops/hopping, jump/jumps/jumping, take/takes/taking off",
    ("owl", "standing"): "sit/sits/sitting, stand/stands/standing, perch/perches/perching",
    ("owl", "running"): "fly/flies/flying, run/runs/running",
    ("duck", "running"): "run/runs/running, waddle/waddles/waddling",
    ("penguin", "running"): "run/runs/running, waddle/waddles/waddling",
    ("penguin", "standing"): "stand/stands/standing, wait/waits/waiting",
    ("snail", "standing"): "sit/sits/sitting, rest/rests/resting",
    ("snail", "running"): "crawl/crawls/crawling, creep/creeps/creeping, move/moves/moving along",
    ("turtle", "standing"): "sit/sits/sitting, rest/rests/resting",
    ("turtle", "running"): "walk/walks/walking, crawl/crawls/crawling, run/runs/running",
    ("horse", "running"): "run/runs/running, gallop/gallops/galloping, trot/trots/trotting",
    ("rabbit", "jumping"): "hop/hops/hopping, jump/jumps/jumping, leap/leaps/leaping",
    ("kangaroo", "jumping"): "hop/hops/hopping, jump/jumps/jumping, leap/leaps/leaping",
    ("dog", "standing"): "stand/stands/standing, wait/waits/waiting, sit/sits/sitting",
    ("cat", "standing"): "stand/stands/standing, wait/waits/waiting, sit/sits/sitting",
    ("cow", "standing"): "stand/stands/standing, graze/grazes/grazing",
    ("sheep", "standing"): "stand/stands/standing, graze/grazes/grazing",
    ("deer", "standing"): "stand/stands/standing, graze/grazes/grazing",
    ("sailboat", "standing"): "lie/lies/lying at anchor, float/floats/floating, wait/waits/waiting",
    ("sailboat", "driving"): "sail/sails/sailing, sail/sails/sailing by, float/floats/floating by",
    ("rocket", "standing"): "stand/stands/standing, wait/waits/waiting",
    ("rocket", "driving"): "take/takes/taking off, launch/launches/launching, fly/flies/flying, blast/blasts/blasting off",
    ("train", "standing"): "are stopped/is stopped/stopped, wait/waits/waiting, stand/stands/standing",
    ("train", "driving"): "pass/passes/passing by, run/runs/running, roll/rolls/rolling along, go/goes/going by",
    ("bicycle", "driving"): "roll/rolls/rolling along, move/moves/moving, go/goes/going by",
    ("tent", "standing"): "stand/stands/standing",
}  # fmt: skip
VEHICLE_STANDING = "are parked/is parked/parked, stand/stands/standing, wait/waits/waiting, are stopped/is stopped/stopped"
THING_STANDING = "lie/lies/lying, stand/stands/standing"

# "a girl with a kite": an action told without a verb; and words for the list form "beach, girl, kite".
ACTION_PHRASES = {
    "flying_kite": "with a kite", "holding_balloon": "with a balloon, with a red balloon", "holding_umbrella": "with an umbrella, under an umbrella",
    "playing_ball": "with a ball, with a football", "playing_guitar": "with a guitar", "eating_ice_cream": "with an ice cream, with an ice cream cone",
    "hugging_teddy": "with a teddy bear, with a teddy", "reading": "with a book", "sleeping": "asleep",
}  # fmt: skip
ACTION_KEYWORDS = {
    "walking": "walking, walk, stroll", "running": "running, run", "jumping": "jumping, jump", "dancing": "dancing, dance",
    "waving": "waving, wave", "sitting": "sitting, seated", "reading": "book, reading, read", "flying_kite": "kite, flying a kite, kite flying",
    "holding_balloon": "balloon, red balloon", "holding_umbrella": "umbrella", "playing_ball": "ball, football, soccer, playing ball",
    "playing_guitar": "guitar, music, playing the guitar", "eating_ice_cream": "ice cream, ice cream cone, eating",
    "hugging_teddy": "teddy bear, hug, toy", "sleeping": "sleeping, asleep, sleep", "driving": "driving, moving, on the move", "standing": "standing",
}  # fmt: skip
# "kite flying girl", "sleeping dog".
ACTION_ADJECTIVES = {
    "walking": "walking", "running": "running", "jumping": "jumping, leaping", "dancing": "dancing", "waving": "waving", "sitting": "sitting, seated",
    "reading": "reading, book reading", "flying_kite": "kite flying, kite-flying", "playing_ball": "ball playing", "playing_guitar": "guitar playing, guitar-playing",
    "sleeping": "sleeping, dozing", "driving": "moving",
}  # fmt: skip

TIME_PHRASES = {
    "day": "during the day, in the daytime, in the morning, in the afternoon, at noon, by day, at midday, in daylight",
    "evening": "at sunset, in the evening, at dusk, at twilight, at sundown, at nightfall, in the evening light, at the end of the day, at dawn, at sunrise, under an evening sky",
    "night": "at night, by night, after dark, in the night, under the stars, under the moon, at midnight, in the moonlight, under a starry sky, late at night, under a night sky",
}  # fmt: skip
TIME_KEYWORDS = {"day": "day, daytime, morning, noon, afternoon", "evening": "evening, sunset, dusk, twilight, sundown, sunrise, dawn",
                 "night": "night, night time, moonlight, stars, moon, midnight, starry sky"}  # fmt: skip
TIME_ADJECTIVES = {"evening": "evening", "night": "night-time"}

# Two people or two animals of one kind, under one name. "{}" is the plural of a noun they share.
PEOPLE_NOT_DRESSED = ("doctor", "firefighter", "astronaut")
CHILDREN_PAIRS = "two children, two kids, two friends, children, kids, a brother and a sister"
SAME_CHILDREN_PAIRS = "two children, two kids, two friends, children, kids"
GROWN_UP_PAIRS = "two people, two friends, people, two adults, two persons"
COUPLES = "a couple, a man and his wife, two people, two friends, people"
OLD_COUPLES = "an old couple, an elderly couple, grandparents, two old people, two pensioners, old people"
MIXED_PAIRS = "two people, people, two friends, a family"
FAMILY_PAIRS = {
    ("woman", "child"): "a mother and her child, a mother and child, a mum and her kid, a mom and her kid, a parent and a child",
    ("man", "child"): "a father and his child, a father and child, a dad and his kid, a parent and a child",
    ("grandmother", "child"): "a grandmother and her grandchild, a grandma and her grandchild, a grandparent and a child",
    ("grandfather", "child"): "a grandfather and his grandchild, a grandpa and his grandchild, a grandparent and a child",
}  # fmt: skip

GARMENTS = "shirt, sweater, jumper, coat, jacket, t-shirt, pullover, hoodie"
DRESSES = "dress, skirt"
PICTURE_WORDS = (
    "a picture of, a photo of, an image of, a drawing of, an illustration of, a painting of, a scene with, a view of, a picture book scene with, "
    "a storybook picture of, a children's book illustration of, picture of, drawing of, illustration of, a cartoon of, a photograph of"
)
IRREGULAR_PLURALS = {
    "child": "children", "woman": "women", "man": "men", "person": "people", "sheep": "sheep", "deer": "deer", "calf": "calves",
    "ox": "oxen", "lady": "ladies", "baby": "babies", "fireman": "firemen", "gentleman": "gentlemen", "someone": "people", "spaceman": "spacemen",
}  # fmt: skip

# ---- What a scene feels like: "words valence arousal", both in [-3, 3].

# Adjectives that fit a place, a picture and a being alike, and take "slightly" or "very".
_FEELINGS = """
happy 2.3 .9, joyful 2.5 1.3, cheerful 2.2 1.1, glad 1.8 .5, merry 2.2 1.5, jolly 2.1 1.3, content 1.8 -.9, contented 1.9 -1.1, pleased 1.7 .1,
calm 1.2 -1.9, peaceful 1.9 -1.8, serene 2.1 -2.1, relaxed 1.7 -1.6, gentle 1.4 -1.3, tender 1.8 -.9, loving 2.2 .1, hopeful 1.5 .4, carefree 2.0 -.3,
playful 1.8 1.1, lively 1.5 1.7, energetic 1.2 2.1, excited 1.8 2.2, proud 1.9 .8, confident 1.7 .5, friendly 1.8 .2, kind 1.8 -.4, warm-hearted 2.0 -.1,
sad -2.0 -1.0, unhappy -1.8 -.4, gloomy -1.7 -1.2, melancholic -1.2 -1.4, sorrowful -2.0 -1.3, mournful -2.2 -1.4, miserable -2.5 -.5, lonely -1.8 -1.3,
depressed -2.3 -1.8, hopeless -2.5 -1.5, desperate -2.3 1.2, tense -.9 1.3, nervous -.9 1.5, anxious -1.4 1.5, worried -1.3 .8, uneasy -1.1 .6,
restless -.5 1.4, agitated -1.1 2.0, angry -2.0 1.8, hostile -2.0 1.2, hateful -2.5 1.5, bitter -1.8 .2, grim -2.0 -.2, sombre -1.3 -1.0, somber -1.3 -1.0,
tired -.6 -1.8, weary -1.0 -1.7, sleepy .2 -2.2, drowsy .3 -2.4, dreamy 1.2 -1.6, dull -.7 -1.0, listless -1.1 -2.1, apathetic -1.0 -2.3, quiet .4 -1.4,
curious .7 .8, alert .2 1.2, busy .2 1.4, hectic -.4 1.9, frantic -1.0 2.5, wild .4 2.5, passionate 1.2 2.0, spirited 1.5 1.5, adventurous 1.2 1.6,
mild .6 -.6, sober -.2 -.5, serious -.4 .0, solemn -.4 -1.1, thoughtful .3 -.9, pensive -.3 -1.2, wistful -.4 -1.3, nostalgic .3 -1.1, patient .7 -1.0,
shy -.2 -.4, timid -.6 .1, cautious -.3 .5, eager 1.2 1.4, impatient -.7 1.2, annoyed -1.1 .9, irritated -1.3 1.2, grumpy -1.3 .3, cranky -1.3 .6,
moody -1.0 -.1, troubled -1.5 .5, distressed -1.9 1.2, upset -1.7 .9, fearful -1.8 1.6, scared -1.8 1.7, frightened -2.0 1.9, helpless -2.0 .3,
disappointed -1.4 -.5, dejected -1.9 -.9, despondent -2.1 -1.1, downcast -1.6 -1.0, heavy-hearted -1.8 -.8, forlorn -2.0 -1.5, withdrawn -1.1 -1.5,
sluggish -.4 -2.0, lazy .4 -1.9, soothed 1.6 -1.9, satisfied 1.9 -.5, grateful 2.0 -.3, optimistic 1.7 .5, lighthearted 2.0 .4, bubbly 2.0 1.7,
giddy 1.7 1.9, surprised .5 1.9, amazed 1.3 1.8, amused 1.6 .9, mischievous .8 1.5, rowdy .0 2.0, feisty .3 1.8, aggressive -1.6 2.2, violent -2.3 2.3,
resentful -1.8 .7, suspicious -1.0 .8, jealous -1.4 1.1, ashamed -1.7 .2, sorry -1.3 -.4, regretful -1.4 -.7, homesick -1.2 -.6, bored -.8 -1.4,
indifferent -.3 -1.0, detached -.5 -1.5, subdued -.3 -1.6, mellow 1.0 -1.5, easygoing 1.3 -1.0, comfortable 1.6 -1.2, refreshed 1.5 .2, inspired 1.8 1.2,
enthusiastic 2.0 1.7, cosy 1.9 -1.4, cozy 1.9 -1.4, romantic 2.0 -.4, graceful 1.5 -.7, dreary -1.5 -1.4, stern -.7 .3, stubborn -.6 .8, weepy -1.7 -.3
"""
# The same, but already as strong or as weak as they get.
_EXTREMES = """
ecstatic 2.9 2.5, euphoric 2.9 2.2, elated 2.6 1.8, exuberant 2.5 2.1, exhilarated 2.5 2.7, thrilled 2.6 2.4, overjoyed 2.9 1.9, jubilant 2.7 2.1,
triumphant 2.4 1.7, delighted 2.5 1.0, blissful 2.8 -1.2, radiant 2.6 .5, tranquil 1.8 -2.4, perfectly calm 1.5 -2.7, deeply relaxed 2.1 -2.6,
utterly peaceful 2.6 -2.6, deeply serene 2.9 -2.4, in deep bliss 3.0 -1.9, wonderful 2.7 .2, marvellous 2.7 .7, marvelous 2.7 .7, lovely 2.3 -.2,
heavenly 2.8 -1.7, furious -2.4 2.6, enraged -2.6 2.8, raging -2.2 2.9, terrified -2.7 2.4, panicked -2.2 2.8, hysterical -1.7 2.9, horrified -2.8 2.1,
devastated -2.9 .4, tormented -2.8 1.2, anguished -2.7 .8, heartbroken -2.7 -.3, in despair -2.8 -.9, wretched -2.7 -.6, grief-stricken -2.7 -1.0,
crushed -2.6 -1.3, numb -1.5 -2.5, lifeless -2.2 -2.7, dead silent -1.6 -2.9, utterly hopeless -2.9 -1.8, drained -1.6 -2.2, exhausted -1.3 -2.4,
sound asleep .8 -2.9, motionless -.1 -2.7, hushed .6 -2.3, completely still .2 -2.9, silent -.2 -2.3, frenzied -.3 2.9, ordinary .0 .0, plain -.1 -.2, neutral .0 .0, normal .1 .0,
everyday .1 .1, neither happy nor sad .0 .0, neither calm nor excited .0 .1, balanced .4 -.2, unremarkable -.1 -.1, average .0 .1, usual .0 -.1,
matter-of-fact -.1 .1, unmoved -.2 -.4, composed .5 -.8, awake .2 .5, attentive .4 .6, interested .8 .5, fine .7 -.1, okay .4 .0, alright .4 -.1,
not bad .6 .1, not quite happy -.4 .1, unsettled -.6 .6, electrified 1.0 2.8, overexcited 1.2 2.8, hyperactive .6 2.7, crazy with joy 2.9 2.9,
bursting with joy 2.9 2.6, mad with fear -2.7 2.9, blind with rage -2.9 2.7, sick with sorrow -2.9 -.6, dead tired -.9 -2.7, comatose -.9 -2.9
"""
# Adjectives of places and pictures only.
_ATMOSPHERES = """
bleak -2.0 -1.2, desolate -2.3 -1.7, dismal -2.0 -.8, ominous -1.7 1.1, eerie -1.4 .5, spooky -1.3 1.1, creepy -1.6 1.0, sinister -2.0 .9, menacing -2.1 1.5,
threatening -2.1 1.7, nightmarish -2.6 1.9, haunted -1.8 .7, scary -1.9 1.6, dramatic -.4 1.9, intense .1 2.1, chaotic -1.1 2.3, turbulent -.9 2.2,
stormy -1.6 1.9, windy -.1 1.3, breezy .7 .8, *sunny 2.0 .6, bright 1.7 .7, colourful 1.8 1.1, colorful 1.8 1.1, vivid 1.3 1.4, vibrant 1.7 1.6,
festive 2.2 1.6, dazzling 1.9 1.9, glowing 1.8 -.2, idyllic 2.4 -1.5, soothing 1.8 -2.0, dreamlike 1.4 -1.8, soft 1.1 -1.5, misty .3 -2.0,
hazy .4 -1.6, foggy -.8 -1.9, cloudy -.5 -.7, overcast -.8 -.9, grey -1.0 -1.1, gray -1.0 -1.1, drizzly -1.1 -.8, rainy -1.4 -.3, murky -1.4 -1.1,
dark -1.7 .2, cold -1.2 -.5, chilly -.8 -.3, warm 1.6 -.4, pleasant 1.6 -.3, beautiful 2.1 .0, inviting 1.7 .0, cheery 2.0 1.0, magical 2.1 .6, enchanting 2.1 .1,
charming 1.8 .0, drab -.9 -.8, faded -.5 -1.4, washed-out -.6 -1.2, colourless -.7 -1.3, colorless -.7 -1.3, stagnant -1.0 -1.9, dim -.7 -1.3,
abandoned -1.8 -1.6, run-down -1.5 -.6, ruined -2.0 -.1, withered -1.8 -1.0, blooming 2.1 .4, blossoming 2.1 .2, flourishing 2.0 .5, rough -.8 1.5,
harsh -1.4 1.2, fiery -.9 2.4, electric .7 2.3, explosive -.5 2.7, hazardous -1.7 1.6, unfriendly -1.4 .3, unwelcoming -1.3 .0, inhospitable -1.7 -.1,
depressing -2.1 -1.2, moonlit .8 -1.7, pastel 1.4 -1.6, golden 1.9 .1, tidy .9 -.3, airy 1.1 .0, fresh 1.3 .3, crisp .8 .6, muted .0 -1.3, still .4 -2.1,
bustling .8 1.7, noisy -.3 1.6, tempestuous -1.4 2.4, apocalyptic -2.6 2.4, hellish -2.8 2.2, doomed -2.6 .9, oppressive -2.0 .4, stifling -1.5 .4, deathly -2.5 -2.2
"""
# What faces and bodies show: only where somebody is there.
_EXPRESSIONS = """
smiling 1.9 .4, laughing 2.4 1.6, grinning 2.1 1.1, beaming 2.5 1.0, giggling 2.2 1.3, cheering 2.3 2.2, shouting for joy 2.5 2.5, jumping for joy 2.6 2.3,
singing 1.9 .9, with a gentle smile 1.8 -1.0, with a faint smile 1.0 -.6, with a big smile 2.2 .8, with a peaceful smile 2.1 -1.7, with sparkling eyes 2.1 1.1,
with half-closed eyes .5 -2.0, with closed eyes .9 -2.2, yawning -.1 -1.9, daydreaming .9 -1.5, dozing off .4 -2.6, half asleep .3 -2.5, breathing slowly 1.1 -2.2,
sighing -.7 -1.1, frowning -1.2 .4, pouting -1.1 .2, crying -2.1 .4, weeping -2.2 -.5, sobbing -2.5 .6, in tears -2.2 -.1, with a tear -1.6 -.6, wailing -2.5 1.3,
screaming -2.2 2.5, shrieking -2.0 2.7, yelling -1.5 2.3, howling -2.0 1.8, trembling -1.7 1.5, shaking with fear -2.3 2.1, running in panic -2.0 2.6,
wide-eyed .1 1.8, staring -.4 .7, gasping -.6 2.1, glaring -1.6 1.3, scowling -1.6 .8, gritting teeth -1.6 1.7, slumped -1.5 -1.6, with hanging head -1.7 -1.2,
with drooping shoulders -1.4 -1.3, with empty eyes -1.8 -2.0, with a blank face -.2 -.9, with a calm face .6 -1.2, with a straight face .0 .0, with raised arms .9 2.0,
with open mouth .0 1.7, with dancing steps 1.8 1.6, clapping 1.8 1.7, wincing -1.3 1.0, biting lips -.9 1.0, with a stern look -.8 .4, with a curious look .7 .7,
with wild eyes -.6 2.4, snoring .0 -2.4
"""
# Light, weather, plants and what floats in the air, as `world.mood` paints them. * needs daylight.
_LIGHTS = """
*golden light 1.9 -.4, *soft golden light 2.1 -.9, *sunbeams 2.0 .3, *warm sunlight 1.9 .0, *bright sunshine 2.1 .9, *a blue sky 1.2 .1, *a deep blue sky 1.1 .9, *a bright blue sky 1.7 .9,
*dazzling sunshine 2.2 1.7, a rainbow 2.3 1.2, confetti 2.3 2.1, fireworks 2.1 2.4, flying confetti 2.5 2.4, a storm of confetti 2.7 2.8, colourful balloons 2.2 1.5, colorful balloons 2.2 1.5,
streamers 2.2 1.9, garlands 2.0 1.0, flowers 1.9 -.1, blossoms 2.0 -.3, falling petals 2.1 -1.3, fireflies 1.7 -1.4, butterflies in the air 2.0 .3, sparkles 2.1 1.0, lush green 1.8 .2,
vivid colours 1.3 1.5, vivid colors 1.3 1.5, glowing colours 1.8 1.3, glowing colors 1.8 1.3, warm colours 1.6 .1, warm colors 1.6 .1, cool colours .3 -.9, cool colors .3 -.9,
pastel colours 1.5 -1.5, pastel colors 1.5 -1.5, pale pastel light 1.9 -2.3, pastel mist 1.5 -2.2, a pink and lavender haze 2.3 -2.0, a pink sky 1.8 -1.4, a soft glow 1.6 -1.5,
rosy light 1.9 -1.2, silvery mist .7 -2.4, thin mist .4 -1.5, a light haze .3 -1.0, pale light .2 -1.4, thick white mist -.1 -2.7, a white haze .1 -2.2, still air .2 -2.0,
mirror-smooth water 1.1 -2.5, drifting mist .0 -1.8, grey fog -1.0 -1.9, gray fog -1.0 -1.9, thick grey fog -1.5 -2.5, heavy fog -1.4 -2.2, dense fog -1.3 -2.4, fog -.8 -1.8,
cold fog -1.6 -2.1, ashen light -1.9 -1.8, dead leaves -1.7 -1.4, bare trees -1.7 -1.1, dead trees -2.2 -1.2, weeds -1.5 -.6, withered plants -1.9 -.9, dead branches -2.2 -1.5,
leaden light -1.9 -1.0, grey clouds -1.0 -.6, gray clouds -1.0 -.6, dark clouds -1.7 .1, a grey sky -1.1 -.9, a gray sky -1.1 -.9, a leaden sky -1.9 -1.1, a colourless sky -.8 -1.4,
dull light -.7 -1.1, faded colours -.6 -1.3, faded colors -.6 -1.3, drizzle -1.2 -.9, light rain -1.2 -.4, steady rain -1.8 -.5, cold rain -2.0 -.3, heavy rain -2.0 .8, pouring rain -2.1 1.2,
driving rain -2.1 1.7, wind and rain -1.6 1.4, a storm -1.8 2.0, a raging storm -2.2 2.6, lightning -2.1 2.4, thunder and lightning -2.2 2.5, a red sky -2.0 2.0, a black and red sky -2.6 2.3,
a blood-red sky -2.7 2.6, embers in the air -2.2 2.3, flying sparks -1.4 2.5, flames -2.2 2.6, smoke -2.0 1.6, black smoke -2.4 1.8, deep shadows -1.6 .6, long shadows -1.0 .1, black shadows -2.2 1.0,
broken windows -2.2 .3, dark windows -1.8 -.3, cracks and ruins -2.3 .1, crows -1.8 .3, a gale -1.1 2.2, strong wind -.5 1.8, gusts of wind -.4 1.6, a fresh breeze .7 .9, a light breeze .8 -.2, a gentle breeze 1.2 -.8,
whirling leaves -.2 1.7, whirling wind -.1 2.4, a hurricane -1.3 2.8, a whirlwind .0 2.7, glaring light -.1 1.7, an orange glow .6 1.6, a fiery sky -.3 2.2, high contrast -.3 1.5, even light .0 .0,
*plain daylight .1 -.1, ordinary weather .0 .0, a few clouds .0 .1, soft light 1.0 -1.2, natural colours .2 .0, natural colors .2 .0, clear air .6 .3, a swirl of colours 1.2 2.4, a swirl of colors 1.2 2.4,
an explosion of colour 1.9 2.7, an explosion of color 1.9 2.7, flashing lights .5 2.6, dancing lights 1.5 1.9, deep silence .0 -2.6, silence -.1 -2.1, deep stillness .5 -2.7, a deathly hush -2.2 -2.6,
an icy stillness -1.6 -2.7, total emptiness -2.4 -2.3, endless fog -2.2 -2.4, a cold grey void -2.8 -2.6, a cold gray void -2.8 -2.6, the silence of the grave -2.7 -2.9, dead still fog -2.0 -2.9, heavenly stillness 2.3 -2.8, the softest pastel light 2.7 -2.7,
a sleepy haze 1.0 -2.6, a hazy sky .2 -1.2, milky light .4 -1.8, a pale sky .1 -.7, thin clouds -.2 -.4, a lukewarm breeze .3 -.3, a slight chill -.5 -.1, dry leaves -.8 -.4, a fading light -.8 -1.5, a damp chill -1.2 -.2,
cold shadows -1.5 -.1, gathering clouds -.9 .6, a restless sky -.6 1.2, choppy waves -.3 1.4, distant thunder -1.2 1.1, a strange light -.7 .9, utter desolation -2.9 -2.4,
lifeless emptiness -2.9 -2.9, utter peace 2.9 -2.6, the stillness of paradise 2.9 -2.9, paradise 3.0 -.3, pure happiness 3.0 .4, utter misery -3.0 -.2, ruin and despair -3.0 .4,
an inferno -3.0 2.9, a burning sky -2.8 2.8, the end of the world -2.9 2.4, horror and chaos -3.0 2.0, a wild festival 2.9 2.9, a frenzy of joy 3.0 2.7, a frenzy of colours 1.6 2.9, a frenzy of colors 1.6 2.9,
pure chaos -.5 2.9, a wild whirl .4 2.9, total silence .0 -3.0, absolute stillness .4 -3.0, a deep sleepy hush 1.3 -2.9, a deep dreamless hush -.8 -2.9, flickering light -.7 1.4, high waves -.9 2.0
"""
# Adverbs scale how far from neutral a feeling is.
INTENSIFIERS = {
    "slightly": 0.45, "a little": 0.4, "a bit": 0.4, "faintly": 0.35, "mildly": 0.5, "somewhat": 0.55, "rather": 0.7, "fairly": 0.7, "quite": 0.8,
    "moderately": 0.6, "very": 1.15, "really": 1.15, "so": 1.1, "deeply": 1.25, "extremely": 1.3, "incredibly": 1.3, "terribly": 1.3, "utterly": 1.35,
}  # fmt: skip
# ... and these do so for nouns.
NOUN_INTENSIFIERS = {"a hint of": 0.4, "a touch of": 0.45, "a trace of": 0.35, "some": 0.7, "lots of": 1.15, "nothing but": 1.25}


def words_of(text: str) -> list[str]:
    """The words of a text, lower case, as `captions.vocabulary` lists them: letters only, without a possessive 's."""
    return re.findall(r"[^\W\d_]+", re.sub(r"(?<=\w)['’]s\b", "", text.lower()))


@dataclass(frozen=True)
class FeelingWord:
    """Words with their place on the plane. `form`: feeling | atmosphere | expression | light."""

    text: str
    valence: float
    arousal: float
    form: str
    daylight: bool = False
    plain: bool = True  # without an intensifier
    roots: frozenset[str] = frozenset()  # what must not be said twice

    @property
    def adjective(self) -> bool:
        """Whether it can stand before a noun: "a sad playground", but not "an in tears girl"."""
        return self.form != "light" and not re.match(r"(with|in|a|so|neither|not) ", self.text) and self.text.split()[-1] not in _TRAILING

    @property
    def of_place(self) -> bool:
        """Whether it can be said of a place: "a gloomy street", but not "an ashamed street"."""
        return self.form == "atmosphere" or (self.form == "feeling" and not _PLACE_FEELINGS.isdisjoint(self.roots))

    @property
    def noun(self) -> bool:
        return self.form == "light"


_PLACE_FEELINGS = set(
    "happy joyful cheerful merry jolly calm peaceful serene gentle lively playful sad gloomy melancholic mournful miserable lonely tense hostile grim "
    "sombre somber dull quiet hectic frantic wild busy mild solemn dreamy sleepy cosy cozy romantic dreary tranquil blissful wonderful marvellous "
    "marvelous lovely heavenly wretched lifeless hushed silent frenzied ordinary plain normal everyday average neutral usual unremarkable friendly "
    "nostalgic bitter forlorn hopeful comfortable drowsy mellow rowdy restless violent sober serious motionless still dead electrified".split()
)
_TRAILING = {"off", "joy", "fear", "panic", "rage", "sorrow", "slowly", "teeth", "lips", "asleep", "okay", "alright", "awake", "tired"}
_SMALL_WORDS = frozenset("a an the in of with to and on not for so some".split())
_ALREADY_COUNTED = re.compile(r"(a|an|the) |.*\band\b|.*\bin the air")


def _roots(text: str) -> frozenset[str]:
    return frozenset(words_of(text.replace("colour", "color").replace("grey", "gray"))) - _SMALL_WORDS


def _parsed(table: str, form: str) -> list[FeelingWord]:
    words = []
    for entry in " ".join(table.split()).split(","):
        text, valence, arousal = entry.strip().rsplit(" ", 2)
        words.append(FeelingWord(text.lstrip("*"), float(valence), float(arousal), form, text.startswith("*"), roots=_roots(text)))
    return words


def _scaled(word: FeelingWord, adverb: str, by: float) -> FeelingWord | None:
    valence, arousal = word.valence * by, word.arousal * by
    if max(abs(valence), abs(arousal)) > 3.0 or hypot(word.valence, word.arousal) < 0.45 or (adverb == "terribly" and valence > 0):
        return None
    return FeelingWord(f"{adverb} {word.text}", round(valence, 3), round(arousal, 3), word.form, word.daylight, plain=False, roots=word.roots)


def _lexicon() -> tuple[FeelingWord, ...]:
    gradable = _parsed(_FEELINGS, "feeling") + _parsed(_ATMOSPHERES, "atmosphere")
    lights = _parsed(_LIGHTS, "light")
    words = gradable + _parsed(_EXTREMES, "feeling") + _parsed(_EXPRESSIONS, "expression") + lights
    scaled = [_scaled(word, adverb, by) for word in gradable for adverb, by in INTENSIFIERS.items()]
    countless = [word for word in lights if not _ALREADY_COUNTED.match(word.text)]
    scaled += [_scaled(word, adverb, by) for word in countless for adverb, by in NOUN_INTENSIFIERS.items()]
    return (*words, *(word for word in scaled if word is not None))


LEXICON = _lexicon()


def split_names(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(","))
