"""The study's server: the page, its pictures, and five calls, each of which names a participant by the token of their link.

It keeps no addresses and no cookies, and logs no calls. An error is `{"reason": ...}`: unknown, other-tab, reload, or bad.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emoticrafter.errors import EmotiCrafterError, InputError, MissingError
from emoticrafter.inputs.lines import read_text
from emoticrafter.inputs.named import read_file
from emoticrafter.panel.answers import Screen
from emoticrafter.panel.frozen import Frozen
from emoticrafter.panel.store import Store, StoreEntry
from emoticrafter.panel.study import SECTIONS
from emoticrafter.panel.trials import Trial
from emoticrafter.panel.words import feeling_words

__all__ = ["make_app"]

PAGE = Path(__file__).parent / "page"
MOST_BYTES = 1 << 16  # of a call
MOST_PICTURE_BYTES = 1 << 26
PICTURES_HELD = 512  # in memory, of those shown last
LOCAL = ("127.0.0.1", "localhost", "::1", "[::1]")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # addresses hold tokens
}
Text = Annotated[str, Field(max_length=200)]


class _Call(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    token: Text = ""
    session: Annotated[str, Field(min_length=8, max_length=64)]


class Entering(_Call):
    """A page was loaded. parameters: of an open address; begin: consent was given just now."""

    parameters: Annotated[dict[Text, Text], Field(max_length=100)] = {}
    begin: bool = False


class ScreenGiven(BaseModel):
    """As `answers.Screen`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    screen_width: Annotated[int, Field(ge=0, le=100_000)] | None = None
    screen_height: Annotated[int, Field(ge=0, le=100_000)] | None = None
    window_width: Annotated[int, Field(ge=0, le=100_000)] | None = None
    window_height: Annotated[int, Field(ge=0, le=100_000)] | None = None
    pixel_ratio: Annotated[float, Field(gt=0, le=100)] | None = None
    touch: bool | None = None


class Answered(_Call):
    """The answers to a trial, by the names of its questions."""

    trial: Annotated[int, Field(ge=1, le=1_000_000)]
    answers: Annotated[dict[Text, Any], Field(max_length=200)]
    rt_ms: Annotated[dict[Text, float], Field(max_length=200)]
    screen: ScreenGiven


def make_app(frozen: Frozen, store: Store, *, hosts: tuple[str, ...] = LOCAL, preview: bool = False) -> FastAPI:
    """The server of a study that began.

    hosts: names by which it may be called; "*" takes any. preview: the page says that nothing is kept.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, max_body_size=MOST_BYTES)
    app.add_middleware(_Headers)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    desk = _Desk(frozen, store, preview)

    @app.exception_handler(EmotiCrafterError)
    async def told(request: Request, error: EmotiCrafterError) -> JSONResponse:
        field = error.field if isinstance(error, InputError) else None
        reason = {"session": "other-tab", "trial": "reload", "participant": "unknown"}.get(str(field), "bad")
        status = {"unknown": 404, "bad": 400}.get(reason, 409)
        return JSONResponse({"reason": reason, "problem": error.problem}, status)

    @app.get("/", response_class=HTMLResponse)
    @app.get("/p/{token}", response_class=HTMLResponse)
    def page(token: str = "") -> str:
        return desk.page

    @app.get("/words.json")
    def words() -> Mapping[str, Mapping[str, str]]:
        return frozen.words

    @lru_cache(maxsize=PICTURES_HELD)
    def content(name: str) -> bytes:
        return read_file(frozen.picture_path(name), MOST_PICTURE_BYTES, "picture")

    @app.get("/pictures/{name}.webp")
    async def picture(name: str) -> Response:
        try:
            return Response(content(name), media_type="image/webp")
        except MissingError:
            return Response(status_code=404)

    @app.post("/api/enter")
    def enter(call: Entering) -> dict[str, Any]:
        return desk.enter(call)

    @app.post("/api/answer")
    def answer(call: Answered) -> dict[str, Any]:
        return desk.answer(call)

    @app.post("/api/finish")
    def finish(call: _Call) -> dict[str, Any]:
        return desk.finish(call)

    @app.post("/api/withdraw")
    def withdraw(call: _Call) -> dict[str, Any]:
        return {"deleted": store.withdraw(desk.known(call.token).participant)}

    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    return app


class _Headers:
    """Puts `_HEADERS` on every answer; pictures, which never change, may be kept by the browser, and nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                kept = "private, max-age=86400" if scope["path"].startswith("/pictures/") else "no-store"
                headers["Cache-Control"] = kept
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


