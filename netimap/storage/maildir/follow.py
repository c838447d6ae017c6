"""Follow: bring the index up to date with what other programs did to a Maildir. Runs in a thread, within a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...flags import intern_flags
from ..columns import UNKNOWN_SIZE, Columns, Row
from ..errors import BodyMissing
from . import file_name
from .folder import Folder
from .scan import Arrival, Findings, scan, scan_new

if TYPE_CHECKING:
    from .mailbox import MaildirMailbox


class News(NamedTuple):
    """What has to go into memory. In the order of mod-sequences: new messages, other flags, messages that went."""

    #: new messages and their bodies
    arrived: list[tuple[Row, bytes]]
    #: known messages with other names: (UID, body)
    moved: list[tuple[int, bytes]]
    #: UID → other flags
    flags: dict[int, frozenset[str]]
    #: UIDs
    gone: list[int]
    first_recent: int
    stamp: str | None


def look(mailbox: MaildirMailbox, columns: Columns, known: Mapping[bytes, int] | None, everything: bool) -> News:
    """Look into new/, and into cur/ too if it is asked for `everything` or where a message left new/.

    `known` is body → UID of all messages, read from the index where it is None. Raises BodyMissing where the Maildir
    is not there any more.
    """
    try:
        findings = None if everything else scan_new(mailbox.bodies, mailbox.in_new)
        if findings is None:
            if known is None:
                bodies = mailbox.account.index().bodies(mailbox.here())
                known = dict(zip(bodies.values(), bodies.keys(), strict=True))
            findings = scan(mailbox.bodies, known)
    except FileNotFoundError:
        raise BodyMissing from None
    return _record(mailbox, columns, findings)


def _record(mailbox: MaildirMailbox, columns: Columns, findings: Findings) -> News:
    modseq = mailbox.journal.highest
    uids = mailbox.new_uids(len(findings.arrived))
    first_recent = mailbox.first_recent
    if first_recent == uids.start:
        # what some program has moved to cur/ is not new to everybody
        first_recent += sum(arrival.body.startswith(b"cur/") for arrival in findings.arrived)
    modseq += bool(findings.arrived)
    arrived = [(_row(uid, arrival, modseq), arrival.body) for uid, arrival in zip(uids, findings.arrived, strict=True)]
    flags = _other_flags(columns, findings.moved)
    flags_modseq = modseq + bool(flags)
    gone_modseq = flags_modseq + bool(findings.gone)
    news = News(arrived, findings.moved, flags, findings.gone, first_recent, stamp(mailbox.bodies))
    index, number = mailbox.account.index(), mailbox.here()
    if any(news[:4]) or news.stamp not in (None, mailbox.stamp):
        with index.transaction():
            index.add_messages(number, arrived)
            index.set_bodies(number, findings.moved)
            bodies = dict(findings.moved)
            index.set_flags(number, flags_modseq, [(uid, new, bodies[uid]) for uid, new in flags.items()])
            index.expunge(number, findings.gone, gone_modseq)
            index.save_state(number, uids.stop, gone_modseq, first_recent, news.stamp)
    return news


def _row(uid: int, arrival: Arrival, modseq: int) -> Row:
    name = arrival.body[4:]
    size = file_name.size(name)
    if size is None or size > UNKNOWN_SIZE:
        size = UNKNOWN_SIZE
    return Row(uid, file_name.flags(name), modseq, arrival.mtime_ns // 10**9, 0, size)


def _other_flags(columns: Columns, moved: Sequence[tuple[int, bytes]]) -> dict[int, frozenset[str]]:
    """The flags that other programs changed by renaming files. Keywords, which names do not carry, stay."""
    changed = {}
    for uid, body in moved:
        place = columns.index(uid)
        if place is not None:
            old = columns.flags[place]
            new = intern_flags((old - file_name.NAMED_FLAGS) | file_name.flags(body[4:]))
            if new != old:
                changed[uid] = new
    return changed


def stamp(folder: Folder) -> str | None:
    """The times of new/ and cur/, if they alone tell whether anything happened since; to be kept in the index."""
    new, cur = folder.new.settled(), folder.cur.settled()
    return None if new is None or cur is None else f"{new} {cur}"


def resume(folder: Folder, stamp: str) -> None:
    """Go on from what `stamp` said when the mailbox was last open."""
    new, _, cur = stamp.partition(" ")
    folder.new.resume(int(new))
    folder.cur.resume(int(cur))
