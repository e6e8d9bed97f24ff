"""What all models have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class RequestModel(BaseModel):
    """A JSON body: nothing unknown in it, and nothing taken for what it is not."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class AnswerModel(BaseModel):
    """A JSON answer."""

    model_config = ConfigDict(frozen=True)
