"""The options of the writer that asks a language model, and what it would send."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emoticrafter.cli.console import note, printable, say, say_json
from emoticrafter.errors import InputError, MissingError, reason_of

if TYPE_CHECKING:
    from emoticrafter.prompts.llm.openai import CostForecast

PANEL = "Language model (--writer openai)"


@dataclass(frozen=True, kw_only=True)
class ChatOptions:
    """Which language model is asked, with what, and how hard. What is not given is None, and has its default below."""

    model: Annotated[
        str | None,
        typer.Option(help="The model's name; by default $EMOTICRAFTER_MODEL.", metavar="NAME", rich_help_panel=PANEL),
    ] = None
    base_url: Annotated[
        str | None,
        typer.Option(
            help="The server, up to /v1; by default $OPENAI_BASE_URL, or else OpenAI's.",
            metavar="URL",
            rich_help_panel=PANEL,
        ),
    ] = None
    api_key_env: Annotated[
        str | None,
        typer.Option(
            help="The environment variable with the key; by default OPENAI_API_KEY.",
            metavar="NAME",
            rich_help_panel=PANEL,
        ),
    ] = None
    pictures: Annotated[
        Path | None,
        typer.Option(
            help="Send the pictures, which lie in this folder, instead of the captions.", metavar="DIR", rich_help_panel=PANEL
        ),
    ] = None
    picture_size: Annotated[
        int | None,
        typer.Option(
            help="Longest side of a picture that is sent, in pixels; by default 512.",
            min=32,
            max=4096,
            rich_help_panel=PANEL,
        ),
    ] = None
    concurrency: Annotated[
        int | None,
        typer.Option(help="How many requests are sent at the same time; by default 8.", min=1, max=1000, rich_help_panel=PANEL),
    ] = None
    timeout: Annotated[
        float | None,
        typer.Option(help="Seconds to wait for an answer; by default 120.", min=0.01, max=3600, rich_help_panel=PANEL),
    ] = None
    retries: Annotated[
        int | None,
        typer.Option(help="How often one request is sent again; by default 6.", min=0, max=100, rich_help_panel=PANEL),
    ] = None
    fields: Annotated[
        str | None,
        typer.Option(
            help="Further fields of each request, as JSON: '{\"temperature\": 0.7}'.",
            metavar="JSON",
            rich_help_panel=PANEL,
        ),
    ] = None
    price_in: Annotated[
        float | None,
        typer.Option(help="Price of a million tokens sent, for the cost.", min=0, metavar="N", rich_help_panel=PANEL),
    ] = None
    price_out: Annotated[
        float | None,
        typer.Option(help="Price of a million tokens answered.", min=0, metavar="N", rich_help_panel=PANEL),
    ] = None
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print the first requests and about what all of them would cost, and send nothing.",
            rich_help_panel=PANEL,
        ),
    ] = False

    def given(self) -> list[str]:
        """The options that were given."""
        return [f"--{field.name.replace('_', '-')}" for field in fields(self) if getattr(self, field.name) not in (None, False)]

    def settings(self) -> dict[str, Any]:
        """Of the writer; the environment speaks where an option does not."""
        for name in ("timeout", "price_in", "price_out"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise InputError(
                    f"--{name.replace('_', '-')} is {value}; it must be a finite number.", "Leave it out for the default."
                )
        model = self.model if self.model is not None else os.environ.get("EMOTICRAFTER_MODEL", "")
        url = self.base_url if self.base_url is not None else os.environ.get("OPENAI_BASE_URL", "").strip()
        key = os.environ.get(self.api_key_env or "OPENAI_API_KEY", "").strip()
        if self.api_key_env and not key:
            raise MissingError(f"The environment has no {self.api_key_env!r}, which --api-key-env names.", "Set it to the key.")
        made: dict[str, Any] = {"model": model, "key": key, "base_url": url or None, "fields": self._fields()}
        made |= {"pictures": self.pictures, "edge": self.picture_size, "concurrency": self.concurrency}
        made |= {"timeout": self.timeout, "retries": self.retries}
        return {name: value for name, value in made.items() if value is not None}

    def cost(self, tokens_in: int, tokens_out: int) -> float | None:
        """In the currency of the prices; None without any."""
        if self.price_in is None and self.price_out is None:
            return None
        return (tokens_in * (self.price_in or 0.0) + tokens_out * (self.price_out or 0.0)) / 1e6

    def _fields(self) -> dict[str, Any] | None:
        if self.fields is None:
            return None
        from emoticrafter.inputs.records import parse_json

        hint = """Write, for instance, '{"temperature": 0.7}'."""
        try:
            made = parse_json(self.fields)
            json.dumps(made, allow_nan=False)
        except ValueError as error:
            reason = (
                "it holds NaN or an infinite number, which JSON has not" if "Out of range" in str(error) else reason_of(error)
            )
            raise InputError(f"--fields {self.fields[:60]!r} is no JSON: {reason}.", hint) from error
        if not isinstance(made, dict):
            raise InputError(f"--fields {self.fields[:60]!r} is no JSON object.", hint)
        return made


def tokens(into: int, out: int, cost: float | None) -> str:
    """What was spent; cost in the currency of the prices."""
    return f"{into:,} tokens in, {out:,} out" + ("" if cost is None else f", cost {cost:.2f}")


def say_forecast(forecast: CostForecast, chat: ChatOptions, as_json: bool) -> None:
    cost = chat.cost(forecast.tokens_in, forecast.tokens_out)
    if as_json:
        first = [{"id": name, "messages": messages} for name, messages in forecast.first]
        counts = {"to_ask": forecast.to_ask, "kept": forecast.kept, "failures": forecast.failures}
        say_json({"first": first, **counts, "tokens_in": forecast.tokens_in, "tokens_out": forecast.tokens_out, "cost": cost})
        return
    for name, messages in forecast.first:
        say(f"--- {printable(name)}")
        for message in messages:
            parts = message["content"] if isinstance(message["content"], list) else [{"text": message["content"]}]
            said = [part["text"] if "text" in part else _picture(part["image_url"]["url"]) for part in parts]
            say(f"[{message['role']}]\n" + printable("\n".join(said)))
    failed = f", {len(forecast.failures):,} rows cannot be asked" if forecast.failures else ""
    note(f"{forecast.to_ask:,} requests to send, {forecast.kept:,} answers are there{failed}")
    note(
        f"about {tokens(forecast.tokens_in, forecast.tokens_out, cost)}" + ("; for the cost, give prices" if cost is None else "")
    )


def _picture(url: str) -> str:
    return f"({url[:48]}... {len(url):,} characters; --json prints them)"
