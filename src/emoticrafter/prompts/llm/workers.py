"""Many questions at once: workers, waits, and the ledger that sees to it that no answer is paid for twice."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from emoticrafter.errors import EmotiCrafterError, InputError, reason_of
from emoticrafter.prompts.llm.chat import AskAgainError, Chat, NoPairError
from emoticrafter.prompts.llm.ledger import AnswerLedger, Status
from emoticrafter.prompts.llm.messages import Messages, PairQuestion, UnusableError, read_reply, shortened
from emoticrafter.prompts.writer import Failure, Pair, PairTask, Tell, WritingProgress

__all__ = ["Asking", "Backoff"]

GIVE_UP_AFTER = 20  # tasks that failed in a row: the server, or the model, is not what was meant


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """Seconds to wait before asking again: doubled each time, drawn from the upper half, lest all come back at once."""

    first: float = 1.0
    most: float = 60.0

    def wait(self, attempt: int) -> float:
        return min(self.most, self.first * 2.0**attempt) * random.uniform(0.5, 1.0)


class Asking:
    """One piece of work: `go` asks `chat` for every task whose answer is not in the open ledger.

    requests: makes the request of a task, or raises InputError. retries: how often one task is asked again.
    """

    def __init__(
        self,
        chat: Chat,
        ledger: AnswerLedger,
        requests: Callable[[PairTask], PairQuestion],
        *,
        concurrency: int,
        retries: int,
        backoff: Backoff,
    ) -> None:
        self.chat, self.ledger, self.requests = chat, ledger, requests
        self.concurrency, self.retries, self.backoff = concurrency, retries, backoff
        self._begun: dict[str, asyncio.Future[Pair | Failure]] = {}  # by key: what two tasks ask alike is asked once
        self._hold_until = 0.0  # on the monotonic clock: a server that says wait says it to all workers
        self._failed_in_a_row = 0
        self._end: BaseException | None = None

    async def go(self, tasks: Sequence[PairTask], tell: Tell) -> list[Pair | Failure]:
        """A pair or a reason for each task, in order.

        The first Ctrl-C waits for the answers on their way, which are paid for; a second one does not. So does an error that
        makes going on senseless, such as a refused key: it is raised when the last worker is done.
        """
        self._stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        outcomes: dict[int, Pair | Failure] = {}
        before = (self.ledger.tokens_in, self.ledger.tokens_out)

        async def work(waiting: Iterator[tuple[int, PairTask]]) -> None:
            for number, task in waiting:  # shared: each worker takes the next one
                if self._stop.is_set():
                    break
                try:
                    outcomes[number] = await self._settle(task)
                except EmotiCrafterError as error:
                    self._finish(error)
                    break
                into, out = self.ledger.tokens_in - before[0], self.ledger.tokens_out - before[1]
                tell(WritingProgress(done=len(outcomes), total=len(tasks), tokens_in=into, tokens_out=out))

        with suppress(NotImplementedError, ValueError, RuntimeError):  # Windows; not the main thread
            loop.add_signal_handler(signal.SIGINT, self._interrupted, loop)
        try:
            waiting = iter(enumerate(tasks))
            await asyncio.gather(*(work(waiting) for _ in range(min(self.concurrency, len(tasks)))))
        finally:
            with suppress(NotImplementedError, ValueError, RuntimeError):
                loop.remove_signal_handler(signal.SIGINT)
        if self._end is not None:
            raise self._end
        return [outcomes[number] for number in range(len(tasks))]

    def _interrupted(self, loop: asyncio.AbstractEventLoop) -> None:
        self._finish(KeyboardInterrupt())
        loop.remove_signal_handler(signal.SIGINT)

    def _finish(self, why: BaseException) -> None:
        self._end = self._end or why
        self._stop.set()

    async def _settle(self, task: PairTask) -> Pair | Failure:
        """The outcome of a task: from the ledger, from a worker that asks the same, or from the server."""
        try:
            request = await asyncio.to_thread(self.requests, task)
        except InputError as error:
            return Failure(reason=reason_of(error))
        record = self.ledger.settled.get(request.key)
        if record is not None and record["status"] == "refusal":
            return Failure(reason=_refused(record["text"]))
        if record is not None:
            with suppress(UnusableError):
                return read_reply(record["text"])
        if request.key in self._begun:
            return await asyncio.shield(self._begun[request.key])
        future = self._begun[request.key] = asyncio.get_running_loop().create_future()
        outcome: Pair | Failure = Failure(reason="the work was stopped")
        try:
            outcome = await self._ask(task.id, request.key, await asyncio.to_thread(request.messages))
            self._failed_in_a_row = 0
        except UnusableError as error:  # the picture
            outcome = Failure(reason=str(error))
        except NoPairError as error:
            outcome = Failure(reason=error.reason)
            self._failed_in_a_row = 0 if error.deliberate else self._failed_in_a_row + 1
            if self._failed_in_a_row >= GIVE_UP_AFTER:
                raise InputError(
                    f"{GIVE_UP_AFTER} requests in a row failed; the last: {error.reason}.", "Check the server and the model."
                ) from None
        finally:
            future.set_result(outcome)
            del self._begun[request.key]
        return outcome

    async def _ask(self, task_id: str, key: str, messages: Messages) -> Pair:
        """Ask until there is a pair; keep every answer on the way."""
        reason = ""
        for attempt in range(self.retries + 1):
            while not self._stop.is_set() and (wait := self._hold_until - time.monotonic()) > 0:
                await self._pause(wait)
            if self._stop.is_set():
                raise NoPairError("the work was stopped", deliberate=True)
            try:
                return await self._ask_once(task_id, key, messages)
            except AskAgainError as trouble:
                reason, wait = trouble.reason, self.backoff.wait(attempt)
                if trouble.after is not None:
                    wait = max(wait, trouble.after)
                    self._hold_until = max(self._hold_until, time.monotonic() + trouble.after)
            if attempt < self.retries:
                await self._pause(wait)
        raise NoPairError(f"{reason} (asked {self.retries + 1} times)")

    async def _ask_once(self, task_id: str, key: str, messages: Messages) -> Pair:
        answer = await self.chat.ask(messages)

        def keep(status: Status, text: str) -> None:
            self.ledger.add(key, status, text, about=task_id, tokens_in=answer.tokens_in, tokens_out=answer.tokens_out)

        if answer.refusal:
            keep("refusal", answer.refusal)
            raise NoPairError(_refused(answer.refusal), deliberate=True)
        try:
            pair = read_reply(answer.text, whole=not answer.cut_off)
        except UnusableError as error:
            keep("useless", answer.text)
            raise AskAgainError("the answer was cut off at the server's limit" if answer.cut_off else str(error)) from None
        keep("answer", answer.text)
        return pair

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)


def _refused(text: str) -> str:
    return f"the model refused: {shortened(text)}"
