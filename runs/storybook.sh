#!/bin/sh
# The whole way to an emotion checkpoint, on data that the storybook's own world makes: annotate, import, write pairs, encode,
# train, generate. Each step is skipped when its result is there; the training is taken up where it stopped.
#
#   sh runs/storybook.sh [FOLDER]          default: runs/storybook; about 15 minutes on two cores
#   SCENES=400 RECIPE=smoke sh runs/storybook.sh /tmp/try      a toy
set -eu
cd "$(dirname "$0")/.."
out=${1:-runs/storybook}
command=${EMOTICRAFTER:-emoticrafter}
mkdir -p "$out"

[ -e "$out/scenes.csv" ] || $command storybook annotate --count "${SCENES:-16000}" --out "$out/scenes.csv"
[ -e "$out/annotations.parquet" ] || $command data import table "$out/scenes.csv" --dataset storybook --out "$out/annotations.parquet"
[ -e "$out/pairs.parquet" ] || $command data write-pairs "$out/annotations.parquet" --writer storybook --caption-column caption \
    --out "$out/pairs.parquet"
$command data encode "$out/pairs.parquet" --backbone storybook --long cut --out "$out/features"
$command train "${RECIPE:-storybook}" --features "$out/features" --out "$out/eit"
$command generate "a children's playground" --valence -2 --arousal 1 --seed 7 --emotion "$out/eit/checkpoint" \
    --out "$out/playground.png" --force
