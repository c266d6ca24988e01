"""write-pairs as a user meets it: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from emoticrafter.cli.data import writing
from emoticrafter.cli.data.chatting import ChatOptions
from emoticrafter.data.tables import read_table, write_table
from emoticrafter.prompts.llm import workers as asking
from emoticrafter.prompts.writer import WritingProgress
from tests.chat_server import ChatServer
from tests.cli.conftest import Done

Cli = Callable[..., Done]
KEY = "sk-very-secret-0123456789"
RULES = ("data", "write-pairs", "a.parquet", "--writer", "rules", "--out", "p.parquet")
CHAT = ("data", "write-pairs", "a.parquet", "--writer", "openai", "--out", "p.parquet")


@pytest.fixture
def server(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> ChatServer:
    """The one that the commands ask."""
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("EMOTICRAFTER_MODEL", "tiny")
    monkeypatch.setattr(asking.Backoff, "wait", lambda *_: 0.01)
    return server


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    n = 6
    made = pd.DataFrame({
        "id": [f"d/{i}" for i in range(n)], "valence": [-2.5, -1.0, 0.0, 1.0, 2.0, 3.0],
        "arousal": [2.0, -2.0, 0.0, 1.0, -1.0, 2.5],
        "dataset": "d", "tag": [f"dog {i}" for i in range(n)], "picture": [f"{i}.png" for i in range(n)],
        "caption": [f"A dog on beach number {i}" for i in range(n)],
    })  # fmt: skip
    write_table(made, tmp_path / "a.parquet", "annotations", {})
    return made


def test_rules(cli: Cli, table: pd.DataFrame) -> None:
    done = cli(*RULES, "--caption-column", "caption", "--seed", "3")
    assert done.code == 0, done.err
    assert done.out == "p.parquet\np.report.csv\n"
    assert "6 rows of a.parquet: 6 pairs" in done.err
    pairs, about = read_table("p.parquet", "pairs")
    assert list(pairs["neutral_prompt"]) == list(table["caption"])
    assert all(a.lower() in b.lower() for a, b in zip(pairs["neutral_prompt"], pairs["emotional_prompt"], strict=True))
    assert (about["seed"], about["encoder"], about["writer"]) == (3, "storybook", "rules")
    assert cli(*RULES).code == 2  # the table exists
    again = cli(*RULES[:-1], "q.parquet", "--caption-column", "caption", "--seed", "3", "--limit", "2", "--json")
    result = json.loads(again.out)
    assert (result["rows"], result["written"], result["failed"], result["cost"]) == (2, 2, 0, None)
    assert list(read_table("q.parquet", "pairs")[0]["emotional_prompt"]) == list(pairs["emotional_prompt"][:2])


def test_rules_on_pairs(cli: Cli, table: pd.DataFrame) -> None:
    cli(*RULES, "--caption-column", "caption")
    done = cli("data", "write-pairs", "p.parquet", "--writer", "rules", "--seed", "5", "--out", "q.parquet")
    assert done.code == 0, done.err
    first, second = (read_table(name, "pairs")[0] for name in ("p.parquet", "q.parquet"))
    assert list(first["neutral_prompt"]) == list(second["neutral_prompt"])
    assert (first["emotional_prompt"] != second["emotional_prompt"]).all()


def test_a_language_model(cli: Cli, server: ChatServer, table: pd.DataFrame) -> None:
    server.misdeeds["A dog on beach number 0"] = ["prose"]
    done = cli(*CHAT, "--price-in", "2", "--price-out", "8")
    assert done.code == 0, done.err
    assert len(server.asked) == 7
    assert "700 tokens in, 70 out, cost 0.00" in done.err
    assert server.bodies[0]["model"] == "tiny"
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    pairs, about = read_table("p.parquet", "pairs")
    assert set(pairs["writer"]) == {"openai:tiny"}
    assert KEY not in done.out + done.err + json.dumps(about) + Path("p.answers.jsonl").read_text()
    again = cli(*CHAT, "--force", "--json")
    assert len(server.asked) == 7  # nothing is paid for twice
    assert json.loads(again.out)["tokens_in"] == 0
    assert read_table("p.parquet", "pairs")[0].equals(pairs)


def test_rows_without_a_pair_are_counted_and_listed(cli: Cli, server: ChatServer, table: pd.DataFrame) -> None:
    for i, misdeed in ((1, "refusal"), (3, "broken"), (4, "refusal")):
        server.misdeeds[f"A dog on beach number {i}"] = [misdeed] * 2
    arguments = (*CHAT, "--caption-column", "caption", "--retries", "1", "--json")
    result = json.loads(cli(*arguments).out)
    assert (result["rows"], result["written"], result["failed"]) == (6, 3, 3)
    assert list(result["failures"].values()) == [2, 1]
    report = pd.read_csv("p.report.csv")
    assert list(report["id"]) == ["d/1", "d/3", "d/4"]
    assert "refused" in report["reason"][0]
    assert list(read_table("p.parquet", "pairs")[0]["id"]) == ["d/0", "d/2", "d/5"]
    done = cli(*arguments[:-1], "--force")  # what may pass is asked again, a refusal is not
    assert "6 rows of a.parquet: 4 pairs" in done.err
    assert "2 rows have no pair" in done.err
    assert len(server.asked) == 8


def test_pictures_are_sent(cli: Cli, server: ChatServer, table: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for i in range(5):
        Image.new("RGB", (400, 300), (i, 0, 0)).save(tmp_path / "pictures" / f"{i}.png")
    done = cli(*CHAT, "--pictures", "pictures", "--picture-size", "100", "--json")
    result = json.loads(done.out)
    assert (result["written"], result["failed"]) == (5, 1)
    assert "There is no picture 'pictures/5.png'" in next(iter(result["failures"]))
    text, picture = server.bodies[0]["messages"][1]["content"]
    assert "The picture is attached." in text["text"]
    assert picture["image_url"]["url"].startswith("data:image/jpeg;base64,")


def test_a_dry_run_prints_the_messages_and_sends_none(
    cli: Cli, server: ChatServer, table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    done = cli(*CHAT, "--dry-run", "--caption-column", "caption", "--price-in", "1000", "--price-out", "1000")
    assert done.code == 0, done.err
    assert "--- d/0\n[system]\nYou write prompts" in done.out
    assert "[user]\nContent: A dog on beach number 0\nValence: -2.50 (very unpleasant)" in done.out
    assert "6 requests to send, 0 answers are there" in done.err
    assert "cost" in done.err
    assert server.asked == []
    assert {path.name for path in tmp_path.iterdir()} == {"a.parquet"}
    Image.new("RGB", (400, 300)).save(tmp_path / "0.png")
    result = json.loads(cli(*CHAT, "--dry-run", "--json", "--pictures", ".").out)
    assert result["first"][0]["messages"][1]["content"][1]["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert len(result["failures"]) == 5
    assert "characters; --json prints them" in cli(*CHAT, "--dry-run", "--pictures", ".").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*RULES, "--model", "x", "--dry-run"), "--model, --dry-run is for --writer openai"),
        ((*CHAT, "--seed", "1"), "--seed is for --writer rules"),
        ((*RULES[:4], "magic", *RULES[5:]), "rules, openai, storybook"),
        ((*RULES[:-1], "p.csv"), ".parquet"),
        ((*RULES, "--caption-column", "text"), "no column 'text'"),
        ((*RULES, "--limit", "0"), "--limit"),
        ((*RULES, "--backbone", "stroybook"), "stroybook"),
        ((*CHAT, "--fields", "temperature=1"), "JSON"),
        ((*CHAT, "--fields", "[1]"), "JSON"),
        ((*CHAT, "--fields", '{"stream": true}'), "stream"),
        ((*CHAT, "--concurrency", "0"), "--concurrency"),
        ((*CHAT, "--timeout", "0"), "--timeout"),
        ((*CHAT, "--retries", "-1"), "--retries"),
        ((*CHAT, "--price-in", "-1"), "--price-in"),
        ((*CHAT, "--pictures", "nowhere"), "nowhere"),
        ((*CHAT, "--base-url", "localhost"), "localhost"),
        ((*CHAT, "--model", ""), "EMOTICRAFTER_MODEL"),
        ((*CHAT, "--api-key-env", "NO_SUCH_KEY"), "NO_SUCH_KEY"),
        (("data", "write-pairs", "b.parquet", *RULES[3:]), "b.parquet"),
    ],
    ids=lambda value: " ".join(value[3:]) if isinstance(value, tuple) else "",
)
def test_what_is_given_wrongly(
    cli: Cli, server: ChatServer, table: pd.DataFrame, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = cli(*arguments)
    assert done.code == 2
    assert words in done.err
    assert server.asked == []
    assert {path.name for path in tmp_path.iterdir()} == {"a.parquet"}


def test_a_missing_package_names_the_cure(cli: Cli, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    real = writing.need_extra

    def need(extra: str, *modules: str) -> None:
        real(extra, *modules, "no_such_module")

    monkeypatch.setattr("emoticrafter.prompts.writers.need_extra", need)
    done = cli(*CHAT, "--model", "m")
    assert done.code == 2
    assert "pip install 'emoticrafter[openai]'" in done.err


def test_without_the_backbones_tokenizer_lengths_are_estimated(
    cli: Cli, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: (_ for _ in ()).throw(OSError("offline")))
    done = cli(*RULES, "--backbone", "sdxl")
    assert done.code == 0
    assert "lengths of prompts are estimated" in done.err
    assert read_table("p.parquet", "pairs")[1]["tokens"] == 77


def test_the_bar_counts_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    with writing._bar("writing", ChatOptions(price_in=1.0)) as show:
        show(WritingProgress(done=3, total=9, tokens_in=1_234_000, tokens_out=56))
    assert "1,234,000 tokens in, 56 out, cost 1.23" in screen.getvalue()
    assert "3/9" in screen.getvalue()


def test_without_a_terminal_there_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(writing, "_SILENCE", -1.0)
    with writing._bar("writing", ChatOptions()) as show:
        show(WritingProgress(done=3, total=9, tokens_in=1200, tokens_out=56))
    assert capsys.readouterr().err == "3 of 9; 1,200 tokens in, 56 out\n"


def test_ctrl_c_says_that_the_answers_are_kept(
    cli: Cli, server: ChatServer, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("emoticrafter.prompts.llm.openai.OpenAIWriter.write", interrupted)
    done = cli(*CHAT)
    assert done.code == 130
    assert "the same command goes on" in done.err
    assert not os.path.exists("p.parquet")
