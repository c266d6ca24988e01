#!/bin/sh
# Every ablation on the storybook, one after the other: trains what each suite names (what two suites have in common once), draws,
# judges and reports. A stopped run goes on; what is finished is skipped.
#
#   sh runs/storybook.sh && sh runs/ablations.sh [FOLDER]        default: runs/ablations; about an hour on two idle cores
#   SUITES="alpha losses" sh runs/ablations.sh
#   python -m tools.write_evaluation runs/ablations/*.json       records the reports
set -eu
cd "$(dirname "$0")/.."
out=${1:-runs/ablations}
command=${EMOTICRAFTER:-emoticrafter}
mkdir -p "$out"

for suite in ${SUITES:-losses alpha density order target blocks}; do
    # One folder for all, so that trainings and pictures are shared.
    # shellcheck disable=SC2086 (words are meant to be split)
    $command evaluate --suite "ablation-$suite" ${OPTIONS:-} --out "$out/work"
    cp "$out/work/report.html" "$out/$suite.html"
    cp "$out/work/report.json" "$out/$suite.json"
done
