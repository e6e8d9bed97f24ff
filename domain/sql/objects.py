"""What a statement reads of datasets: by which names, with which functions and options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain.errors import InvalidError, StatementNotAllowedError, UnsupportedFormatError
from domain.file_formats import FileFormat, compression_of
from domain.formats import DataFormat
from domain.object_patterns import ObjectPattern

OBJECT_SCHEME = "s3://"
"""How the name of a dataset's object begins."""

MAX_OBJECT_NAMES = 1_000
"""The names that one read may give."""

READ_FUNCTIONS: Mapping[str, DataFormat] = {
    "parquet_scan": DataFormat.PARQUET,
    "read_csv": DataFormat.CSV,
    "read_csv_auto": DataFormat.CSV,
    "read_json": DataFormat.JSON,
    "read_json_auto": DataFormat.JSON,
    "read_json_objects": DataFormat.JSON,
    "read_json_objects_auto": DataFormat.JSON,
    "read_ndjson": DataFormat.NDJSON,
    "read_ndjson_auto": DataFormat.NDJSON,
    "read_ndjson_objects": DataFormat.NDJSON,
    "read_parquet": DataFormat.PARQUET,
}
"""The functions that read objects, in place of a table, and their formats."""

_WILDCARDS = frozenset("*?[")
_ANY = frozenset({"hive_partitioning", "hive_types", "hive_types_autocast", "union_by_name"})
_TEXT = _ANY | {
    *("auto_detect", "columns", "compression", "dateformat", "sample_size", "timestampformat"),
}
_OPTIONS: Mapping[DataFormat, frozenset[str]] = {
    DataFormat.PARQUET: _ANY | {"binary_as_string"},
    DataFormat.CSV: _TEXT
    | {
        *("all_varchar", "allow_quoted_nulls", "comment", "decimal_separator", "delim", "dtypes"),
        *("escape", "force_not_null", "header", "ignore_errors", "names", "new_line"),
        *("normalize_names", "null_padding", "nullstr", "quote", "sep", "skip", "strict_mode"),
        *("types",),
    },
    DataFormat.JSON: _TEXT | {"convert_strings_to_integers", "format", "records"},
    DataFormat.NDJSON: _TEXT | {"convert_strings_to_integers", "records"},
}
_TYPES = frozenset({"columns", "dtypes", "hive_types", "types"})
# No fixed-size arrays, whose size is memory.
_TYPE = re.compile(r"(?!.*\[\s*\d)[A-Za-z0-9_ (),\[\]\"]{1,1000}", re.DOTALL)
_PARAMETERS = re.compile(r"[?&]s3_", re.IGNORECASE)

OptionValue = str | int | float | bool | tuple["OptionValue", ...] | Mapping[str, "OptionValue"]
"""What an option can be: a literal, a list of them, or a struct."""


@dataclass(frozen=True, slots=True)
class ObjectRead:
    """A call of a function that reads objects, in place of a table.

    Attributes:
        function: The function, in lower case.
        names: The objects' names; None for what is not said by a literal.
        options: The options by name, in lower case; None for a value that is not said by
            literals.
        position: Where it begins in the statement; reads follow each other by it.
        alias: What it is called in the statement; empty when that is not said.
    """

    function: str
    names: tuple[str | None, ...]
    options: tuple[tuple[str, OptionValue | None], ...] = ()
    position: int = 0
    alias: str = ""

    @property
    def format(self) -> FileFormat:
        """The format of what is read; how it is compressed goes by an option, or the names."""
        data_format = READ_FUNCTIONS[self.function]
        if data_format is DataFormat.PARQUET:
            return FileFormat(data_format)
        said = dict(self.options).get("compression", "auto")
        for name in self.names:
            if said == "auto" and name is not None:
                return FileFormat(data_format, compression_of(name)[0])
        try:
            return FileFormat.of_option(data_format, str(said))
        except UnsupportedFormatError as error:
            raise StatementNotAllowedError(error.detail) from error


def judge_read(read: ObjectRead) -> None:
    """Let a read of objects pass, or refuse it.

    Raises:
        StatementNotAllowedError: When it is of anything but objects, or has an option that it
            may not have.
    """
    if not read.names or None in read.names:
        raise StatementNotAllowedError(
            f"{read.function} takes the names of objects as literals: 's3://bucket/name'."
        )
    if len(read.names) > MAX_OBJECT_NAMES:
        raise StatementNotAllowedError(f"A read has at most {MAX_OBJECT_NAMES} names; use '*'.")
    for name in read.names:
        pattern_of(name or "")
    compressions = {compression_of(name or "")[0] for name in read.names}
    if len(compressions) > 1 and READ_FUNCTIONS[read.function] is not DataFormat.PARQUET:
        raise StatementNotAllowedError(
            f"{read.function} reads objects that are all compressed in one way."
        )
    allowed = _OPTIONS[READ_FUNCTIONS[read.function]]
    for option, value in read.options:
        if option not in allowed:
            raise StatementNotAllowedError(
                f"{read.function} has no option {option!r} here; it has "
                f"{', '.join(sorted(allowed))}."
            )
        if value is None:
            raise StatementNotAllowedError(f"The option {option!r} is said by literals.")
        if option in _TYPES:
            _judge_types(option, value)
    if len(dict(read.options)) < len(read.options):
        raise StatementNotAllowedError(f"{read.function} has an option twice.")
    _ = read.format


def pattern_of(name: str) -> ObjectPattern:
    """The objects that a name in a statement stands for.

    Raises:
        StatementNotAllowedError: When it is not the name of objects.
    """
    if not name.startswith(OBJECT_SCHEME) or _PARAMETERS.search(name):
        # What follows a `?s3_` would redirect the request of an engine that heeds it.
        raise StatementNotAllowedError(f"{name!r} is not the name of an object: s3://bucket/name.")
    try:
        return ObjectPattern.parse(name.removeprefix(OBJECT_SCHEME))
    except InvalidError as error:
        raise StatementNotAllowedError(
            f"{name!r} is not the name of an object. {error.detail}"
        ) from error


def alias_of(name: str) -> str:
    """What an object is called by its name: `x` for `s3://bucket/x.csv.gz`, as DuckDB calls files.

    Empty for a pattern, which has no name of its own, and for `.csv`.
    """
    last = name.rpartition("/")[2]
    return "" if set(name) & _WILDCARDS else last.partition(".")[0]


def read_by_name(name: str) -> ObjectRead:
    """The read that a name in the place of a table stands for; its format goes by its end.

    Raises:
        StatementNotAllowedError: When it is not the name of objects, or of no known format.
    """
    pattern_of(name)
    try:
        data_format = FileFormat.of_name(name).format
    except UnsupportedFormatError as error:
        raise StatementNotAllowedError(
            f"{error.detail} Name a reader: read_csv({name!r})."
        ) from error
    function = {DataFormat.PARQUET: "read_parquet", DataFormat.CSV: "read_csv"}.get(
        data_format, "read_json"
    )
    return ObjectRead(function, (name,))


def _judge_types(option: str, value: OptionValue) -> None:
    if isinstance(value, Mapping):
        values: tuple[OptionValue, ...] = tuple(value.values())
    else:
        values = value if isinstance(value, tuple) else (value,)
    for each in values:
        if isinstance(each, Mapping):
            _judge_types(option, each)
        elif not isinstance(each, str) or not _TYPE.fullmatch(each):
            raise StatementNotAllowedError(f"The option {option!r} has no types of values.")
