"""Phrases by which a picture shows a feeling, each with its place on the valence-arousal plane.

Placed by hand, by what a painter would use for the feeling; these are no norms from a study. A line of a list is

    valence arousal | phrase that follows a clause | clause of its own | conditions

with conditions among `sun`, `dull`, `night` (what the sky must be), `unlit` (not under the sun) and `in`, `out` (indoors,
outdoors only). The near-neutral
phrases are plain, so that little feeling adds little. Spelled the American way, as most captions that encoders learned from are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

__all__ = ["Phrase", "phrases"]

_LIGHT = """
2.7 2.5 | in a blaze of dazzling light | a blaze of dazzling light floods the scene |
1.6 2.5 | in flickering, many-colored light | many-colored lights flicker all around |
2.4 1.6 | in brilliant sunshine | brilliant sunshine pours down | sun out
2.0 0.8 | in bright morning sun | the bright morning sun reaches every corner | sun
2.3 0.1 | in warm, golden light | warm, golden light falls on the scene |
1.6 -0.4 | in gentle sunlight | gentle sunlight lies on the ground | sun
2.1 -1.1 | in soft, honeyed light | soft, honeyed light lingers on |
2.6 -1.9 | in the last warm glow of the evening | the last warm glow of the evening rests on the scene | sun
1.7 -1.9 | in a soft, hazy glow | a soft, hazy glow lies around |
2.6 -2.7 | in a dreamlike, rosy glow | a dreamlike, rosy glow lies around |
1.0 -2.6 | in quiet moonlight | quiet moonlight rests on the scene | night
1.0 1.3 | in crisp, sparkling light | crisp light sparkles on every surface |
0.9 0.2 | in friendly, clear light | the light is friendly and clear |
0.0 0.0 | in plain, even light | the light is plain and even |
-0.3 -0.4 | in flat, neutral light | the light is flat and neutral |
0.1 0.8 | in clear, strong light | the light is clear and strong |
0.3 2.0 | in sharp, restless light | sharp, restless light plays on every surface |
0.1 2.8 | in a whirl of flashing lights | lights flash and whirl everywhere |
0.4 -1.2 | in mild, diffuse light | the light is mild and diffuse |
0.1 -2.1 | in faint, still light | the light is faint and still |
-0.1 -2.8 | in dim, unmoving light | the light is dim and does not change | unlit
-0.7 -1.1 | in pale, washed-out light | the light is pale and washed out |
-0.9 -2.1 | in dim, faded light | the light has dimmed and faded | unlit
-0.9 0.5 | in cold, thin light | cold, thin light falls from one side |
-0.6 1.4 | in hard, glaring light | hard light glares from one side |
-1.1 2.4 | in stabbing flashes of light | stabbing flashes of light cut through the air |
-1.5 1.3 | in cold light with long, sharp shadows | long, sharp shadows cut through the cold light |
-1.8 0.5 | in deep shadow | deep shadows close in |
-2.0 2.1 | in harsh, flashing light | harsh light flashes without a pause |
-2.4 1.4 | in a lurid, red glow | a lurid, red glow creeps in | unlit
-2.7 2.5 | in a blood-red glare | a blood-red glare burns |
-2.7 0.6 | in threatening darkness | threatening darkness presses in from all sides | unlit
-1.3 -0.5 | in dull, gray light | dull, gray light hangs in the air | unlit
-2.0 -1.8 | in cold, cheerless light | the light is cold and cheerless |
-2.1 -0.2 | in harsh, joyless light | the light is harsh and joyless |
-2.1 -0.6 | in bleak, failing light | the bleak light is failing | unlit
-2.8 -0.8 | in a black, hopeless gloom | a black, hopeless gloom swallows the scene | unlit
-1.7 -1.6 | in ashen twilight | an ashen twilight sets in | unlit
-2.4 -1.7 | in lifeless, gray light | a lifeless, gray light lies on the scene | unlit
-2.6 -2.6 | in near darkness | hardly any light is left | unlit
"""

_WEATHER = """
2.7 2.3 | under a radiant sky with a rainbow | a rainbow blazes across the radiant sky | sun out
2.3 1.4 | under a brilliant blue sky | the sky is a brilliant blue | sun out
1.8 0.6 | under a clear blue sky | the sky is clear and blue | sun out
1.4 1.4 | in a fresh, lively breeze | a fresh, lively breeze blows | out
1.2 2.5 | in a wild, warm wind | a wild, warm wind sweeps through | out
2.2 -0.3 | on a mild and sunny day | the day is mild and sunny | sun out
2.4 -1.3 | under a rosy evening sky | the evening sky glows a soft rose | sun out
1.5 -1.1 | in a soft, warm breeze | a soft, warm breeze hardly stirs the air | out
2.1 -2.3 | under a pale, peaceful sky | the sky is pale and peaceful | out
1.0 -2.6 | under a silent sky full of stars | countless stars stand in the silent sky | night out
0.3 -2.3 | in thin, silvery mist | thin, silvery mist hangs in the still air | dull out
0.3 -1.2 | under a pale, hazy sky | the sky is pale and hazy | out
0.0 0.0 | in ordinary weather | the weather is ordinary | out
0.5 0.3 | under a few scattered clouds | a few clouds are scattered over the sky | out
-0.4 -0.6 | under a cover of light cloud | a cover of light cloud hides the sun | dull out
0.2 1.1 | in a brisk wind | a brisk wind blows | out
0.0 2.2 | in strong gusts of wind | the wind comes in strong gusts | out
-0.8 1.3 | under racing clouds | clouds race across the sky | dull out
-1.3 2.0 | in a gathering storm | a storm is gathering | dull out
-2.0 2.3 | in a violent thunderstorm | thunder rolls and the storm grows violent | dull out
-2.7 2.7 | under a black sky torn by lightning | lightning tears the black sky apart | dull out
-2.0 1.3 | in lashing rain | rain lashes down | dull out
-1.8 0.4 | under heavy, dark clouds | heavy, dark clouds hang low | dull out
-2.7 0.9 | under a sickly, smoke-dark sky | smoke darkens the sickly sky | dull out
-1.6 -0.3 | in cold, steady rain | cold rain falls steadily | dull out
-1.0 -0.9 | in gray drizzle | gray drizzle falls | dull out
-0.8 -1.8 | in cold fog | cold fog drifts in | dull out
-1.7 -1.3 | under a leaden sky | the sky is leaden | dull out
-2.5 -0.9 | under a bleak, sunless sky | the sky is bleak and sunless | dull out
-2.4 -2.2 | in thick, dead fog | thick fog has swallowed all life | dull out
-0.8 -2.7 | in dense, muffling fog | dense fog muffles every sound | dull out
2.0 0.6 | with sunshine streaming through the windows | sunshine streams through the windows | sun in
2.0 -1.5 | with the evening sun in the windows | the evening sun glows in the windows | sun in
-1.5 -0.5 | with cold rain running down the windows | cold rain runs down the windows | dull in
-2.1 2.1 | with a storm raging outside the windows | a storm rages outside the windows | dull in
-1.2 -1.8 | with gray fog behind the windows | gray fog stands behind the windows | dull in
"""

_COLOR = """
2.7 2.4 | in blazing, jubilant colors | the colors blaze with jubilation |
2.2 1.3 | in bright, vivid colors | the colors are bright and vivid |
1.3 2.3 | in electric colors | the colors are electric |
1.8 0.4 | in warm, rich colors | the colors are warm and rich |
2.3 -0.6 | in warm, golden tones | the whole picture glows in warm, golden tones |
2.2 -1.6 | in tender pastels | the colors are tender pastels |
2.3 -2.6 | in weightless, dreamy pastels | everything dissolves into weightless, dreamy pastels |
1.1 -2.2 | in pale, airy pastels | the colors are pale, airy pastels |
0.9 -0.8 | in soft greens and blues | soft greens and blues prevail |
0.7 0.8 | in fresh, clean colors | the colors are fresh and clean |
0.0 0.0 | in natural colors | the colors are natural |
0.2 -1.4 | in muted colors | the colors are muted |
-0.1 -2.5 | in faint, misty grays | all colors fade into faint, misty grays |
0.1 1.3 | in strong, clear colors | the colors are strong and clear |
-0.1 2.4 | in wildly clashing colors | the colors clash wildly |
-1.2 1.6 | in hard, jarring contrasts | the contrasts are hard and jarring |
-2.5 2.3 | in violent reds and blacks | violent reds and blacks dominate |
-2.1 1.3 | in sickly yellows and dark reds | sickly yellows and dark reds dominate |
-2.5 0.4 | in dark, poisonous greens | everything is tinged a dark, poisonous green |
-0.9 0.4 | in cool, sharp tones | the tones are cool and sharp |
-1.6 -0.2 | in cold, dark blues | cold, dark blues prevail |
-1.1 -1.2 | in dull grays and browns | dull grays and browns prevail |
-2.2 -1.1 | in bleak, ashen tones | everything has turned a bleak, ashen gray |
-2.3 -2.4 | in lifeless, drained grays | all color has drained away |
-1.1 -2.1 | in faded, colorless tones | all is faded and colorless |
"""

# What follows "is": of people, and of any living being.
_EXPRESSION = """
2.8 2.6 | shouting for joy | |
2.6 1.6 | laughing out loud | |
2.3 1.0 | beaming with delight | |
2.0 0.4 | smiling happily | |
1.8 -0.4 | smiling warmly | |
1.8 -1.1 | smiling softly | |
2.5 -1.5 | glowing with quiet contentment | |
2.3 -2.4 | perfectly at peace | |
0.9 -2.6 | drowsy and content | |
1.4 2.4 | wild with excitement | |
1.0 1.4 | bright-eyed and eager | |
0.7 0.6 | curious and attentive | |
0.4 2.4 | open-mouthed with amazement | |
0.0 0.0 | composed and matter-of-fact | |
0.3 -0.6 | calm and composed | |
0.2 -1.6 | quiet and self-absorbed | |
0.0 -2.7 | half asleep | |
-0.6 -1.3 | lost in thought | |
-0.4 0.6 | alert and serious | |
-0.9 0.9 | uneasy and watchful | |
-0.6 1.7 | tense and restless | |
-1.5 1.5 | visibly anxious | |
-0.8 2.4 | startled and breathless | |
-1.8 2.3 | shaking with anger | |
-2.4 2.7 | screaming with rage | |
-2.8 2.5 | screaming in terror | |
-2.3 1.7 | wide-eyed with fear | |
-2.1 0.9 | grimacing with disgust | |
-1.3 0.4 | frowning bitterly | |
-1.9 -0.1 | close to tears | |
-2.4 -0.2 | weeping | |
-2.8 0.7 | sobbing in anguish | |
-1.9 -0.9 | sad and downcast | |
-1.2 -0.8 | glum and withdrawn | |
-2.7 -1.1 | bowed by grief | |
-2.3 -2.0 | empty-eyed and hopeless | |
-1.3 -1.9 | slumped and weary | |
-2.4 -2.7 | numb and motionless | |
-0.9 -2.7 | utterly exhausted | |
"""

_BEARING = """
2.4 2.3 | bursting with joyful energy | |
2.2 1.2 | playful and merry | |
1.7 0.3 | bright and contented | |
1.9 -1.1 | relaxed and contented | |
2.0 -2.3 | blissfully at ease | |
0.6 1.3 | alert and curious | |
0.0 0.0 | much as usual | |
0.2 -1.4 | quiet and unhurried | |
0.0 -2.5 | still and drowsy | |
0.2 2.4 | wildly excited | |
-0.7 1.3 | nervous and watchful | |
-1.7 2.2 | bristling with anger | |
-2.5 2.5 | frantic with fear | |
-2.0 1.4 | frightened | |
-2.2 0.2 | miserable | |
-1.8 -0.8 | sad and forlorn | |
-1.2 -2.0 | weary and listless | |
-2.4 -2.1 | broken and listless | |
"""

_MOTION = """
2.5 2.6 | with everything in wild, joyful motion | everything is in wild, joyful motion |
2.1 1.6 | with a cheerful bustle all around | a cheerful bustle goes on all around |
1.4 2.2 | with a rush of energy in the air | a rush of energy fills the air |
1.6 0.8 | with a light, lively rhythm to it all | it all has a light, lively rhythm |
1.7 -0.4 | with an easy, unhurried rhythm to it all | it all has an easy, unhurried rhythm |
1.9 -1.4 | with everything drifting along gently | everything drifts along gently |
2.3 -2.4 | in blissful stillness | a blissful stillness reigns |
0.9 -2.4 | in deep, restful quiet | a deep, restful quiet reigns |
-0.1 -2.8 | in absolute stillness | nothing moves at all |
0.1 -1.4 | with hardly any movement | hardly anything moves |
0.0 0.0 | as on any other day | everything goes its ordinary way |
0.2 0.9 | with steady movement all around | there is steady movement all around |
0.1 1.8 | in a hectic whirl | a hectic whirl goes on all around |
-0.3 2.7 | in frantic motion | everything is in frantic motion |
-1.4 2.2 | in a chaotic rush | everything rushes about in chaos |
-2.4 2.5 | with panic spreading everywhere | panic spreads everywhere |
-2.0 1.6 | with violence in every movement | there is violence in every movement |
-1.1 1.1 | with nervous, jerky movement all around | all movement is nervous and jerky |
-1.9 0.7 | with something sinister lurking just out of sight | something sinister lurks just out of sight |
-0.8 0.1 | with stiff, reluctant movement | all movement is stiff and reluctant |
-1.5 -0.3 | with slow, heavy movement | all movement is slow and heavy |
-1.4 -1.2 | with everything moving wearily | everything moves wearily |
-2.3 -1.1 | with everything drooping and sinking | everything droops and sinks |
-1.2 -2.4 | in heavy, stifling silence | a heavy, stifling silence reigns |
-2.5 -2.4 | in dead silence | a dead silence reigns |
"""

# Adjectives | a clause.
_MOOD = """
2.8 2.7 | ecstatic | pure ecstasy fills the air |
2.5 2.0 | jubilant | jubilation fills the air |
2.5 1.2 | joyful | joy is everywhere |
2.0 0.7 | cheerful | good cheer is in the air |
1.5 2.1 | thrilling | a thrill is in the air |
1.6 1.4 | lively and bright | high spirits are in the air |
0.9 2.6 | electrifying | the air crackles with excitement |
1.2 0.6 | hopeful | hope is in the air |
2.5 0.0 | loving | love is in the air |
1.8 -0.6 | warm and contented | a warm contentment fills the air |
2.1 -1.3 | cozy and tender | tenderness fills the air |
2.7 -2.2 | blissfully peaceful | there is nothing but bliss and peace |
1.6 -2.0 | serene | a deep serenity fills the air |
1.0 -2.8 | drowsy and dreamlike | everything seems to drift into sleep |
1.0 -1.2 | calm | a gentle calm lies over it all |
0.5 0.9 | expectant | something good may be about to happen |
0.0 0.0 | neutral | nothing is out of the ordinary |
0.2 -0.5 | plain and quiet | everything is as usual |
0.2 1.7 | charged | the air is charged with energy |
0.0 2.8 | overwhelming | it is all too much at once |
-0.1 -1.2 | subdued | all is subdued |
0.1 -2.0 | hushed | a hush lies on the scene |
-0.1 -2.9 | utterly still | time seems to stand still |
-0.6 -0.7 | wistful | a faint sadness is in the air |
-0.7 0.7 | uneasy | something does not feel right |
-0.8 1.7 | tense | the tension can be felt |
-1.0 2.6 | frenzied | a frenzy is in the air |
-1.7 2.1 | hostile and furious | fury is in the air |
-2.6 2.6 | terrifying | sheer terror fills the air |
-2.2 1.7 | menacing | menace is in the air |
-1.6 1.0 | ominous | something terrible seems about to happen |
-1.2 0.3 | eerie | an eerie unease hangs over it all |
-2.3 0.8 | sinister | dread creeps in from all sides |
-2.9 1.6 | nightmarish | it all has turned into a nightmare |
-2.9 0.1 | anguished | there is nothing but anguish |
-2.2 -0.4 | sorrowful | sorrow fills the air |
-1.5 -0.6 | gloomy | gloom hangs over it all |
-1.2 -1.3 | melancholy | a quiet melancholy hangs over it all |
-1.9 -1.3 | lonely and forlorn | loneliness hangs over it all |
-2.6 -1.2 | hopeless | hopelessness fills the air |
-2.8 -2.2 | desolate | there is nothing but desolation |
-1.8 -2.2 | bleak and lifeless | all life seems to have gone |
-0.9 -2.2 | weary | a great weariness lies over it all |
"""

_LISTS = {
    "light": _LIGHT, "weather": _WEATHER, "color": _COLOR, "expression": _EXPRESSION, "bearing": _BEARING, "motion": _MOTION,
    "mood": _MOOD,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """One way to show a feeling. told: a clause that stands alone; conditions: what the scene must be for it."""

    valence: float
    arousal: float
    phrase: str
    told: str
    conditions: frozenset[str]


@cache
def phrases(kind: str) -> tuple[Phrase, ...]:
    """The phrases of one kind: light, weather, color, expression (of people), bearing (of any being), motion or mood."""
    found = []
    for line in _LISTS[kind].strip().split("\n"):
        place, phrase, told, conditions = (part.strip() for part in line.split("|"))
        valence, arousal = map(float, place.split())
        found.append(Phrase(valence=valence, arousal=arousal, phrase=phrase, told=told, conditions=frozenset(conditions.split())))
    return tuple(found)
