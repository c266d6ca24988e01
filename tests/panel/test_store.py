"""People and answers in SQLite: nothing is lost, nothing is written twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emoticrafter.errors import InputError, MissingError
from emoticrafter.panel.frozen import Frozen
from emoticrafter.panel.store import DATABASE, Store
from tests.panel.studies import SCREEN, answers_to, frozen_study

LIKERT = "[rate]\ninstrument = 'likert'\n"
S = "session-one"


@pytest.fixture
def frozen(tmp_path: Path) -> Frozen:
    return frozen_study(tmp_path, "rate", LIKERT, values=(0.0,))


def answer(store: Store, participant: str, number: int, session: str = S, **changed: Any) -> int:
    entry = next(one for one in store.participants() if one.participant == participant)
    trial = store.frozen.trials(entry.sequence)[number - 1]
    answers, times = answers_to(trial)
    return store.add(participant, session, trial, {**answers, **changed}, times, SCREEN)


def begun(store: Store, count: int = 1) -> list[str]:
    names = []
    for entry in store.invite(count):
        store.begin(entry.participant)
        store.take(entry.participant, S)
        names.append(entry.participant)
    return names


def test_links_are_made_once(frozen: Frozen) -> None:
    with Store.create(frozen) as store:
        first = store.invite(3)
        assert [one.participant for one in first] == ["p001", "p002", "p003"]
        assert [one.sequence for one in first] == [0, 1, 2]
        assert len({one.token for one in first}) == 3
        assert min(len(one.token) for one in first) >= 16
        assert store.invite(3) == first
    with Store.create(frozen) as store:
        assert store.invite(4)[:3] == first


def test_answers_come_back_as_they_were_given(frozen: Frozen) -> None:
    with Store.create(frozen) as store:
        (name,) = begun(store)
        assert [answer(store, name, number) for number in (1, 2, 3)] == [1, 2, 3]
        rows = store.responses()
        assert [(one.trial, one.question, one.answer) for one in rows] == [
            (number, axis, 5.0) for number in (1, 2, 3) for axis in ("valence", "arousal")
        ]
        assert {(one.study, one.study_hash, one.kind, one.simulated, one.session) for one in rows} == {
            ("tiny", frozen.hash, "rate", False, S)
        }
    with Store.open(frozen.folder or "") as store:
        assert store.responses() == rows


def test_the_same_answer_sent_again_is_written_once(frozen: Frozen) -> None:
    with Store.create(frozen) as store:
        (name,) = begun(store)
        answer(store, name, 1)
        assert answer(store, name, 1, valence=9.0) == 1
        assert [one.answer for one in store.responses()] == [5.0, 5.0]


def test_another_session_and_another_trial_are_refused(frozen: Frozen) -> None:
    with Store.create(frozen) as store:
        (name,) = begun(store)
        answer(store, name, 1)
        for session, number, field in (("session-two", 2, "session"), (S, 3, "trial"), ("session-two", 1, "session")):
            with pytest.raises(InputError) as caught:
                answer(store, name, number, session)
            assert caught.value.field == field
        store.take(name, "session-two")  # the page was loaded a second time
        with pytest.raises(InputError) as caught:
            answer(store, name, 2)
        assert caught.value.field == "session"
        assert answer(store, name, 2, "session-two") == 2
        assert len(store.responses()) == 4


def test_a_bad_answer_writes_nothing_of_its_trial(frozen: Frozen) -> None:
    with Store.create(frozen) as store:
        (name,) = begun(store)
        with pytest.raises(InputError) as caught:
            answer(store, name, 1, arousal=17)
        assert caught.value.field == "arousal"
        assert store.responses() == []
        assert answer(store, name, 1) == 1


def test_nobody_answers_before_consent(frozen: Frozen) -> None:
    with Store.create(frozen) as store:
        (entry,) = store.invite(1)
        store.take(entry.participant, S)
        with pytest.raises(InputError, match="Nobody has consented yet"):
            answer(store, entry.participant, 1)


def test_the_end_is_reached_with_all_trials(frozen: Frozen) -> None:
    with Store.create(frozen) as store:
        (name,) = begun(store)
        with pytest.raises(InputError, match="9 trials are not answered"):
            store.finish(name, S)
        for number in range(1, 10):
            answer(store, name, number)
        store.finish(name, S)
        (person,) = store.participants()
        assert (person.state, person.answered, person.trials) == ("finished", 9, 9)
        assert person.begun_at is not None
        assert person.finished_at is not None


def test_withdrawal_deletes_from_the_file_too_and_frees_the_place(frozen: Frozen) -> None:
    assert frozen.folder is not None
    with Store.create(frozen) as store:
        first, second, third = begun(store, 3)
        for name in (first, second):
            for number in (1, 2):
                store.take(name, f"session-of-{name}")
                answer(store, name, number, f"session-of-{name}")
        assert store.withdraw(second) == 4
        assert {one.participant for one in store.responses()} == {first}
        assert [one.participant for one in store.participants()] == [first, third]
        assert store.withdrawn == 1
        with pytest.raises(InputError, match="no participant 'p002'"):
            store.withdraw(second)
        files = b"".join(path.read_bytes() for path in frozen.folder.glob(f"{DATABASE}*"))
        assert b"session-of-p001" in files
        assert b"session-of-p002" not in files
        assert [(one.participant, one.sequence) for one in store.invite(3)] == [("p001", 0), ("p004", 1), ("p003", 2)]


def test_an_open_entry_knows_who_came_before(tmp_path: Path) -> None:
    frozen = frozen_study(tmp_path, "rate", f"{LIKERT}[people]\nentry = 'open'\n", values=(0.0,))
    with Store.create(frozen) as store:
        first = store.join({"PROLIFIC_PID": "abc", "STUDY_ID": "s"})
        assert store.join({"PROLIFIC_PID": "abc"}) == first
        others = [store.join({}), store.join({}), store.join({"PROLIFIC_PID": "def"})]
        assert [one.sequence for one in [first, *others]] == [0, 1, 2, 3]
        store.withdraw(others[0].participant)
        assert store.join({}).sequence == 1  # the place of who withdrew is taken again
        assert store.participants()[0].parameters == {"PROLIFIC_PID": "abc", "STUDY_ID": "s"}


def test_people_and_programs_are_kept_apart(frozen: Frozen) -> None:
    with Store.create(frozen, simulated=True) as store:
        (name,) = begun(store)
        answer(store, name, 1)
        assert store.simulated
        assert {one.simulated for one in store.responses()} == {True}
        assert {one.simulated for one in store.participants()} == {True}
    with pytest.raises(InputError, match="The participants of this study are programs"):
        Store.create(frozen)


def test_a_study_that_has_not_begun_has_no_answers(frozen: Frozen) -> None:
    with pytest.raises(MissingError, match="has not begun"):
        Store.open(frozen.folder or "")


def test_a_damaged_database_is_named(frozen: Frozen) -> None:
    assert frozen.folder is not None
    (frozen.folder / DATABASE).write_bytes(b"no database at all, though as long as a header of one would be" * 20)
    with pytest.raises(InputError, match="cannot be read"):
        Store.open(frozen.folder)


# Writes answers as fast as it can and says which ones are written, until it is killed.
WRITER = """
import sys
from emoticrafter.panel.store import Store
from tests.panel.studies import SCREEN, answers_to
with Store.open(sys.argv[1]) as store:
    people = store.participants()
    for person in people:
        store.begin(person.participant)
        store.take(person.participant, "session-one")
    for number in range(people[0].trials):
        for person in people:
            trial = store.frozen.trials(person.sequence)[number]
            store.add(person.participant, "session-one", trial, *answers_to(trial), SCREEN)
            print(person.participant, trial.trial, flush=True)
"""


def test_a_kill_loses_no_answer_that_was_acknowledged(tmp_path: Path) -> None:
    frozen = frozen_study(tmp_path, "rate", LIKERT, values=(-3.0, 0.0, 3.0))
    assert frozen.folder is not None
    with Store.create(frozen) as store:
        store.invite(4)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(frozen.folder)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    told = [writer.stdout.readline().split() for _ in range(60)]
    os.kill(writer.pid, signal.SIGKILL)
    told += [line.split() for line in writer.stdout]
    writer.stdout.close()
    assert writer.wait() == -signal.SIGKILL
    acknowledged = {(name, int(number)) for name, number in told}
    with Store.open(frozen.folder) as store:
        rows = store.responses()
        written = {(one.participant, one.trial) for one in rows}
        assert len(rows) == 2 * len(written)  # no trial is there by half
        assert acknowledged <= written
        assert len(written - acknowledged) <= 1  # the one that was being told
        assert {one.participant: one.answered for one in store.participants()} == {
            name: max(trial for who, trial in written if who == name) for name in {who for who, _ in written}
        }
