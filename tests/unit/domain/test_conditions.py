from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.conditions import RangeRequest, ReadCondition, Verdict
from domain.datasets import ByteRange
from domain.errors import RangeNotSatisfiableError

ETAG = "abc"
CHANGED = datetime(2024, 5, 1, 12, 0, 0, 700_000, tzinfo=UTC)
SECOND = CHANGED.replace(microsecond=0)
EARLIER = SECOND - timedelta(seconds=1)


@pytest.mark.parametrize(
    "condition, verdict",
    [
        (ReadCondition(), Verdict.PROCEED),
        (ReadCondition(if_match=(ETAG,)), Verdict.PROCEED),
        (ReadCondition(if_match=("x", ETAG)), Verdict.PROCEED),
        (ReadCondition(if_match=("*",)), Verdict.PROCEED),
        (ReadCondition(if_match=("x",)), Verdict.FAILED),
        (ReadCondition(if_match=()), Verdict.FAILED),
        (ReadCondition(if_none_match=(ETAG,)), Verdict.NOT_MODIFIED),
        (ReadCondition(if_none_match=("x", ETAG)), Verdict.NOT_MODIFIED),
        (ReadCondition(if_none_match=("*",)), Verdict.NOT_MODIFIED),
        (ReadCondition(if_none_match=("x",)), Verdict.PROCEED),
        # Dates of HTTP have whole seconds: what changed within the second counts as then.
        (ReadCondition(if_modified_since=SECOND), Verdict.NOT_MODIFIED),
        (ReadCondition(if_modified_since=EARLIER), Verdict.PROCEED),
        (ReadCondition(if_unmodified_since=SECOND), Verdict.PROCEED),
        (ReadCondition(if_unmodified_since=EARLIER), Verdict.FAILED),
        # A tag outweighs a date (RFC 9110, 13.2.2).
        (ReadCondition(if_match=(ETAG,), if_unmodified_since=EARLIER), Verdict.PROCEED),
        (ReadCondition(if_none_match=("x",), if_modified_since=SECOND), Verdict.PROCEED),
        (ReadCondition(if_none_match=(ETAG,), if_modified_since=EARLIER), Verdict.NOT_MODIFIED),
        # What must hold is judged before what may be left out.
        (ReadCondition(if_match=("x",), if_none_match=(ETAG,)), Verdict.FAILED),
        (ReadCondition(if_match=(ETAG,), if_none_match=(ETAG,)), Verdict.NOT_MODIFIED),
    ],
)
def test_conditions(condition: ReadCondition, verdict: Verdict) -> None:
    assert condition.judge(ETAG, CHANGED) is verdict


@pytest.mark.parametrize(
    "first, last, part",
    [
        (0, None, ByteRange(0, 10)),
        (0, 0, ByteRange(0, 1)),
        (3, 5, ByteRange(3, 3)),
        (9, 9, ByteRange(9, 1)),
        (9, 100, ByteRange(9, 1)),
        (0, 10**30, ByteRange(0, 10)),
        (None, 3, ByteRange(7, 3)),
        (None, 10, ByteRange(0, 10)),
        (None, 11, ByteRange(0, 10)),
    ],
)
def test_ranges_of_ten_bytes(first: int | None, last: int | None, part: ByteRange) -> None:
    assert RangeRequest(first, last).resolve(10) == part


@pytest.mark.parametrize("first, last", [(10, None), (10, 20), (None, 0), (10**30, None)])
def test_ranges_outside_of_ten_bytes(first: int | None, last: int | None) -> None:
    with pytest.raises(RangeNotSatisfiableError) as raised:
        RangeRequest(first, last).resolve(10)

    assert raised.value.size == 10


@pytest.mark.parametrize("request_", [RangeRequest(0, None), RangeRequest(None, 5)])
def test_no_range_lies_in_no_bytes(request_: RangeRequest) -> None:
    with pytest.raises(RangeNotSatisfiableError):
        request_.resolve(0)


@given(st.binary(max_size=30), st.integers(0, 40), st.none() | st.integers(0, 40))
def test_ranges_are_slices(content: bytes, first: int, last: int | None) -> None:
    wanted = content[first:] if last is None else content[first : last + 1]
    try:
        part = RangeRequest(first, last).resolve(len(content))
    except RangeNotSatisfiableError:
        assert wanted == b""
    else:
        assert content[part.start : part.start + part.length] == wanted != b""
