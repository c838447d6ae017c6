"""SEARCH (RFC 3501 6.4.4)."""

from __future__ import annotations

from collections.abc import Sequence

from ..search import compile_search, split_charset
from .base import SELECTED, Command

#: numbers that are formatted before others get a turn
CHUNK = 10_000


class Search(Command):
    """Finds messages: answers with their numbers, or their UIDs after UID. The keys are in netimap.search."""

    states = SELECTED
    accepts_uid = True
    holds_expunges = True

    def validate(self) -> bool:
        """[CHARSET name], then search keys."""
        charset, keys = split_charset(self.options(1, None))
        self.args = [compile_search(keys, charset)]
        return True

    def run(self) -> None:
        """Search. One line, also if nothing was found."""
        (program,) = self.args
        numbers, uids = program.run(self.view(), self.connection().io_handle().cede)
        self.connection().send([b"* SEARCH", *self.format_numbers(uids if self.uid else numbers), b"\r\n"])
        self.ok_completed()

    def format_numbers(self, numbers: Sequence[int]) -> list[bytes]:
        """The numbers, each with a space in front."""
        texts = []
        for start in range(0, len(numbers), CHUNK):
            texts.append(b"".join(map(b" %d".__mod__, numbers[start : start + CHUNK])))
            self.connection().io_handle().cede()
        return texts
