"""The errors that a user of emoticrafter can meet.

    EmotiCrafterError
    ├── InputError        a value that the user gave: an emotion, a prompt, a size, a setting
    ├── MissingError      a file, a model or a package that is not there
    ├── CheckpointError   weights that are corrupt, of another shape, or made for another backbone
    ├── OutputError       a file that cannot be written, or that would be overwritten
    ├── DeviceError       a device that is absent or out of memory
    └── StoppedError      work that its caller ended

Every message holds three things: what was given, what was expected, what to do next. The command line prints it without
a traceback and exits with `exit_code`. Mistakes of the programmer are not in this tree: those assert.
"""

from __future__ import annotations

__all__ = [
    "CheckpointError", "DeviceError", "EmotiCrafterError", "InputError", "MissingError", "OutputError", "StoppedError",
]  # fmt: skip


class EmotiCrafterError(Exception):
    """Base of all errors a user can mend.

    `problem` says what was given and what was expected; `hint`, when set, is the next step. `str(error)` is both.
    """

    exit_code = 2

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem, hint)  # both in args, so that the error survives pickling between processes
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.problem} {self.hint}".rstrip()


class InputError(EmotiCrafterError):
    """A value that the user gave breaks a rule.

    field: the name of the setting that holds it, as the library calls it, where it is one; value: what was given. A page or an
    API tells by them which control is wrong.
    """

    def __init__(self, problem: str, hint: str = "", *, field: str | None = None, value: object = None) -> None:
        super().__init__(problem, hint)
        self.field = field
        self.value = value

    def __reduce__(self) -> tuple[object, ...]:
        return _input_error, (type(self), self.problem, self.hint, self.field, self.value)


class MissingError(EmotiCrafterError):
    """A file, a model or a package is not there; the hint says how to get it."""


class CheckpointError(EmotiCrafterError):
    """A checkpoint is corrupt, has another shape, or belongs to another backbone."""


class OutputError(EmotiCrafterError):
    """A file cannot be written, or exists and was not to be overwritten."""


class DeviceError(EmotiCrafterError):
    """A device is absent or out of memory."""


class StoppedError(EmotiCrafterError):
    """The caller ended the work before it was done; what it works with stays usable."""


def _input_error(kind: type[InputError], problem: str, hint: str, field: str | None, value: object) -> InputError:
    return kind(problem, hint, field=field, value=value)


def reason_of(error: BaseException, most: int = 200, *, last: bool = False) -> str:
    """The first line of what an error says, or its last, without the full stop; its kind where it says nothing."""
    said = error.problem if isinstance(error, EmotiCrafterError) else str(error)
    lines = [line.strip().rstrip(".") for line in said.splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1 if last else 0][:most]
