"""Contents: what has to be read from the bodies of a mailbox, octets first of all, then what they tell.

Small bodies are read where they are asked for; many, and large ones, in threads. What was found out (sizes, ENVELOPE,
BODYSTRUCTURE) is kept in the index, so that each body is read for it once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .. import mime
from ..exceptions import No
from ..wire.writer import format_value
from .columns import UNKNOWN_SIZE
from .errors import BodyMissing, storage_errors
from .index import STRUCTURES, Index

if TYPE_CHECKING:
    from .indexed_mailbox import IndexedMailbox

#: messages that one piece of work of a thread reads
BATCH = 50
#: octets up to which a body is read without a thread, which would cost more than it spares
INLINE_READ = 262_144

#: the size of a message and its structures, as `describe` makes them
Description = tuple[Any, ...]


class Contents:
    """The octets of one mailbox's messages."""

    def __init__(self, mailbox: IndexedMailbox) -> None:
        self.mailbox = mailbox

    def octets(self, uid: int) -> bytes:
        """The octets of a message. Raises No where they are gone (RFC 5530 EXPUNGEISSUED)."""
        octets = self._try(uid)
        if octets is None and uid not in self.mailbox.ghosts and self.mailbox.opened().index(uid) is not None:
            # a change may be moving it this moment, or another program did: after `refresh` the index is right
            self.mailbox.account.change(self.mailbox.refresh)
            octets = self._try(uid)
        if octets is None:
            raise No("The message was removed by another program", "EXPUNGEISSUED")
        return octets

    def _try(self, uid: int) -> bytes | None:
        mailbox = self.mailbox
        body, size = self._find(uid)
        if body is None:
            return None
        try:
            if size <= INLINE_READ:
                with storage_errors("reading a message"):
                    return mailbox.bodies.read(body)
            return mailbox.account.offload("reading a message", mailbox.bodies.read, body)
        except BodyMissing:
            return None

    def _find(self, uid: int) -> tuple[bytes | None, int]:
        """Where the octets are, and how many they are."""
        mailbox = self.mailbox
        if uid in mailbox.ghosts:
            ghost = mailbox.ghosts[uid]
            return ghost.body, ghost.row.size
        place = mailbox.opened().index(uid)
        if place is None or mailbox.id is None:
            return None, 0
        return mailbox.account.index().read_body(mailbox.id, uid), mailbox.opened().sizes[place]

    def structures(self, uids: Sequence[int], names: Sequence[str]) -> dict[str, list[bytes]]:
        """The structures among `names`, in the order of `uids`; if `size` is among them, sizes are known afterwards.

        What is missing is read from the bodies, each read once, and kept in the index.
        """
        mailbox = self.mailbox
        wanted = [name for name in names if name in STRUCTURES]
        sizes = "size" in names and (mailbox.opened().unsized > 0 or bool(mailbox.ghosts))
        if not wanted and not sizes:
            return {}
        known = {}
        if wanted and mailbox.id is not None:
            known = mailbox.account.index().read_structures(mailbox.id, uids, wanted)
        missing = [
            uid
            for uid in uids
            if (wanted and None in known.get(uid, (None,))) or (sizes and mailbox.row(uid).size == UNKNOWN_SIZE)
        ]
        if missing:
            found = self._describe(missing, wanted)
            known.update((uid, tuple(texts)) for uid, (_, *texts) in found.items())
            mailbox.account.change(self._keep, wanted, found)
        return {name: [known[uid][place] for uid in uids] for place, name in enumerate(wanted)}

    def _keep(self, names: Sequence[str], found: dict[int, Description]) -> None:
        """Within a change: keep what was found out."""
        mailbox, columns = self.mailbox, self.mailbox.opened()
        places = {uid: columns.index(uid) for uid in found}
        sizes = [
            (uid, found[uid][0])
            for uid, place in places.items()
            if place is not None and columns.sizes[place] != found[uid][0]
        ]

        def write(index: Index, number: int) -> None:
            index.set_sizes(number, sizes)
            if names:
                index.add_structures(number, names, ((uid, *texts) for uid, (size, *texts) in found.items() if size))

        mailbox.write("keeping sizes and structures", write)
        for uid, (size, *_) in found.items():
            place = places[uid]
            if place is not None:
                columns.set_size(place, size)
            elif uid in mailbox.ghosts:
                ghost = mailbox.ghosts[uid]
                ghost.row = ghost.row._replace(size=size)

    def _describe(self, uids: Sequence[int], names: Sequence[str]) -> dict[int, Description]:
        """Read messages, batch by batch: UID → what `describe` says."""
        found = {}
        for some, bodies in self._batches(uids):
            batch = self.mailbox.account.offload("reading messages", self._read_each, bodies, names)
            for uid, description in zip(some, batch, strict=True):
                found[uid] = self._describe_again(uid, names) if description is None else description
        return found

    def _describe_again(self, uid: int, names: Sequence[str]) -> Description:
        try:
            return describe(self.octets(uid), names)
        except No:
            # who asked for many gets all the others; that this one went he is told soon
            return describe(b"", names)

    def _batches(self, uids: Sequence[int]) -> Iterator[tuple[Sequence[int], list[bytes | None]]]:
        mailbox = self.mailbox
        for start in range(0, len(uids), BATCH):
            some = uids[start : start + BATCH]
            known: dict[int, bytes | None] = {uid: mailbox.ghosts[uid].body for uid in some if uid in mailbox.ghosts}
            if mailbox.id is not None:
                known.update(mailbox.account.index().read_bodies(mailbox.id, some))
            yield some, [known.get(uid) for uid in some]

    def _read_each(self, bodies: Sequence[bytes | None], names: Sequence[str]) -> list[Description | None]:
        """In a thread."""
        found: list[Description | None] = []
        for body in bodies:
            try:
                found.append(None if body is None else describe(self.mailbox.bodies.read(body), names))
            except BodyMissing:
                found.append(None)
        return found


def describe(raw: bytes, names: Sequence[str]) -> Description:
    """The size of a message, then the structures with these names, formatted (RFC 3501 7.4.2)."""
    root = mime.scan(raw) if "body" in names or "bodystructure" in names else None
    texts = []
    for name in names:
        if name == "envelope":
            texts.append(format_value(mime.envelope(raw[: mime.header_end(raw)])))
        elif root is not None:
            texts.append(format_value(mime.bodystructure(root, raw, name == "bodystructure")))
    return (len(raw), *texts)
