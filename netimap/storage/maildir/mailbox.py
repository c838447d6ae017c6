"""MaildirMailbox: a mailbox of the index whose bodies are a Maildir that other programs use too.

The index is the truth about UIDs, keywords and dates; the Maildir about which messages there are, and the flags that
file names carry. `poll` brings the index up to date with the Maildir.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...exceptions import No
from ...journal import Change
from ...mailbox import Mailbox
from ..bodies import Flagging
from ..columns import Columns
from ..errors import BodyMissing, storage_errors
from ..index import MailboxRow
from ..indexed_mailbox import IndexedMailbox
from .file_name import FORWARDED
from .folder import Folder
from .follow import News, look, resume
from .watch import State

if TYPE_CHECKING:
    from .account import MaildirAccount


class MaildirMailbox(IndexedMailbox):
    """A Maildir++ folder, or (`row` None) a name that has none: the root of the tree and mere parents."""

    account: MaildirAccount
    bodies: Folder

    def __init__(self, account: MaildirAccount, row: MailboxRow | None = None, **fields: Any) -> None:
        #: known messages in new/: body → UID
        self.in_new: dict[bytes, int] = {}
        #: the directory below the account's; None for a mere name
        self.place: bytes | None = None
        super().__init__(account, row, **fields)

    def take(self, row: MailboxRow | None) -> None:
        """Become what the index says."""
        super().take(row)
        self.in_new = {}
        self.place = None if row is None else row.place
        if self.place is not None:
            self.bodies = Folder(self.account.path_of(self.place))

    def keyword(self, flag: str) -> str:
        """The spelling of a flag; `$Forwarded`, for which file names have a letter, has one only."""
        return super().keyword(FORWARDED if flag.lower() == FORWARDED.lower() else flag)

    # --- following the Maildir ---

    def load(self) -> Columns:
        """Read the columns, and look into the Maildir if anything may have happened since it was last read."""
        if not self.is_selectable():
            return Columns()
        what = f"opening {self.full_path()}"
        try:
            columns, known = self.account.offload(what, self._read)
            if known is not None:
                self._take_news(columns, self.account.offload(what, look, self, columns, known, True))
        except BodyMissing:
            self.account.folder_missing(self)
            return Columns()
        return columns

    def _read(self) -> tuple[Columns, dict[bytes, int] | None]:
        """In a thread: the columns; and body → UID of all messages, where the Maildir has to be looked through."""
        if not os.path.isdir(self.bodies.path):
            raise BodyMissing
        self.bodies.make()
        self.bodies.sweep(lambda: self.account.index().bodies(self.here()).values())
        if self.stamp is not None:
            resume(self.bodies, self.stamp)
        known: dict[bytes, int] | None = {} if self._state() is not State.QUIET else None
        self.in_new = {}

        def see(uids: Sequence[int], bodies: Sequence[bytes]) -> None:
            self.in_new.update((body, uid) for uid, body in zip(uids, bodies, strict=True) if body.startswith(b"new/"))
            if known is not None:
                known.update(zip(bodies, uids, strict=True))

        return self.read_columns(see), known

    def poll(self) -> None:
        """Notice what other programs did: two stats where nothing happened."""
        if not self.is_selectable():
            return
        if not self.is_open():
            # which looks
            self.opened()
            return
        with storage_errors(f"polling {self.full_path()}"):
            state = self._state()
        if state is State.CHANGED:
            self.account.change(self._look)
        elif state is State.DOUBTFUL:
            self.bodies.new.postpone()
            self.bodies.cur.postpone()
            self.account.background(self.account.change, self.refresh)

    def _state(self) -> State:
        try:
            return max(self.bodies.new.state(), self.bodies.cur.state(), key=lambda state: state.value)
        except FileNotFoundError:
            return State.CHANGED

    def refresh(self) -> None:
        """Within a change: look through the whole Maildir."""
        self._look(everything=True)

    def _look(self, everything: bool = False) -> None:
        # another session may have looked, or deleted the mailbox, while this one waited
        if not self.is_selectable() or not (everything or self._state() is not State.QUIET):
            return
        columns = self.opened()
        try:
            everything = everything or self.bodies.cur.state() is not State.QUIET
            news = self.account.offload(f"looking into {self.full_path()}", look, self, columns, None, everything)
        except (BodyMissing, FileNotFoundError):
            self.account.folder_missing(self)
        else:
            self._take_news(columns, news)

    def _take_news(self, columns: Columns, news: News) -> None:
        self.stamp = news.stamp
        # a session may have claimed more meanwhile
        self.first_recent = max(self.first_recent, news.first_recent)
        self._follow_new(news)
        self.meet([*news.flags.values(), *(row.flags for row, _ in news.arrived)])
        self.added(columns, [row for row, _ in news.arrived])
        if news.flags:
            modseq = self.journal.highest + 1
            for uid, flags in news.flags.items():
                place = columns.index(uid)
                if place is not None:
                    columns.set_flags(place, flags, modseq)
            self.note(Change.FLAGS, list(news.flags))
        if news.gone:
            self.removed(columns, news.gone, {})

    def _follow_new(self, news: News) -> None:
        """Keep account of which known messages are in new/."""
        elsewhere = {uid for uid, _ in news.moved}.union(news.gone)
        if elsewhere:
            self.in_new = {body: uid for body, uid in self.in_new.items() if uid not in elsewhere}
        self.in_new.update((body, uid) for uid, body in news.moved if body.startswith(b"new/"))
        self.in_new.update((body, row.uid) for row, body in news.arrived if body.startswith(b"new/"))

    def recent_claimed(self) -> None:
        """Within a change: messages that a session was told of move from new/ to cur/, for good."""
        if self.is_selectable():
            self.retry(self._claim)

    def _claim(self) -> None:
        columns = self.opened()
        claimed = {}
        for body, uid in self.in_new.items():
            place = columns.index(uid)
            if uid < self.first_recent and place is not None:
                claimed[body] = (uid, columns.flags[place])
        if claimed:
            self.account.offload(f"\\Recent of {self.full_path()}", self._write_claimed, claimed)
            self.in_new = {body: uid for body, uid in self.in_new.items() if body not in claimed}
        else:
            super().recent_claimed()

    def _write_claimed(self, claimed: dict[bytes, tuple[int, frozenset[str]]]) -> None:
        index, number = self.account.index(), self.here()
        with self.bodies.changing(), index.transaction() as undo:
            moved = self.bodies.flag([Flagging(body, flags, flags) for body, (_, flags) in claimed.items()], undo)
            self.bodies.sync()
            index.set_bodies(number, [(uid, body) for (uid, _), body in zip(claimed.values(), moved, strict=True)])
            self.save(self.uidnext(), self.journal.highest)
        self.bodies.committed()

    # --- the tree ---

    def update_tree(self) -> None:
        """Notice mailboxes that other programs made or removed."""
        self.account.update_tree()

    def add_child(self, mailbox: Mailbox | None = None, **fields: Any) -> Any:
        """Make a mailbox, on disk on return, or hang in a ready-made one. None if the name is taken."""
        if mailbox is not None:
            return super().add_child(mailbox)
        return self.account.change(self._create, fields.get("name", ""))

    def _create(self, name: str) -> Any:
        self._check_tree(self)
        if self._is_taken(name):
            return None
        row = self.account.make_mailbox((*self.parts(), name))
        return super().add_child(type(self)(self.account, row, name=name))

    def is_selectable(self, *selectable: bool) -> bool:
        """Whether the mailbox holds messages. Setting it true makes a mailbox of what was only a name."""
        if selectable and selectable[0] and not super().is_selectable():
            self.account.change(self._revive)
            return True
        return bool(super().is_selectable(*selectable))

    def _revive(self) -> None:
        self._check_tree(self)
        if not self.is_selectable() and self.parent() is not None:
            self.take(self.account.make_mailbox(self.parts()))

    def reparent(self, parent: Mailbox, name: str | None = None) -> bool | None:
        """RENAME: UIDs and UIDVALIDITY stay, the children come along."""
        if self.is_inbox() or not isinstance(parent, MaildirMailbox):
            return False
        return self.account.change(self._reparent, parent, self.name() if name is None else name)

    def _reparent(self, parent: MaildirMailbox, name: str) -> bool | None:
        self._check_tree(self, parent)
        if parent._is_taken(name) and not (parent is self.parent() and name == self.name()):
            return None
        self.account.move_mailbox(self, (*parent.parts(), name))
        return super().reparent(parent, name)

    def delete(self) -> bool | None:
        """DELETE: with children the name stays, for good, until it is deleted itself."""
        if self.is_inbox() or self.parent() is None:
            return False
        self.account.change(self._delete)
        return True

    def _delete(self) -> None:
        if not self.deleted:
            keep_name = bool(self.children())
            self.account.remove_mailbox(self, keep_name)
            self.vanish(keep_name)

    def vanish(self, keep_name: bool) -> None:
        """Put into memory that the mailbox is gone from disk and index. Who has it selected is sent away."""
        super().is_selectable(False)
        self.place = None
        self.deleted = not keep_name
        if not keep_name:
            self.id = None
            if self.parent() is not None:
                self.parent().children().remove(self)
        for view in tuple(self.views):
            view.mailbox_deleted()

    def parts(self) -> tuple[str, ...]:
        """The path as text; empty for the root."""
        return tuple(self.index_name().split("/")) if self.name() else ()

    def _is_taken(self, name: str) -> bool:
        return self.child(name, may_be_inbox=not self.name()) is not None

    @staticmethod
    def _check_tree(*mailboxes: MaildirMailbox) -> None:
        if any(mailbox.deleted for mailbox in mailboxes):
            raise No("The mailbox was deleted", "NONEXISTENT")
