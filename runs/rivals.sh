#!/bin/sh
# All rival methods on the storybook, each with one budget of training: that of the emotion transformer's own. The scenes are drawn
# and encoded once, which does not count. A method that is finished is skipped, one that was begun is taken up.
#
#   sh runs/rivals.sh [FOLDER]            default: runs/rivals; MINUTES=3.33 for each, on two idle cores
#   SCENES=40 STEPS=2 sh runs/rivals.sh /tmp/try     a toy
#   METHODS="time_embedding discrete" BACKBONE=storybook WRITER=rules sh runs/rivals.sh
set -eu
cd "$(dirname "$0")/.."
out=${1:-runs/rivals}
command=${EMOTICRAFTER:-emoticrafter}
methods=${METHODS:-cross_attention time_embedding textual_inversion rewriting discrete linear_regression attribute_directions}
if [ -n "${STEPS:-}" ]; then budget="--steps $STEPS"; else budget="--minutes ${MINUTES:-3.33}"; fi
mkdir -p "$out"

for method in $methods; do
    [ "$method" = rewriting ] && own="--set writer=${WRITER:-rules}" || own=""
    # shellcheck disable=SC2086 (words are meant to be split)
    $command rival train "$method" --backbone "${BACKBONE:-storybook}" --limit "${SCENES:-16000}" --cache "$out/latents" \
        $budget $own --out "$out/$method"
done
