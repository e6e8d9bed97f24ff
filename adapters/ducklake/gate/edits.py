"""A statement's text with some of its parts replaced, and where each place of it came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """New text in the place of a part of the old; places are in bytes of UTF-8."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class EditedText:
    """A text with edits, which do not overlap."""

    text: str
    edits: tuple[Edit, ...] = ()

    @classmethod
    def of(cls, text: str, edits: Iterable[Edit]) -> EditedText:
        """The text after the edits."""
        ordered = tuple(sorted(edits, key=lambda edit: edit.start))
        old = text.encode()
        pieces: list[bytes] = []
        written = 0
        for edit in ordered:
            pieces += [old[written : edit.start], edit.text.encode()]
            written = edit.end
        return cls(b"".join([*pieces, old[written:]]).decode(), ordered)

    def original(self, position: int) -> int:
        """The place in the old text of a place in the new; of an edit, where that begins."""
        shift = 0
        for edit in self.edits:
            start = edit.start + shift
            if position < start:
                break
            end = start + len(edit.text.encode())
            if position < end:
                return edit.start
            shift += len(edit.text.encode()) - (edit.end - edit.start)
        return position - shift
