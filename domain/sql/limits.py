"""How large a statement, and what it makes of its values, may be.

DuckDB plans a statement without looking for an interrupt, and computes one expression over a
block of rows likewise; memory of both is not under its limit. So both are bounded beforehand.
The figures were measured on DuckDB 1.5.5: see docs/reference/sql.md.
"""

from __future__ import annotations

MAX_SQL_LENGTH = 500_000
"""Characters of a statement."""

MAX_TOKENS = 50_000
"""Words, numbers, texts and marks of a statement."""

MAX_DEPTH = 200
"""How deep expressions, queries and types may stand in each other."""

MAX_COST = 1_000_000
"""What planning a statement may cost, in estimated microseconds."""

MAX_GROWTH = 10_000
"""How many times longer than what it was made of a value may become, over all nested queries."""

MAX_MADE_TEXT = 10_000
"""Bytes of a text whose length an argument decides (`repeat`, `lpad`)."""

MAX_SMALL_TEXT = 2_500
"""Bytes of such a text that is made without a check while the statement runs."""

MAX_SHORT_TEXT = 256
"""Characters of a literal that is searched for, or matched, without a check."""

MAX_SEARCHED_TEXT = 50_000_000
"""Product of the bytes of a text and of what is searched for in it."""

MAX_MATCHING_STEPS = 1_000_000
"""Bytes of a text to the power of the wildcards in the pattern that LIKE matches it with."""

MAX_PATH_TEXT = 10_000
"""Bytes of a path that is taken apart."""

MAX_REPLACED_TEXT = 100_000
"""Product of the bytes of a text and of a replacement that is not a short literal."""

MAX_REPLACEMENT = 16
"""Characters of a literal replacement that is not checked while the statement runs."""

MAX_MADE_LIST = 4_000
"""Elements of a list whose length an argument decides (`range`, `list_resize`)."""

MAX_COMPARED_TEXT = 100_000
"""Product of the bytes of two texts whose distance is taken (`levenshtein`)."""

MAX_LIST_WORK = 100_000
"""Steps of a function with a lambda for one row: elements times what the lambda does."""

MAX_LAMBDA_DEPTH = 2
"""How deep lambdas that go through a list may stand in each other."""

MAX_SORTED_LIST = 10_000
"""Elements of a list that a function sorts or compares, where a statement makes long values."""

MAX_SPLIT_TEXT = 10_000
"""Bytes of a text that a function takes apart, where a statement makes long values."""

MAX_JSON_TEXT = 10_000
"""Bytes of JSON that a recursive function takes without counting how deep it is."""

MAX_JSON_BRACKETS = 1_000
"""Opening brackets of longer JSON that a recursive function takes."""

MAX_JSON_STRUCTURE_DEPTH = 50
"""How deep the structure given to `json_transform` may be."""

MAX_ARRAY_SIZE = 10_000
"""Elements of a fixed-size array type, over all its dimensions."""

MAX_SAMPLE = 10_000
"""The sample of `reservoir_quantile`."""

MAX_TOP_VALUES = 100
"""The count of `approx_top_k`, which reserves room for them in each group."""

MAX_AGGREGATED_BITS = 100_000
"""The values between the bounds of `bitstring_agg`, which makes as many bits in each group."""

MAX_FIELD_WIDTH = 999
"""The width and precision in a format text."""

MAX_VIEW_DEPTH = 16
"""How deep views may stand in each other."""

MAX_RESULT_COLUMNS = 10_000
"""Columns of an answer."""

MAX_TYPE_DEPTH = 60
"""How deep the type of an answer's column may be; Arrow goes to 64."""

MAX_TEXT_DEPTH = 32
"""How deep the type of a column may be that is written as JSON or CSV."""

MAX_TEXT_WEIGHT = 50_000
"""Parts of all columns that are written as JSON or CSV, doubled by each list or map around them."""
