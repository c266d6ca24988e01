"""The prompt is rewritten for the emotion, and the frozen model draws that: the paper's GPT-4+SDXL.

Any OpenAI-compatible server writes (`writer = "openai"`, with a `model`). Its answers are kept in a ledger, so that each is paid
for once. Where there is no server an offline writer stands in: "rules" for any prompt, "storybook" with the grammar that the
embedded model was trained on, which makes it the truth there rather than a rival. `describe()` says which one wrote. A prompt
that the writer fails on is drawn as it is, with a warning. Nothing is learned.

Strength moves from the prompt's own features to those of the rewritten one, the pooled feature included.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError
from emoticrafter.files import cache_directory
from emoticrafter.prompts.writer import Pair, PairTask, Writer
from emoticrafter.prompts.writers import WRITERS, open_writer
from emoticrafter.rivals.placeholders import between
from emoticrafter.rivals.rival import Rival
from emoticrafter.settings import Section, key
from emoticrafter.watch import SILENT, Watch

if TYPE_CHECKING:
    from emoticrafter.backbones.base import Backbone

__all__ = ["Rewriting"]

LEDGER = "answers.jsonl"


@dataclass(frozen=True, kw_only=True)
class RewritingSettings(Section):
    """See `Rewriting`. The key is read from the environment variable `key_env` when it is needed, and kept nowhere."""

    writer: str = key("rules", f"who writes: {', '.join(WRITERS)}")
    seed: int = key(0, "of an offline writer", least=0)
    model: str = key("", "of the server; empty: $EMOTICRAFTER_MODEL")
    base_url: str = key("", "of the server, up to /v1; empty: $OPENAI_BASE_URL, or else OpenAI's")
    key_env: str = key("OPENAI_API_KEY", "the environment variable with the key")
    longest: int = key(48, "words of a prompt that a server writes", least=4, most=200)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.writer not in WRITERS:
            raise InputError(f"The writer is {self.writer[:40]!r}.", f"Known ones: {', '.join(WRITERS)}.")


class Rewriting(Rival):
    """See the module."""

    name = "rewriting"
    Config = RewritingSettings

    def __init__(self, backbone: Backbone, config: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(backbone, config, **more)
        self._written: dict[tuple[str, float, float], str] = {}  # what was written, by prompt, valence and arousal

    @classmethod
    def check_settings(cls, config: Mapping[str, Any], folder: Path | None = None) -> None:
        super().check_settings(config, folder)
        _writer_of(cls.Config(**config), folder)

    def prepare(self, prompts: Sequence[str], points_B2: Tensor, watch: Watch) -> None:
        self.rewritten(prompts, points_B2, watch)

    def features(self, neutral: PromptFeatures, prompts: Sequence[str], points_B2: Tensor, strength: float) -> PromptFeatures:
        told = self.rewritten(prompts, points_B2)
        # Encoded together, so that both have the same sections.
        both = self.backbone.encode([*prompts, *told])
        count = len(prompts)
        first, second = both.rows(range(count)), both.rows(range(count, 2 * count))
        if strength != 1 and first.mask is not None and second.mask is not None:  # a mixture is as long as the longer one
            second = PromptFeatures.of(second.tokens, second.pooled, first.mask | second.mask)
        return between(first, second, strength)

    def rewritten(self, prompts: Sequence[str], points_B2: Tensor, watch: Watch = SILENT) -> list[str]:
        """What is drawn for each prompt and emotion. The same prompt and emotion are written once."""
        watch.check()
        points = [(prompt, float(v), float(a)) for prompt, (v, a) in zip(prompts, points_B2.tolist(), strict=True)]
        tasks = {
            point: PairTask(
                id=point[0], emotion=Emotion(valence=round(point[1], 6), arousal=round(point[2], 6)), caption=point[0]
            )
            for point in dict.fromkeys(points)
            if point not in self._written
        }
        outcomes = [] if not tasks else _writer_of(self.config, self.folder).write(list(tasks.values()), lambda progress: None)
        for point, outcome in zip(tasks, outcomes, strict=True):
            if isinstance(outcome, Pair):
                self._written[point] = outcome.emotional
            else:
                watch.warn(f"The prompt {point[0][:60]!r} is drawn as it is: {outcome.reason}.")
                self._written[point] = point[0]
        return [self._written[point] for point in points]

    def beside(self, prompts: Sequence[str], points_B2: Tensor) -> list[Mapping[str, Any]]:
        return [{"rewritten": text} for text in self.rewritten(prompts, points_B2)]

    def about(self) -> Mapping[str, Any]:
        return {"writer": _writer_of(self.config, self.folder).name}


def _writer_of(config: RewritingSettings, folder: Path | None) -> Writer:
    """The writer of these settings. folder: that of the method, for the answers of a server."""
    if not WRITERS[config.writer].asks:
        return open_writer(config.writer, seed=config.seed)
    url = config.base_url or os.environ.get("OPENAI_BASE_URL", "").strip()
    settings = {"base_url": url} if url else {}
    return open_writer(
        config.writer,
        model=config.model or os.environ.get("EMOTICRAFTER_MODEL", ""),
        ledger=(folder or cache_directory() / "rivals" / Rewriting.name) / LEDGER,
        key=os.environ.get(config.key_env, "").strip(),
        longest=config.longest,
        **settings,
    )
