"""FETCH (RFC 3501 6.4.5)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache

from ..exceptions import Bad, No
from ..fetch import Plan
from ..fetch.plan import BODY_CHUNK, CHUNK
from ..view import View
from ..wire.arguments import sequence_set
from ..wire.reader import tokenize
from .base import SELECTED, Command

#: octets of items whose plan is remembered: clients repeat a few short ones
MAX_REMEMBERED = 256
#: seconds that the lines of one chunk should take: others wait meanwhile
SLOW_S = 0.005
#: messages of the first chunk, when it is not known yet how long they take
FIRST_CHUNK = 5


class Fetch(Command):
    """Sends what the client asks of messages. The items are compiled once; then the plan runs over the messages."""

    states = SELECTED
    accepts_uid = True
    holds_expunges = True
    has_sections = True

    def validate(self) -> bool:
        """set, then an item, a macro, or items in parentheses."""
        wanted, _, items = self.parts[0].partition(b" ")
        if len(self.parts) == 1 and items and len(items) <= MAX_REMEMBERED:
            if not wanted:
                raise Bad("Unexpected space")
            self.args = [sequence_set(wanted.decode("latin-1")), _plan(items, self.uid)]
            return True
        tokens = self.options(2, 2)
        self.args = [sequence_set(tokens[0]), Plan.compile(tokens[1], self.uid)]
        return True

    def run(self) -> None:
        """Fetch, chunk by chunk: memory stays flat, and others run in between."""
        wanted, plan = self.args
        view = self.view()
        numbers, uids = view.resolve(wanted, self.uid)
        mailbox = view.mailbox
        sets_seen = plan.sets_seen and not (view.read_only or mailbox.read_only())
        by_message = mailbox.overrides("fetch")
        unreadable, start, step = 0, 0, BODY_CHUNK if plan.sections or by_message else FIRST_CHUNK
        while start < len(uids):
            begun = time.perf_counter()
            some, their_numbers = uids[start : start + step], numbers[start : start + step]
            start += step
            if by_message:
                self.fetch_each(plan, view, their_numbers, some)
                continue
            if sets_seen:
                self.set_seen(view, some)
            if any(item.column == "flags" for item in plan.columns):
                view.sync()
                view.forget_flags(some)
            unreadable += plan.send(mailbox, their_numbers, some, view.format_flags, self.connection().send)
            if not plan.sections:
                # ENVELOPE and BODYSTRUCTURE may have to be made, which takes long for large messages
                step = next_step(step, time.perf_counter() - begun)
        if unreadable:
            raise No(f"{unreadable} of the messages could not be read", "EXPUNGEISSUED")
        self.ok_completed()

    def set_seen(self, view: View, uids: Sequence[int]) -> None:
        """Set \\Seen where it is missing, before the flags are read."""
        (flags,) = view.mailbox.columns(uids, ["flags"])
        unseen = [uid for uid, have in zip(uids, flags, strict=True) if "\\Seen" not in have]
        if unseen:
            view.mailbox.store_flags(unseen, "+FLAGS", ["\\Seen"])

    def fetch_each(self, plan: Plan, view: View, numbers: Sequence[int], uids: Sequence[int]) -> None:
        """The way for messages whose class has a `fetch` of its own."""
        for number, uid in zip(numbers, uids, strict=True):
            message = view.mailbox.message(uid)
            if message is not None:
                line = b"* %d FETCH %b\r\n" % (number, self.data_out(list(message.fetch(list(plan.spec)))))
                self.connection().send([line])


def next_step(step: int, seconds: float) -> int:
    """How many messages to take next, when `step` of them took `seconds`."""
    if seconds > SLOW_S:
        return max(1, step // 2)
    return min(CHUNK, step * 2) if seconds < SLOW_S / 3 else step


@lru_cache(maxsize=512)
def _plan(items: bytes, uid: bool) -> Plan:
    tokens = tokenize([items], sections=True)
    if len(tokens) != 1:
        raise Bad("Too many options" if tokens else "Not enough options")
    return Plan.compile(tokens[0], uid)
