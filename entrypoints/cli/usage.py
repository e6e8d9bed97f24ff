"""What a command line must say, and the questions that it is asked back."""

from __future__ import annotations

import sys

import typer

from entrypoints.cli.exit_codes import ExitCode


class UsageError(typer.TyperException):
    """A command line that cannot be what was meant."""

    exit_code = ExitCode.USAGE


class DeclinedError(Exception):
    """The user said no."""


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is destroyed.

    Args:
        question: What is asked.
        yes: The answer is known already.

    Raises:
        UsageError: When there is nobody to ask.
        DeclinedError: When the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("Without a terminal there is nobody to ask: say --yes if you mean it.")
    if not typer.confirm(question, err=True):
        raise DeclinedError


def split_pairs(pairs: list[str], option: str) -> dict[str, str]:
    """Read options of the form `name=value`.

    Raises:
        UsageError: When one has another form, or a name comes twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"{option} takes name=value; {pair!r} is not that.")
        if name in found:
            raise UsageError(f"{option} {name} is given twice.")
        found[name] = value
    return found
