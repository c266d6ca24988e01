"""Names for what a scene holds: subjects, places, actions, times. Coverage was checked against the keywords of Unicode CLDR."""

from __future__ import annotations

import re

# The first name of each is the canonical one.

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
    "duck": "duck, duckling, mallard, drake, little duck",
    "penguin": "penguin, little penguin, baby penguin, emperor penguin",
    "turtle": "turtle, tortoise, sea turtle, little turtle, terrapin, green turtle",
    "butterfly": "butterfly, moth, insect, blue butterfly, little butterfly",
    "owl": "owl, little owl, brown owl, barn owl, night owl",
    "bird": "bird, little bird, small bird, songbird, robin, sparrow, feathered bird",
    "deer": "deer, stag, doe, fawn, roe deer, young deer, reindeer",
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
}

# "on|at a|the beach, shore; ...": prepositions, articles, nouns. `-` is none, `_` a space within a preposition, and a noun
# with * is only for the day (a city at night is a place of its own).
PLACE_NAMES = {
    "playground": (
        "on|at|in a|the playground, children's playground, kids' playground, play area, play park, adventure playground; "
        "by|near|next_to|in_front_of a|the slide, playground slide, swing, climbing frame, sandpit; by|near the swings"
    ),
    "beach": (
        "on|at a|the beach, sandy beach, seaside beach, beach by the sea, tropical beach; at|by|near the seaside, sea, "
        "seashore, shore, coast, ocean; on the sand, shore, coast, seashore; in_front_of|by the waves, ocean, sea"
    ),
    "forest": (
        "in a|the forest, wood, pine forest, forest clearing, green forest, jungle, rainforest, forest of tall trees, grove; "
        "in the woods, woodland, wilderness; among|between the trees, tall trees, fir trees, pine trees; on a|the forest path, "
        "forest trail, woodland path"
    ),
    "street": (
        "on|in a|the street, city street*, town street*, village street, side street, street with houses; on a|the road, "
        "sidewalk, pavement, avenue, street corner, highway, main road; in a|the town*, city*, neighbourhood, neighborhood, "
        "suburb, lane, alley; in_front_of|between the houses, buildings, shops; in_front_of|near a|the house, building, row of "
        "houses, shop"
    ),
    "room": (
        "in a|the room, living room, bedroom, nursery, children's room, playroom, lounge, sitting room, child's room, small "
        "room; in a|the house, flat, apartment; in_front_of|by|near a|the sofa, couch, armchair, window, bed; at - home; - - "
        "indoors, inside"
    ),
    "lake": (
        "by|at|near|beside a|the lake, mountain lake, lake in the mountains, small lake, pond, river, lake with reeds; "
        "on|by|at the lakeside, lakeshore, water, waterside, riverbank, shore of a lake; on a|the lake shore, river bank"
    ),
    "meadow": (
        "in|on a|the meadow, field, flower meadow, grassy field, green field, pasture, field of flowers, flower field, "
        "wildflower meadow; in|on the grass, fields, hills, grassland; among the flowers, wildflowers; in the countryside, "
        "country; in - nature; on a|the hill, hillside, green hill"
    ),
    "harbour": (
        "at|in a|the harbour, harbor, port, marina, fishing port, seaport, fishing harbour, small harbor; on|by|at|near a|the "
        "dock, quay, pier, jetty, wharf, quayside; at the docks; by|near|in_front_of the boats, ships, fishing boats, "
        "waterfront"
    ),
    "desert": (
        "in a|the desert, sandy desert, rocky desert, desert with cacti, dry desert, desert landscape; in|among|between the "
        "dunes, sand dunes, cacti, cactuses; in|on the desert sand; on a|the dune, sand dune; in the sahara"
    ),
    "snowy_village": (
        "in a|the snowy village, winter village, village in the snow, snowy town, snow-covered village, mountain village in "
        "winter, village in winter; in|on the snow; in a|the snowy landscape, winter landscape; in_front_of a|the snowy house, "
        "snowy cottage, snow-covered house, snow-covered cottage; - - in winter"
    ),
    "night_city": (
        "in a|the city at night, night city, big city at night, neon city, metropolis at night, downtown street at night, city "
        "centre at night, city center at night, town at night; in_front_of a|the skyline at night, night skyline, night "
        "cityscape, city skyline at night; in_front_of|under|below the city lights, neon lights, skyscrapers at night, "
        "skyscrapers; in - downtown at night"
    ),
    "park": (
        "in|at a|the park, city park, public park, garden, green park, town park, public garden, park with trees, national "
        "park; on a|the lawn, park lawn, path in a park, park path; under a|the tree in a park"
    ),
    "school": (
        "at|outside|in_front_of|near a|the school, school building, schoolhouse, primary school, elementary school, village "
        "school; in|on|at a|the schoolyard, school yard, school grounds; in a|the classroom, school"
    ),
    "hospital": (
        "at|outside|in_front_of|near a|the hospital, clinic, hospital building, medical centre, medical center, city hospital, "
        "health centre, infirmary; in a|the hospital, clinic, hospital ward"
    ),
    "cemetery": (
        "in|at a|the cemetery, graveyard, churchyard, old cemetery, old graveyard, burial ground; among|between the graves, "
        "gravestones, tombstones, headstones, tombs; by|near|beside a|the grave, gravestone, tombstone, tomb"
    ),
    "market": (
        "at|in a|the market, marketplace, market place, street market, farmers' market, fruit market, market square, bazaar, "
        "vegetable market, food market, town square; among|between the market stalls, stalls; at|by|near a|the market stall, "
        "fruit stall, stall, fruit stand; in a|the shop, store"
    ),
    "farm": (
        "on|at a|the farm, ranch, small farm, dairy farm, farmyard; by|near|outside|in_front_of a|the barn, farmhouse, stable, "
        "red barn, shed, farm building; in a|the farmyard, barnyard"
    ),
    "castle": (
        "at|near|outside|in_front_of|by a|the castle, old castle, medieval castle, palace, fortress, stone castle, royal "
        "palace, fairytale castle, castle with towers; in a|the castle courtyard, castle garden, castle; below|under the "
        "castle walls, castle towers, towers of a castle"
    ),
}

