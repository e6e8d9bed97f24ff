"""What all models have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

from domain.errors import UnsupportedOperationError


class RequestModel(BaseModel):
    """A JSON body: nothing unknown in it, and nothing taken for what it is not.

    Members that the contract names and this version does not read are in `later`.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    later: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _refuse_later(cls, value: Any) -> Any:
        if isinstance(value, dict):
            for name in sorted(cls.later & value.keys()):
                raise UnsupportedOperationError(f"The member {name!r} is not implemented yet.")
        return value


class AnswerModel(BaseModel):
    """A JSON answer."""

    model_config = ConfigDict(frozen=True)
