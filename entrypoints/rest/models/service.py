"""The service's own state in JSON."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from application.readiness import Readiness
from entrypoints.rest.models.base import AnswerModel


class AliveAnswer(AnswerModel):
    """The service is alive."""

    status: Literal["alive"] = "alive"


class CheckAnswer(AnswerModel):
    """What one part said."""

    status: Literal["ok", "failed"]
    detail: str | None = Field(default=None, examples=["It does not answer."])


class ReadyAnswer(AnswerModel):
    """Whether the service can do its work."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, CheckAnswer] = Field(examples=[{"catalog": {"status": "ok"}}])

    @classmethod
    def of(cls, readiness: Readiness) -> Self:
        """The answer that tells what the parts said."""
        return cls(
            status="ready" if readiness.ready else "not_ready",
            checks={
                name: CheckAnswer(status="ok" if health.ok else "failed", detail=health.detail)
                for name, health in readiness.checks.items()
            },
        )
