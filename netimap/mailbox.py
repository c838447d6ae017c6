"""Mailbox: messages in order of UID, child mailboxes, and what changed. A plugin subclasses it.

A plugin fills its mailbox in `load_data` and `poll` with `add_message`, and needs nothing more: this class keeps the
Message objects in memory and derives the rest. A store that keeps its messages elsewhere overrides the bulk calls
(`uid_column`, `message`, `columns`, `store_flags`, `copy_messages`, `append_message`, `expunge`), which are all that
the commands use.

Its place in the tree of mailboxes is in the base class, `mailbox_tree`.

Ordering: UIDs only grow. A change is made first, then noted in the journal, then sessions that wait are woken; nothing
here blocks or switches greenlets, so a change is never seen half done. An expunged message stays readable through
`message(uid)` until every session that has it on its list was told.
"""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .accessors import accessor
from .current import current_connection
from .exceptions import Bad, Denied, No
from .flags import changed_flags, intern_flags
from .journal import Change, Changes, Journal
from .mailbox_tree import MailboxTree
from .message import Message
from .wire.arguments import SYSTEM_FLAGS
from .wire.reader import MAX_NUMBER
from .wire.sequence_set import SequenceSet

if TYPE_CHECKING:
    from .view import View

#: keywords one mailbox can have; each costs every session a word in its FLAGS line
MAX_KEYWORDS = 250
#: changes kept for sessions that have not asked for them, beyond two for each message
MAX_JOURNAL = 10_000

_SETTABLE = tuple(flag for flag in SYSTEM_FLAGS.values() if flag != "\\Recent")


