"""Help texts: examples at the end of each command's help."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

from entrypoints.cli.exit_codes import MEANING_OF_EXIT_CODE

EXAMPLES = "Examples:"

P = ParamSpec("P")


_examples: dict[Callable[..., None], tuple[str, ...]] = {}


def shows(*examples: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Say of a command how it is used: one line each."""

    def keep(command: Callable[P, None]) -> Callable[P, None]:
        _examples[command] = examples
        return command

    return keep


def examples_of(command: Callable[..., None]) -> str:
    """The epilog that shows how a command is used."""
    return _kept("\n".join([EXAMPLES, *(f"  {line}" for line in _examples[command])]))


def exit_codes() -> str:
    """The epilog that tells how the command ends."""
    lines = [f"  {code.value:>3}  {meaning}" for code, meaning in MEANING_OF_EXIT_CODE.items()]
    return _kept("\n".join(["Exit codes:", *lines]))


def _kept(text: str) -> str:
    """The text as it is: its brackets are no markup, and its lines keep their indentation."""
    # Typer takes away the indentation that all lines but the first have in common. Rich's own
    # way to escape would cost each command its import.
    return "\n" + text.replace("[", "\\[")
