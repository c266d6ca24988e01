"""Over real HTTP, against a server that misbehaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError, MissingError, OutputError
from emoticrafter.prompts.llm import workers as asking
from emoticrafter.prompts.llm.chat import retry_after
from emoticrafter.prompts.llm.openai import OPENAI_URL, Backoff, OpenAIWriter
from emoticrafter.prompts.writer import Failure, Pair, PairTask, WritingProgress
from tests.chat_server import ChatServer, chat_server

KEY = "sk-very-secret-0123456789"


def tasks(*captions: str) -> list[PairTask]:
    return [PairTask(id=f"id/{i}", emotion=Emotion(valence=-2, arousal=1), caption=text) for i, text in enumerate(captions)]


def writer(server: ChatServer, folder: Path, **settings: Any) -> OpenAIWriter:
    given: dict[str, Any] = {
        "model": "tiny", "ledger": folder / "a.answers.jsonl", "base_url": server.url, "key": KEY, "timeout": 20, "retries": 3,
        "backoff": Backoff(first=0.01, most=0.02),
    }  # fmt: skip
    return OpenAIWriter(**given | settings)


def write(server: ChatServer, folder: Path, given: list[PairTask], **settings: Any) -> list[Pair | Failure]:
    return writer(server, folder, **settings).write(given, lambda _: None)


def ledger_lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "a.answers.jsonl").read_text(encoding="utf-8").splitlines()]


def test_pairs_come_back_in_order(server: ChatServer, tmp_path: Path) -> None:
    told: list[WritingProgress] = []
    server.misdeeds["one"] = ["slow"]
    given = tasks("one", "two", "three")
    outcomes = writer(server, tmp_path, timeout=20).write(given, told.append)
    assert outcomes == [Pair(neutral=text, emotional=f"{text} under a stormy sky") for text in ("one", "two", "three")]
    assert told[-1] == WritingProgress(done=3, total=3, tokens_in=300, tokens_out=30)
    assert [progress.done for progress in told] == [1, 2, 3]
    assert {line["about"] for line in ledger_lines(tmp_path)} == {"id/0", "id/1", "id/2"}
    body = server.bodies[0]
    assert body["model"] == "tiny"
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["neutral_prompt", "emotional_prompt"]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert KEY not in (tmp_path / "a.answers.jsonl").read_text()


@pytest.mark.parametrize(
    "misdeed",
    [
        "slow", "trickle", "busy", "broken", "html", "no_json", "empty", "stranger", "no_choice", "cut", "hang_up", "prose",
        "half_json", "other_names", "numbers", "same_twice", "blank", "nothing",
    ],
)  # fmt: skip
def test_what_may_pass_is_asked_again(server: ChatServer, tmp_path: Path, misdeed: str) -> None:
    server.misdeeds["a dog"] = [misdeed]
    outcome = write(server, tmp_path, tasks("a dog"), timeout=0.5 if misdeed in ("slow", "trickle") else 20)
    assert outcome == [Pair(neutral="a dog", emotional="a dog under a stormy sky")]
    assert server.asked == ["a dog", "a dog"]


def test_useless_answers_are_counted_since_they_were_paid_for(server: ChatServer, tmp_path: Path) -> None:
    server.misdeeds["a dog"] = ["prose", "other_names"]
    told: list[WritingProgress] = []
    writer(server, tmp_path).write(tasks("a dog"), told.append)
    assert [line["status"] for line in ledger_lines(tmp_path)] == ["useless", "useless", "answer"]
    assert told[-1].tokens_in == 300


@pytest.mark.parametrize(
    ("misdeed", "reason"),
    [
        ("slow", "no answer within 0.5 s (asked 2 times)"),
        ("broken", "the server answered 500: "),
        ("cut", "the connection failed: "),
        ("no_json", "the server's answer was no JSON"),
        ("stranger", "no chat completion"),
        ("prose", "holds no JSON object: 'I would rather"),
        ("half_json", "cut off"),
        ("other_names", "wrong form: neutral_prompt Field required"),
        ("same_twice", "the two prompts are the same"),
    ],
)
def test_what_does_not_pass_is_a_reason(server: ChatServer, tmp_path: Path, misdeed: str, reason: str) -> None:
    server.misdeeds["a dog"] = [misdeed] * 99
    outcomes = write(server, tmp_path, tasks("a dog", "a cat"), retries=1, timeout=0.5 if misdeed == "slow" else 20)
    assert isinstance(outcomes[0], Failure)
    assert reason in outcomes[0].reason
    assert outcomes[1] == Pair(neutral="a cat", emotional="a cat under a stormy sky")
    assert server.asked.count("a dog") == 2


@pytest.mark.parametrize("misdeed", ["refusal", "filtered", "filter_400"])
def test_a_refusal_is_not_asked_again(server: ChatServer, tmp_path: Path, misdeed: str) -> None:
    server.misdeeds["a dog"] = [misdeed] * 9
    outcomes = write(server, tmp_path, tasks("a dog", "a cat"))
    assert isinstance(outcomes[0], Failure)
    assert "refused" in outcomes[0].reason
    assert server.asked.count("a dog") == 1
    if misdeed != "filter_400":  # which costs nothing
        assert write(server, tmp_path, tasks("a dog", "a cat")) == outcomes
        assert len(server.asked) == 2


def test_nothing_is_asked_twice(server: ChatServer, tmp_path: Path) -> None:
    first = write(server, tmp_path, tasks("one", "two"))
    again = write(server, tmp_path, tasks("one", "two", "three", "three", "three"))
    assert again[:2] == first
    assert sorted(server.asked) == ["one", "three", "two"]
    write(server, tmp_path, tasks("one"), model="other")  # another request
    assert server.asked.count("one") == 2


def test_the_limit_of_concurrency(server: ChatServer, tmp_path: Path) -> None:
    server.pause = 0.03
    write(server, tmp_path, tasks(*map(str, range(20))), concurrency=3)
    assert server.most == 3


def test_retry_after_holds_all_workers_back(server: ChatServer, tmp_path: Path) -> None:
    server.misdeeds["0"] = ["busy"]  # wants 0.3 s
    server.pause = 0.02
    write(server, tmp_path, tasks(*map(str, range(30))), concurrency=2)
    gaps = [b - a for a, b in zip(server.times, server.times[1:], strict=False)]
    assert max(gaps) > 0.25
    assert len(server.asked) == 31


@pytest.mark.parametrize(("formats", "used"), [({"json_object", "text"}, "json_object"), ({"text"}, "text")])
def test_a_format_that_the_server_lacks(server: ChatServer, tmp_path: Path, formats: set[str], used: str) -> None:
    server.formats = formats
    server.misdeeds["0"] = ["fenced"]
    outcomes = write(server, tmp_path, tasks(*map(str, range(10))), concurrency=1)
    assert all(isinstance(outcome, Pair) for outcome in outcomes)
    kinds = [body["response_format"]["type"] for body in server.bodies]
    assert kinds[-9:] == [used] * 9  # what was found out holds for the rest
    assert len({json.dumps(body["messages"][0]) for body in server.bodies}) == 1
    server.formats = {"json_schema"}
    assert write(server, tmp_path, tasks("0")) == outcomes[:1]  # the key of an answer does not depend on the format


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_any_refusal_that_names_the_format_has_the_others_tried(server: ChatServer, tmp_path: Path, status: int) -> None:
    server.formats, server.format_error = {"text"}, (status, "json_schema is not supported by this model")
    outcomes = write(server, tmp_path, tasks("a dog", "a cat"), concurrency=1, retries=0)
    assert all(isinstance(outcome, Pair) for outcome in outcomes)
    kinds = [body["response_format"]["type"] for body in server.bodies]
    assert kinds == ["json_schema", "json_object", "text", "text"]


def test_a_server_that_fails_at_a_format_without_a_word_is_asked_in_the_others(server: ChatServer, tmp_path: Path) -> None:
    server.formats, server.format_error = {"json_object", "text"}, (500, "Internal Server Error")
    outcomes = write(server, tmp_path, tasks(*map(str, range(5))), concurrency=1)
    assert all(isinstance(outcome, Pair) for outcome in outcomes)
    kinds = [body["response_format"]["type"] for body in server.bodies]
    assert kinds == ["json_schema"] * 3 + ["json_object"] * 5


def test_a_server_that_is_down_is_tried_in_other_formats_once(server: ChatServer, tmp_path: Path) -> None:
    server.misdeeds["0"] = ["broken"] * 8  # three, then the two other formats, then three more
    outcomes = write(server, tmp_path, tasks("0", "1"), concurrency=1, retries=9)
    assert all(isinstance(outcome, Pair) for outcome in outcomes)
    kinds = [body["response_format"]["type"] for body in server.bodies]
    assert kinds == ["json_schema"] * 3 + ["json_object", "text"] + ["json_schema"] * 5


def test_errors_after_an_answer_change_no_format(server: ChatServer, tmp_path: Path) -> None:
    server.misdeeds["1"] = ["broken"] * 4
    outcomes = write(server, tmp_path, tasks("0", "1"), concurrency=1, retries=9)
    assert all(isinstance(outcome, Pair) for outcome in outcomes)
    assert {body["response_format"]["type"] for body in server.bodies} == {"json_schema"}


def test_a_request_that_is_wrong_by_itself_changes_no_format(server: ChatServer, tmp_path: Path) -> None:
    server.misdeeds["0"] = ["too_long"] * 9
    outcomes = write(server, tmp_path, tasks("0", "1"), concurrency=1)
    assert isinstance(outcomes[0], Failure)
    assert "400: " in outcomes[0].reason
    assert server.bodies[-1]["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize(
    ("misdeed", "words"),
    [("bad_key", "refused the API key"), ("no_money", "no money left"), ("no_model", "has no model 'tiny'")],
)
def test_what_stops_the_work(server: ChatServer, tmp_path: Path, misdeed: str, words: str) -> None:
    server.misdeeds["5"] = [misdeed] * 9
    with pytest.raises(InputError, match=words) as caught:
        write(server, tmp_path, tasks(*map(str, range(20))), concurrency=1)
    assert "5 answers are kept" in caught.value.hint
    assert KEY not in str(caught.value)
    assert len(server.asked) == 6


def test_a_server_that_only_fails_is_left_alone(server: ChatServer, tmp_path: Path) -> None:
    given = tasks(*map(str, range(100)))
    for task in given:
        server.misdeeds[task.caption or ""] = ["broken"] * 9
    with pytest.raises(InputError, match="in a row failed; the last: the server answered 500"):
        write(server, tmp_path, given, retries=0, concurrency=4)
    assert asking.GIVE_UP_AFTER <= len(server.asked) < 30


def test_no_server_at_all(tmp_path: Path) -> None:
    with chat_server() as gone:
        pass
    outcomes = write(gone, tmp_path, tasks("a dog"), retries=1)
    assert isinstance(outcomes[0], Failure)
    assert "the connection failed" in outcomes[0].reason


def test_the_key_is_shown_nowhere(server: ChatServer, tmp_path: Path) -> None:
    server.misdeeds["a dog"] = ["echo"]
    outcomes = write(server, tmp_path, tasks("a dog"))
    assert isinstance(outcomes[0], Failure)
    assert "Bearer ***" in outcomes[0].reason
    assert KEY not in repr(vars(outcomes[0]))
    with pytest.raises(InputError) as caught:
        OpenAIWriter(model="m", ledger=tmp_path / "a", key="sk-bad key\n")
    assert "sk-bad" not in str(caught.value)


def test_uncounted_tokens_are_none(server: ChatServer, tmp_path: Path) -> None:
    server.misdeeds["a dog"] = ["uncounted"]
    told: list[WritingProgress] = []
    writer(server, tmp_path).write(tasks("a dog"), told.append)
    assert told[-1] == WritingProgress(done=1, total=1)


def test_further_fields_are_sent(server: ChatServer, tmp_path: Path) -> None:
    write(server, tmp_path, tasks("a dog"), fields={"temperature": 0.5})
    assert server.bodies[0]["temperature"] == 0.5


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"model": " "}, InputError, "EMOTICRAFTER_MODEL"),
        ({"base_url": "localhost:8000"}, InputError, "http"),
        ({"base_url": "ftp://me:secret@host"}, InputError, "http"),
        ({"pictures": Path("nowhere")}, MissingError, "nowhere"),
        ({"fields": {"model": "x", "n": 3}}, InputError, "model, n"),
    ],
    ids=str,
)
def test_settings_that_cannot_be(tmp_path: Path, settings: dict[str, Any], error: type[Exception], words: str) -> None:
    given: dict[str, Any] = {"model": "m", "ledger": tmp_path / "a.jsonl", "base_url": "http://localhost/v1"}
    with pytest.raises(error, match=words) as caught:
        OpenAIWriter(**given | settings)
    assert "secret" not in str(caught.value)


def test_openai_itself_wants_a_key(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="OPENAI_API_KEY"):
        OpenAIWriter(model="m", ledger=tmp_path / "a.jsonl", base_url=OPENAI_URL + "/").write(tasks("a"), lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_do_not_share_a_ledger(server: ChatServer, tmp_path: Path) -> None:
    one = writer(server, tmp_path)
    with one.ledger, pytest.raises(OutputError, match="Another run"):
        write(server, tmp_path, tasks("a dog"))
    assert server.asked == []


def test_a_full_disk_stops_the_asking(server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OutputError, match="No space left"):
        write(server, tmp_path, tasks(*map(str, range(50))), concurrency=2)
    assert len(server.asked) <= 4


def test_a_forecast_sends_nothing(server: ChatServer, tmp_path: Path) -> None:
    write(server, tmp_path, tasks("one"))
    given = [*tasks("one", "two", "three", "three"), PairTask(id="x", emotion=Emotion.neutral())]
    forecast = writer(server, tmp_path).forecast(given, show=1)
    assert len(server.asked) == 1
    assert (forecast.to_ask, forecast.kept, list(forecast.failures)) == (2, 1, ["x"])
    [(name, messages)] = forecast.first
    assert name == "id/1"
    assert forecast.tokens_in > 400
    write(server, tmp_path, tasks("two"))
    assert server.bodies[-1]["messages"] == messages  # to the letter


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "99999999"}, 3600.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "nan"}, None),
    ],
    ids=str,
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_waits_grow_and_are_drawn() -> None:
    backoff = Backoff(first=1.0, most=8.0)
    for attempt, longest in enumerate([1.0, 2.0, 4.0, 8.0, 8.0]):
        waits = [backoff.wait(attempt) for _ in range(50)]
        assert longest / 2 <= min(waits) < max(waits) <= longest


CODE = """
import sys
from pathlib import Path
from emoticrafter.prompts.writer import PairTask
from emoticrafter.prompts.llm.openai import OpenAIWriter
from emoticrafter.emotion import Emotion
tasks = [PairTask(id=str(i), emotion=Emotion(valence=-2, arousal=1), caption=str(i)) for i in range(40)]
writer = OpenAIWriter(model="tiny", ledger=Path(sys.argv[2]), base_url=sys.argv[1], concurrency=2)
writer.write(tasks, lambda _: None)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_after_a_kill_only_what_is_missing_is_asked(server: ChatServer, tmp_path: Path, how: signal.Signals) -> None:
    server.pause = 0.03
    ledger = tmp_path / "a.answers.jsonl"
    process = subprocess.Popen([sys.executable, "-c", CODE, server.url, str(ledger)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(server.asked) < 9 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(how)
    assert process.wait(20) != 0
    time.sleep(0.1)  # what was on its way when it died
    kept = {line["about"] for line in ledger_lines(tmp_path)}
    asked = set(server.asked)
    assert 5 <= len(kept) < 40
    # A kill may lose what was on its way and no more; Ctrl-C waits for that too.
    assert len(asked - kept) <= (2 if how == signal.SIGKILL else 0)
    before = len(server.asked)
    outcomes = write(server, tmp_path, [
        PairTask(id=str(i), emotion=Emotion(valence=-2, arousal=1), caption=str(i)) for i in range(40)
    ])  # fmt: skip
    assert all(isinstance(outcome, Pair) for outcome in outcomes)
    assert set(server.asked[before:]) == {str(i) for i in range(40)} - kept
    assert len(server.asked) - before == 40 - len(kept)
