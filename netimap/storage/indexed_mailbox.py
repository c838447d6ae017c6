"""IndexedMailbox: a mailbox with its facts in an Index and, while it is open, in columns; its octets are bodies.

Ordering. A change runs in `Account.change`: it decides by the columns, writes bodies and index in a thread, and when
that is committed puts it into the columns and notes it in the journal, without letting another greenlet run. So a
session never sees what is not on disk, and a change that fails leaves nothing. The columns are read by everybody
without waiting; they are loaded when they are first needed, which waits.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from ..exceptions import Denied, No, TooBig, Unavailable
from ..flags import changed_flags, intern_flags
from ..journal import Change, Journal
from ..mailbox import Mailbox
from ..message import Message
from ..mime import with_crlf
from ..wire.mailbox_name import decode_name, encode_name
from ..wire.reader import MAX_NUMBER
from .account import Account
from .bodies import Bodies, Flagging, Wanted
from .columns import UNKNOWN_SIZE, Columns, Ghost, Row, epoch_and_zone
from .contents import Contents
from .errors import BodyMissing
from .index import Index, MailboxRow
from .indexed_message import IndexedMessage

#: how often a change is tried anew when another program moves bodies from under it
ATTEMPTS = 3

Result = TypeVar("Result")


class IndexedMailbox(Mailbox):
    """A mailbox of an Account. `row` is what the index knows of it, None for a mere name in the tree."""

    message_class: type[Message] = IndexedMessage
    #: where the octets are; set by the store
    bodies: Bodies

    def __init__(self, account: Account, row: MailboxRow | None = None, **fields: Any) -> None:
        self.account = account
        self.contents = Contents(self)
        #: the mailbox's number in the index; None for a mere name
        self.id: int | None = None
        #: expunged messages by UID, until every session that counts them was told
        self.ghosts: dict[int, Ghost] = {}
        #: what the store keeps in the index to see whether it has to look again
        self.stamp: str | None = None
        #: messages from this UID on are \\Recent for the next session
        self.first_recent = 1
        self._columns: Columns | None = None
        self._built = False
        super().__init__(is_selectable=False, **fields)
        self.take(row)
        self._built = True

    def take(self, row: MailboxRow | None) -> None:
        """Become what the index says: a mailbox, or (None) a mere name."""
        self.id = None if row is None else row.id
        self._columns = None
        self.ghosts = {}
        super().is_selectable(row is not None and bool(row.selectable))
        if row is not None:
            self.uidvalidity(row.uidvalidity)
            self.uidnext(row.uidnext)
            self.journal = Journal(row.highestmodseq)
            self.first_recent = row.first_recent
            self.stamp = row.stamp

    # --- what the index has of the mailbox as a whole ---

    def here(self) -> int:
        """The mailbox's number in the index. Raises No once it was deleted."""
        if self.id is None or not self.is_selectable():
            raise No("The mailbox was deleted", "NONEXISTENT")
        return self.id

    def index_name(self) -> str:
        """The whole path as text, as the index has it."""
        above = self.parent()
        return f"{above.index_name()}/{self.name()}" if above is not None and above.name() else self.name()

    def save(self, uidnext: int, highestmodseq: int) -> None:
        """In a transaction: keep where the mailbox stands."""
        self.account.index().save_state(self.here(), uidnext, highestmodseq, self.first_recent, self.stamp)

    def write(self, what: str, function: Callable[[Index, int], Any]) -> None:
        """Within a change: a transaction of the index alone; none where the mailbox was deleted meanwhile."""
        if self.id is None or not self.is_selectable():
            return
        index, number = self.account.index(), self.id

        def transaction() -> None:
            with index.transaction():
                function(index, number)

        self.account.offload(f"{what} of {self.full_path()}", transaction)

    def subscribed(self, *subscribed: bool) -> bool:
        """Whether the mailbox is subscribed; sets it, for good, when given."""
        name = self.index_name()
        if subscribed and self._built and bool(subscribed[0]) != (name in self.account.subscriptions):
            self.account.change(self.account.subscribe, name, bool(subscribed[0]))
        return name in self.account.subscriptions

    def lost_subscriptions(self, *names: set[str]) -> set[str]:
        """Of the root: subscribed names (as on the wire) whose mailbox is gone; sets them, for good, when given."""
        here = {mailbox.index_name() for mailbox in self.descendants()}
        lost = {"/".join(map(encode_name, name.split("/"))): name for name in self.account.subscriptions - here}
        if names:
            for name in lost.keys() - names[0]:
                self.account.change(self.account.subscribe, lost[name], False)
            for name in names[0] - lost.keys():
                self.account.change(self.account.subscribe, "/".join(map(decode_name, name.split("/"))), True)
            return self.lost_subscriptions()
        return set(lost)

    # --- loading ---

    def is_open(self) -> bool:
        """Whether the columns are in memory."""
        return self._columns is not None

    def opened(self) -> Columns:
        """The columns, loaded when they are first asked for."""
        if self._columns is None:
            self.account.change(self._open)
        assert self._columns is not None
        return self._columns

    def _open(self) -> None:
        if self._columns is None:
            columns = self.load()
            self.meet(columns.flags)
            self._columns = columns

    def meet(self, flag_sets: Iterable[frozenset[str]]) -> None:
        """Remember the keywords of messages that came from elsewhere; even more than clients may make."""
        for flag in frozenset[str]().union(*set(flag_sets)):
            with suppress(No):
                self.keyword(flag)

    def load(self) -> Columns:
        """Within a change: read the columns. A store that has to look elsewhere too extends it."""
        return self.account.offload(f"opening {self.full_path()}", self.read_columns, lambda uids, bodies: None)

    def read_columns(self, see: Callable[[Sequence[int], Sequence[bytes]], object]) -> Columns:
        """In a thread: the columns as the index has them. `see` is shown UIDs and bodies, some at a time."""
        columns = Columns()
        if self.id is not None:
            for *facts, bodies in self.account.index().messages(self.id):
                columns.extend_columns(*facts)
                see(facts[0], bodies)
        return columns

    def refresh(self) -> None:
        """Within a change: find what another program moved or removed. Called when a body is missing."""

    # --- reading ---

    def status(self, *items: str) -> dict[str, int]:
        """STATUS (see `Mailbox.status`). What the index says of a mailbox may be old before it is opened."""
        self.opened()
        return super().status(*items)

    def uid_column(self) -> Sequence[int]:
        """All UIDs, ascending."""
        return self.opened().uids

    def message(self, uid: int) -> Message | None:
        """A new object for the message with this UID."""
        return self._make(uid) if self._has(uid) else None

    def _make(self, uid: int) -> Message:
        return self.message_class(self, uid)  # type: ignore[arg-type, call-arg]

    def _has(self, uid: int) -> bool:
        return uid in self.ghosts or self.opened().index(uid) is not None

    def messages(self, *messages: list[Message]) -> Sequence[Message]:
        """New objects for all messages. Given a list: replaces all messages by copies of those in it."""
        if messages:
            self.expunge_uids(list(self.uid_column()))
            for message in messages[0]:
                self.add_message(message)
        return list(self.uids().values())

    def uids(self) -> dict[int, Message]:
        """UID → a new object, for all messages."""
        return {uid: self._make(uid) for uid in self.uid_column()}

    def octets(self, uid: int) -> bytes:
        """The octets of a message. Raises No where they are gone (RFC 5530 EXPUNGEISSUED)."""
        return self.contents.octets(uid)

    def overrides(self, *methods: str) -> bool:
        """Whether `message_class` overrides one of these methods."""
        return any(getattr(self.message_class, name) is not getattr(IndexedMessage, name) for name in methods)

    def columns(self, uids: Sequence[int], names: Sequence[str]) -> list[Sequence[Any]]:
        """Facts of many messages (see `Mailbox.columns`). Sizes and structures not known yet are read from bodies."""
        columns = self.opened()
        structures = self.contents.structures(uids, names)
        try:
            where = columns.locate(uids)
        except (KeyError, OverflowError):
            # expunged messages are among them
            columns = Columns()
            columns.extend(list(map(self.row, uids)))
            where = slice(0, len(uids))
        return [structures[name] if name in structures else columns.get(name, where) for name in names]

    def row(self, uid: int) -> Row:
        """All facts of a message, an expunged one too. Raises KeyError for a UID that is not here."""
        place = self.opened().index(uid)
        return self.ghosts[uid].row if place is None else self.opened().row(place)

    def exists(self) -> int:
        """How many messages there are."""
        return len(self.opened())

    def unseen(self) -> int:
        """How many messages lack \\Seen."""
        return self.opened().unseen()

    def first_unseen(self) -> int | None:
        """The number of the first message without \\Seen."""
        place = self.opened().first_unseen()
        return None if place is None else place + 1

    def recent(self) -> int:
        """How many messages no session has been told of yet."""
        column = self.uid_column()
        return len(column) - bisect_left(column, self.first_recent)

    def claim_recent(self) -> tuple[int, int]:
        """Hand the new messages over to a session. That they are claimed is written down soon after."""
        claimed = (self.first_recent, self.uidnext())
        if claimed[0] != claimed[1]:
            self.first_recent = claimed[1]
            self.account.background(self.account.change, self.recent_claimed)
        return claimed

    def recent_claimed(self) -> None:
        """Within a change: write down which messages are \\Recent no more."""
        uidnext, highest = self.uidnext(), self.journal.highest
        self.write("\\Recent", lambda index, number: self.save(uidnext, highest))

    # --- adding ---

    def append(self, content: bytes) -> Message | bool | None:
        """Add a message of these octets, dated now."""
        return self.append_message(content)

    def add_message(self, message: Message) -> Message:
        """Add a copy of a message, with its flags and date; returns the stored one."""
        stored = self.append_message(message.octets(), message.flags(), message.internaldate_value())
        assert isinstance(stored, Message)
        return stored

    def append_message(
        self, content: bytes, flags: Sequence[str] = (), internaldate: datetime | None = None
    ) -> Message | bool | None:
        """APPEND: the message is on disk on return."""
        content = with_crlf(content)
        if len(content) >= UNKNOWN_SIZE:
            raise TooBig("The message is too large for RFC822.SIZE")
        date = internaldate or datetime.now(UTC).replace(microsecond=0)
        kept = intern_flags(flag for flag in map(self.keyword, flags) if flag != "\\Recent")
        stored: Message = self.account.change(self.retry, lambda: self._append(content, kept, date))
        return stored

    def _append(self, content: bytes, flags: frozenset[str], date: datetime) -> Message:
        columns = self.opened()
        row = Row(self.new_uids(1)[0], flags, self.journal.highest + 1, *epoch_and_zone(date), len(content))

        def write() -> None:
            index, number = self.account.index(), self.here()
            with self.bodies.changing(), index.transaction() as undo:
                body = self.bodies.put(content, flags, date, undo)
                self.bodies.sync()
                index.add_messages(number, [(row, body)])
                self.save(row.uid + 1, row.modseq)

        self.account.offload(f"APPEND to {self.full_path()}", write)
        self.added(columns, [row])
        return self._make(row.uid)

    def new_uids(self, count: int) -> range:
        """The next UIDs. Raises No where there are none left."""
        first = self.uidnext()
        if first + count - 1 > MAX_NUMBER:
            raise No("The mailbox has used up its UIDs", "LIMIT")
        return range(first, first + count)

    def added(self, columns: Columns, rows: Sequence[Row]) -> None:
        """Put new messages, which are committed, into memory."""
        if rows:
            columns.extend(rows)
            self.uidnext(rows[-1].uid + 1)
            self.note(Change.NEW, [row.uid for row in rows])

    # --- copying ---

    def copy_messages(self, uids: Sequence[int], target: Mailbox, cede: Callable[[], Any] | None = None) -> list[int]:
        """COPY: all messages or none; within the account bodies are shared where the store can."""
        if not isinstance(target, IndexedMailbox) or target.account is not self.account:
            return super().copy_messages(uids, target, cede)
        here = list(filter(self._has, uids))
        if self.overrides("copy_allowed") and not all(self._make(uid).copy_allowed(target) for uid in here):
            raise Denied
        return self.account.change(self.retry, lambda: self._copy(here, target))

    def _copy(self, uids: Sequence[int], target: IndexedMailbox) -> list[int]:
        columns, modseq = target.opened(), target.journal.highest + 1
        try:
            rows = list(map(self.row, uids))
        except KeyError:
            raise No("A message was removed by another program", "EXPUNGEISSUED") from None
        copies = [
            row._replace(uid=uid, modseq=modseq, flags=intern_flags(map(target.keyword, row.flags)))
            for uid, row in zip(target.new_uids(len(rows)), rows, strict=True)
        ]
        if copies:
            hidden = {uid: self.ghosts[uid].body for uid in uids if uid in self.ghosts}
            self.account.offload(f"COPY to {target.full_path()}", self._write_copies, uids, hidden, copies, target)
            target.added(columns, copies)
        return [copy.uid for copy in copies]

    def _write_copies(
        self, uids: Sequence[int], hidden: dict[int, bytes | None], copies: Sequence[Row], target: IndexedMailbox
    ) -> None:
        index, source, destination = self.account.index(), self.here(), target.here()
        with target.bodies.changing(), index.transaction() as undo:
            bodies = {**hidden, **index.bodies(source, uids)}
            wanted = []
            for uid, copy in zip(uids, copies, strict=True):
                body = bodies[uid]
                if body is None:
                    raise No("A message was removed by another program", "EXPUNGEISSUED")
                wanted.append(Wanted(body, copy.flags, copy.size))
            placed = target.bodies.copy(self.bodies, wanted, undo)
            target.bodies.sync()
            index.add_messages(destination, zip(copies, placed, strict=True))
            pairs = [(uid, copy.uid) for uid, copy in zip(uids, copies, strict=True)]
            index.copy_structures(source, destination, pairs)
            target.save(copies[-1].uid + 1, copies[-1].modseq)
        target.bodies.committed()

    def retry(self, attempt: Callable[[], Result]) -> Result:
        """Within a change: try, and look anew before trying again where another program moved a body away."""
        for _ in range(ATTEMPTS):
            try:
                return attempt()
            except BodyMissing:
                self.refresh()
        raise Unavailable("Another program is changing the mailbox, try again later")

    # --- flags and dates ---

    def store_flags(self, uids: Sequence[int], what: str, flags: Sequence[str]) -> range:
        """STORE on many messages: one transaction, on disk on return. Returns the mod-sequence of the change."""
        spelled = [self.keyword(flag) for flag in flags]
        wanted = list(uids)
        own: range = self.account.change(self.retry, lambda: self._store(wanted, what, spelled))
        return own

    def _store(self, uids: Sequence[int], what: str, flags: Sequence[str]) -> range:
        columns = self.opened()
        # few distinct flag sets cover a mailbox: each is worked out once
        outcomes: dict[frozenset[str], frozenset[str]] = {}
        changes: dict[int, tuple[frozenset[str], frozenset[str]]] = {}
        places = []
        for uid in uids:
            place = columns.index(uid)
            if place is None:
                continue
            old = columns.flags[place]
            new = outcomes.get(old)
            if new is None:
                new = outcomes[old] = changed_flags(old, what, flags)
            if new is not old:
                changes[uid] = old, new
                places.append(place)
        if not changes:
            return range(0)
        modseq = self.journal.highest + 1
        self.account.offload(f"STORE in {self.full_path()}", self._write_flags, changes, modseq)
        for place, (_, new) in zip(places, changes.values(), strict=True):
            columns.set_flags(place, new, modseq)
        self.note(Change.FLAGS, list(changes))
        return range(modseq, modseq + 1)

    def _write_flags(self, changes: dict[int, tuple[frozenset[str], frozenset[str]]], modseq: int) -> None:
        index, number = self.account.index(), self.here()
        with self.bodies.changing(), index.transaction() as undo:
            bodies = index.bodies(number, list(changes))
            flagged = self.bodies.flag([Flagging(body, *changes[uid]) for uid, body in bodies.items()], undo)
            self.bodies.sync()
            index.set_flags(
                number, modseq, ((uid, changes[uid][1], body) for uid, body in zip(bodies, flagged, strict=True))
            )
            self.save(self.uidnext(), modseq)
        self.bodies.committed()

    def set_internaldate(self, uid: int, date: datetime) -> None:
        """Give a message another internal date."""
        self.account.change(self._set_internaldate, uid, *epoch_and_zone(date))

    def _set_internaldate(self, uid: int, epoch: int, zone: int) -> None:
        columns = self.opened()
        place = columns.index(uid)
        if place is not None:
            self.write("dating a message", lambda index, number: index.set_date(number, uid, epoch, zone))
            columns.epochs[place], columns.zones[place] = epoch, zone

    # --- expunging ---

    def expunge(self, sequences: Sequence[int] | None = None) -> None:
        """Remove the messages with \\Deleted; only those among `sequences` (this mailbox's own numbers) if given."""
        column = self.uid_column()
        chosen = None if sequences is None else {column[number - 1] for number in sequences}
        self.account.change(self.retry, lambda: self._expunge_deleted(chosen))

    def _expunge_deleted(self, chosen: set[int] | None) -> None:
        deleted = self.opened().deleted()
        self._expunge(deleted if chosen is None else [uid for uid in deleted if uid in chosen])

    def expunge_uids(self, uids: Sequence[int]) -> None:
        """Remove messages, whatever their flags."""
        wanted = sorted(set(uids))
        self.account.change(self.retry, lambda: self._expunge(wanted))

    def _expunge(self, uids: Sequence[int]) -> None:
        columns = self.opened()
        going = [uid for uid in uids if columns.index(uid) is not None]
        if going:
            modseq = self.journal.highest + 1
            hidden = self.account.offload(f"EXPUNGE in {self.full_path()}", self._write_expunge, going, modseq)
            self.removed(columns, going, hidden)

    def _write_expunge(self, uids: Sequence[int], modseq: int) -> dict[int, bytes]:
        index, number = self.account.index(), self.here()
        with self.bodies.changing(), index.transaction() as undo:
            bodies = index.bodies(number, uids)
            hidden = dict(zip(bodies, self.bodies.hide(list(bodies.values()), undo), strict=True))
            self.bodies.sync()
            index.expunge(number, uids, modseq)
            self.save(self.uidnext(), modseq)
        return hidden

    def removed(self, columns: Columns, uids: Sequence[int], hidden: dict[int, bytes]) -> None:
        """Put into memory that messages went, which is committed; `hidden` says where their octets are meanwhile."""
        places = [place for place in map(columns.index, uids) if place is not None]
        if self.views:
            for uid, place in zip(uids, places, strict=True):
                self.ghosts[uid] = Ghost(columns.row(place), hidden.get(uid), len(self.views))
        else:
            self._drop(hidden.values())
        columns.remove(places)
        self.note(Change.EXPUNGED, uids)

    def release(self, uids: Iterable[int]) -> None:
        """A view has told its client that these messages went: their octets are dropped once all views have."""
        unreadable = []
        for uid in uids:
            ghost = self.ghosts.get(uid)
            if ghost is None:
                continue
            ghost.views -= 1
            if ghost.views <= 0:
                del self.ghosts[uid]
                if ghost.body is not None:
                    unreadable.append(ghost.body)
        self._drop(unreadable)

    def _drop(self, hidden: Iterable[bytes]) -> None:
        bodies = list(hidden)
        if bodies:
            self.account.background(self.account.offload, "removing messages", self.bodies.drop, bodies)
