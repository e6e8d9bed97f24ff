"""Keys of writes: one that is sent again under its key is not done twice."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from application.writes import Fingerprint, Terms
from domain.errors import BadUpstreamError, UnavailableError, UpstreamTimeoutError
from domain.idempotency import IdempotencyKey

KeyOption = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key",
        metavar="KEY",
        help="Names this write: run again under the same key, it is not done twice. "
        "By default a new one, which is shown when it is not known whether it was done.",
        show_default=False,
    ),
]


@contextmanager
def under_key(given: str | None, *parts: str | None) -> Iterator[tuple[Terms, Fingerprint]]:
    """The terms of a write; tells its key when it is not known what became of it.

    Args:
        given: The key that the user gave.
        parts: What the write is, besides the bytes it reads.
    """
    key = IdempotencyKey(given if given is not None else str(uuid.uuid4()))
    fingerprint = Fingerprint(*(f"{part!r}".encode() for part in parts))
    hint = (
        "It may have been done all the same. To be sure, run it again with "
        f"--idempotency-key {key.value}: it is not done twice."
    )
    try:
        yield Terms(key, fingerprint.digest), fingerprint
    except (UnavailableError, UpstreamTimeoutError, BadUpstreamError) as error:
        error.add_note(hint)
        raise
    except KeyboardInterrupt:
        typer.echo(hint, err=True)
        raise
