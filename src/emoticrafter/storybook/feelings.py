"""Words for a feeling: a lexicon on the valence-arousal plane, and sets of its words whose mean is a given point.

The coordinates were placed by hand to agree with what `world.mood` paints; they are not those of a published norm list.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import hypot

import numpy as np

from emoticrafter.emotion import Emotion
from emoticrafter.storybook.words import split_names, with_article, words_of
from emoticrafter.storybook.world import scene as world
from emoticrafter.storybook.world.scene import Scene

# "words valence arousal", both in [-3, 3].

# Adjectives that fit a place, a picture and a being alike, and take "slightly" or "very".
_FEELINGS = """
happy 2.3 .9, joyful 2.5 1.3, cheerful 2.2 1.1, glad 1.9 .1, merry 2.2 1.5, jolly 2.1 1.3, content 1.8 -.9, contented 1.9 -1.1,
pleased 1.7 .1, calm 1.2 -1.9, peaceful 1.9 -1.8, serene 2.1 -2.1, relaxed 1.7 -1.6, gentle 1.4 -1.3, tender 1.8 -.9, loving 2.2
.1, hopeful 1.5 .4, carefree 2.0 -.3, playful 1.8 1.1, lively 1.5 1.7, energetic 1.2 2.1, excited 1.8 2.2, proud 1.9 .8,
confident 1.7 .5, friendly 1.8 .2, kind 1.8 -.4, warm-hearted 2.0 -.1, sad -2.0 -1.0, unhappy -1.8 -.4, gloomy -1.7 -1.2,
melancholic -1.2 -1.4, sorrowful -2.0 -1.3, mournful -2.2 -1.4, miserable -2.5 -.5, lonely -1.8 -1.3, depressed -2.3 -1.8,
hopeless -2.5 -1.5, desperate -2.3 1.2, tense -.7 1.6, nervous -.9 1.5, anxious -1.4 1.5, worried -1.3 .8, uneasy -1.1 .6,
restless -.5 1.4, agitated -1.1 2.0, angry -1.8 2.1, hostile -2.0 1.2, hateful -2.5 1.5, bitter -1.8 .2, grim -2.0 -.2, sombre
-1.3 -1.0, somber -1.3 -1.0, tired -.6 -1.8, weary -1.0 -1.7, sleepy .2 -2.2, drowsy .3 -2.4, dreamy 1.2 -1.6, dull -.7 -1.0,
listless -1.1 -2.1, apathetic -1.0 -2.3, quiet .4 -1.4, curious .7 .8, alert .2 1.2, busy .2 1.4, hectic -.4 1.9, frantic -1.0
2.5, wild .4 2.5, passionate 1.2 2.0, spirited 1.5 1.5, adventurous 1.2 1.6, mild .6 -.6, sober -.2 -.5, serious -.4 .0, solemn
-.4 -1.1, thoughtful .3 -.9, pensive -.3 -1.2, wistful -.4 -1.3, nostalgic .3 -1.1, patient .7 -1.0, shy -.2 -.4, timid -.6 .1,
cautious -.3 .5, eager 1.2 1.4, impatient -.7 1.2, annoyed -1.1 .9, irritated -1.3 1.2, grumpy -1.3 .3, cranky -1.3 .6, moody
-1.0 -.1, troubled -1.5 .5, distressed -1.9 1.2, upset -1.7 .9, fearful -1.8 1.6, scared -1.8 1.7, frightened -2.0 1.9, helpless
-2.0 .3, disappointed -1.4 -.5, dejected -1.9 -.9, despondent -2.1 -1.1, downcast -1.6 -1.0, heavy-hearted -1.8 -.8, forlorn
-2.0 -1.5, withdrawn -1.1 -1.5, sluggish -.4 -2.0, lazy .4 -1.9, soothed 1.6 -1.9, satisfied 1.8 -.8, grateful 2.0 -.3,
optimistic 1.7 .5, lighthearted 2.0 .4, bubbly 2.0 1.7, giddy 1.7 1.9, surprised .5 1.9, amazed 1.3 1.8, amused 1.6 .9,
mischievous .8 1.5, rowdy .0 2.0, feisty .3 1.8, aggressive -1.6 2.2, violent -2.3 2.3, resentful -1.8 .7, suspicious -1.0 .8,
jealous -1.4 1.1, ashamed -1.7 .2, sorry -1.3 -.4, regretful -1.4 -.7, homesick -1.2 -.6, bored -.8 -1.4, indifferent -.3 -1.0,
detached -.5 -1.5, subdued -.3 -1.6, mellow 1.0 -1.5, easygoing 1.3 -1.0, comfortable 1.6 -1.2, refreshed 1.5 .2, inspired 1.8
1.2, enthusiastic 2.0 1.7, cosy 1.9 -1.4, cozy 1.9 -1.4, romantic 2.0 -.4, graceful 1.5 -.7, dreary -1.5 -1.4, stern -.7 .3,
stubborn -.6 .8, weepy -1.7 -.3, astonished .8 2.3, alarmed -.5 2.4, afraid -1.4 2.2, frustrated -1.7 1.4, droopy -.6 -2.1,
bittersweet -.3 -.5, disgusted -2.3 .7, cute 1.8 .3, nice 1.5 .0, good 1.7 .1, bad -1.7 .1, funny 2.0 1.0, crazy .3 2.4, mad
-1.5 2.1, strange -.5 .6, weird -.6 .7, mysterious -.2 .8, peevish -1.0 .4, reserved -.1 -.8, unhurried .7 -1.3, tearful -1.8 .1
"""
# The same, but already as strong or as weak as they get.
_EXTREMES = """
ecstatic 2.9 2.5, euphoric 2.9 2.2, elated 2.6 1.8, exuberant 2.5 2.1, exhilarated 2.5 2.7, thrilled 2.6 2.4, overjoyed 2.9 1.9,
jubilant 2.7 2.1, triumphant 2.4 1.7, delighted 2.5 1.0, blissful 2.8 -1.2, radiant 2.6 .5, tranquil 1.8 -2.4, perfectly calm
1.5 -2.7, deeply relaxed 2.1 -2.6, utterly peaceful 2.6 -2.6, deeply serene 2.9 -2.4, in deep bliss 3.0 -1.9, wonderful 2.7 .2,
marvellous 2.7 .7, marvelous 2.7 .7, lovely 2.3 -.2, heavenly 2.8 -1.7, furious -2.4 2.6, enraged -2.6 2.8, raging -2.2 2.9,
terrified -2.7 2.4, panicked -2.2 2.8, hysterical -1.7 2.9, horrified -2.8 2.1, devastated -2.9 .4, tormented -2.8 1.2,
anguished -2.7 .8, heartbroken -2.7 -.3, in despair -2.8 -.9, wretched -2.7 -.6, grief-stricken -2.7 -1.0, crushed -2.6 -1.3,
numb -1.5 -2.5, lifeless -2.2 -2.7, dead silent -1.6 -2.9, utterly hopeless -2.9 -1.8, drained -1.6 -2.2, exhausted -1.3 -2.4,
sound asleep .8 -2.9, motionless -.1 -2.7, hushed .6 -2.3, completely still .2 -2.9, silent -.2 -2.3, frenzied -.3 2.9, ordinary
.0 .0, plain -.1 -.2, neutral .0 .0, normal .1 .0, everyday .1 .1, neither happy nor sad .0 .0, neither calm nor excited .0 .1,
balanced .4 -.2, unremarkable -.1 -.1, average .0 .1, usual .0 -.1, matter-of-fact -.1 .1, unmoved -.2 -.4, composed .5 -.8,
awake .2 .5, attentive .4 .6, interested .8 .5, fine .7 -.1, okay .4 .0, alright .4 -.1, not bad .6 .1, not quite happy -.4 .1,
unsettled -.6 .6, electrified 1.0 2.8, overexcited 1.2 2.8, hyperactive .6 2.7, crazy with joy 2.9 2.9, bursting with joy 2.9
2.6, mad with fear -2.7 2.9, blind with rage -2.9 2.7, sick with sorrow -2.9 -.6, dead tired -.9 -2.7,
aroused .6 2.4, awestruck 1.4 1.8, at ease 1.5 -1.2, grieving -2.6 -.4, stunned -.2 2.2, awful -2.5 .4, terrible -2.5 .7,
horrible -2.6 1.1, great 2.3 .6, awesome 2.4 1.3, fantastic 2.5 1.4, perfect 2.5 .0, tragic -2.5 -.3, evil -2.5 1.3, nothing
special .0 -.1
"""
# Adjectives of places and pictures only.
_ATMOSPHERES = """
bleak -2.0 -1.2, desolate -2.3 -1.7, dismal -2.0 -.8, ominous -1.7 1.1, eerie -1.4 .5, spooky -1.3 1.1, creepy -1.6 1.0,
sinister -2.0 .9, menacing -2.1 1.5, threatening -2.1 1.7, nightmarish -2.6 1.9, haunted -1.8 .7, scary -1.9 1.6, dramatic -.4
1.9, intense .1 2.1, chaotic -1.1 2.3, turbulent -.9 2.2, stormy -1.6 1.9, windy -.1 1.3, breezy .7 .8, *sunny 2.0 .6, bright
1.7 .7, colourful 1.8 1.1, colorful 1.8 1.1, vivid 1.3 1.4, vibrant 1.7 1.6, festive 2.2 1.6, dazzling 1.9 1.9, glowing 1.8 -.2,
idyllic 2.4 -1.5, soothing 1.8 -2.0, dreamlike 1.4 -1.8, soft 1.1 -1.5, misty .3 -2.0, hazy .4 -1.6, foggy -.8 -1.9, cloudy -.5
-.7, overcast -.8 -.9, grey -1.0 -1.1, gray -1.0 -1.1, drizzly -1.1 -.8, rainy -1.4 -.3, murky -1.4 -1.1, dark -1.7 .2, cold
-1.2 -.5, chilly -.8 -.3, warm 1.6 -.4, pleasant 1.6 -.3, beautiful 2.1 .0, inviting 1.7 .0, cheery 2.0 1.0, magical 2.1 .6,
enchanting 2.1 .1, charming 1.8 .0, drab -.9 -.8, faded -.5 -1.4, washed-out -.6 -1.2, colourless -.7 -1.3, colorless -.7 -1.3,
stagnant -1.0 -1.9, dim -.7 -1.3, abandoned -1.8 -1.6, run-down -1.5 -.6, ruined -2.0 -.1, withered -1.8 -1.0, blooming 2.1 .4,
blossoming 2.1 .2, flourishing 2.0 .5, rough -.8 1.5, harsh -1.4 1.2, fiery -.9 2.4, electric .7 2.3, explosive -.5 2.7,
hazardous -1.7 1.6, unfriendly -1.4 .3, unwelcoming -1.3 .0, inhospitable -1.7 -.1, depressing -2.1 -1.2, pretty 1.9 .2, ugly
-1.9 .2, dangerous -1.7 1.8, epic 1.1 2.1, thrilling 1.6 2.3, terrifying -2.6 2.4, frightening -2.2 1.9, *sunlit 1.8 .0, moonlit
.8 -1.7, pastel 1.4 -1.6, golden 1.9 .1, tidy .9 -.3, airy 1.1 .0, fresh 1.3 .3, crisp .8 .6, muted .0 -1.3, still .4 -2.1,
bustling .8 1.7, noisy -.3 1.6, tempestuous -1.4 2.4, apocalyptic -2.6 2.4, hellish -2.8 2.2, doomed -2.6 .9, oppressive -2.0
.4, stifling -1.5 .4, deathly -2.5 -2.2
"""
# What faces and bodies show: only where somebody is there.
_EXPRESSIONS = """
smiling 1.9 .4, laughing 2.4 1.6, grinning 2.1 1.1, beaming 2.5 1.0, giggling 2.2 1.3, cheering 2.3 2.2, shouting for joy 2.5
2.5, jumping for joy 2.6 2.3, singing 1.9 .9, with a gentle smile 1.8 -1.0, with a faint smile 1.0 -.6, with a big smile 2.2 .8,
with a peaceful smile 2.1 -1.7, with sparkling eyes 2.1 1.1, with half-closed eyes .5 -2.0, with closed eyes .9 -2.2, yawning
-.1 -1.9, daydreaming .9 -1.5, dozing off .4 -2.6, half asleep .3 -2.5, breathing slowly 1.1 -2.2, sighing -.7 -1.1, frowning
-1.2 .4, pouting -1.1 .2, crying -2.1 .4, weeping -2.2 -.5, sobbing -2.5 .6, in tears -2.2 -.1, with a tear -1.6 -.6, wailing
-2.5 1.3, screaming -2.2 2.5, shrieking -2.0 2.7, yelling -1.5 2.3, howling -2.0 1.8, trembling -1.7 1.5, shaking with fear -2.3
2.1, running in panic -2.0 2.6, wide-eyed .1 1.8, staring -.4 .7, gasping -.6 2.1, glaring -1.6 1.3, scowling -1.6 .8, gritting
teeth -1.6 1.7, slumped -1.5 -1.6, with hanging head -1.7 -1.2, with drooping shoulders -1.4 -1.3, with empty eyes -1.8 -2.0,
with a blank face -.2 -.9, with a calm face .6 -1.2, with a straight face .0 .0, with raised arms .9 2.0, with open mouth .0
1.7, with dancing steps 1.8 1.6, clapping 1.8 1.7, wincing -1.3 1.0, biting lips -.9 1.0, with a stern look -.8 .4, with a
curious look .7 .7, with wild eyes -.6 2.4, snoring .0 -2.4
"""
# Light, weather, plants and what floats in the air, as `world.mood` paints them. * needs daylight.
_LIGHTS = """
*golden light 1.9 -.4, *soft golden light 2.1 -.9, *sunbeams 2.0 .3, *warm sunlight 1.9 .0, *bright sunshine 2.1 .9, *a blue sky
1.2 .1, *a deep blue sky 1.1 .9, *a bright blue sky 1.7 .9, *dazzling sunshine 2.2 1.7, a rainbow 2.3 1.2, confetti 2.3 2.1,
fireworks 2.1 2.4, flying confetti 2.5 2.4, a storm of confetti 2.7 2.8, colourful balloons 2.2 1.5, colorful balloons 2.2 1.5,
streamers 2.2 1.9, garlands 2.0 1.0, flowers 1.9 -.1, blossoms 2.0 -.3, falling petals 2.1 -1.3, fireflies 1.7 -1.4, butterflies
in the air 2.0 .3, sparkles 2.1 1.0, lush green 1.8 .2, vivid colours 1.3 1.5, vivid colors 1.3 1.5, glowing colours 1.8 1.3,
glowing colors 1.8 1.3, warm colours 1.6 .1, warm colors 1.6 .1, cool colours .3 -.9, cool colors .3 -.9, pastel colours 1.5
-1.5, pastel colors 1.5 -1.5, pale pastel light 1.9 -2.3, pastel mist 1.5 -2.2, a pink and lavender haze 2.3 -2.0, a pink sky
1.8 -1.4, a soft glow 1.6 -1.5, rosy light 1.9 -1.2, silvery mist .7 -2.4, thin mist .4 -1.5, a light haze .3 -1.0, pale light
.2 -1.4, thick white mist -.1 -2.7, a white haze .1 -2.2, still air .2 -2.0, mirror-smooth water 1.1 -2.5, drifting mist .0
-1.8, grey fog -1.0 -1.9, gray fog -1.0 -1.9, thick grey fog -1.5 -2.5, heavy fog -1.4 -2.2, dense fog -1.3 -2.4, fog -.8 -1.8,
cold fog -1.6 -2.1, ashen light -1.9 -1.8, dead leaves -1.7 -1.4, bare trees -1.7 -1.1, dead trees -2.2 -1.2, weeds -1.5 -.6,
withered plants -1.9 -.9, dead branches -2.2 -1.5, leaden light -1.9 -1.0, grey clouds -1.0 -.6, gray clouds -1.0 -.6, dark
clouds -1.7 .1, a grey sky -1.1 -.9, a gray sky -1.1 -.9, a leaden sky -1.9 -1.1, a colourless sky -.8 -1.4, dull light -.7
-1.1, faded colours -.6 -1.3, faded colors -.6 -1.3, drizzle -1.2 -.9, light rain -1.2 -.4, steady rain -1.8 -.5, cold rain -2.0
-.3, heavy rain -2.0 .8, pouring rain -2.1 1.2, driving rain -2.1 1.7, wind and rain -1.6 1.4, a storm -1.8 2.0, a raging storm
-2.2 2.6, lightning -2.1 2.4, thunder and lightning -2.2 2.5, a red sky -2.0 2.0, a black and red sky -2.6 2.3, a blood-red sky
-2.7 2.6, embers in the air -2.2 2.3, flying sparks -1.4 2.5, flames -2.2 2.6, smoke -2.0 1.6, black smoke -2.4 1.8, deep
shadows -1.6 .6, long shadows -1.0 .1, black shadows -2.2 1.0, broken windows -2.2 .3, dark windows -1.8 -.3, cracks and ruins
-2.3 .1, crows -1.8 .3, a gale -1.1 2.2, strong wind -.5 1.8, gusts of wind -.4 1.6, a fresh breeze .7 .9, a light breeze .8
-.2, a gentle breeze 1.2 -.8, whirling leaves -.2 1.7, whirling wind -.1 2.4, a hurricane -1.3 2.8, a whirlwind .0 2.7, glaring
light -.1 1.7, an orange glow .6 1.6, a fiery sky -.3 2.2, high contrast -.3 1.5, even light .0 .0, *plain daylight .1 -.1,
ordinary weather .0 .0, a few clouds .0 .1, soft light 1.0 -1.2, natural colours .2 .0, natural colors .2 .0, clear air .6 .3, a
swirl of colours 1.2 2.4, a swirl of colors 1.2 2.4, an explosion of colour 1.9 2.7, an explosion of color 1.9 2.7, flashing
lights .5 2.6, dancing lights 1.5 1.9, deep silence .0 -2.6, silence -.1 -2.1, deep stillness .5 -2.7, a deathly hush -2.2 -2.6,
an icy stillness -1.6 -2.7, total emptiness -2.4 -2.3, endless fog -2.2 -2.4, a cold grey void -2.8 -2.6, a cold gray void -2.8
-2.6, the silence of the grave -2.7 -2.9, dead still fog -2.0 -2.9, heavenly stillness 2.3 -2.8, the softest pastel light 2.7
-2.7, a sleepy haze 1.0 -2.6, a hazy sky .2 -1.2, milky light .4 -1.8, a pale sky .1 -.7, thin clouds -.2 -.4, a lukewarm breeze
.3 -.3, a slight chill -.5 -.1, dry leaves -.8 -.4, a fading light -.8 -1.5, a damp chill -1.2 -.2, cold shadows -1.5 -.1,
gathering clouds -.9 .6, a restless sky -.6 1.2, choppy waves -.3 1.4, distant thunder -1.2 1.1, a strange light -.7 .9, utter
desolation -2.9 -2.4, lifeless emptiness -2.9 -2.9, utter peace 2.9 -2.6, the stillness of paradise 2.9 -2.9, paradise 3.0 -.3,
pure happiness 3.0 .4, utter misery -3.0 -.2, ruin and despair -3.0 .4, an inferno -3.0 2.9, a burning sky -2.8 2.8, the end of
the world -2.9 2.4, horror and chaos -3.0 2.0, a wild festival 2.9 2.9, a frenzy of joy 3.0 2.7, a frenzy of colours 1.6 2.9, a
frenzy of colors 1.6 2.9, pure chaos -.5 2.9, a wild whirl .4 2.9, total silence .0 -3.0, absolute stillness .4 -3.0, a deep
sleepy hush 1.3 -2.9, a deep dreamless hush -.8 -2.9, flickering light -.7 1.4, high waves -.9 2.0
"""
# Names of feelings.
_NOUNS = """
joy 2.6 1.4, happiness 2.4 .9, delight 2.5 1.2, love 2.4 .3, tenderness 1.9 -.8, hope 1.6 .4, pride 1.8 .8, excitement 1.7 2.2,
euphoria 2.8 2.3, ecstasy 2.9 2.5, wonder 1.7 1.2, cheer 2.1 1.2, fun 2.2 1.5, laughter 2.3 1.5, smiles 2.0 .5, contentment 2.0
-1.1, comfort 1.7 -1.2, peace 2.0 -1.9, serenity 2.2 -2.1, calm 1.3 -1.9, tranquillity 1.8 -2.3, tranquility 1.8 -2.3, harmony
1.9 -1.3, bliss 2.8 -1.3, rest .8 -2.1, sleepiness .2 -2.3, drowsiness .3 -2.4, tiredness -.6 -1.8, weariness -1.0 -1.7, boredom
-.9 -1.5, apathy -1.1 -2.2, gloom -1.7 -1.2, melancholy -1.2 -1.4, nostalgia .2 -1.1, longing -.6 -.4, sadness -2.0 -1.0, sorrow
-2.1 -1.2, grief -2.6 -.8, loneliness -1.9 -1.3, tears -2.1 .1, despair -2.7 -.8, misery -2.5 -.5, depression -2.3 -1.8,
hopelessness -2.5 -1.5, dread -2.0 1.0, fear -2.1 1.8, terror -2.7 2.4, horror -2.8 2.1, panic -2.2 2.7, anxiety -1.4 1.5, worry
-1.3 .8, tension -.7 1.6, unease -1.1 .6, unrest -.8 1.5, stress -1.2 1.7, anger -1.9 2.1, rage -2.4 2.7, fury -2.4 2.6, hatred
-2.6 1.5, disgust -2.3 .7, danger -1.7 1.8, surprise .5 1.9, energy 1.1 2.1, action .3 2.0, adventure 1.2 1.7, passion 1.2 2.0,
curiosity .7 .8, chaos -1.1 2.4, frenzy -.2 2.8, bustle .6 1.7, madness -.6 2.6, ecstatic joy 2.9 2.5, regret -1.4 -.6,
disappointment -1.4 -.5, shame -1.7 .2, bitterness -1.8 .2, coldness -1.1 -.6, emptiness -1.5 -1.9
"""
# Adverbs scale how far from neutral a feeling is.
INTENSIFIERS = {
    "slightly": 0.45, "a little": 0.4, "a bit": 0.4, "faintly": 0.35, "mildly": 0.5, "somewhat": 0.55, "rather": 0.7, "fairly":
    0.7, "quite": 0.8, "moderately": 0.6, "very": 1.15, "really": 1.15, "so": 1.1, "deeply": 1.25, "extremely": 1.3,
    "incredibly": 1.3, "terribly": 1.3, "utterly": 1.35,
}  # fmt: skip
# ... and these do so for nouns.
NOUN_INTENSIFIERS = {"a hint of": 0.4, "a touch of": 0.45, "a trace of": 0.35, "some": 0.7, "lots of": 1.15, "nothing but": 1.25}


@dataclass(frozen=True)
class FeelingWord:
    """Words with their place on the plane. `form`: feeling | atmosphere | expression | light (nouns)."""

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
        return (
            self.form != "light"
            and not re.match(r"(with|in|at|a|so|neither|not) ", self.text)
            and self.text.split()[-1] not in _TRAILING
        )

    @property
    def of_place(self) -> bool:
        """Whether it can be said of a place: "a gloomy street", but not "an ashamed street"."""
        return self.form == "atmosphere" or (self.form == "feeling" and not _PLACE_FEELINGS.isdisjoint(self.roots))

    @property
    def noun(self) -> bool:
        return self.form == "light"


_PLACE_FEELINGS = frozenset(
    split_names(
        "happy, joyful, cheerful, merry, jolly, calm, peaceful, serene, gentle, lively, playful, sad, gloomy, melancholic, "
        "mournful, miserable, lonely, tense, hostile, grim, sombre, somber, dull, quiet, hectic, frantic, wild, busy, mild, "
        "solemn, dreamy, sleepy, cosy, cozy, romantic, dreary, tranquil, blissful, wonderful, marvellous, marvelous, lovely, "
        "heavenly, wretched, lifeless, hushed, silent, frenzied, ordinary, plain, normal, everyday, average, neutral, usual, "
        "unremarkable, friendly, nostalgic, bitter, forlorn, hopeful, comfortable, drowsy, mellow, rowdy, restless, violent, "
        "sober, serious, motionless, still, dead, electrified"
    )
)
_TRAILING = frozenset(
    split_names("alright, asleep, awake, fear, joy, lips, off, okay, panic, rage, slowly, sorrow, teeth, tired")
)
_SMALL_WORDS = frozenset(split_names("a, an, the, in, of, with, to, and, on, not, for, so, some"))
_ALREADY_COUNTED = re.compile(
    r"(a|an|the|utter|total|pure|absolute|endless|deep|even|ecstatic|heavenly) |.*\band\b|.*\bin the air"
)


def _roots(text: str) -> frozenset[str]:
    return frozenset(words_of(text.replace("colour", "color").replace("grey", "gray"))) - _SMALL_WORDS


def _parsed(table: str, form: str) -> list[FeelingWord]:
    words = []
    for entry in " ".join(table.split()).split(","):
        text, valence, arousal = entry.strip().rsplit(" ", 2)
        words.append(
            FeelingWord(text.lstrip("*"), float(valence), float(arousal), form, text.startswith("*"), roots=_roots(text))
        )
    return words


def _scaled(word: FeelingWord, adverb: str, by: float) -> FeelingWord | None:
    valence, arousal = word.valence * by, word.arousal * by
    if (
        max(abs(valence), abs(arousal)) > 3.0
        or hypot(word.valence, word.arousal) < 0.45
        or (adverb in ("terribly", "utterly") and valence > 0)
    ):
        return None
    return FeelingWord(
        f"{adverb} {word.text}", round(valence, 3), round(arousal, 3), word.form, word.daylight, plain=False, roots=word.roots
    )


def _lexicon() -> tuple[FeelingWord, ...]:
    gradable = _parsed(_FEELINGS, "feeling") + _parsed(_ATMOSPHERES, "atmosphere")
    lights = _parsed(_LIGHTS, "light") + _parsed(_NOUNS, "light")
    words = gradable + _parsed(_EXTREMES, "feeling") + _parsed(_EXPRESSIONS, "expression") + lights
    scaled = [_scaled(word, adverb, by) for word in gradable for adverb, by in INTENSIFIERS.items()]
    countless = [word for word in lights if not _ALREADY_COUNTED.match(word.text)]
    scaled += [_scaled(word, adverb, by) for word in countless for adverb, by in NOUN_INTENSIFIERS.items()]
    return (*words, *(word for word in scaled if word is not None))


LEXICON = _lexicon()


# ---- Words for a point of the plane.

_STEP = 0.25  # of the lookup grid


class _Near:
    """Words by their place on the plane: those within a radius of the nearest point of a lookup grid, or the `least` nearest."""

    def __init__(self, fitting: Sequence[FeelingWord], radius: float, least: int) -> None:
        self._fitting, self._radius, self._least = fitting, radius, least
        self._places = np.array([(word.valence, word.arousal) for word in fitting])
        self._cells: dict[tuple[int, int], tuple[FeelingWord, ...]] = {}

    def at(self, valence: float, arousal: float) -> tuple[FeelingWord, ...]:
        key = round(min(max(valence, -3.0), 3.0) / _STEP), round(min(max(arousal, -3.0), 3.0) / _STEP)
        if key not in self._cells:
            distances = np.hypot(*(self._places - np.multiply(key, _STEP)).T)
            count = max(int((distances <= self._radius).sum()), self._least)
            self._cells[key] = tuple(self._fitting[i] for i in np.argsort(distances, kind="stable")[:count])
        return self._cells[key]


@cache
def _pool(present: str, daylight: bool) -> tuple[_Near, _Near]:
    """The words that fit a kind of scene: without intensifiers, and all. `present`: see `beings`."""
    fitting = [word for word in LEXICON if daylight or not word.daylight]
    if present != "people":
        fitting = [word for word in fitting if word.form != "expression"]
    if not present:
        fitting = [word for word in fitting if word.noun or word.of_place]
    return _Near([word for word in fitting if word.plain], 0.65, 6), _Near(fitting, 0.5, 8)


def beings(scene: Scene | None) -> str:
    """people | animals | "" (nobody there: neither faces nor moods of persons are told); people where no scene is given."""
    kinds = [subject.kind for subject in scene.subjects] if scene else ["girl"]
    if any(kind in world.PEOPLE for kind in kinds):
        return "people"
    return "animals" if any(kind in world.ANIMALS for kind in kinds) else ""


def feeling_words(emotion: Emotion, rng: random.Random, scene: Scene | None = None, most: int = 4) -> list[FeelingWord]:
    """Two to `most` words of the lexicon without repetition whose mean lies near the emotion, fit for the scene, if any."""
    plain, scaled = _pool(beings(scene), scene is None or (scene.time == "day" and scene.place != "night_city"))
    v, a = emotion.valence, emotion.arousal
    best: list[FeelingWord] = []
    best_distance = 9.0
    for _ in range(12):
        count = min(rng.choices((2, 3, 4), (46, 38, 16))[0], most)
        chosen: list[FeelingWord] = []
        left_v, left_a = v * count, a * count
        said: frozenset[str] = frozenset()
        for i in range(count):
            # The last word makes up for what the others missed.
            at = (v, a) if i < count - 1 else (left_v, left_a)
            options = (plain if rng.random() < 0.6 else scaled).at(*at)
            word = rng.choice(options)
            if i == count - 1:
                word = min(rng.sample(options, min(4, len(options))), key=lambda w: hypot(w.valence - left_v, w.arousal - left_a))
            if not said.isdisjoint(word.roots):
                continue
            said |= word.roots
            chosen.append(word)
            left_v -= word.valence
            left_a -= word.arousal
        if len(chosen) < 2:
            continue
        distance = hypot(sum(w.valence for w in chosen) / len(chosen) - v, sum(w.arousal for w in chosen) / len(chosen) - a)
        if distance < best_distance:
            best, best_distance = chosen, distance
        if best_distance < 0.16:
            break
    rng.shuffle(best)
    return best


def listed(parts: Sequence[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def told(chosen: Sequence[FeelingWord], rng: random.Random) -> str:
    """Feeling words joined in one of several ways."""
    roll = rng.random()
    nouns = [word.text for word in chosen if word.noun]
    rest = [word.text for word in chosen if not word.noun]
    before_noun = [word.text for word in chosen if word.adjective and word.form != "expression"]
    others = [word.text for word in chosen if not word.noun and word.text not in before_noun]
    if roll < 0.55 or not nouns + before_noun:
        return ", ".join(word.text for word in chosen)
    if roll < 0.67 and rest:
        return ", ".join([*([listed(rest)] if len(rest) < 3 else rest), *(["with " + listed(nouns)] if nouns else [])])
    if roll < 0.82 and before_noun:
        mood = rng.choice(("mood", "mood", "atmosphere", "feeling", "scene"))
        described = (" and " if len(before_noun) == 2 and rng.random() < 0.5 else ", ").join(before_noun)
        start = "in a" if mood in ("mood", "atmosphere") and rng.random() < 0.6 else "a"
        article = with_article(described).split(" ", 1)[0][1:]
        return ", ".join([f"{start}{article} {described} {mood}", *others, *(["with " + listed(nouns)] if nouns else [])])
    if roll < 0.9 and nouns:
        return ", ".join(["with " + listed(nouns), *rest])
    if rest and not nouns:
        return listed(rest)
    return ", ".join(word.text for word in chosen)


def feeling(emotion: Emotion, rng: random.Random, scene: Scene | None = None) -> str:
    """Words for a point of the plane, two to four ideas: "serene, soft golden light, smiling".

    With a scene, only words that fit it: no faces where nobody is, no sunbeams at night.
    """
    return told(feeling_words(emotion, rng, scene), rng)
