from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.commits import CommitMessage, Write

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WRITES = st.builds(
    Write,
    table=TEXT,
    operation=TEXT,
    run_id=TEXT,
    rows=st.none() | st.integers(0, 2**63),
    author=st.none() | TEXT,
)


@given(st.lists(WRITES).map(tuple).map(CommitMessage))
def test_messages_read_back_what_they_write(message: CommitMessage) -> None:
    assert CommitMessage.parse(message.to_json()) == message


def test_the_message_is_the_documented_json() -> None:
    full = Write("main.t", "append", "r1", 3, "ann")
    bare = Write("main.t", "drop", "r2")

    assert json.loads(CommitMessage((full, bare)).to_json()) == {
        "v": 1,
        "writes": [
            {"table": "main.t", "operation": "append", "run_id": "r1", "rows": 3, "author": "ann"},
            {"table": "main.t", "operation": "drop", "run_id": "r2"},
        ],
    }


def test_no_rows_are_told_as_well() -> None:
    text = CommitMessage((Write("main.t", "append", "r", 0),)).to_json()

    assert json.loads(text)["writes"][0]["rows"] == 0


def test_members_that_are_not_known_are_passed_over() -> None:
    write = {"table": "t", "operation": "merge", "run_id": "r", "matched": 3}
    text = json.dumps({"v": 1, "writes": [write], "host": "h"})

    assert CommitMessage.parse(text) == CommitMessage((Write("t", "merge", "r"),))


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "a message by hand", "{", "[]", "1", "null", '"v"', "{}", '{"v":1}'),
        *('{"v":2,"writes":[]}', '{"v":1,"writes":3}', '{"v":1,"writes":[1]}'),
        '{"v":1,"writes":[{"table":"t"}]}',
    ],
)
def test_messages_of_other_clients(text: str | None) -> None:
    assert CommitMessage.parse(text) is None
