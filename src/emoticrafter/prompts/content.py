"""What a prompt says of beings, place and sky, so that nothing is added that contradicts it. Read by short lists of words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from emoticrafter.prompts.words import words

__all__ = ["Content", "is_being", "read_content"]

_PERSON = """
man woman boy girl child kid baby toddler infant person guy lady gentleman teenager adult mother father mom dad parent
grandmother grandfather grandma grandpa daughter son brother sister bride groom couple family crowd team group friend student
pupil teacher doctor nurse patient farmer fisherman sailor soldier police policeman firefighter worker builder chef cook waiter
waitress barista baker musician singer guitarist pianist dancer artist painter actor athlete player swimmer runner skier surfer
climber cyclist skateboarder hiker rider driver pilot astronaut clown king queen monk nun priest king vendor seller shopper
customer tourist traveler passenger commuter businessman businesswoman scientist prisoner beggar homeless neighbor audience
spectator protester demonstrator refugee youth elder senior
"""
_PEOPLE = """
men women boys girls children kids babies toddlers people persons guys ladies gentlemen teenagers adults parents couples friends
students pupils teachers doctors nurses patients farmers fishermen sailors soldiers policemen firefighters workers builders
chefs waiters musicians singers dancers artists painters actors athletes players swimmers runners skiers surfers climbers
cyclists hikers riders tourists travelers passengers commuters businessmen scientists prisoners beggars neighbors spectators
protesters refugees youths elders brothers sisters twins daughters sons shoppers customers vendors pedestrians
"""
_ANIMAL = """
dog puppy cat kitten horse pony foal cow calf bull pig piglet sheep lamb goat donkey chicken hen rooster duck duckling goose
swan bird sparrow crow raven owl eagle hawk parrot penguin seagull pigeon rabbit hare squirrel fox wolf bear cub lion tiger
leopard cheetah elephant giraffe zebra monkey gorilla chimpanzee deer stag moose elk camel llama kangaroo koala panda seal
dolphin whale turtle frog snake lizard crocodile mouse rat hamster hedgehog otter beaver bat
"""
_ANIMALS = """
dogs puppies cats kittens horses ponies cows bulls pigs piglets sheep lambs goats donkeys chickens hens ducks ducklings geese
swans birds sparrows crows owls eagles parrots penguins seagulls pigeons rabbits hares squirrels foxes wolves bears cubs lions
tigers leopards elephants giraffes zebras monkeys gorillas deer camels llamas kangaroos koalas pandas seals dolphins whales
turtles frogs snakes lizards crocodiles mice rats otters
"""
_INDOORS = """
room kitchen bedroom bathroom office hallway corridor classroom library museum restaurant cafe pub shop store supermarket church
cathedral hospital gym studio indoors inside interior desk bed sofa couch staircase elevator theater cinema factory laboratory
lab nursery attic basement cellar armchair fireplace carpet pillow blanket toilet bathtub shower sink stove oven refrigerator
closet wardrobe subway stage aquarium gallery cockpit workshop ward cell prison dungeon counter
"""
_OUTDOORS = """
beach sea ocean lake river pond stream coast shore mountain mountains hill hills field fields meadow forest woods park garden
street road path trail bridge city town village harbor harbour port pier playground desert sky tree trees farm farmyard yard
backyard square market stadium boat ship sailboat ferry canyon cliff cliffs waterfall island jungle snow grass outdoors outside
countryside alley highway campsite cemetery graveyard sunset sunrise horizon valley savanna plain prairie orchard vineyard
lighthouse ruins castle sidewalk crosswalk parking skyline volcano glacier iceberg swamp marsh dune dunes rainforest lawn camp
tent campfire fountain fence railway tracks airport runway construction landscape rooftop balcony terrace reef wave waves
"""
_SUN = "sun sunny sunlit sunlight sunshine sunset sunrise daylight midday noon"
_DULL = (
    "rain rainy raining storm stormy thunderstorm fog foggy mist misty cloud clouds cloudy overcast snowing snowstorm blizzard "
    "drizzle thunder lightning tornado hurricane umbrella umbrellas"
)
_NIGHT = "night nighttime midnight moon moonlight moonlit stars starry fireworks"

_LEADING = r"(?:(?:an?|the|one|two|three|four|five|some|several|many|his|her|their|my)\s+)?(?:[\w-]+\s+){0,2}"


@dataclass(frozen=True, kw_only=True)
class Content:
    """What is to be seen.

    beings: who is there, to go on with ("the girl is", "they are"), empty if nobody; leads: the prompt begins with them, and
    holds nobody else that a participle could belong to. place: "in", "out" or "" where not said. sky: "sun", "dull", "night" or
    "" where not said.
    """

    prompt: str
    beings: str
    people: bool
    leads: bool
    place: str
    sky: str


def read_content(prompt: str) -> Content:
    """Read a prompt, one line without its last full stop."""
    found = words(prompt)
    people = [word for word in found if word in _SETS["people"] or word in _SETS["person"]]
    animals = [word for word in found if word in _SETS["animals"] or word in _SETS["animal"]]
    several = _SETS["people"] | _SETS["animals"]
    mentioned = people or animals
    beings = ""
    if len(set(mentioned)) > 1:
        beings = "they are"
    elif mentioned:
        is_many = mentioned[0] in several and mentioned[0] not in ("sheep", "deer")
        beings = f"the {mentioned[0]} {'are' if is_many else 'is'}"
    alone = len(people) + len(animals) == 1 and not re.search(r"[,.;:!?]|\band\b", prompt)
    leads = alone and re.match(_LEADING + re.escape(mentioned[0]) + r"\b", prompt, re.IGNORECASE) is not None
    outdoors, indoors = bool(_SETS["outdoors"] & set(found)), bool(_SETS["indoors"] & set(found))
    skies = [sky for sky in ("night", "dull", "sun") if _SETS[sky] & set(found)]
    return Content(
        prompt=prompt,
        beings=beings,
        people=bool(people),
        leads=leads,
        place="" if outdoors == indoors else "out" if outdoors else "in",
        sky=skies[0] if skies else "",
    )


def is_being(word: str) -> bool:
    """Whether a word, in lower case, is one for people or animals."""
    return any(word in _SETS[name] for name in ("person", "people", "animal", "animals"))


_SETS = {
    name: frozenset(text.split())
    for name, text in {
        "person": _PERSON, "people": _PEOPLE, "animal": _ANIMAL, "animals": _ANIMALS, "indoors": _INDOORS, "outdoors": _OUTDOORS,
        "sun": _SUN, "dull": _DULL, "night": _NIGHT,
    }.items()
}  # fmt: skip
