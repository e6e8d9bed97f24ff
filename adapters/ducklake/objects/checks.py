"""Looking at objects before the engine reads them: some could end the whole process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Lock

from adapters.ducklake.objects.csv_lines import MAX_CSV_LINE_BYTES, CsvLines, check_first_line
from adapters.ducklake.objects.parquet_footer import (
    MAX_SCHEMA_BYTES,
    TAIL_BYTES,
    check_schema,
    footer_length,
)
from domain.datasets import ByteRange
from domain.errors import MalformedObjectError, ObjectChangedError, TooLargeError
from domain.formats import DataFormat
from domain.located_objects import LocatedObject
from domain.ports.datasets import DatasetPort

_AT_ONCE = 8
_REMEMBERED = 100_000
_TAIL_BYTES = 64 * 1024
_CHUNK_BYTES = 1024 * 1024
_FIRST_LINE_BYTES = 256 * 1024


class ObjectBytes:
    """Reads the bytes of objects that were located: of these, and no others."""

    def __init__(self, datasets: DatasetPort) -> None:
        self._datasets = datasets

    def part(self, each: LocatedObject, start: int, length: int) -> bytes:
        """Some bytes of it.

        Raises:
            ObjectChangedError: When it was replaced since it was located.
        """
        if is_local(each):
            with Path(each.location).open("rb") as file:
                file.seek(start)
                return file.read(length)
        return b"".join(self._chunks(each, ByteRange(start, length)))

    def whole(self, each: LocatedObject) -> Iterator[bytes]:
        """All of it, in chunks.

        Raises: as `part`.
        """
        if is_local(each):
            with Path(each.location).open("rb") as file:
                yield from iter(lambda: file.read(_CHUNK_BYTES), b"")
        else:
            yield from self._chunks(each, None)

    def _chunks(self, each: LocatedObject, part: ByteRange | None) -> Iterator[bytes]:
        with closing(self._datasets.open_object(each.found.ref)) as opened:
            if opened.info.etag != each.found.etag:
                raise ObjectChangedError(f"{each.shown} was replaced while it was read.")
            yield from opened.read(part)


def is_local(each: LocatedObject) -> bool:
    """Whether it lies on this machine, where nobody replaces it."""
    return each.location.startswith("/")


class ObjectChecks:
    """Checks objects that the engine reads where they are, each once for each entity tag."""

    def __init__(self, content: ObjectBytes) -> None:
        self._content = content
        self._passed: OrderedDict[tuple[str, str, DataFormat], None] = OrderedDict()
        self._lock = Lock()

    def check(self, objects: Iterable[LocatedObject], data_format: DataFormat) -> None:
        """Check the footers of Parquet files, or the first and last lines of CSV.

        Raises:
            MalformedObjectError: When one is no such file.
            TooLargeError: When it has too many columns, they are nested too deep, or its last
                line is too long.
            ObjectChangedError: When it was replaced in the meantime.
        """
        new = [each for each in objects if not self._has_passed(each, data_format)]
        look = self._footer if data_format is DataFormat.PARQUET else self._lines
        if len(new) == 1 or all(is_local(each) for each in new):
            for each in new:
                told_of(each, look)
        else:
            with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="objects") as pool:
                for _ in pool.map(lambda each: told_of(each, look), new):
                    pass
        with self._lock:
            for each in new:
                self._passed[self._key(each, data_format)] = None
            while len(self._passed) > _REMEMBERED:
                self._passed.popitem(last=False)

    def _has_passed(self, each: LocatedObject, data_format: DataFormat) -> bool:
        with self._lock:
            return self._key(each, data_format) in self._passed

    def _key(self, each: LocatedObject, data_format: DataFormat) -> tuple[str, str, DataFormat]:
        return each.shown, each.found.etag, data_format

    def _footer(self, each: LocatedObject) -> None:
        size = each.found.size
        tail = self._content.part(each, max(0, size - _TAIL_BYTES), min(size, _TAIL_BYTES))
        length = footer_length(tail)
        start = size - TAIL_BYTES - length
        if start < 0:
            raise MalformedObjectError("Its Parquet footer is longer than the file.")
        if length + TAIL_BYTES <= len(tail):
            footer = tail[len(tail) - TAIL_BYTES - length :]
        else:
            footer = self._content.part(each, start, min(length, MAX_SCHEMA_BYTES))
        check_schema(footer)

    def _lines(self, each: LocatedObject) -> None:
        size = each.found.size
        if size:
            check_first_line(self._content.part(each, 0, min(size, _FIRST_LINE_BYTES)))
        for length in (_TAIL_BYTES, MAX_CSV_LINE_BYTES + 1):
            # A longer line before the last one DuckDB tells by itself.
            if size <= length or CsvLines.has_end(self._content.part(each, size - length, length)):
                return
        raise TooLargeError(CsvLines.TOO_LONG)


def told_of(each: LocatedObject, look: Callable[[LocatedObject], None]) -> None:
    """Look at an object; what is wrong is told with its name.

    Raises: what `look` raises.
    """
    try:
        look(each)
    except (MalformedObjectError, TooLargeError) as error:
        raise type(error)(f"{each.shown} cannot be read. {error.detail}") from error
