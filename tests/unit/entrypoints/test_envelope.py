import itertools
import json
import threading
from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from entrypoints.rest.envelope import JsonEnvelope
from tests.integration.rest.scripted import ScriptedResult


def enveloped(chunks: Sequence[bytes]) -> bytes:
    def given_chunks(closed: threading.Event) -> Iterator[bytes]:
        yield from chunks

    result = ScriptedResult(given_chunks, row_count=3)
    envelope = JsonEnvelope(result.columns, result, lambda: {"row_count": result.row_count})
    content = b"".join(envelope)
    envelope.close()
    assert result.closed.is_set()
    return content


@given(
    st.lists(st.dictionaries(st.text(max_size=3), st.text() | st.integers(), max_size=3)),
    st.lists(st.integers(min_value=0)),
    st.booleans(),
)
def test_rows_cut_anywhere_make_one_object(
    rows: list[dict[str, object]], cuts: list[int], ended: bool
) -> None:
    lines = [json.dumps(row).encode() for row in rows]
    whole = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    places = sorted({cut % (len(whole) + 1) for cut in cuts} | {0, len(whole)})
    chunks = [whole[start:end] for start, end in itertools.pairwise(places)]
    told = json.loads(enveloped(chunks))
    assert told["rows"] == rows
    assert told["row_count"] == 3


def test_no_rows() -> None:
    assert json.loads(enveloped([]))["rows"] == []
    assert json.loads(enveloped([b"", b""]))["columns"] == [{"name": "n", "type": "INTEGER"}]
