"""What the numbers of a column have in common."""

from __future__ import annotations

from decimal import Decimal

_LONG_NUMBER = 400
"""Longer numbers fit no type of numbers, and are not read as such."""


class Numbers:
    """What the numbers of a column have in common.

    Attributes:
        least: The least whole number.
        greatest: The greatest.
        largest: The greatest absolute value, as a double.
        before: The most digits before the point.
        behind: The most digits behind it.
        doubles: Whether the shortest text of each one's double has its very digits.
        decimals: Whether each has digits that a DECIMAL could have.
    """

    def __init__(self) -> None:
        self.least = self.greatest = 0
        self.largest = 0.0
        self.before = self.behind = 0
        self.doubles = self.decimals = True

    def add(self, text: str, *, whole: bool) -> None:
        """Learn a number; one that is whole has digits alone."""
        if len(text) > _LONG_NUMBER:
            self.doubles = self.decimals = False
            return
        number, near = Decimal(text), float(text)
        self.largest = max(self.largest, abs(near))
        self.doubles = self.doubles and Decimal(repr(near)) == number
        if whole:
            integer = int(text)
            self.least, self.greatest = min(self.least, integer), max(self.greatest, integer)
        _, digits, exponent = number.as_tuple()
        # Finite, as its text is: so the exponent is a number.
        places = int(exponent)
        self.behind = max(self.behind, -places)
        self.before = max(self.before, len(digits) + places if any(digits) else 0)
