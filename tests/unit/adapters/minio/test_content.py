"""How an upload's bytes are gathered, measured and divided."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.minio.content import ContentError, exactly, parts, pulled
from domain.errors import IncompleteBodyError

MIB = 1024 * 1024

some_chunks = st.lists(st.binary(max_size=12), max_size=8)


@given(chunks=some_chunks)
def test_gathered_without_loss(chunks: list[bytes]) -> None:
    gathered = list(pulled(chunks))
    assert b"".join(gathered) == b"".join(chunks)
    assert all(gathered)


def test_small_chunks_are_gathered_and_large_ones_left() -> None:
    large = b"x" * MIB
    assert len(list(pulled([b"y"] * 1000))) == 1
    (only,) = pulled([large])
    assert only is large


def test_what_the_content_raises_is_kept() -> None:
    gone = OSError("gone")

    def broken() -> Iterator[bytes]:
        yield b"x"
        raise gone

    with pytest.raises(ContentError) as caught:
        list(pulled(broken()))
    assert caught.value.original is gone


@given(chunks=some_chunks, more=st.integers(-5, 5))
def test_the_last_bytes_wait_for_the_length_to_be_right(chunks: list[bytes], more: int) -> None:
    content = b"".join(chunks)
    size = max(0, len(content) + more)
    given_on: list[bytes] = []
    chunks_of_bytes = (chunk for chunk in chunks if chunk)
    if size == len(content):
        assert b"".join(exactly(chunks_of_bytes, size)) == content
        return
    with pytest.raises(IncompleteBodyError):
        given_on.extend(exactly(chunks_of_bytes, size))
    assert sum(map(len, given_on)) < max(size, 1)


@given(chunks=some_chunks, size=st.integers(1, 20))
def test_parts(chunks: list[bytes], size: int) -> None:
    content = b"".join(chunks)
    found = list(parts((chunk for chunk in chunks if chunk), size))
    assert b"".join(bytes(piece) for part in found for piece in part.pieces) == content
    assert [part.last for part in found] == [False] * (len(found) - 1) + [True]
    assert [part.size for part in found[:-1]] == [size] * (len(found) - 1)
    assert found[-1].size == len(content) - size * (len(found) - 1)
    assert 0 < found[-1].size <= size or content == b""
