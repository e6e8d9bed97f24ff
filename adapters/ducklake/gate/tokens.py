"""The words and marks of a statement, by DuckDB's own tokenizer."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from adapters.ducklake.gate.edits import Edit, EditedText

PIVOTED_VALUES = "\n IN (NULL)"
"""What lets a PIVOT that does not say its columns be parsed as one SELECT."""

_COMMENT = re.compile(r"--|/\*")
_OPENING = frozenset({"(", "[", "{"})
_CLOSING = frozenset({")", "]", "}"})
_END_OF_PIVOTED = frozenset(
    {"using", "group", "order", "limit", "offset", "union", "except", "intersect", ")", ";"}
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """A statement's text and where its tokens begin, in bytes of UTF-8; comments are none."""

    text: bytes
    starts: Sequence[int]

    @classmethod
    def of(cls, sql: str) -> Tokens:
        """The tokens of a statement, as far as it can be read."""
        return cls(sql.encode(), [start for start, _ in duckdb.tokenize(sql)])

    def __len__(self) -> int:
        return len(self.starts)

    def word(self, number: int) -> str:
        """A token in lower case, with what is behind it up to the next; empty behind the end."""
        if number >= len(self.starts):
            return ""
        end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.text)
        piece = self.text[self.starts[number] : end].decode(errors="replace").casefold()
        # A comment or white space may be behind it.
        word = piece.split(maxsplit=1)[0]
        return word.split("--")[0].split("/*")[0] if word[0].isalpha() else word[0]

    def has_word(self, word: str) -> bool:
        """Whether it is one of the tokens."""
        return any(self.word(number) == word for number in range(len(self)))

    def behind(self, number: int) -> tuple[str, int]:
        """The text from a token on, and where it begins."""
        start = self.starts[number] if number < len(self.starts) else len(self.text)
        return self.text[start:].decode(), start

    def without_end_marks(self) -> str:
        """The statement up to the semicolons at its end, so that it can stand in brackets."""
        end = len(self.text)
        for start in reversed(self.starts):
            if self.text[start : start + 1] != b";":
                break
            end = start
        return self.text[:end].decode()

    def calls(self, functions: frozenset[str]) -> list[tuple[int, int]]:
        """Where calls of these functions begin and end, in the order of the text."""
        found: list[tuple[int, int]] = []
        for number in range(len(self)):
            if self.word(number + 1) == "(" and self._name(number) in functions:
                close = self._skip_to(number + 2, _CLOSING)
                found.append((self.starts[number], self._start(close) + 1))
        return found

    def _name(self, number: int) -> str:
        """A name in lower case, without its quotes."""
        end = self.starts[number + 1]
        piece = self.text[self.starts[number] : end].decode(errors="replace").casefold()
        return piece.split('"')[1] if piece.startswith('"') else self.word(number)

    def number_at(self, place: int) -> int | None:
        """Which token begins at a place; None when none does."""
        number = bisect_left(self.starts, place)
        return number if number < len(self) and self.starts[number] == place else None

    def end(self, number: int) -> int:
        """Where a token ends, without what is behind it up to the next."""
        start, end = self._start(number), self._start(number + 1)
        if self.text[start : start + 1] == b'"':
            return self.text.rindex(b'"', start + 1, end) + 1
        piece = self.text[start:end].decode(errors="replace")
        word = _COMMENT.split(piece, maxsplit=1)[0].split(maxsplit=1)[0]
        return start + len(word.encode())

    def closing(self, number: int) -> int:
        """The bracket that closes the one at a token."""
        return self._skip_to(number + 1, _CLOSING)

    def pivoted(self, values: str) -> EditedText:
        """The statement with `values` behind each thing that a PIVOT is ON and says none for."""
        edits = [Edit(end, end, f"{values} ") for end in self._ends_of_pivoted()]
        return EditedText.of(self.text.decode(), edits)

    def _ends_of_pivoted(self) -> list[int]:
        """Where to write the values: behind the last token of each."""
        ends: list[int] = []
        number = 0
        while number < len(self):
            if self.word(number) == "pivot":
                number = self._skip_to(number + 1, frozenset({"on", *_CLOSING, ";"}))
                while number < len(self) and self.word(number) in {"on", ","}:
                    first = number + 1
                    number = self._skip_to(first, _END_OF_PIVOTED | {",", "in"})
                    ends_here = self.word(number) != "in"
                    if ends_here:
                        ends.append(self._start(number))
                    else:
                        number = self._skip_to(number, _END_OF_PIVOTED | {","})
            else:
                number += 1
        return ends

    def _skip_to(self, number: int, words: frozenset[str]) -> int:
        """The next of these tokens that is in no brackets opened from here on."""
        depth = 0
        while number < len(self):
            word = self.word(number)
            if depth == 0 and word in words:
                break
            depth += (word in _OPENING) - (word in _CLOSING)
            number += 1
        return number

    def _start(self, number: int) -> int:
        return self.starts[number] if number < len(self.starts) else len(self.text)