# "base/third person/participle tail"; where an action needs no verb, the scene is only "a dog on a beach".
ACTION_NAMES = {
    "standing": "stand/stands/standing, stand/stands/standing there, stand/stands/standing around, wait/waits/waiting",
    "walking": (
        "walk/walks/walking, stroll/strolls/strolling, take/takes/taking a walk, go/goes/going for a walk, walk/walks/walking "
        "along, hike/hikes/hiking"
    ),
    "running": "run/runs/running, jog/jogs/jogging, race/races/racing along, sprint/sprints/sprinting, run/runs/running fast",
    "jumping": (
        "jump/jumps/jumping, leap/leaps/leaping, hop/hops/hopping, jump/jumps/jumping up, jump/jumps/jumping in the air, "
        "skip/skips/skipping"
    ),
    "dancing": "dance/dances/dancing, dance/dances/dancing around, do/does/doing a dance",
    "waving": (
        "wave/waves/waving, wave/waves/waving a hand, wave/waves/waving hello, wave/waves/waving goodbye, say/says/saying "
        "hello, greet/greets/greeting us"
    ),
    "sitting": "sit/sits/sitting, sit/sits/sitting down, sit/sits/sitting on the ground, rest/rests/resting on the ground",
    "reading": (
        "read/reads/reading a book, read/reads/reading, look/looks/looking at a book, hold/holds/holding a book, "
        "study/studies/studying, read/reads/reading a story"
    ),
    "flying_kite": (
        "fly/flies/flying a kite, play/plays/playing with a kite, hold/holds/holding a kite, go/goes/going kite flying, "
        "fly/flies/flying a big kite"
    ),
    "holding_balloon": (
        "hold/holds/holding a balloon, carry/carries/carrying a balloon, hold/holds/holding a red balloon, hold/holds/holding "
        "on to a balloon"
    ),
    "holding_umbrella": (
        "hold/holds/holding an umbrella, carry/carries/carrying an umbrella, hold/holds/holding up an umbrella, "
        "stand/stands/standing under an umbrella"
    ),
    "playing_ball": (
        "play/plays/playing ball, play/plays/playing with a ball, play/plays/playing football, play/plays/playing soccer, "
        "kick/kicks/kicking a ball, throw/throws/throwing a ball, catch/catches/catching a ball, play/plays/playing, "
        "play/plays/playing a game"
    ),
    "playing_guitar": (
        "play/plays/playing the guitar, play/plays/playing guitar, play/plays/playing a guitar, play/plays/playing music, "
        "strum/strums/strumming a guitar, make/makes/making music"
    ),
    "eating_ice_cream": (
        "eat/eats/eating ice cream, eat/eats/eating an ice cream, lick/licks/licking an ice cream, have/has/having an ice "
        "cream, hold/holds/holding an ice cream cone, eat/eats/eating a dessert"
    ),
    "hugging_teddy": (
        "hug/hugs/hugging a teddy bear, hug/hugs/hugging a teddy, hold/holds/holding a teddy bear, cuddle/cuddles/cuddling a "
        "teddy bear, carry/carries/carrying a toy bear, hug/hugs/hugging a stuffed animal, hold/holds/holding a toy"
    ),
    "sleeping": (
        "sleep/sleeps/sleeping, nap/naps/napping, take/takes/taking a nap, lie/lies/lying asleep, lie/lies/lying down, "
        "doze/dozes/dozing"
    ),
    "driving": (
        "drive/drives/driving, drive/drives/driving along, drive/drives/driving by, move/moves/moving, roll/rolls/rolling by, "
        "pass/passes/passing by"
    ),
}

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
}
VEHICLE_STANDING = "are parked/is parked/parked, stand/stands/standing, wait/waits/waiting, are stopped/is stopped/stopped"
THING_STANDING = "lie/lies/lying, stand/stands/standing"