class _Desk:
    """What the calls do."""

    def __init__(self, frozen: Frozen, store: Store, preview: bool) -> None:
        self.frozen, self.store, self.preview = frozen, store, preview
        self.simulated = store.simulated
        language = frozen.words["language"]
        page = read_text(PAGE / "index.html")
        self.page = page.replace('lang="en"', f'lang="{language["tag"]}"').replace('dir="ltr"', f'dir="{language["direction"]}"')

    def enter(self, call: Entering) -> dict[str, Any]:
        people = self.frozen.study.people
        parameters = {name: call.parameters[name] for name in people.parameters if call.parameters.get(name)}
        entry = self.store.find(token=call.token) if call.token else None
        if call.token and entry is None:
            raise _no_link()
        if entry is None:
            if people.entry != "open":
                raise _no_link()
            person = parameters.get(people.parameters[0])
            entry = self.store.find(person=person) if person else None
            if entry is None and call.begin:
                entry = self.store.join(parameters)
        if entry is not None and call.begin and entry.state == "invited":
            self.store.begin(entry.participant)
        if entry is None or (entry.state == "invited" and not call.begin):
            return {"state": "new", **self._told(), "consent": self._consent()}
        if entry.state == "finished":
            return {"state": "finished", "token": entry.token, **self._told(), **self._end()}
        entry = self.store.take(entry.participant, call.session)
        return {"state": "running", "token": entry.token, **self._told(), **self._work(entry)}

    def answer(self, call: Answered) -> dict[str, Any]:
        entry = self.known(call.token)
        trials = self.frozen.trials(entry.sequence)
        if call.trial > len(trials):
            raise InputError(f"There is no trial {call.trial}.", "Load the page again.", field="trial", value=call.trial)
        screen = Screen(**call.screen.model_dump())
        done = self.store.add(entry.participant, call.session, trials[call.trial - 1], call.answers, call.rt_ms, screen)
        return {"answered": done}

    def finish(self, call: _Call) -> dict[str, Any]:
        self.store.finish(self.known(call.token).participant, call.session)
        return self._end()

    def known(self, token: str) -> StoreEntry:
        entry = self.store.find(token=token)
        if entry is None:
            raise _no_link()
        return entry

    def _told(self) -> dict[str, Any]:
        study, words = self.frozen.study, self.frozen.words
        return {
            "title": study.study.title or words["titles"][SECTIONS[study.kind]],
            "preview": self.preview,
            "simulated": self.simulated,
        }

    def _consent(self) -> dict[str, Any]:
        people = self.frozen.study.people
        return {"text": self.frozen.consent, "contact": people.contact, "criteria": people.criteria}

    def _work(self, entry: StoreEntry) -> dict[str, Any]:
        study, trials = self.frozen.study, self.frozen.trials(entry.sequence)
        return {
            "kind": study.kind,
            "instructions": study.study.instructions or self.frozen.words["instructions"][SECTIONS[study.kind]],
            "smallest_window": study.people.smallest_window,
            "break_every": study.design.break_every,
            "answered": entry.answered,
            "all": len(trials),
            "trials": [self._shown(one) for one in trials[entry.answered :]],
        }

    def _end(self) -> dict[str, Any]:
        people = self.frozen.study.people
        return {"code": people.completion_code, "return_address": people.return_address}

    def _shown(self, trial: Trial) -> dict[str, Any]:
        """What the page needs of a trial; of its cell nothing from which an answer could be read."""
        pair = trial.neutral is not None
        feeling = None
        if trial.valence is not None and trial.arousal is not None:
            feeling = feeling_words(self.frozen.words, trial.valence, trial.arousal)
        asked = [{**asdict(one), "name": one.name} for one in trial.questions]
        shown: dict[str, Any] = {"trial": trial.trial, "part": trial.part, "pictures": trial.pictures, "questions": asked}
        if self.frozen.study.kind in ("validate-pairs", "compare") and trial.part != "check":
            shown |= {"feeling": feeling, "prompt": trial.prompt}
        if pair:
            shown["neutral"] = trial.neutral
        if self.frozen.study.kind == "rank":
            shown["axis"] = trial.axis
        if self.frozen.study.kind == "rate-sets":
            shown["columns"] = len(set(trial.valences))
        return shown


def _no_link() -> InputError:
    return InputError("This link is not known.", "Ask the person who sent it.", field="participant")