class Mailbox(MailboxTree):
    """A mailbox of a user's tree. `Mailbox(name="Drafts", …)`: fields are accessors, or become attributes."""

    uidnext = accessor("uidnext")
    uidvalidity = accessor("uidvalidity")

    #: what `append` makes of the octets it is given
    message_class: type[Message] = Message

    _uidnext: int | None = None
    _uidvalidity: int | None = None
    # of the root alone: the last uidvalidity given in this tree
    _last_validity = 0
    #: true once `delete` took it out of the tree: sessions that have it selected are sent away
    deleted = False

    def __init__(self, **fields: Any) -> None:
        super().__init__()
        self._messages: list[Message] = []
        self._by_uid: dict[int, Message] = {}
        self._column = array("I")
        self._classes: set[type[Message]] = set()
        self._keywords: dict[str, str] = {}
        self._recent_from = 1
        self.journal = Journal()
        #: every open session's view of this mailbox
        self.views: list[View] = []
        # how often views have caught up since the journal was shortened
        self._told = 0
        # expunged messages, each with the number of views that have not been told
        self._ghosts: dict[int, list[Any]] = {}
        for name, value in fields.items():
            method = getattr(self, name, None)
            if callable(method):
                method(value)
            else:
                setattr(self, name, value)
        # the fields came in any order: a path made of some of them may be wrong
        self._path = None
        self.init()
        self.load_data()

    def init(self) -> None:
        """Set what was not given: uidnext 1000, uidvalidity now, subscribed, selectable, no messages."""
        if self._uidnext is None:
            self.uidnext(1000)
        if self._uidvalidity is None:
            self.uidvalidity(self._new_validity())
        if self._subscribed is None:
            self.subscribed(True)
        if self._is_selectable is None:
            self.is_selectable(True)

    def _new_validity(self) -> int:
        """Now, but never one that was given in this tree before: a name that is used again, after DELETE or RENAME
        within a second, must not repeat UIDs that a client remembers (RFC 3501 2.3.1.1)."""
        root = self
        while root._parent is not None:
            root = root._parent
        root._last_validity = max(int(time.time()), root._last_validity + 1)
        return root._last_validity

    def load_data(self) -> None:
        """Override it to add the messages that are there from the start. Called once, at construction."""

    def poll(self) -> None:
        """Override it to bring the mailbox up to date: `add_message` what is new, `expunge_uids` what went."""

    # --- in and out of memory ---

    def delete(self) -> bool | None:
        """DELETE: take the mailbox out of the tree. With children it stays as a name without messages that cannot be
        selected (RFC 3501 6.3.4). False = permission denied."""
        self.deleted = bool(not self.children())
        if self.children():
            self._remove_all()
            self.is_selectable(False)
        elif self._parent is not None:
            self._parent.children().remove(self)
        for view in tuple(self.views):
            view.mailbox_deleted()
        return True

    def _remove_all(self) -> None:
        self.expunge_uids(list(self.uid_column()))

    def prep_for_destroy(self) -> None:
        """The tree leaves memory: drop what refers to others."""
        for child in self.children():
            child.prep_for_destroy()
        for message in self._messages:
            message.prep_for_destroy()
        self._parent = None
        self._children = []

    # --- messages ---

    def messages(self, *messages: list[Message]) -> Sequence[Message]:
        """All messages in order of UID; replaces them when given a list."""
        if messages:
            self._remove_all()
            for message in messages[0]:
                self.add_message(message)
        return self._messages

    def uids(self) -> dict[int, Message]:
        """UID → message."""
        return self._by_uid

    def add_message(self, message: Message) -> Message:
        """Add a message: sets its mailbox, and its UID from `uidnext` unless it brings one of its own.

        Raises ValueError for a UID that is taken, or that lies below one a session may have seen.
        """
        if not isinstance(message, Message):
            raise TypeError(f"add_message takes a Message, not {type(message).__name__}")
        uid = message.uid()
        if uid is None:
            uid = self.uidnext()
            message.uid(uid)
        if uid >= MAX_NUMBER:
            # UIDNEXT has to be a number too
            raise No("The mailbox has used up its UIDs", "LIMIT")
        at_end = not self._column or uid > self._column[-1]
        if uid in self._by_uid or uid in self._ghosts or (not at_end and self.views):
            raise ValueError(f"UID {uid} cannot be added to {self.full_path()}: UIDs only grow")
        for flag in message.flags():
            self.keyword(flag)
        message.mailbox(self)
        index = len(self._column) if at_end else bisect_left(self._column, uid)
        self._column.insert(index, uid)
        self._messages.insert(index, message)
        self._by_uid[uid] = message
        self._classes.add(type(message))
        self.uidnext(max(self.uidnext(), uid + 1))
        self.note(Change.NEW, [uid])
        return message

    def append(self, content: bytes) -> Message | bool | None:
        """APPEND: add a message of these octets. False = permission denied."""
        return self.add_message(self.message_class(content))

    def append_message(
        self, content: bytes, flags: Sequence[str] = (), internaldate: datetime | None = None
    ) -> Message | bool | None:
        """APPEND and COPY with flags and date. Override `append`, unless the store takes all three at once."""
        for flag in flags:
            self.keyword(flag)
        message = self.append(content)
        if isinstance(message, Message):
            if internaldate is not None:
                message.internaldate(internaldate)
            for flag in flags:
                message.set_flag(flag)
        return message

    def copy_messages(self, uids: Sequence[int], target: Mailbox, cede: Callable[[], Any] | None = None) -> list[int]:
        """COPY: all messages or none (RFC 3501 6.4.7). Returns the UIDs of the copies, in order.

        `cede` is called between messages, and may let others run.
        """
        messages = [message for message in map(self.message, uids) if message is not None]
        if not all(message.copy_allowed(target) for message in messages):
            raise Denied
        copies: list[int] = []
        try:
            for message in messages:
                copy = message.copy(target)
                if copy is False:
                    raise Denied
                if isinstance(copy, Message):
                    copies.append(copy.uid())
                if cede is not None:
                    cede()
        except BaseException:
            target.expunge_uids(copies)
            raise
        return copies

    def expunge(self, sequences: Sequence[int] | None = None) -> None:
        """Remove the messages with \\Deleted; only those among `sequences` (this mailbox's own numbers) if given."""
        column = self.uid_column()
        uids = list(column) if sequences is None else [column[number - 1] for number in sorted(set(sequences))]
        (flags,) = self.columns(uids, ["flags"])
        self.expunge_uids([uid for uid, have in zip(uids, flags, strict=True) if "\\Deleted" in have])

    def expunge_uids(self, uids: Sequence[int]) -> None:
        """Remove messages, whatever their flags: what `poll` calls for messages that are no longer there."""
        going = [message for message in map(self._by_uid.get, uids) if message is not None]
        for message in going:
            message.expunge()
        # a plugin's `expunge` may have waited, and another session may have been quicker
        gone = [message.uid() for message in going if message.uid() in self._by_uid]
        for uid in gone:
            message = self._by_uid.pop(uid)
            if self.views:
                self._ghosts[uid] = [message, len(self.views)]
        if len(gone) > 16:
            self._messages = [message for message in self._messages if message.uid() in self._by_uid]
            self._column = array("I", (message.uid() for message in self._messages))
        else:
            for uid in gone:
                index = bisect_left(self._column, uid)
                del self._column[index], self._messages[index]
        self.note(Change.EXPUNGED, gone)

    def select(self) -> None:
        """A session selected the mailbox. A hook for plugins."""

    def close(self) -> None:
        """A session left the mailbox. A hook for plugins."""

    # --- counts and flags ---

    def exists(self) -> int:
        """How many messages there are."""
        return len(self.uid_column())

    def recent(self) -> int:
        """How many messages no session has been told of yet."""
        column = self.uid_column()
        return len(column) - bisect_left(column, self._recent_from)

    def unseen(self) -> int:
        """How many messages lack \\Seen."""
        return sum(1 for flags in self._flags_column() if "\\Seen" not in flags)

    def first_unseen(self) -> int | None:
        """The number of the first message without \\Seen; None if there is none."""
        return next((n for n, flags in enumerate(self._flags_column(), 1) if "\\Seen" not in flags), None)

    def _flags_column(self) -> Sequence[frozenset[str]]:
        (flags,) = self.columns(self.uid_column(), ["flags"])
        return flags

    def flags(self) -> list[str]:
        """The flags that messages here can have: the system flags and the mailbox's keywords."""
        return [*_SETTABLE, *self._keywords.values()]

    def keyword(self, flag: str) -> str:
        """The spelling of `flag` in this mailbox (flags are case-insensitive); remembers a new keyword."""
        lower = flag.lower()
        known = SYSTEM_FLAGS.get(lower) or self._keywords.get(lower)
        if known is None:
            if len(self._keywords) >= MAX_KEYWORDS:
                raise No(f"A mailbox takes {MAX_KEYWORDS} keywords at most", "LIMIT")
            known = self._keywords[lower] = flag
        return known

    def can_set_flag(self, flag: str) -> bool:
        """Whether clients may set and clear `flag`. Nobody may set \\Recent (RFC 3501 2.3.2)."""
        return flag.lower() in SYSTEM_FLAGS and flag.lower() != "\\recent" or not flag.startswith("\\")

    def permanentflags(self) -> list[str]:
        """The flags that clients may change for good; `\\*` means that they may make keywords (RFC 3501 7.1)."""
        return [*filter(self.can_set_flag, self.flags()), "\\*"]

    def status(self, *items: str) -> dict[str, int]:
        """STATUS: the asked items among MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN. Bad for an unknown one."""
        known: dict[str, Callable[[], int]] = {
            "MESSAGES": self.exists,
            "RECENT": self.recent,
            "UIDNEXT": self.uidnext,
            "UIDVALIDITY": self.uidvalidity,
            "UNSEEN": self.unseen,
        }
        unknown = [item for item in items if item.upper() not in known]
        if unknown:
            raise Bad(f"Unknown STATUS item {unknown[0][:40]}")
        return {item.upper(): known[item.upper()]() for item in items}

    def read_only(self) -> bool:
        """Whether nobody can change the mailbox."""
        return False

    def selected(self) -> bool:
        """Whether the current greenlet's connection has this mailbox selected."""
        connection = current_connection()
        return connection is not None and connection.selected() is self

    # --- sets ---

    def get_uids(self, uid_set: str | SequenceSet) -> list[Message]:
        """The messages of a UID set; costs by the smaller of the set's range and the mailbox."""
        parsed = SequenceSet.parse(uid_set) if isinstance(uid_set, str) else uid_set
        column = self.uid_column()
        found = (self.message(uid) for start, stop in parsed.slices(column) for uid in column[start:stop])
        return [message for message in found if message is not None]

    def get_messages(self, sequence_set: str | SequenceSet) -> list[Message]:
        """The messages of a sequence set, by this mailbox's own numbers."""
        parsed = SequenceSet.parse(sequence_set) if isinstance(sequence_set, str) else sequence_set
        column = self.uid_column()
        ranges = parsed.slices(range(1, len(column) + 1))
        found = (self.message(uid) for start, stop in ranges for uid in column[start:stop])
        return [message for message in found if message is not None]

    def sequence_of(self, uid: int) -> int | None:
        """The number of the message with this UID, None if it is not here."""
        column = self.uid_column()
        index = bisect_left(column, uid)
        return index + 1 if index < len(column) and column[index] == uid else None

    # --- the bulk calls of the commands; a fast store overrides these ---

    def uid_column(self) -> Sequence[int]:
        """All UIDs, ascending, shared by every session: read it, do not change or keep it."""
        return self._column

    def message(self, uid: int) -> Message | None:
        """The message with this UID, an expunged one too while a session has not been told. None without one."""
        message = self._by_uid.get(uid)
        if message is None and uid in self._ghosts:
            message = self._ghosts[uid][0]
        return message

    def columns(self, uids: Sequence[int], names: Sequence[str]) -> list[Sequence[Any]]:
        """Facts of many messages, one sequence for each name, in the order of `uids`.

        Names: uid (int), flags (frozenset of str, without \\Recent), internaldate (aware datetime), size (octets),
        modseq (int), envelope, body, bodystructure (formatted, bytes). Raises KeyError for a UID that is not here.
        """
        messages = self._messages_of(uids)
        return [self._column_of(messages, name) for name in names]

    def _messages_of(self, uids: Sequence[int]) -> list[Message]:
        if len(uids) == 0:
            return []
        start = bisect_left(self._column, uids[0])
        stop = start + len(uids)
        if uids is self._column or self._column[start:stop] == (uids if isinstance(uids, array) else array("I", uids)):
            return self._messages[start:stop]
        by_uid = self._by_uid
        try:
            return [by_uid[uid] for uid in uids]
        except KeyError:
            return [by_uid[uid] if uid in by_uid else self._ghosts[uid][0] for uid in uids]

    def _column_of(self, messages: list[Message], name: str) -> Sequence[Any]:
        if name == "uid":
            return [message.uid() for message in messages]
        if name == "flags":
            if self.overrides("flags"):
                return [intern_flags(message.flags()) for message in messages]
            return [message._flags for message in messages]
        if name == "internaldate":
            return [message.internaldate_value() for message in messages]
        if name == "size":
            return [message.size() for message in messages]
        if name == "modseq":
            return [message._modseq for message in messages]
        return [message.structure_text(name) for message in messages]

    def overrides(self, *methods: str) -> bool:
        """Whether a message here is of a class that overrides one of Message's `methods`."""
        return any(getattr(cls, name) is not getattr(Message, name) for cls in self._classes for name in methods)

    def store_flags(self, uids: Sequence[int], what: str, flags: Sequence[str]) -> range | None:
        """STORE on many messages: `what` is FLAGS, +FLAGS or -FLAGS.

        Returns the mod-sequences that the change got, so that the session which made it can tell it from what others
        changed meanwhile; None where they are not known.
        """
        before = self.journal.highest
        if not what.startswith("-"):
            flags = [self.keyword(flag) for flag in flags]
        messages = [message for message in map(self.message, uids) if message is not None]
        if self.overrides("store", "set_flag", "clear_flag", "flags"):
            for message in messages:
                message.store(what, flags)
            return range(before + 1, self.journal.highest + 1)
        # few distinct flag sets cover a mailbox: each is worked out once
        outcomes: dict[frozenset[str], frozenset[str]] = {}
        changed = []
        for message in messages:
            old = message._flags
            new = outcomes.get(old)
            if new is None:
                new = outcomes[old] = changed_flags(old, what, flags)
            if new is not old:
                message._flags = new
                changed.append(message.uid())
        self.flags_changed(changed)
        return range(before + 1, self.journal.highest + 1)

    # --- changes and the sessions that follow them ---

    def changes(self, modseq: int) -> Changes:
        """What happened after `modseq`."""
        return self.journal.since(modseq)

    def flags_changed(self, uids: Sequence[int]) -> None:
        """Flags of these messages have changed: gives them a mod-sequence and wakes waiting sessions."""
        if uids:
            self.note(Change.FLAGS, uids)

    def note(self, kind: Change, uids: Sequence[int]) -> None:
        """These messages are new, have other flags, or went: gives the change its mod-sequence and wakes who waits.

        The calls of this class do it themselves; a store that overrides them calls it right after each change, before
        anything lets another greenlet run.
        """
        if not uids:
            return
        modseq = self.journal.note(kind, uids, keep=bool(self.views))
        if kind is not Change.EXPUNGED and self._by_uid:
            for uid in uids:
                message = self._by_uid.get(uid)
                if message is not None:
                    message._modseq = modseq
        if len(self.journal) > MAX_JOURNAL + 2 * len(self.uid_column()):
            # a session that says nothing for an hour takes it in all the same
            for view in self.views:
                view.sync()
        for view in self.views:
            if view.wake is not None:
                view.wake()

    def attach(self, view: View) -> None:
        """A session opens the mailbox; from now on changes are kept for it."""
        self.views.append(view)

    def detach(self, view: View) -> None:
        """A session leaves the mailbox. It has released its expunged messages before."""
        self.views.remove(view)
        self.told()

    def told(self) -> None:
        """A view has caught up: drop the changes that all views know. Looks at all views once in a while."""
        self._told += 1
        if self._told < len(self.views):
            return
        self._told = 0
        self.journal.forget(min((view.modseq for view in self.views), default=self.journal.highest))

    def release(self, uids: Iterable[int]) -> None:
        """A view has told its client that these messages went: they are dropped once all views have."""
        for uid in uids:
            ghost = self._ghosts.get(uid)
            if ghost is None:
                continue
            ghost[1] -= 1
            if ghost[1] <= 0:
                del self._ghosts[uid]

    def claim_recent(self) -> tuple[int, int]:
        """A session is the first to be told of new messages: returns (first, end) of their UIDs and hands them over
        (RFC 3501 2.3.2: \\Recent belongs to one session)."""
        claimed = (self._recent_from, self.uidnext())
        self._recent_from = claimed[1]
        return claimed