# "a girl with a kite": an action told without a verb; and words for the list form "beach, girl, kite".
ACTION_PHRASES = {
    "flying_kite": "with a kite",
    "holding_balloon": "with a balloon, with a red balloon",
    "holding_umbrella": "with an umbrella, under an umbrella",
    "playing_ball": "with a ball, with a football",
    "playing_guitar": "with a guitar",
    "eating_ice_cream": "with an ice cream, with an ice cream cone",
    "hugging_teddy": "with a teddy bear, with a teddy",
    "reading": "with a book",
    "sleeping": "asleep",
}
ACTION_KEYWORDS = {
    "walking": "walking, walk, stroll",
    "running": "running, run",
    "jumping": "jumping, jump",
    "dancing": "dancing, dance",
    "waving": "waving, wave",
    "sitting": "sitting, seated",
    "reading": "book, reading, read",
    "flying_kite": "kite, flying a kite, kite flying",
    "holding_balloon": "balloon, red balloon",
    "holding_umbrella": "umbrella",
    "playing_ball": "ball, football, soccer, playing ball",
    "playing_guitar": "guitar, music, playing the guitar",
    "eating_ice_cream": "ice cream, ice cream cone, eating",
    "hugging_teddy": "teddy bear, hug, toy",
    "sleeping": "sleeping, asleep, sleep",
    "driving": "driving, moving, on the move",
    "standing": "standing",
}
# "kite flying girl", "sleeping dog".
ACTION_ADJECTIVES = {
    "walking": "walking",
    "running": "running",
    "jumping": "jumping, leaping",
    "dancing": "dancing",
    "waving": "waving",
    "sitting": "sitting, seated",
    "reading": "reading, book reading",
    "flying_kite": "kite flying, kite-flying",
    "playing_ball": "ball playing",
    "playing_guitar": "guitar playing, guitar-playing",
    "sleeping": "sleeping, dozing",
    "driving": "moving",
}

