"""Write docs/reference/cli.md from the help of the `ducklake` command itself.

`python -m scripts.generate_cli_reference`, from the project's directory; a test holds that the
page is as this writes it.
"""

# ruff: noqa: INP001, T201 - a script, which says what it does

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from entrypoints.cli.app import app
from entrypoints.cli.exit_codes import MEANING_OF_EXIT_CODE
from entrypoints.cli.help import EXAMPLES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "cli.md"

_INTRODUCTION = """\
# The ducklake command

<!-- Written by scripts/generate_cli_reference.py from the command's own help: do not edit. -->

`ducklake` does what the API does, with the same words, on the lake in `DUCKLAKE_HOME`. One
process at a time can hold that lake: while `ducklake serve` runs on it, the other commands end
with code 8 and say so.

- Results go to stdout, all that is said about them to stderr.
- On a terminal a result is a table; in a pipe it is JSON, and an empty list is `[]`. `--format`
  asks for another form.
- Rows are streamed: a result of any size goes to a file or a pipe in little memory. A table on a
  terminal shows the first 1,000 rows, unless `--row-limit` says how many.
- `-` stands for stdin or stdout. A file that the command writes appears when it is whole.
- What destroys something asks first, and needs `--yes` where there is no terminal.
- Ctrl-C stops a query where it is, and what has not been committed does not happen.
- `NO_COLOR` is respected; `ducklake --install-completion` teaches your shell the commands.
"""


def page() -> str:
    """The page, as it is to be."""
    parts = [_INTRODUCTION, _exit_codes(), *_sections(get_command(app), "ducklake")]
    return "\n".join(parts)


def _exit_codes() -> str:
    lines = ["## Exit codes", "", "| code | meaning |", "|---:|---|"]
    lines += [f"| {code.value} | {meaning} |" for code, meaning in MEANING_OF_EXIT_CODE.items()]
    return "\n".join([*lines, ""])


def _sections(command: Any, path: str, parent: Any = None) -> Iterator[str]:
    context = command.make_context(path, [], parent=parent, resilient_parsing=True)
    yield _section(command, context, path)
    for name, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield from _sections(child, f"{path} {name}", parent=context)


def _section(command: Any, context: Any, path: str) -> str:
    lines = [f"{'#' * (path.count(' ') + 2)} {path}", "", inspect.cleandoc(command.help or ""), ""]
    pieces = " ".join(command.collect_usage_pieces(context))
    lines += ["```text", f"{path} {pieces}", "```", ""]
    records = [record for record in _records(command, context) if "--help" not in record[0]]
    if records:
        lines += ["| | |", "|---|---|"]
        lines += [f"| `{_cell(name)}` | {_cell(told)} |" for name, told in records]
        lines.append("")
    title, _, examples = inspect.cleandoc(command.epilog or "").partition("\n")
    if title == EXAMPLES:
        lines += ["```sh", inspect.cleandoc("\n" + examples).replace("\\[", "["), "```", ""]
    return "\n".join(lines)


def _records(command: Any, context: Any) -> Iterator[tuple[str, str]]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            name, told = record
            yield name.replace(" <bool>", "").replace(" <str>", ""), told


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Wrote {PAGE.name}.")
