"""No accepted statement takes the process down, or is deaf to interrupts for long."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.gate.hostile import GROUPS
from tests.integration.gate.watched import Watched

DEAF_S = 2.0
"""Processor time, of two threads, on a machine that does other things too."""

GROWN_MB = 1_500
"""The engine may use 1 GB, which its own limit keeps."""

ENDLESS = (
    "SELECT count(*) FROM range(100000000000)",
    "SELECT a.i FROM range(1000000) a(i), range(1000000) b(i) WHERE a.i + b.i < 0",
    "SELECT count(*) FROM range(1000000) a(i) JOIN range(1000000) b(i) ON a.i * b.i < 0",
    "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT count(*) FROM r",
    "WITH RECURSIVE r(x) AS (SELECT 1 UNION SELECT x + 1 FROM r) SELECT count(*) FROM r",
    "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT p.x FROM r p, r q, range(3)) FROM r",
    "WITH RECURSIVE r(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM r) SELECT max(s) FROM r",
    "WITH RECURSIVE r(s) AS (SELECT [1] UNION ALL SELECT s || s FROM r) SELECT max(len(s)) FROM r",
    "SELECT length(string_agg(i::VARCHAR, ',')) FROM range(1000000000) r(i)",
    "SELECT len(list(i)) FROM range(1000000000) r(i)",
    "SELECT histogram(i) FROM range(1000000000) r(i)",
    "SELECT median(i::VARCHAR) FROM range(1000000000) r(i)",
    "SELECT mode(i) FROM range(1000000000) r(i)",
    "SELECT count(DISTINCT i) FROM range(1000000000) r(i)",
    "SELECT i FROM range(1000000000) r(i) ORDER BY hash(i)",
    "SELECT sum(i) OVER (ORDER BY hash(i)) FROM range(100000000) r(i)",
    "SELECT median(i) OVER (ORDER BY i ROWS 100000 PRECEDING) FROM range(1000000) r(i)",
    (
        "SELECT count(*) FROM generate_series(TIMESTAMP '0001-01-01', TIMESTAMP '9999-01-01', "
        "INTERVAL 1 SECOND)"
    ),
    "SELECT sum(levenshtein(repeat('a', 90) || i, repeat('b', 90) || i)) FROM range(9999999) r(i)",
    "SELECT sum(list_sum(range(1000))) FROM range(100000000) r(i) WHERE i >= 0",
    "SELECT sum(list_sum(range(i % 4000))) FROM range(100000000) r(i)",
    "SELECT sum(list_sum(list_transform([i, i, i, i], x -> x * 2))) FROM range(1000000000) r(i)",
    "SELECT sum(length(repeat('x', (i % 1000)::INT))) FROM range(1000000000) r(i)",
    "SELECT sum(length(lpad(i::VARCHAR, 1000, 'y'))) FROM range(1000000000) r(i)",
    "SELECT sum(length(printf('%999d', i))) FROM range(1000000000) r(i)",
    "SELECT count(*) FROM range(100000000) r(i) WHERE i::VARCHAR LIKE '%1%2%3%4%5%6%'",
    "SELECT count(*) FROM range(100000000) r(i) WHERE i::VARCHAR LIKE '%' || (i % 10) || '%'",
    "SELECT count(*) FROM range(100000000) r(i) WHERE regexp_matches(i::VARCHAR, '(1|2)*(3)+$')",
    "SELECT sum(length(replace(i::VARCHAR, '1', '22222'))) FROM range(1000000000) r(i)",
    "SELECT max(length(regexp_replace(i::VARCHAR, '.', 'xxxx', 'g'))) FROM range(1000000000) r(i)",
    "SELECT max(json_structure('{\"a\": [' || i || ']}')::VARCHAR) FROM range(1000000000) r(i)",
)

DEEP = (
    "SELECT json_structure(repeat('[', 4999) || repeat(']', 4999))",
    "SELECT json_contains(repeat('[', 4999) || repeat(']', 4999), '1')",
    "SELECT json_merge_patch(repeat('{\"a\":', 1999) || 1 || repeat('}', 1999), '{}')",
    (
        "SELECT json_structure(s) FROM (SELECT string_agg('[{\"a\":', '') || 1 || "
        "string_agg('}]', '') AS s FROM range(30000))"
    ),
    (
        "SELECT json_valid(s), json_type(s), json_keys(s), json_extract(s, '$..a') "
        "FROM (SELECT string_agg('[', '') || string_agg(']', '') AS s FROM range(300000))"
    ),
    (
        "SELECT s::JSON FROM (SELECT string_agg('[', '') || string_agg(']', '') AS s "
        "FROM range(300000))"
    ),
    (
        "SELECT length(json_pretty(s)) FROM (SELECT string_agg('[', '') || "
        "string_agg(']', '') AS s FROM range(10000))"
    ),
    (
        "SELECT count(*) FROM (SELECT string_agg('[', '') || string_agg(']', '') AS s "
        "FROM range(3000)), json_tree(s)"
    ),
    (
        "SELECT json_transform(s, '[\"JSON\"]') FROM (SELECT string_agg('[', '') || "
        "string_agg(']', '') AS s FROM range(300000))"
    ),
    (
        "SELECT regexp_matches('a', string_agg('(', '') || 'a' || string_agg(')', '')) "
        "FROM range(100000)"
    ),
    "SELECT regexp_matches('a', string_agg('(a|b)*', '')) FROM range(100000)",
    "SELECT TRY_CAST(string_agg('[', '') AS INT[][][]) FROM range(100000)",
)

LARGE_BUT_GOOD = (
    "SELECT 1 WHERE 1 IN (" + ", ".join(str(number) for number in range(10_000)) + ")",
    "SELECT 1 WHERE 'x' IN (" + ", ".join(f"'{number:036}'" for number in range(10_000)) + ")",
    "SELECT 1 WHERE (1, 'x') IN (" + ", ".join(f"({n}, '{n}')" for n in range(5_000)) + ")",
    "VALUES " + ", ".join(f"({number}, 'x')" for number in range(8_000)),
    "SELECT 1 WHERE " + " OR ".join(f"1 = {number}" for number in range(5_000)),
    "SELECT 1 WHERE " + " AND ".join(f"1 <> {number} + 1" for number in range(5_000)),
    "SELECT CASE " + " ".join(f"WHEN 1 = {n} THEN {n}" for n in range(4_000)) + " END",
    "SELECT " + ", ".join(f"{number} AS c{number}" for number in range(9_000)),
    "SELECT " + " + ".join(["1"] * 190),
    "SELECT " + ", ".join([" + ".join(["1"] * 100)] * 40),
    "SELECT " + "(" * 150 + "1" + " + 1)" * 150,
    " UNION ALL ".join(["SELECT 1"] * 190),
    "SELECT 1 FROM " + ", ".join(f"range(1) t{number}" for number in range(90)),
    "SELECT 1 FROM range(1) t0(i) "
    + " ".join(f"JOIN range(1) t{n}(i) ON t{n}.i = t{n - 1}.i" for n in range(1, 60)),
    "SELECT * FROM " + "(SELECT * FROM " * 60 + "range(1)" + ")" * 60,
    "SELECT " + ", ".join(["(SELECT max(i) FROM range(3) r(i))"] * 80),
    "SELECT " + "nullif(" * 10 + "1" + ", 2)" * 10,
    "SELECT " + "(SELECT " * 7 + "1" + ")" * 7,
    "SELECT " + ", ".join(f"sum(i) OVER (ORDER BY i + {n})" for n in range(200)) + " FROM range(3) "
    "r(i)",
    "SELECT entropy(i) OVER (), mad(i) OVER (PARTITION BY i % 7) FROM range(1000) r(i)",
    "SELECT median(i) OVER (ORDER BY i ROWS 9 PRECEDING) FROM range(1000) r(i)",
    "SELECT i % 2, sum(i) FROM range(10) r(i) GROUP BY CUBE (i % 2, i % 3, i % 4, i % 5, i % 6)",
    "WITH a0 AS (SELECT 1 AS x)"
    + "".join(f", a{n} AS (SELECT p.x FROM a{n - 1} p, a{n - 1} q)" for n in range(1, 20))
    + " SELECT count(*) FROM a19",
    "PIVOT range(3) r(i) ON i IN (" + ", ".join(map(str, range(3_000))) + ") USING count(*)",
)


def watched(home: Path, statements: Sequence[str], patience_s: float = 1.0) -> list[Watched]:
    """How each went, in one process that outlives them all."""
    lines = "\n".join(json.dumps(statement) for statement in statements)
    run = subprocess.run(
        [sys.executable, "-m", "tests.integration.gate.watched", str(home), str(patience_s)],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    told = [Watched(**json.loads(line)) for line in run.stdout.splitlines()]
    assert run.returncode == 0, f"it died behind {told[-1:]}: {run.stderr[-500:]}"
    assert len(told) == len(statements)
    return told


def assert_heard(told: Sequence[Watched]) -> None:
    """Each ended soon behind the interrupt, at bounded memory."""
    assert [each for each in told if each.deaf_s > DEAF_S or each.grown_mb > GROWN_MB] == []


@pytest.mark.slow
def test_endless_statements_hear_interrupts(tmp_path: Path) -> None:
    told = watched(tmp_path, ENDLESS)

    assert_heard(told)
    codes = {"query_cancelled", "resources_exhausted", "invalid_value", None}
    assert {each.code for each in told} <= codes


@pytest.mark.slow
def test_deep_values_do_not_end_the_process(tmp_path: Path) -> None:
    assert_heard(watched(tmp_path, DEEP))


@pytest.mark.slow
def test_what_is_refused_is_refused_soon(tmp_path: Path) -> None:
    statements = [
        *GROUPS["too much to plan"][0],
        *(sql for sql in GROUPS["sizes of values"][0] if " t" not in sql),
    ]

    # On a busy machine a second is not always enough for a large statement's parsing.
    told = watched(tmp_path, statements, patience_s=5.0)

    assert_heard(told)
    assert {each.code for each in told} <= {"too_large", "invalid_value", "invalid_sql"}


@pytest.mark.slow
def test_large_statements_that_are_good_pass(tmp_path: Path) -> None:
    told = watched(tmp_path, LARGE_BUT_GOOD, patience_s=20.0)

    assert_heard(told)
    assert [each for each in told if each.code is not None] == []