TIME_PHRASES = {
    "day": (
        "during the day, in the daytime, in the morning, in the afternoon, at noon, in the day, by day, at midday, in daylight"
    ),
    "evening": (
        "at sunset, in the evening, at dusk, at twilight, at sundown, at nightfall, in the evening light, at the end of the "
        "day, as the sun sets, under an evening sun, at dawn, at sunrise, under an evening sky"
    ),
    "night": (
        "at night, by night, after dark, in the night, under the stars, under the moon, under the moon and stars, at midnight, "
        "in the moonlight, under a starry sky, late at night, under a night sky"
    ),
}
TIME_KEYWORDS = {
    "day": "day, daytime, morning, noon, afternoon",
    "evening": "evening, sunset, dusk, twilight, sundown, sunrise, dawn",
    "night": "night, night time, moonlight, stars, moon, midnight, starry sky",
}

# Two people under one name.
CHILDREN_PAIRS = "two children, two kids, two friends, children, kids, a brother and a sister"
SAME_CHILDREN_PAIRS = "two children, two kids, two friends, children, kids"
GROWN_UP_PAIRS = "two people, two friends, people, two adults, two persons"
COUPLES = "a couple, a man and his wife, two people, two friends, people"
OLD_COUPLES = "an old couple, an elderly couple, grandparents, two old people, two pensioners, old people"
MIXED_PAIRS = "two people, people, two friends, a family"
FAMILY_PAIRS = {  # an adult of this kind and any child
    "woman": "a mother and her child, a mother and child, a mum and her kid, a mom and her kid, a parent and a child",
    "man": "a father and his child, a father and child, a dad and his kid, a parent and a child",
    "grandmother": "a grandmother and her grandchild, a grandma and her grandchild, a grandparent and a child",
    "grandfather": "a grandfather and his grandchild, a grandpa and his grandchild, a grandparent and a child",
}

GARMENTS = "shirt, sweater, jumper, coat, jacket, t-shirt, pullover, hoodie"
DRESSES = "dress, skirt"
PICTURE_WORDS = (
    "a picture of, a photo of, an image of, a drawing of, an illustration of, a painting of, a scene with, a view of, "
    "a picture book scene with, a storybook picture of, a children's book illustration of, picture of, drawing of, "
    "illustration of, a cartoon of, a photograph of"
)
IRREGULAR_PLURALS = {
    "child": "children",
    "woman": "women",
    "man": "men",
    "person": "people",
    "sheep": "sheep",
    "deer": "deer",
    "calf": "calves",
    "ox": "oxen",
    "lady": "ladies",
    "baby": "babies",
    "fireman": "firemen",
    "gentleman": "gentlemen",
    "someone": "people",
    "spaceman": "spacemen",
    "snowman": "snowmen",
    "spacecraft": "spacecraft",
}


def words_of(text: str) -> list[str]:
    """The words of a text, lower case, as `captions.vocabulary` lists them: letters only, without a possessive 's."""
    return re.findall(r"[^\W\d_]+", re.sub(r"(?<=\w)['’]s\b", "", text.lower()))


def split_names(names: str) -> tuple[str, ...]:
    """The names of a comma-separated list."""
    return tuple(name.strip() for name in names.split(","))


def with_article(phrase: str) -> str:
    """The phrase with the indefinite article that its sound asks for."""
    vowel = phrase[0] in "aeiou" and not re.match(r"(one|uni|use|usu|eu)", phrase)
    return f"{'an' if vowel else 'a'} {phrase}"
