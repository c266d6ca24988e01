"""Pairs written by a language model behind any server that speaks OpenAI's chat completions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emoticrafter.errors import EmotiCrafterError, InputError, MissingError, reason_of
from emoticrafter.prompts.llm.chat import Chat, shown_url
from emoticrafter.prompts.llm.ledger import AnswerLedger
from emoticrafter.prompts.llm.messages import Messages, PairQuestion, UnusableError, build, estimate_tokens
from emoticrafter.prompts.llm.workers import Asking, Backoff
from emoticrafter.prompts.writer import Failure, Pair, PairTask, Tell

__all__ = ["OPENAI_URL", "CostForecast", "OpenAIWriter"]

OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, kw_only=True)
class CostForecast:
    """What a run would send: its first requests in full, how many there are, and about how many tokens."""

    first: list[tuple[str, Messages]]  # with the task's id
    to_ask: int
    kept: int  # tasks whose answer is there
    failures: dict[str, str]  # reasons by the task's id
    tokens_in: int
    tokens_out: int


class OpenAIWriter:
    """Asks a model for each pair, several at a time; what was answered once, in this run or an earlier one, is not asked again.

    ledger: the file that keeps the answers. key: empty for servers that want none. pictures: the folder of the pictures, None
    to send none; edge: their longest side in pixels. longest: words of a prompt. timeout: seconds for one whole answer.
    retries: how often a task is asked again. fields: further fields of the request, such as temperature. Raises InputError
    and MissingError.
    """

    def __init__(
        self,
        *,
        model: str,
        ledger: Path,
        base_url: str = OPENAI_URL,
        key: str = "",
        pictures: Path | None = None,
        edge: int = 512,
        longest: int = 48,
        concurrency: int = 8,
        timeout: float = 120.0,
        retries: int = 6,
        fields: dict[str, Any] | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        if not model.strip():
            raise InputError("No model was named.", "Pass --model NAME, or set EMOTICRAFTER_MODEL.")
        if not re.fullmatch(r"https?://[^\s/]+\S*", base_url):
            given = shown_url(base_url)[:80]
            raise InputError(f"The base URL {given!r} is not http(s)://HOST/...", "For instance http://localhost:8000/v1.")
        if not re.fullmatch(r"[!-~]*", key):  # a header takes nothing else, and the error about it would show the key
            raise InputError("The API key holds spaces or characters that no header takes.", "Set the variable again.")
        if pictures is not None and not pictures.is_dir():
            raise MissingError(f"There is no folder {str(pictures)!r}.", "Give --pictures the folder that the data set lies in.")
        if fixed := {"model", "messages", "response_format", "stream", "n"} & set(fields or ()):
            raise InputError(f"The fields {', '.join(sorted(fixed))} are set by this program.", "Leave them out.")
        self.model, self.base_url, self.pictures, self.edge, self.longest = model, base_url, pictures, edge, longest
        self.concurrency, self.timeout, self.retries = concurrency, timeout, retries
        self.fields, self.backoff = dict(fields or {}), backoff or Backoff()
        self.ledger = AnswerLedger(ledger)
        self._key = key

    @property
    def name(self) -> str:
        return f"openai:{self.model}"

    def forecast(self, tasks: Sequence[PairTask], show: int = 2) -> CostForecast:
        """What `write` would send, without sending anything. show: how many requests to give in full."""
        settled = AnswerLedger.read(self.ledger.path).settled
        first: list[tuple[str, Messages]] = []
        failures: dict[str, str] = {}
        asked: set[str] = set()
        kept = tokens_in = tokens_out = 0
        for task in tasks:
            try:
                request = self._request(task)
                kept += request.key in settled
                if request.key in settled or request.key in asked:
                    continue
                if len(first) < show:
                    first.append((task.id, request.messages()))
            except (InputError, UnusableError) as error:
                failures[task.id] = reason_of(error)
                continue
            asked.add(request.key)
            into, out = estimate_tokens(request)
            tokens_in, tokens_out = tokens_in + into, tokens_out + out
        return CostForecast(
            first=first, to_ask=len(asked), kept=kept, failures=failures, tokens_in=tokens_in, tokens_out=tokens_out
        )

    def write(self, tasks: Sequence[PairTask], tell: Tell) -> list[Pair | Failure]:
        """A pair or a reason for each task. Whatever ends this, the ledger holds every answer that came."""
        if not self._key and self.base_url.rstrip("/") == OPENAI_URL:
            raise MissingError("OpenAI's server wants a key, and there is none.", "Set OPENAI_API_KEY, or give a --base-url.")
        with self.ledger:
            try:
                return asyncio.run(self._ask(tasks, tell))
            except EmotiCrafterError as error:
                error.hint = f"{error.hint} {len(self.ledger.settled)} answers are kept; the same command goes on from there."
                raise

    async def _ask(self, tasks: Sequence[PairTask], tell: Tell) -> list[Pair | Failure]:
        chat = Chat(base_url=self.base_url, key=self._key, model=self.model, fields=self.fields, timeout=self.timeout)
        async with chat:
            asking = Asking(
                chat, self.ledger, self._request, concurrency=self.concurrency, retries=self.retries, backoff=self.backoff
            )
            return await asking.go(tasks, tell)

    def _request(self, task: PairTask) -> PairQuestion:
        return build(task, model=self.model, fields=self.fields, pictures=self.pictures, edge=self.edge, longest=self.longest)
