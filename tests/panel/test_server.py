"""The server's calls: what each gives, what each refuses, what none tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from emoticrafter.panel.frozen import Frozen
from emoticrafter.panel.server import make_app
from emoticrafter.panel.store import Store
from tests.panel.studies import answers_to, frozen_study

ONE, TWO = "session-one", "session-two"
SCREEN = {"screen_width": 1280, "screen_height": 800, "window_width": 390, "window_height": 844, "pixel_ratio": 3, "touch": True}


class Desk:
    """A study on a server, and a client that calls it."""

    def __init__(self, frozen: Frozen, store: Store, client: TestClient) -> None:
        self.frozen, self.store, self.client = frozen, store, client

    def call(self, name: str, status: int = 200, /, **content: Any) -> Any:
        response = self.client.post(f"/api/{name}", json={"session": ONE, **content})
        assert response.status_code == status, response.text
        return response.json()

    def answer(self, token: str, number: int, status: int = 200, *, session: str = ONE, **changed: Any) -> Any:
        entry = self.store.find(token=token)
        assert entry is not None
        answers, times = answers_to(self.frozen.trials(entry.sequence)[number - 1])
        given = {"trial": number, "answers": {**answers, **changed}, "rt_ms": times, "screen": SCREEN}
        return self.call("answer", status, token=token, session=session, **given)


def served(folder: Path, kind: str = "rate", more: str = "[rate]\ninstrument = 'likert'\n", **given: Any) -> Iterator[Desk]:
    frozen = frozen_study(folder, kind, more, **{"values": (0.0,), **given})
    with Store.create(frozen) as store, TestClient(make_app(frozen, store, hosts=("testserver",))) as client:
        yield Desk(frozen, store, client)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    yield from served(tmp_path)


@pytest.fixture
def open_desk(tmp_path: Path) -> Iterator[Desk]:
    people = "[people]\nentry = 'open'\ncompletion_code = 'C0DE'\nreturn_address = 'https://example.org/back'\n"
    yield from served(tmp_path, more=f"[rate]\ninstrument = 'likert'\n{people}")


def test_the_way_by_a_link(desk: Desk) -> None:
    (entry,) = desk.store.invite(1)
    told = desk.call("enter", token=entry.token)
    assert (told["state"], told["title"], told["preview"], told["simulated"]) == (
        "new",
        "How does this picture feel?",
        False,
        False,
    )
    assert told["consent"]["text"].startswith("You are asked to judge")
    assert desk.store.participants()[0].state == "invited"  # looking is no consent
    told = desk.call("enter", token=entry.token, begin=True)
    assert (told["state"], told["answered"], told["all"], len(told["trials"])) == ("running", 0, 9, 9)
    for number in range(1, 10):
        assert desk.answer(entry.token, number) == {"answered": number}
    assert desk.call("finish", token=entry.token) == {"code": "", "return_address": ""}
    assert desk.call("enter", token=entry.token)["state"] == "finished"
    assert desk.store.participants()[0].state == "finished"
    row = desk.store.responses()[0]
    assert (row.window_width, row.pixel_ratio, row.touch, row.rt_ms) == (390, 3.0, True, 1000.0)


def test_a_page_loaded_again_goes_on_and_shuts_the_old_one_out(desk: Desk) -> None:
    (entry,) = desk.store.invite(1)
    desk.call("enter", token=entry.token, begin=True)
    desk.answer(entry.token, 1)
    told = desk.call("enter", token=entry.token, session=TWO)
    assert (told["state"], told["answered"], told["trials"][0]["trial"]) == ("running", 1, 2)
    assert desk.answer(entry.token, 2, 409)["reason"] == "other-tab"
    assert desk.answer(entry.token, 2, session=TWO) == {"answered": 2}
    assert desk.answer(entry.token, 4, 409, session=TWO)["reason"] == "reload"
    assert len(desk.store.responses()) == 4


def test_open_entry_makes_a_participant_at_consent_and_keeps_its_parameters(open_desk: Desk) -> None:
    given = {"PROLIFIC_PID": "abc", "STUDY_ID": "s1", "utm_source": "mail"}
    assert open_desk.call("enter", parameters=given)["state"] == "new"
    assert open_desk.store.participants() == []
    told = open_desk.call("enter", parameters=given, begin=True)
    token = told["token"]
    (person,) = open_desk.store.participants()
    assert person.parameters == {"PROLIFIC_PID": "abc", "STUDY_ID": "s1"}
    open_desk.answer(token, 1)
    again = open_desk.call("enter", parameters=given, session=TWO)  # the same person, by the recruiter's address
    assert (again["token"], again["answered"]) == (token, 1)
    for number in range(2, 10):
        open_desk.answer(token, number, session=TWO)
    assert open_desk.call("finish", token=token, session=TWO) == {"code": "C0DE", "return_address": "https://example.org/back"}


def test_the_code_is_told_to_nobody_who_has_not_answered(open_desk: Desk) -> None:
    token = open_desk.call("enter", begin=True)["token"]
    assert open_desk.call("finish", 409, token=token)["reason"] == "reload"
    assert "C0DE" not in json.dumps(open_desk.call("enter", token=token))


def test_withdrawal_is_at_once(desk: Desk) -> None:
    (entry,) = desk.store.invite(1)
    desk.call("enter", token=entry.token, begin=True)
    desk.answer(entry.token, 1)
    assert desk.call("withdraw", token=entry.token) == {"deleted": 2}
    assert (desk.store.responses(), desk.store.participants(), desk.store.withdrawn) == ([], [], 1)
    assert desk.call("enter", 404, token=entry.token)["reason"] == "unknown"


@pytest.mark.parametrize("name", ["enter", "finish", "withdraw"])
def test_an_unknown_token_is_refused(desk: Desk, name: str) -> None:
    assert desk.call(name, 404, token="x" * 16)["reason"] == "unknown"
    assert desk.call(name, 404)["reason"] == "unknown"  # links alone lead into this study


@pytest.mark.parametrize(
    "content",
    [
        {"session": "short"}, {"session": 12345678}, {"token": 3}, {"begin": "yes"}, {"parameters": []}, {"other": 1},
        {"parameters": {"a": "x" * 201}}, {"token": "x" * 201},
    ],
)  # fmt: skip
def test_a_call_of_another_form_is_refused(desk: Desk, content: dict[str, Any]) -> None:
    desk.call("enter", 422, **content)


def test_answers_of_another_form_are_refused(desk: Desk) -> None:
    (entry,) = desk.store.invite(1)
    desk.call("enter", token=entry.token, begin=True)
    assert desk.answer(entry.token, 1, 400, valence="<script>")["reason"] == "bad"
    assert desk.answer(entry.token, 1, 400, more=1)["reason"] == "bad"
    body = {"token": entry.token, "trial": 99, "answers": {}, "rt_ms": {}, "screen": {}}
    assert desk.call("answer", 409, **body)["reason"] == "reload"
    for changed in (
        {"trial": 0},
        {"trial": True},
        {"rt_ms": {"valence": "1"}},
        {"screen": {"screen_width": -1}},
        {"screen": {"name": 1}},
    ):
        desk.call("answer", 422, **{**body, **changed})
    assert desk.store.responses() == []


def test_a_call_that_is_too_long_is_refused(desk: Desk) -> None:
    assert desk.client.post("/api/enter", content=b" " * 70_000, headers={"content-type": "application/json"}).status_code == 413


def test_other_names_of_the_host_are_refused(desk: Desk) -> None:
    assert desk.client.get("/", headers={"host": "evil.example"}).status_code == 400


def test_the_page_and_its_parts_come_from_here_alone(desk: Desk) -> None:
    page = desk.client.get("/p/some-token")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert (page.headers["referrer-policy"], page.headers["cache-control"]) == ("no-referrer", "no-store")
    assert "set-cookie" not in page.headers
    assert '<html lang="en" dir="ltr">' in page.text
    assert "http" not in page.text.replace("http-equiv", "")
    for path in ("/page/main.js", "/page/page.css", "/page/vendor/jspsych.js", "/words.json"):
        assert desk.client.get(path).status_code == 200
    for path in ("/page/../server.py", "/page/%2e%2e/server.py", "/docs", "/openapi.json", "/study.toml", "/panel.sqlite"):
        assert desk.client.get(path).status_code == 404


def test_pictures_are_served_by_their_ids(desk: Desk) -> None:
    name = next(iter(desk.frozen.units.pictures))
    shown = desk.client.get(f"/pictures/{name}.webp")
    assert (shown.status_code, shown.headers["content-type"], shown.content[8:12]) == (200, "image/webp", b"WEBP")
    for wrong in ("nothing", "..%2Fstudy", "%2e%2e"):
        assert desk.client.get(f"/pictures/{wrong}.webp").status_code == 404


@pytest.mark.parametrize("kind", ["rank", "rate-sets", "compare", "rate"])
def test_the_page_is_not_told_what_is_to_be_found_out(tmp_path: Path, kind: str) -> None:
    for desk in served(tmp_path, kind, "", values=(-3.0, -1.5, 0.0, 1.5, 3.0)):
        (entry,) = desk.store.invite(1)
        told = desk.call("enter", token=entry.token, begin=True)
        for trial in told["trials"]:
            assert not {"methods", "valences", "arousals", "valence", "arousal", "seed", "unit", "content"} & set(trial)
        text = json.dumps(told["trials"])
        assert "ours" not in text
        assert "other" not in text


def test_preview_and_simulation_are_said(tmp_path: Path) -> None:
    frozen = frozen_study(tmp_path, "rate", "[people]\nentry = 'open'\n", values=(0.0,))
    with (
        Store.create(frozen, simulated=True) as store,
        TestClient(make_app(frozen, store, hosts=("testserver",), preview=True)) as client,
    ):
        told = client.post("/api/enter", json={"session": ONE}).json()
    assert (told["preview"], told["simulated"]) == (True, True)
