"""Sequence sets: `1:5,7,9:*` (RFC 3501 9, sequence-set). Never expanded: `1:4294967295` costs two numbers. No I/O."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from ..exceptions import Bad
from .reader import MAX_NUMBER

#: `*`: the largest number in use. Larger than any number, so that ranges sort before they are resolved.
STAR = MAX_NUMBER + 1

_SET = re.compile(r"(?:[1-9][0-9]{0,9}|\*)(?::(?:[1-9][0-9]{0,9}|\*))?"
                  r"(?:,(?:[1-9][0-9]{0,9}|\*)(?::(?:[1-9][0-9]{0,9}|\*))?)*\Z")  # fmt: skip


class SequenceSet:
    """Numbers or UIDs as ranges, in the order the client gave them, each with its smaller end first."""

    __slots__ = ("ranges",)

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        self.ranges = tuple(ranges)

    @classmethod
    def parse(cls, text: str) -> SequenceSet:
        """Read a set. Raises Bad for anything that is none, and for numbers over 32 bits."""
        if not _SET.match(text):
            raise Bad("Invalid sequence set")
        ranges = []
        for item in text.split(","):
            low, _, high = item.partition(":")
            first = _number(low)
            last = _number(high) if high else first
            ranges.append((first, last) if first <= last else (last, first))
        return cls(ranges)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> SequenceSet:
        """The set of ascending numbers, neighbours joined into ranges."""
        ranges: list[tuple[int, int]] = []
        for number in numbers:
            if ranges and ranges[-1][1] + 1 == number:
                ranges[-1] = (ranges[-1][0], number)
            else:
                ranges.append((number, number))
        return cls(ranges)

    def resolved(self, maximum: int) -> list[tuple[int, int]]:
        """The ranges with `*` = `maximum`, sorted, overlaps merged; none when nothing is in use (maximum 0).

        A range with one end past the maximum keeps it: the caller's numbers end it. `9:*` with fewer than nine in use
        is the range from the largest one to 9 (RFC 3501 6.4.8).
        """
        if maximum == 0:
            return []
        ranges = sorted((min(ends), max(ends)) for ends in
                        ((maximum if low == STAR else low, maximum if high == STAR else high)
                         for low, high in self.ranges))  # fmt: skip
        merged = ranges[:1]
        for low, high in ranges[1:]:
            if low <= merged[-1][1] + 1:
                if high > merged[-1][1]:
                    merged[-1] = (merged[-1][0], high)
            else:
                merged.append((low, high))
        return merged

    def slices(self, ascending: Sequence[int]) -> list[tuple[int, int]]:
        """Index ranges [start, stop) of the members in an ascending sequence of numbers."""
        maximum = ascending[-1] if len(ascending) else 0
        found = ((bisect_left(ascending, low), bisect_right(ascending, high)) for low, high in self.resolved(maximum))
        return [(start, stop) for start, stop in found if start < stop]

    def __str__(self) -> str:
        ends = (("*" if low == STAR else str(low), "*" if high == STAR else str(high)) for low, high in self.ranges)
        return ",".join(low if low == high else f"{low}:{high}" for low, high in ends)

    def __repr__(self) -> str:
        return f"SequenceSet.parse({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SequenceSet) and self.ranges == other.ranges

    def __hash__(self) -> int:
        return hash(self.ranges)


def _number(text: str) -> int:
    if text == "*":
        return STAR
    number = int(text)
    if number > MAX_NUMBER:
        raise Bad("Number over 32 bits in a sequence set")
    return number
