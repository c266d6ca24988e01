"""A batch from rows to index, with a method whose pictures depend on the batch that they are drawn in."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from emoticrafter import Emotion, Picture
from emoticrafter.batch import COLUMNS, Prompt, Row, plan_rows, read_index, read_prompts, run_batch
from emoticrafter.batch.drawing import BatchTask, Drawn, in_process
from emoticrafter.batch.plan import default_batch, read_plan
from emoticrafter.emotion import grid
from emoticrafter.errors import DeviceError, InputError, MissingError, OutputError
from emoticrafter.guidance import GuidanceRange
from emoticrafter.recipe import read_recipe
from emoticrafter.request import Request
from emoticrafter.watch import SILENT, Watch
from tests.batch.methods import Colours
from tests.contents import contents

PLANE = grid([-3, 0, 3], [-1, 1])
ROWS = plan_rows(["a cat", "a dog", "a girl on a beach"], PLANE, [0, 1])  # 36


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, bytes]:
    """What a run leaves that nothing stopped."""
    run_batch(Colours(), ROWS, tmp_path / "whole", batch=5, table=True)
    return contents(tmp_path / "whole")


def pictures(folder: Path) -> list[Path]:
    return sorted(folder.glob("pictures/*/*.*"))


def test_the_index_s_columns_are_a_contract(tmp_path: Path) -> None:
    """Evaluation and other programs read these: adding a column is a decision, changing one breaks them."""
    assert COLUMNS == {
        "id": "string", "prompt": "string", "prompt_id": "string", "valence": "double", "arousal": "double", "seed": "int64",
        "strength": "double", "start": "double", "steps": "int64", "guidance": "double", "width": "int64", "height": "int64",
        "negative": "string", "method": "string", "file": "string", "sha256": "string",
    }  # fmt: skip
    rows = plan_rows([Prompt(text="a cat", columns={"place": "room"})], [Emotion(valence=1, arousal=-1)], [7], {"strength": 2})
    done = run_batch(Colours(), rows, tmp_path, table=True)
    schema = pq.read_schema(done.index)
    assert [str(schema.field(name).type) for name in COLUMNS] == [*COLUMNS.values()]
    assert schema.names == [*COLUMNS, "place"]
    assert json.loads(schema.metadata[b"emoticrafter"]) == {"kind": "batch index", "version": 1, "planned": 1, "complete": True}
    (entry,) = pq.read_table(done.index).to_pylist()
    id = rows[0].resolved(Colours().describe()).id(Colours().describe())
    assert entry | {"sha256": ""} == {
        "id": id, "prompt": "a cat", "prompt_id": rows[0].prompt_id, "valence": 1.0, "arousal": -1.0, "seed": 7, "strength": 2.0,
        "start": 0.0, "steps": 4, "guidance": 3.0, "width": 8, "height": 8, "negative": None, "method": "colours",
        "file": f"pictures/a-cat_{rows[0].prompt_id}/v+1_a-1_s7_{id}.png", "sha256": "", "place": "room",
    }  # fmt: skip
    header, line = (tmp_path / "index.csv").read_text().splitlines()
    assert header == ",".join([*COLUMNS, "place"])
    assert line.startswith(f"{id},a cat,{rows[0].prompt_id},1.0,-1.0,7,2.0,0.0,4,")


def test_what_a_spreadsheet_would_compute_is_marked_and_comes_back(tmp_path: Path) -> None:
    prompts = [Prompt(text="=1+1 on a wall", columns={"note": "-dog"}), Prompt(text="'@ sign", columns={"note": "-3,5"})]
    rows = plan_rows(prompts, [Emotion(valence=-1, arousal=-2)], [7])
    run_batch(Colours(), rows, tmp_path, table=True)
    lines = (tmp_path / "index.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ["'=1+1 on a wall", "''@ sign"]
    assert [line.split(",")[3:5] for line in lines[1:]] == [["-1.0", "-2.0"]] * 2
    assert [line.partition(".png")[2].split(",", 2)[2] for line in lines[1:]] == ["'-dog", '"-3,5"']
    again = read_prompts(tmp_path / "index.csv")
    assert [(one.text, one.columns["note"], one.emotion) for one in again] == [
        (one.text, one.columns["note"], Emotion(valence=-1, arousal=-2)) for one in prompts
    ]
    assert [row.id(Colours().describe()) for row in plan_rows(again, [])] == [
        row.id(Colours().describe()) for row in [row.resolved(Colours().describe()) for row in rows]
    ]


def test_a_picture_for_every_row_in_batches_across_prompts(tmp_path: Path) -> None:
    method, steps = Colours(), []
    done = run_batch(
        method, ROWS, tmp_path, batch=5, watch=Watch(stage=lambda name: lambda n, total: steps.append((name, n, total)))
    )
    assert (done.rows, done.before, done.drawn, done.damaged, done.missing, done.others) == (36, 0, 36, 0, 0, 0)
    assert [len(call) for call in method.calls] == [5] * 7 + [1]
    assert len({prompt for prompt, _, _ in method.calls[2]}) == 2
    assert ("drawing", 3, 36) in steps
    assert steps[-1] == ("drawing", 36, 36)
    index = read_index(tmp_path)
    assert index.attrs == {"complete": True, "planned": 36}
    assert [tuple(row) for row in index[["prompt", "seed", "valence", "arousal"]].itertuples(index=False)] == [
        (row.prompt, row.seed, row.valence, row.arousal) for row in ROWS
    ]
    for entry in index.itertuples():
        recipe = read_recipe(tmp_path / entry.file)
        assert (recipe["prompt"], recipe["valence"], recipe["seed"]) == (entry.prompt, entry.valence, entry.seed)


def test_a_run_that_has_nothing_to_do_changes_nothing(tmp_path: Path, whole: dict[str, bytes]) -> None:
    method = Colours()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "whole").rglob("*") if path.name != ".lock"}
    done = run_batch(method, ROWS, tmp_path / "whole")  # with the batch that it was begun with
    assert (done.before, done.drawn, method.calls) == (36, 0, [])
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "whole").rglob("*") if path.name != ".lock"}


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_stopped_run_is_taken_up_and_ends_in_the_same_bytes(tmp_path: Path, whole: dict[str, bytes], after: int) -> None:
    first = Colours()
    done = run_batch(first, ROWS, tmp_path / "two", batch=5, table=True, watch=Watch(stop=lambda: len(first.calls) >= after))
    assert (done.drawn, done.missing) == (5 * after, 36 - 5 * after)
    assert read_index(tmp_path / "two").attrs == {"complete": False, "planned": 36}
    assert len(read_index(tmp_path / "two")) == 5 * after
    second = Colours()
    done = run_batch(second, ROWS, tmp_path / "two", batch=5, table=True)
    assert (done.before, done.drawn, second.drawn) == (5 * after, 36 - 5 * after, 36 - 5 * after)
    assert contents(tmp_path / "two") == whole


def test_exactly_the_missing_pictures_are_made_in_their_old_company(tmp_path: Path, whole: dict[str, bytes]) -> None:
    folder, method = tmp_path / "whole", Colours()
    files = read_index(folder)["file"]
    kept = {name: (folder / name).stat().st_mtime_ns for name in files}
    for number in (1, 12, 13):
        (folder / files[number]).unlink()
        del kept[files[number]]
    done = run_batch(method, ROWS, folder, batch=5)
    assert (done.before, done.drawn) == (33, 3)
    assert [len(call) for call in method.calls] == [5, 5]  # two batches were incomplete
    assert contents(folder) == whole
    assert kept == {name: (folder / name).stat().st_mtime_ns for name in kept}


def spoil(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "cut":
        path.write_bytes(data[:-20])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("no picture")
    elif how == "pixels":
        place = data.index(b"IDAT") + 12
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    else:
        path.write_bytes(next(other for other in pictures(path.parents[2]) if other != path).read_bytes())


@pytest.mark.parametrize("how", ["cut", "empty", "text", "pixels", "other"])
@pytest.mark.parametrize("indexed", [True, False])
def test_damaged_pictures_are_found_and_drawn_again(tmp_path: Path, whole: dict[str, bytes], how: str, indexed: bool) -> None:
    folder, warnings = tmp_path / "whole", []  # type: ignore[var-annotated]
    victim = pictures(folder)[4]
    spoil(victim, how)
    if not indexed:  # as in a run that was killed: what the file was is not known, only what it must be
        (folder / "index.parquet").unlink()
    if how == "pixels" and not indexed:
        return
    done = run_batch(Colours(), ROWS, folder, batch=5, table=True, watch=Watch(warn=warnings.append))
    assert (done.before, done.drawn, done.damaged) == (35, 1, 1)
    assert victim.name in warnings[0]
    assert contents(folder) == whole


@pytest.mark.parametrize("format", ["png", "webp", "jpeg"])
def test_a_black_picture_of_an_older_version_is_drawn_again(tmp_path: Path, format: str) -> None:
    class Overflowing(Colours):
        def draw(self, request: Request, watch: Watch = SILENT) -> list[Picture]:
            made = super().draw(request, watch)
            if request.seeds[0] == 0:
                made[1] = Picture(image=Image.new("RGB", (8, 8)), recipe=made[1].recipe)
            return made

    run_batch(Overflowing(), ROWS[:6], tmp_path, format=format)  # a method may draw what it likes; ours tells of an overflow
    warnings: list[str] = []
    done = run_batch(Colours(), ROWS[:6], tmp_path, format=format, watch=Watch(warn=warnings.append))
    assert (done.before, done.drawn, done.damaged) == (5, 1, 1)
    assert len(warnings) == 1
    assert "is all black: the model overflowed." in warnings[0]
    assert run_batch(Colours(), ROWS[:6], tmp_path, format=format).before == 6


@pytest.mark.parametrize("format", ["webp", "jpeg"])
def test_other_formats_and_their_cut_files(tmp_path: Path, format: str) -> None:
    run_batch(Colours(), ROWS[:6], tmp_path, format=format)
    whole = contents(tmp_path)
    files = pictures(tmp_path)
    assert {path.suffix for path in files} == {{"webp": ".webp", "jpeg": ".jpg"}[format]}
    assert read_recipe(files[0])["method"] == "colours"
    (tmp_path / "index.parquet").unlink()
    files[2].write_bytes(files[2].read_bytes()[:-2])
    assert run_batch(Colours(), ROWS[:6], tmp_path, format=format).damaged == 1
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("content", [b"", b"nonsense", None, b"cut"])
def test_a_damaged_index_is_made_from_the_pictures_themselves(
    tmp_path: Path, whole: dict[str, bytes], content: bytes | None
) -> None:
    index = tmp_path / "whole" / "index.parquet"
    if content is None:
        index.unlink()
        with pytest.raises(MissingError, match="no index"):
            read_index(index.parent)
    else:
        index.write_bytes(index.read_bytes()[:-50] if content == b"cut" else content)
        with pytest.raises(InputError, match="damaged"):
            read_index(index.parent)
    method, warnings = Colours(), []  # type: ignore[var-annotated]
    run_batch(method, ROWS, index.parent, watch=Watch(warn=warnings.append))
    assert method.calls == []
    assert contents(index.parent) == whole
    assert len(warnings) == (content is not None)
    assert all("index.parquet' is damaged" in one and "It is made anew from the pictures" in one for one in warnings)


def test_a_damaged_plan_is_made_anew_and_the_pictures_stay(tmp_path: Path, whole: dict[str, bytes]) -> None:
    folder, method, warnings = tmp_path / "whole", Colours(), []  # type: ignore[var-annotated]
    (folder / "plan.parquet").write_bytes(whole["plan.parquet"][:100])
    run_batch(method, ROWS, folder, batch=5, watch=Watch(warn=warnings.append))
    assert method.calls == []
    assert "plan.parquet' is damaged" in warnings[0]
    assert contents(folder) == whole


def spoiled(column: str, value: object, row: int = 3) -> Callable[[pa.Table], pa.Table]:
    def spoil(table: pa.Table) -> pa.Table:
        values = table.column(column).to_pylist()
        values[row] = value
        made = pa.array(values if isinstance(value, type(values[0])) or value is None else list(map(str, values)))
        return table.set_column(table.column_names.index(column), column, made)

    return spoil


def noted(**changes: object) -> Callable[[pa.Table], pa.Table]:
    def spoil(table: pa.Table) -> pa.Table:
        about = json.loads(table.schema.metadata[b"emoticrafter"])
        return table.replace_schema_metadata({b"emoticrafter": json.dumps({**about, **changes}).encode()})

    return spoil


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (spoiled("prompt", None), "prompt is null in row 4"),
        (spoiled("id", None), "id is null in row 4"),
        (spoiled("columns", None), "columns is null in row 4"),
        (spoiled("preview", None), "preview is null in row 4"),
        (spoiled("batch", "first"), "batch is no int64"),
        (spoiled("columns", "[]"), r"columns is \[\]; it must be an object"),
        (spoiled("columns", "["), "Expecting value"),
        (spoiled("id", "../../../../home/somebody/key"), "'../../../../home/somebody/key' is no id"),
        (spoiled("valence", 9.0), "The valence is 9"),
        (lambda table: table.drop_columns(["seed"]), "it lacks seed"),
        (noted(suffix="/../../../x"), "the suffix '/../../../x' is none"),
        (noted(batch="5"), "batch is '5'; it must be a whole number"),
        (noted(maker=None), "maker is None; it must be an object"),
        (noted(kind="batch index"), "it is no plan of a batch"),
        (lambda table: table.replace_schema_metadata({b"emoticrafter": b"[]"}), r"metadata is \[\]; it must be an object"),
    ],
)
def test_a_plan_with_strange_entries_is_named_and_made_anew(
    tmp_path: Path, whole: dict[str, bytes], spoil: Callable[[pa.Table], pa.Table], says: str
) -> None:
    folder, method, warnings = tmp_path / "whole", Colours(), []  # type: ignore[var-annotated]
    pq.write_table(spoil(pq.read_table(folder / "plan.parquet")), folder / "plan.parquet")
    with pytest.raises(InputError, match=rf"plan\.parquet' is damaged: {says}.* Make the folder anew, or delete the plan"):
        read_plan(folder / "plan.parquet")
    run_batch(method, ROWS, folder, batch=5, watch=Watch(warn=warnings.append))
    assert method.calls == []
    assert "plan.parquet' is damaged" in warnings[0]
    assert contents(folder) == whole


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (spoiled("file", None), "file is null in row 4"),
        (spoiled("sha256", None), "sha256 is null in row 4"),
        (spoiled("valence", "high"), "valence is no double"),
        (noted(kind="batch plan"), "it lacks our mark"),
        (lambda table: table.append_column("seed", table.column("seed")), "the column seed comes more than once"),
    ],
)
def test_an_index_with_strange_entries_is_named(
    tmp_path: Path, whole: dict[str, bytes], spoil: Callable[[pa.Table], pa.Table], says: str
) -> None:
    path = tmp_path / "whole" / "index.parquet"
    pq.write_table(spoil(pq.read_table(path)), path)
    with pytest.raises(InputError, match=rf"index\.parquet' is damaged: {says}.* it writes the index"):
        read_index(path.parent)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_in_the_place_of_a_picture_is_refused_at_once(tmp_path: Path, whole: dict[str, bytes]) -> None:
    one = pictures(tmp_path / "whole")[0]
    one.unlink()
    os.mkfifo(one)
    with pytest.raises(OutputError, match="it is a named pipe"):
        run_batch(Colours(), ROWS, tmp_path / "whole")


def test_prompts_emotions_and_seeds_can_be_added(tmp_path: Path) -> None:
    few = plan_rows(["a cat"], PLANE[:2], [0])
    run_batch(Colours(), few, tmp_path, batch=5)
    before = {path.name: path.read_bytes() for path in pictures(tmp_path)}
    method = Colours()
    done = run_batch(method, ROWS, tmp_path, batch=5)
    assert (done.before, done.drawn, method.drawn) == (2, 34, 34)
    assert before.items() <= {path.name: path.read_bytes() for path in pictures(tmp_path)}.items()
    assert len(read_index(tmp_path)) == 36
    again = Colours()
    done = run_batch(again, plan_rows(["a boat"], PLANE, [0]), tmp_path, batch=5)  # others, without those that are there
    assert (done.rows, done.drawn, done.others) == (6, 6, 0)
    assert len(read_index(tmp_path)) == 42
    next(path for path in pictures(tmp_path) if path.name in before).unlink()  # drawn first, in a batch of two
    assert run_batch(again, plan_rows(["a boat"], PLANE, [0]), tmp_path).others == 1
    assert read_index(tmp_path).attrs == {"complete": False, "planned": 42}
    method = Colours()
    run_batch(method, few, tmp_path)
    assert before.items() <= {path.name: path.read_bytes() for path in pictures(tmp_path)}.items()


def test_columns_of_what_is_there_can_be_changed(tmp_path: Path) -> None:
    run_batch(Colours(), plan_rows(["a cat"], PLANE[:2]), tmp_path)
    method = Colours()
    run_batch(method, plan_rows([Prompt(text="a cat", columns={"place": "room"})], PLANE[:2]), tmp_path)
    assert method.calls == []
    assert set(read_index(tmp_path)["place"]) == {"room"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": Colours("beef")}, "weights 'f00d'; now it is 'beef'"),
        ({"format": "webp"}, "format '.png'; now it is '.webp'"),
        ({"batch": 7}, "batch size 5; now it is 7"),
        ({"rows": [replace(row, steps=9) for row in ROWS]}, "steps 4; now it is 9"),
        ({"rows": [replace(row, negative="blur") for row in ROWS]}, "negative the method's own; now it is 'blur'"),
        ({"rows": [replace(row, strength=1.0) for row in ROWS]}, "strength 0.5; now it is 1.0"),
        ({"method": Colours(guidance=4.0)}, "guidance 3.0; now it is 4.0"),
        (
            {"rows": [replace(row, guidance_range=GuidanceRange(0.3, 0.85)) for row in ROWS]},
            "guidance_range the method's own; now it is 0.3:0.85",
        ),
    ],
)
def test_another_plan_is_refused_with_both_values(
    tmp_path: Path, whole: dict[str, bytes], change: dict[str, Any], words: str
) -> None:
    given = {"method": Colours(), "rows": ROWS, "batch": 5, **change}
    with pytest.raises(InputError, match=words):
        run_batch(given.pop("method"), given.pop("rows"), tmp_path / "whole", **given)
    assert contents(tmp_path / "whole") == whole


def test_a_range_of_guidance_is_a_column_only_where_a_picture_has_one(tmp_path: Path, whole: dict[str, bytes]) -> None:
    """Plans and indexes of programs that knew none lack the column, and are taken up."""
    assert "guidance_range" not in pq.read_schema(tmp_path / "whole" / "index.parquet").names
    assert "guidance_range" not in pq.read_schema(tmp_path / "whole" / "plan.parquet").names
    run_batch(Colours(), ROWS, tmp_path / "whole", batch=5, table=True)
    assert contents(tmp_path / "whole") == whole
    limited = [replace(row, guidance_range=GuidanceRange(0.3, 0.85)) for row in ROWS[:6]]
    method = Colours()
    assert run_batch(method, [*ROWS, *limited], tmp_path / "whole", table=True).drawn == 6
    assert [len(call) for call in method.calls] == [5, 1]  # batches of one range each
    assert pq.read_table(tmp_path / "whole" / "index.parquet")["guidance_range"].to_pylist() == [None] * 36 + ["0.3:0.85"] * 6
    assert (tmp_path / "whole" / "index.csv").read_text().splitlines()[-1].endswith(",0.3:0.85")
    before = contents(tmp_path / "whole")
    pictures(tmp_path / "whole")[-1].unlink()
    assert run_batch(Colours(), [*ROWS, *limited], tmp_path / "whole", table=True).drawn == 1
    assert contents(tmp_path / "whole") == before


def test_settings_may_be_many_and_each_batch_has_one(tmp_path: Path) -> None:
    weak, strong = ([replace(row, strength=s) for row in ROWS[:6]] for s in (0.5, 2.0))
    method = Colours()
    run_batch(method, [row for pair in zip(weak, strong, strict=True) for row in pair], tmp_path, batch=4)
    assert [len(call) for call in method.calls] == [4, 2, 4, 2]
    assert sorted(read_index(tmp_path)["strength"]) == [0.5] * 6 + [2.0] * 6
    third = [replace(row, strength=3.0) for row in ROWS[:6]]
    assert run_batch(Colours(), weak + strong + third, tmp_path).drawn == 6
    with pytest.raises(InputError, match=r"strength 2\.0"):
        run_batch(Colours(), weak + third, tmp_path)


def test_what_the_maker_refuses_is_refused_before_any_work(tmp_path: Path) -> None:
    method = Colours()
    with pytest.raises(InputError, match="steps is 1000"):
        run_batch(method, [*ROWS, replace(ROWS[0], steps=1000)], tmp_path / "new")
    with pytest.raises(InputError, match="no rows"):
        run_batch(method, [], tmp_path / "new")
    for wrong in ({"format": "bmp"}, {"batch": 0}, {"batch": 5000}):
        with pytest.raises(InputError):
            run_batch(method, ROWS, tmp_path / "new", **wrong)  # type: ignore[arg-type]
    assert not pictures(tmp_path / "new")
    assert method.calls == []


def test_a_method_that_says_little_of_itself_is_fine(tmp_path: Path) -> None:
    class Plain:
        describe, check, draw, calls = Colours.describe, Colours.check, Colours.draw, []  # type: ignore[var-annotated]
        weights, defaults = "", {}  # type: ignore[var-annotated]

    assert run_batch(Plain(), ROWS[:3], tmp_path).drawn == 3
    entry = read_index(tmp_path).iloc[0]
    assert entry["steps"] == 4  # as the picture's recipe says
    assert entry["strength"] != entry["strength"]  # nobody says


def test_folders_of_other_things_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"other files, as 'notes.txt'"):
        run_batch(Colours(), ROWS, tmp_path)
    with pytest.raises(OutputError, match="no folder"):
        run_batch(Colours(), ROWS, tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    run_batch(Colours(), ROWS[:2], tmp_path / "batch")
    (tmp_path / "batch" / "notes.txt").write_text("mine")  # beside a batch they are welcome
    assert run_batch(Colours(), ROWS[:2], tmp_path / "batch").before == 2


def test_a_second_run_into_the_folder_is_refused(tmp_path: Path) -> None:
    reached, go = threading.Event(), threading.Event()

    def slow(tasks: Sequence[BatchTask], watch: Watch) -> Iterator[Drawn]:
        reached.set()
        assert go.wait(10)
        yield from in_process(Colours())(tasks, watch)

    first = threading.Thread(target=run_batch, args=(Colours(), ROWS, tmp_path), kwargs={"engine": slow})
    first.start()
    try:
        assert reached.wait(10)
        with pytest.raises(OutputError, match="Another run is writing"):
            run_batch(Colours(), ROWS, tmp_path)
    finally:
        go.set()
        first.join()
    assert len(read_index(tmp_path)) == 36


def failing_write(monkeypatch: pytest.MonkeyPatch, fails: Callable[[Path], bool]) -> None:
    write = Path.write_bytes

    def limited(path: Path, data: bytes) -> int:
        if fails(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", limited)


@pytest.mark.parametrize("full_after", [0, 7, 36])
def test_a_full_disk_is_an_error_and_the_run_is_taken_up(
    tmp_path: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, full_after: int
) -> None:
    folder = tmp_path / "full"
    with monkeypatch.context() as patch:
        failing_write(patch, lambda path: len(pictures(folder)) >= full_after)
        with pytest.raises(OutputError, match="disk is full"):
            run_batch(Colours(), ROWS, folder, batch=5, table=True)
    assert len(pictures(folder)) == full_after
    assert run_batch(Colours(), ROWS, folder, batch=5, table=True).drawn == 36 - full_after
    assert contents(folder) == whole


def test_half_written_files_of_a_killed_run_are_removed(tmp_path: Path, whole: dict[str, bytes]) -> None:
    folder = tmp_path / "whole"
    for place in (folder, pictures(folder)[0].parent):
        (place / f".{'0a' * 8}.tmp.png").write_text("half")
    run_batch(Colours(), ROWS, folder)
    assert contents(folder) == whole


def test_an_error_of_the_maker_keeps_what_was_drawn(tmp_path: Path, whole: dict[str, bytes]) -> None:
    class Tired(Colours):
        def draw(self, request: Request, watch: Watch = SILENT) -> list[Picture]:
            if len(self.calls) == 3:
                raise DeviceError("The memory does not suffice.")
            return super().draw(request, watch)

    with pytest.raises(DeviceError):
        run_batch(Tired(), ROWS, tmp_path / "two", batch=5, table=True)
    done = run_batch(Colours(), ROWS, tmp_path / "two", batch=5, table=True)
    assert done.before == 15
    assert contents(tmp_path / "two") == whole


def test_the_same_rows_twice_are_one_picture(tmp_path: Path) -> None:
    row = Row(prompt="a cat", valence=1, arousal=1, seed=0)
    assert run_batch(Colours(), [row, replace(row, steps=4, prompt=" a cat")], tmp_path).rows == 1


@pytest.mark.parametrize(("side", "expected"), [(128, 32), (64, 32), (256, 8), (1024, 4), (None, 16)])
def test_batches_are_smaller_for_large_pictures(side: int | None, expected: int) -> None:
    assert default_batch([replace(ROWS[0], width=side, height=side)], {}) == expected


@pytest.mark.parametrize(("side", "expected"), [(256, 32), (384, 14), (512, 8), (None, 16)])
def test_batches_are_as_large_as_the_latents_of_the_model_allow(side: int | None, expected: int) -> None:
    method = {"defaults": {"pixels_per_latent": 16}}
    assert default_batch([replace(ROWS[0], width=side, height=side)], method) == expected
