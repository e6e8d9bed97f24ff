"""Answers that are not streams."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel
from starlette.responses import Response

from entrypoints.rest.problems import RUN_ID_HEADER


def json_answer(
    model: BaseModel,
    *,
    status: int = 200,
    run_id: str | None = None,
    headers: Mapping[str, str] | None = None,
    leave_out_none: bool = False,
) -> Response:
    """A model as JSON."""
    return Response(
        model.model_dump_json(exclude_none=leave_out_none, by_alias=True),
        status,
        _with_run(headers, run_id),
        media_type="application/json",
    )


def empty_answer(status: int, *, run_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer without content."""
    return Response(status_code=status, headers=_with_run(headers, run_id))


def _with_run(headers: Mapping[str, str] | None, run_id: str | None) -> dict[str, str]:
    return dict(headers or {}) | ({RUN_ID_HEADER: run_id} if run_id is not None else {})
