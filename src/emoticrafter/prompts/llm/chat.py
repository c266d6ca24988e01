"""One question to a server that speaks OpenAI's chat completions, and what each way of not answering means."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import openai

from emoticrafter.errors import InputError
from emoticrafter.prompts.llm.messages import FORMATS, Messages, shortened

__all__ = ["Answer", "AskAgainError", "Chat", "NoPairError", "retry_after", "shown_url"]

LONGEST_WAIT = 3600.0  # seconds that a server may ask for
_MAY_PASS = {408, 409, 425, 429}  # and all from 500
_FORMAT_UNKNOWN = {400, 415, 422, 501}
_FORMAT_NAMED = re.compile(r"response.?format|json.?(schema|object|mode)|structured.?output|guided|grammar", re.IGNORECASE)
REPEATED = 3  # errors of the server, after which its trouble may be a format that it does not know
_FILTERED = {"content_filter", "content_policy_violation"}
_NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached"}


class AskAgainError(Exception):
    """This may pass. after: seconds that the server asked to wait for."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.after = reason, after


class NoPairError(Exception):
    """This will not pass. deliberate: server and model are well and said no to this task only."""

    def __init__(self, reason: str, deliberate: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.deliberate = reason, deliberate


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the model said. refusal: empty if it did not refuse; cut_off: the text stops at the server's limit."""

    text: str
    refusal: str
    cut_off: bool
    tokens_in: int
    tokens_out: int


class Chat:
    """A model behind a URL; an async context manager. key may be empty; it is sent to `base_url` and shown nowhere."""

    def __init__(self, *, base_url: str, key: str, model: str, fields: dict[str, Any], timeout: float) -> None:
        self.base_url, self.model, self.fields, self.timeout = base_url, model, fields, timeout
        self._key = key
        self._format = 0  # index in FORMATS
        self._format_proven = False
        self._server_errors = 0  # while no format is proven
        # The client's own retries would be invisible here, and would not hold back what is asked at the same time.
        self._client = openai.AsyncOpenAI(api_key=key or "none", base_url=base_url, max_retries=0, timeout=timeout)

    async def __aenter__(self) -> Chat:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def ask(self, messages: Messages) -> Answer:
        """The model's answer in the strictest format that the server knows.

        Raises AskAgainError, NoPairError, and InputError where asking anything more makes no sense.
        """
        completion = await self._complete(messages)
        try:
            choice = completion.choices[0]
            message, reason = choice.message, choice.finish_reason
            text, refusal = message.content or "", getattr(message, "refusal", None) or ""
        except (AttributeError, IndexError, TypeError):  # the client checks no shapes
            raise AskAgainError("the server's answer was no chat completion") from None
        if not refusal and reason == "content_filter":
            refusal = "the answer was filtered"
        usage = getattr(completion, "usage", None)
        counts = (getattr(usage, "prompt_tokens", 0), getattr(usage, "completion_tokens", 0))
        into, out = (count if isinstance(count, int) and count > 0 else 0 for count in counts)
        text, refusal = self._safe(str(text)), self._safe(str(refusal))
        return Answer(text=text, refusal=refusal, cut_off=reason == "length", tokens_in=into, tokens_out=out)

    async def _complete(self, messages: Messages) -> Any:
        first: openai.APIStatusError | None = None
        in_trouble = False
        last = self._format if self._format_proven else len(FORMATS) - 1
        for number in range(self._format, last + 1):
            try:
                completion = await self._post(messages, FORMATS[number])
            except openai.APIStatusError as error:
                # There are many ways to say that a format is unknown; if the next one is no better, that was not it.
                first, in_trouble = first or error, in_trouble or self._in_trouble(error)
                if not (_may_be_format(error) or (in_trouble and error.status_code >= 500)):
                    raise self._meaning(error) from None
                continue
            if not self._format_proven:
                self._format, self._format_proven = number, True
            return completion
        assert first is not None
        raise self._meaning(first) from None

    def _in_trouble(self, error: openai.APIStatusError) -> bool:
        """Whether the server has failed so often, before it ever answered, that the other formats are worth a try: once."""
        self._server_errors += error.status_code >= 500 and not self._format_proven
        return self._server_errors == REPEATED

    async def _post(self, messages: Messages, form: dict[str, Any]) -> Any:
        body: dict[str, Any] = {"model": self.model, "messages": messages, "response_format": form}
        try:
            async with asyncio.timeout(self.timeout):  # the client's own limit is for each read, not for all of them
                return await self._client.chat.completions.create(**body, extra_body=self.fields or None)
        except (TimeoutError, openai.APITimeoutError):
            raise AskAgainError(f"no answer within {self.timeout:g} s") from None
        except openai.APIConnectionError as error:
            raise AskAgainError(self._safe(f"the connection failed: {error.__cause__ or error}")) from None
        except openai.APIStatusError:
            raise
        except (openai.OpenAIError, ValueError, RecursionError) as error:
            raise AskAgainError(self._safe(f"the server's answer was no JSON: {shortened(str(error))}")) from None

    def _meaning(self, error: openai.APIStatusError) -> Exception:
        """What to do about an HTTP status."""
        status, said = error.status_code, self._safe(shortened(str(error.message)))
        if status == 401:
            return InputError("The server refused the API key (401).", "Set the right key in the environment.")
        if status == 402 or {str(error.code), str(error.type)} & _NO_MONEY:
            return InputError(f"The account has no money left ({status}).", "Top it up.")
        if status == 404:
            return InputError(
                f"The server {shown_url(self.base_url)!r} has no model {self.model!r}, or no chat completions (404).",
                "Check --model and --base-url, which ends in /v1 with most servers.",
            )
        if status in _MAY_PASS or status >= 500:
            return AskAgainError(f"the server answered {status}: {said}", retry_after(error.response.headers))
        if _filtered(error):
            return NoPairError(f"the server's filter refused: {said}", deliberate=True)
        return NoPairError(f"the server answered {status}: {said}")

    def _safe(self, text: str) -> str:
        """A text from the server without the key, should it send that back."""
        return text.replace(self._key, "***") if len(self._key) > 3 else text


def retry_after(headers: Any) -> float | None:
    """The seconds that a server asks to wait, 0 to an hour: `retry-after-ms`, or `Retry-After` in seconds or as a date."""
    milliseconds, text = headers.get("retry-after-ms"), headers.get("retry-after")
    seconds: float | None = None
    with suppress(ValueError, TypeError):
        seconds = float(milliseconds) / 1000
    if seconds is None and text is not None:
        with suppress(ValueError, TypeError):
            seconds = (
                float(text) if re.fullmatch(r"\s*[\d.]+\s*", text) else parsedate_to_datetime(text).timestamp() - time.time()
            )
    return None if seconds is None or seconds != seconds else min(max(seconds, 0.0), LONGEST_WAIT)


def shown_url(url: str) -> str:
    """A URL without a password."""
    return re.sub(r"//[^/@]*@", "//", url)


def _may_be_format(error: openai.APIStatusError) -> bool:
    named = _FORMAT_NAMED.search(f"{error.message} {error.param}") is not None
    return (named or error.status_code in _FORMAT_UNKNOWN) and not _filtered(error)


def _filtered(error: openai.APIStatusError) -> bool:
    return bool({str(error.code), str(error.type)} & _FILTERED)
