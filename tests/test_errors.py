from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from emoticrafter import errors


def test_the_tree_is_the_drawn_one() -> None:
    public = {getattr(errors, name) for name in errors.__all__}
    assert {c.__name__ for c in public} == {
        "EmotiCrafterError", "InputError", "MissingError", "CheckpointError", "OutputError", "DeviceError", "StoppedError",
    }  # fmt: skip
    children = public - {errors.EmotiCrafterError}
    assert all(c.__bases__ == (errors.EmotiCrafterError,) for c in children)
    assert all(c.exit_code == 2 for c in public)
    assert all(c.__name__ in str(errors.__doc__) for c in public)


def test_message_is_problem_then_next_step() -> None:
    error = errors.InputError("The size is 0.", "Use 128.")
    assert (error.problem, error.hint) == ("The size is 0.", "Use 128.")
    assert str(error) == "The size is 0. Use 128."
    assert str(errors.InputError("The size is 0.")) == "The size is 0."


def test_an_error_survives_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(errors.DeviceError("No CUDA.", "Use --device cpu.")))
    assert type(error) is errors.DeviceError
    assert str(error) == "No CUDA. Use --device cpu."
    error = pickle.loads(pickle.dumps(errors.InputError("The seed is -1.", "Give 0.", field="seed", value=-1)))
    assert (error.problem, error.hint, error.field, error.value) == ("The seed is -1.", "Give 0.", "seed", -1)


# One process for both: starting an interpreter is most of this test's time.
_PROBE = """
import sys
before = set(sys.modules)
import emoticrafter
own = [name for name in set(sys.modules) - before if name.startswith("emoticrafter")]
assert emoticrafter.Emotion(valence=1, arousal=2).valence == 1 and emoticrafter.__version__
assert emoticrafter.Picture.__name__ == "Picture"
heavy = {"torch", "diffusers", "transformers", "numpy"} & set(sys.modules)
print(*own, *heavy)
"""


def test_importing_the_package_imports_nothing_more() -> None:
    done = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["emoticrafter"]


def test_the_package_names_what_it_offers() -> None:
    import emoticrafter

    assert set(emoticrafter.__all__) <= set(dir(emoticrafter))
    with pytest.raises(AttributeError, match="no attribute 'Emotions'"):
        emoticrafter.Emotions  # noqa: B018


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("\n  it is cut short.\nTraceback"), "it is cut short"),
        (KeyError(), "KeyError"),  # a library's error may say nothing
        (OSError("x" * 300), "x" * 200),
    ],
)
def test_the_reason_is_the_first_line_of_what_an_error_says(error: Exception, reason: str) -> None:
    assert errors.reason_of(error) == reason
