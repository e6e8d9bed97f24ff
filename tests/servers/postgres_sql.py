"""SQL for PostgreSQL through DuckDB: the project has no other client, and needs none."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from tests.extensions import extension_file
from tests.servers.endpoints import PostgresEndpoint


def _literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


@contextmanager
def connected(server: PostgresEndpoint) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a DuckDB to which the database is attached as `pg`.

    Raise duckdb.Error if the server does not answer.
    """
    settings: dict[str, object] = {
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": server.password,
        "dbname": server.database,
        "connect_timeout": 10,
        **dict(server.options),
    }
    words = " ".join(f"{name}={_libpq(value)}" for name, value in settings.items())
    with duckdb.connect() as connection:
        connection.load_extension(str(extension_file("postgres_scanner")))
        connection.execute(f"ATTACH {_literal(words)} AS pg (TYPE postgres)")
        yield connection


def _libpq(value: object) -> str:
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def execute(server: PostgresEndpoint, statement: str) -> None:
    """Run one statement as it stands, outside a transaction. Raise duckdb.Error if it fails."""
    with connected(server) as connection:
        connection.execute(
            f"CALL postgres_execute('pg', {_literal(statement)}, use_transaction => false)"
        )


def create_database(server: PostgresEndpoint, name: str) -> None:
    """Create a database unless it is there. Raise duckdb.Error if the server does not answer."""
    wanted = f"SELECT 1 FROM pg_database WHERE datname = {_literal(name)}"
    with connected(server) as connection:
        found = connection.execute(f"FROM postgres_query('pg', {_literal(wanted)})").fetchone()
    if found is None:
        execute(server, f'CREATE DATABASE "{name}"')


def answers(server: PostgresEndpoint) -> bool:
    """Whether the server answers to this user and password."""
    try:
        with connected(server) as connection:
            connection.execute("FROM postgres_query('pg', 'SELECT 1')")
    except duckdb.Error:
        return False
    return True
