"""Conditions of a write: judged on what is there, then given to the store to judge again."""

from __future__ import annotations

from domain.datasets import ObjectInfo, ObjectRef, WriteCondition
from domain.errors import PreconditionFailedError

_ANY = "*"


def conditions_for(
    condition: WriteCondition, ref: ObjectRef, there: ObjectInfo | None
) -> dict[str, str]:
    """The headers with which the store judges the condition as the write takes effect.

    S3 takes one entity tag, so of several the one that was found is given. It is given for
    `*` too: then a write of another in between fails this one, which is on the safe side.

    Args:
        condition: The condition.
        ref: The object that is to be written.
        there: The object that is there; None when there is none.

    Raises:
        PreconditionFailedError: When the condition does not hold even now.
    """
    headers: dict[str, str] = {}
    if condition.if_none_match:
        if there is not None:
            raise PreconditionFailedError(f"There is an object {ref} already.")
        headers["If-None-Match"] = _ANY
    if condition.if_match is not None:
        if there is None:
            raise PreconditionFailedError(f"There is no object {ref} that If-Match could name.")
        if _ANY not in condition.if_match and there.etag not in condition.if_match:
            raise PreconditionFailedError(f"The object {ref} is not one that If-Match names.")
        headers["If-Match"] = f'"{there.etag}"'
    return headers
