"""The `ducklake` command: its groups, and what holds for all of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from entrypoints.cli import buckets, bulk, maintenance, objects, rows, service, tables, transfers
from entrypoints.cli.errors import report
from entrypoints.cli.exit_codes import ExitCode
from entrypoints.cli.help import examples_of, exit_codes
from entrypoints.cli.session import Session, work_goes_on


class Commands(TyperGroup):
    """The root of all commands: every end of one passes here, and gets its exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and leave with its exit code."""
        if not standalone_mode:
            raise NotImplementedError("The command ends its process.")
        try:
            code = super().main(
                args,
                prog_name,
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except SystemExit:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is told in a sentence
            code = report(error)
        sys.exit(code if isinstance(code, int) else ExitCode.OK)

    def invoke(self, ctx: Any) -> Any:
        """Run a command to its end, what it wrote included."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except KeyboardInterrupt as error:
            return report(error)
        except BrokenPipeError:
            _forget_stdout()
            return ExitCode.PIPE_CLOSED


app = typer.Typer(
    cls=Commands,
    name="ducklake",
    epilog=exit_codes(),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)

_TABLES = typer.Typer(help="Make tables, put rows into them and ask them questions.")
_DATASETS = typer.Typer(help="Make buckets, and put, get, list and delete objects in them.")
_COMMANDS: tuple[tuple[typer.Typer, str, Callable[..., None]], ...] = (
    (_TABLES, "list", tables.list_tables),
    (_TABLES, "create", tables.create),
    (_TABLES, "describe", tables.describe),
    (_TABLES, "append", rows.append),
    (_TABLES, "query", rows.query_table),
    (_TABLES, "load", bulk.load),
    (_TABLES, "export", bulk.export),
    (_TABLES, "drop", tables.drop),
    (_DATASETS, "list", buckets.list_buckets),
    (_DATASETS, "create", buckets.create),
    (_DATASETS, "delete", buckets.delete),
    (_DATASETS, "ls", objects.ls),
    (_DATASETS, "put", transfers.put),
    (_DATASETS, "get", transfers.get),
    (_DATASETS, "stat", objects.stat),
    (_DATASETS, "rm", objects.rm),
    (app, "query", rows.query_lake),
    (app, "check", maintenance.check),
    (app, "serve", service.serve),
    (app, "version", service.version),
)
for group, name, command in _COMMANDS:
    group.command(name, epilog=examples_of(command))(command)
_TABLES.command("delete", hidden=True, help="The same as drop.")(tables.drop)
app.add_typer(_TABLES, name="tables", no_args_is_help=True)
app.add_typer(_DATASETS, name="datasets", no_args_is_help=True)


@app.callback()
def lake(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            metavar="DIRECTORY",
            help="Where the lake lies, in place of DUCKLAKE_HOME.",
            show_default=False,
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log what goes on.")] = False,
) -> None:
    """A lakehouse on this machine: tables, queries, and datasets of objects.

    It works on the lake in DUCKLAKE_HOME, which one process at a time can hold.
    """
    session = context.obj if isinstance(context.obj, Session) else None
    context.obj = session or Session(home=home, verbose=verbose)
    context.call_on_close(context.obj.close)


def main() -> None:
    """Run the command that the process was started with."""
    try:
        get_command(app).main(prog_name="ducklake")
    except SystemExit as end:
        if work_goes_on():
            # Ctrl-C could not stop it, and the interpreter would wait for what it holds.
            os._exit(end.code if isinstance(end.code, int) else ExitCode.FAILURE)
        raise


def _forget_stdout() -> None:
    """Let nothing be written to a reader that went away, the interpreter's last flush included."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
