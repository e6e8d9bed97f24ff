"""`ducklake serve` and `ducklake version`."""

from __future__ import annotations

from typing import Annotated

import typer

from entrypoints.cli.help import shows
from entrypoints.cli.options import FormatOfRecord
from entrypoints.cli.output import print_record
from entrypoints.cli.session import session_of
from entrypoints.memory_limit import limit_memory

DUCKLAKE_SPECIFICATION = "1.0"
"""The version of the DuckLake specification that the lakes are in."""


@shows("ducklake serve", "ducklake serve --host 0.0.0.0 --port 9000")
def serve(
    context: typer.Context,
    host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="The address to serve on, in place of DUCKLAKE_HOST (127.0.0.1).",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=0,
            max=65535,
            help="The port, in place of DUCKLAKE_PORT (8000); 0 takes a free one.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the API until Ctrl-C."""
    settings = session_of(context).settings(host=host, port=port)
    limit_memory(settings.process_memory)
    # Late: FastAPI takes long to import, and no other command needs it.
    from entrypoints.rest.server import serve as serve_api  # noqa: PLC0415

    serve_api(settings)


@shows("ducklake version", "ducklake version --format json")
def version(context: typer.Context, output_format: FormatOfRecord = None) -> None:  # noqa: ARG001
    """Show the versions of the service and of what it stands on."""
    from importlib.metadata import PackageNotFoundError  # noqa: PLC0415 - --help does without
    from importlib.metadata import version as version_of  # noqa: PLC0415 - as above

    def known(package: str) -> str:
        try:
            return version_of(package)
        except PackageNotFoundError:
            return "not installed from a wheel"

    versions = {
        "service": version_of("ducklake-backend"),
        "duckdb": version_of("duckdb"),
        "ducklake_extension": known("duckdb-extension-ducklake"),
        "ducklake_specification": DUCKLAKE_SPECIFICATION,
    }
    shown = [(name.replace("_", " "), value) for name, value in versions.items()]
    print_record(versions, shown, output_format)
