"""Values of a declared form, from keywords or JSON: what does not fit is told as an InputError that names its field."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator

from emoticrafter.errors import InputError
from emoticrafter.inputs.typed import shown

__all__ = ["Checked"]


class Checked(BaseModel):
    """Base of frozen values that are checked when they are made, and go to JSON and back. Raises InputError."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="wrap")
    @classmethod
    def _tell(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            raise cls._misfit(error) from error

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """The value of a JSON text. Raises InputError."""
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:  # what is no JSON at all
            raise InputError(f"The {cls.__name__.lower()} is no JSON: {error.errors()[0]['msg']}.", "Write it again.") from error

    @classmethod
    def _misfit(cls, error: ValidationError) -> InputError:
        faults = error.errors()
        known = f"Known ones: {', '.join(sorted(cls.model_fields))}."
        if unknown := sorted(str(one["loc"][0])[:60] for one in faults if one["type"] == "extra_forbidden"):
            return InputError(f"Unknown settings: {', '.join(unknown)}.", known, field=unknown[0])
        first = faults[0]
        own = cls.__name__.lower()
        place = ".".join(map(str, first["loc"])) or own
        field = next((str(part) for part in reversed(first["loc"]) if isinstance(part, str)), own)
        if first["type"] == "missing":
            return InputError(f"There is no {place}.", known, field=field)
        given = first["input"]
        return InputError(f"The {place} is {shown(given)}: {first['msg']}.", known, field=field, value=given)
