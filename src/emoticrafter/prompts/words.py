"""English words as the checks and the rules see them: stems, function words, words of feeling.

Lists of our own, short on purpose: what they miss is not doubted. Feelings carry a sign: + pleasant, - unpleasant, none either.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["FEELINGS", "FUNCTION_WORDS", "LOOKS", "stem", "words"]

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")

_FEELINGS = """
happy+ joy+ joyous+ cheer+ cheery+ glad+ merry+ jolly+ delight+ please+ pleasant+ pleasure+ content+ contentment+ calm+ peace+
serene+ serenity+ tranquil+ tranquility+ relax+ gentle+ gently+ tender+ love+ lovely+ loving+ affection+ hope+ carefree+ excite+
excitement+ thrill+ ecstatic+ ecstasy+ euphoria+ euphoric+ elate+ jubilant+ jubilation+ exhilarate+ exuberant+ bliss+ proud+
pride+ triumph+ triumphant+ gratitude+ amuse+ amusement+ fun+ funny+ beautiful+ beauty+ wonderful+ marvelous+ magical+ enchant+
charm+ idyllic+ cozy+ cosy+ comfort+ comfortable+ inspire+ optimism+ optimistic+ festive+ harmony+ harmonious+ soothe+ romantic+
awe+ awestruck+ radiant+ dreamy+ heartwarming+ uplift+ smile+ grin+ laugh+ laughter+ giggle+ sad- sorrow- grief- grieve- mourn-
gloom- gloomy- melancholy- melancholic- misery- miserable- lonely- loneliness- lonesome- depress- depression- despair-
desperate- desperation- hopeless- unhappy- anguish- agony- torment- heartbreak- heartbroken- regret- anger- angry- rage- fury-
furious- hate- hatred- hostile- hostility- bitter- wrath- annoy- irritate- frustrate- frustration- fear- afraid- fright-
frighten- terror- terrify- terrible- horror- horrify- horrible- horrific- panic- dread- scare- scary- anxiety- anxious- worry-
nervous- tense- tension- uneasy- unease- distress- upset- disgust- disgusting- repulsive- revolting- loathe- contempt- shame-
guilt- guilty- envy- jealous- jealousy- menace- sinister- ominous- eerie- creepy- spooky- nightmare- nightmarish- haunt-
threaten- threat- bleak- desolate- desolation- dreary- dismal- grim- forlorn- weary- tragic- tragedy- ugly- awful- cruel-
violent- violence- hurt- suffer- pain- painful- shock- alarm- frantic- frenzy- frenzied- hysterical- wretched- dejected-
downcast- weep- sob- cry- scream- frown- scowl- somber- sombre- disturb- oppressive- helpless- numb- bored boredom sleepy drowsy
surprise astonish amaze amazement wistful nostalgia nostalgic solemn pensive restless emotion emotional mood feeling atmosphere
hushed subdue languid lethargic curious curiosity passion passionate intense eager energetic electrify overwhelm dramatic
chaotic chaos
"""

# What a picture shows a feeling by.
_LOOKS = """
light lit glow gleam glare shine shimmer sparkle glitter bright brilliant dazzle radiance blaze dim dark darkness shadow shade
gray grey gold golden pale faded vivid vibrant color colour colorful colourful colorless pastel warm cold cool icy muted ashen
bleached blood drained tone hue palette contrast sun sunny sunlit sunlight sunshine sunset sunrise dawn dusk twilight moon
moonlit moonlight star night storm stormy thunder lightning rain rainy drizzle fog foggy mist misty haze hazy cloud cloudy
overcast leaden snow wind windy breeze gust rainbow sky weather smile smiling laugh grin beam giggle cheering tear weep cry sob
wail scream shout yell frown scowl glare stare tremble shake shiver slump droop bow clench wide-eyed expression face gaze brow
fist embrace dance leap frozen still stillness silence silent quiet motionless swirl whirl rush race frenetic drift float sway
broken ruin decay wither bloom blossom soft softly harsh harshly stark rough smooth heavy weight empty abandoned crowded
confetti ember smoke flame fire
"""

_FUNCTION_WORDS = """
a an the this that these those some any each every all both no not and or but nor so yet if while as than then there here of to
in on at by for with from into onto over under above below behind before after between beside besides near next through across
along around about against among up down off out inside outside upon toward towards within without during is are was were be
been being am has have had do does did it its he she they them his her hers their theirs him i you we us our your my me who whom
whose which what where when very more most other another such own same one two three four five six seven eight nine ten several
many few much front back top side photo photograph picture image scene view prompt painting close
"""

_LOOK_INFLECTED = "this his its bus gas lens always sing king ring wing thing red bed wedding"
_ENDINGS = ("fully", "ness", "ful", "ing", "ied", "ies", "ily", "ed", "es", "ly", "s")
_hisses = re.compile(r"(s|x|z|ch|sh)$").search  # after these, the plural is -es


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """What forms of one English word share, roughly: "smiling", "smiles", "smiled" -> "smil"; "happily", "happy" -> "happi".

    Words of four letters keep their e, so that hope is no hop and rage no rag.
    """
    word = word.lower().replace("\u2019", "'").removesuffix("'s").removesuffix("'")
    if word in _LOOK_INFLECTED.split():
        return word
    for ending in _ENDINGS:
        rest = word.removesuffix(ending)
        is_plural = {"s": not rest.endswith("s"), "es": _hisses(rest) is not None}
        if rest == word or len(rest) < 2 + (ending not in ("ied", "ies")) or not is_plural.get(ending, True):
            continue
        word = f"{rest}i" if ending in ("ied", "ies", "ily") else rest
        break
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz"  # runn
    if doubled or (len(word) > 4 and word.endswith("e")):
        word = word[:-1]
    return f"{word[:-1]}i" if len(word) > 2 and word.endswith("y") else word


def words(text: str) -> list[str]:
    """The words of a text in lower case; numbers and punctuation are none."""
    return [match.group().lower() for match in _WORD.finditer(text)]


def _signed(text: str) -> dict[str, int]:
    """Stems with +1, -1 or 0."""
    return {stem(word.rstrip("+-")): word.endswith("+") - word.endswith("-") for word in text.split()}


FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
FEELINGS = _signed(_FEELINGS)
LOOKS = frozenset(map(stem, _LOOKS.split()))
