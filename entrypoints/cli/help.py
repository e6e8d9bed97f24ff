"""Help texts: examples at the end of each command's help."""

from __future__ import annotations

from entrypoints.cli.exit_codes import MEANING_OF_EXIT_CODE

_EXAMPLES = "Examples:"


def examples(*commands: str) -> str:
    """The epilog that shows how a command is used."""
    return _kept("\n".join([_EXAMPLES, *(f"  {command}" for command in commands)]))


def exit_codes() -> str:
    """The epilog that tells how the command ends."""
    lines = [f"  {code.value:>3}  {meaning}" for code, meaning in MEANING_OF_EXIT_CODE.items()]
    return _kept("\n".join(["Exit codes:", *lines]))


def _kept(text: str) -> str:
    """The text as it is: its brackets are no markup, and its lines keep their indentation."""
    # Typer takes away the indentation that all lines but the first have in common. Rich's own
    # way to escape would cost each command its import.
    return "\n" + text.replace("[", "\\[")
