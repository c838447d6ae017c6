"""MaildirAccount: a user's Maildir, with its index and its tree of mailboxes, shared by all connections of the user.

The directory is the user's INBOX; the folders `.A.B` lie in it, and the index beside them (`netimap.sqlite`). One
process has it open at a time, which `netimap.lock` sees to. What takes several steps on the disk leaves a mark by which
it is finished or taken back after a crash: a RENAME stands in the index before directories move, a deleted folder
moves to tmp/ before it leaves the index.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from typing import ClassVar

from ...exceptions import No, Unavailable
from ..account import Account
from ..errors import log, storage_errors
from ..index import Index, MailboxRow
from . import layout
from .folder import Folder
from .folder_name import place_of
from .mailbox import MaildirMailbox
from .watch import State, Watch

INDEX = "netimap.sqlite"
LOCK = "netimap.lock"


class MaildirAccount(Account):
    """The account in one directory. `at` finds it; `enter` and `leave` go around its use."""

    _open: ClassVar[dict[str, MaildirAccount]] = {}

    def __init__(self, path: str, mailbox_class: type[MaildirMailbox] = MaildirMailbox) -> None:
        super().__init__()
        self._path = path
        self._mailbox_class = mailbox_class
        self._users = 0
        self._lock_file = -1
        self._root: MaildirMailbox | None = None
        self._watch = Watch(os.fsencode(path))

    @classmethod
    def at(cls, path: str, mailbox_class: type[MaildirMailbox] = MaildirMailbox) -> MaildirAccount:
        """The account in this directory: one object in the process while somebody uses it."""
        real = os.path.realpath(path)
        return cls._open.get(real) or cls(real, mailbox_class)

    def enter(self) -> MaildirMailbox:
        """Somebody uses the account: opens it for the first one, and returns the root of its tree."""
        self._users += 1
        self._open[self._path] = self
        try:
            self.change(self._start)
        except BaseException:
            self.leave()
            raise
        assert self._root is not None
        return self._root

    def leave(self) -> None:
        """One user less; the last one closes the account, and has to wait until what is under way is finished."""
        self._users -= 1
        if self._users == 0:
            self.finish(self._shut)

    def _shut(self) -> None:
        self.settle()
        self.change(self._stop)

    def _start(self) -> None:
        if self._index is None:
            self._index = self.offload(f"opening {self._path}", self._open_index)
            self._root = self._mailbox_class(self)
            try:
                self._refresh_tree()
            except BaseException:
                self._close()
                raise

    def _open_index(self) -> Index:
        os.makedirs(self._path, 0o700, exist_ok=True)
        self._lock_file = os.open(os.path.join(self._path, LOCK), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.error("%s is in use by another process", self._path)
                raise Unavailable("The mail store is in use by another process") from None
            Folder(os.fsencode(self._path)).make()
            index = Index(os.path.join(self._path, INDEX))
            try:
                layout.finish_renames(os.fsencode(self._path), index)
                layout.sweep_deleted(os.fsencode(self._path), index)
            except BaseException:
                index.close()
                raise
        except BaseException:
            os.close(self._lock_file)
            raise
        return index

    def _stop(self) -> None:
        # somebody may have come while the last one waited
        if self._users == 0 and self._index is not None:
            self._close()
        if self._users == 0:
            self._open.pop(self._path, None)

    def _close(self) -> None:
        index, self._index = self._index, None
        root, self._root = self._root, None
        try:
            if index is not None:
                self.offload(f"closing {self._path}", index.close)
        finally:
            # unlocks
            os.close(self._lock_file)
            if root is not None:
                root.prep_for_destroy()

    def path_of(self, place: bytes) -> bytes:
        """The directory of a mailbox."""
        return os.path.normpath(os.path.join(os.fsencode(self._path), place))

    # --- the tree ---

    def update_tree(self) -> None:
        """Notice folders that other programs made or removed: one stat where nothing happened."""
        with storage_errors(f"listing {self._path}"):
            state = self._watch.state()
        if state is not State.QUIET:
            self.change(self._refresh_tree)

    def _refresh_tree(self) -> None:
        rows, self.subscriptions = self.offload(f"listing {self._path}", layout.read, self._watch, self.index())
        root = self._root
        assert root is not None
        known = {mailbox.id: mailbox for mailbox in root.descendants() if mailbox.id is not None}
        for number in known.keys() - {row.id for row in rows}:
            known[number].id = None
            known[number].vanish(keep_name=bool(known[number].children()))
        for row in rows:
            mailbox = known.get(row.id) or self._name(root, row.name)
            if mailbox.id is None or row.selectable > mailbox.is_selectable():
                mailbox.take(row)
        self._prune(root)

    def _name(self, root: MaildirMailbox, name: str) -> MaildirMailbox:
        """The node with this path, made with the parents it lacks."""
        node = root
        for part in name.split("/"):
            child = node.child(part, may_be_inbox=False)
            if child is None:
                child = self._mailbox_class(self, name=part, is_inbox=node is root and part == "INBOX")
                node.add_child(child)
            node = child
        return node

    @staticmethod
    def _prune(root: MaildirMailbox) -> None:
        """Drop parents that were names for the sake of their children only."""
        for mailbox in reversed(list(root.descendants())):
            if mailbox.id is None and not mailbox.children():
                mailbox.vanish(keep_name=False)

    def folder_missing(self, mailbox: MaildirMailbox) -> None:
        """Within a change: the Maildir of a mailbox is not all there. Mends it, or drops the mailbox."""

        def mend() -> bool:
            if os.path.isdir(mailbox.bodies.path):
                mailbox.bodies.make()
                return True
            return False

        if not self.offload(f"mending {mailbox.full_path()}", mend):
            self._refresh_tree()

    def make_mailbox(self, parts: Sequence[str]) -> MailboxRow:
        """Within a change: make a folder, with a row in the index. Raises No for a name that cannot be."""
        name, place = "/".join(parts), place_of(parts)
        row = self.offload(f"CREATE {name}", layout.make, self.path_of(place), self.index(), name, place)
        self.subscriptions.add(name)
        return row

    def move_mailbox(self, mailbox: MaildirMailbox, parts: tuple[str, ...]) -> None:
        """Within a change: give a mailbox and those below it other paths."""
        old = mailbox.parts()
        if parts == old:
            return
        if parts[: len(old)] == old:
            raise No("A mailbox cannot move below itself", "CANNOT")
        moves = []
        for node in (mailbox, *mailbox.descendants()):
            path = (*parts, *node.parts()[len(old) :])
            place = None if node.place is None else place_of(path)
            moves.append(layout.Move(node.id, "/".join(node.parts()), "/".join(path), node.place, place))
        self.offload(f"RENAME {'/'.join(old)}", layout.rename, os.fsencode(self._path), self.index(), moves)
        for node, move in zip((mailbox, *mailbox.descendants()), moves, strict=True):
            if move.old_name in self.subscriptions:
                self.subscriptions.remove(move.old_name)
                self.subscriptions.add(move.new_name)
            if move.new_place is not None:
                node.place = move.new_place
                node.bodies.move(self.path_of(move.new_place))

    def remove_mailbox(self, mailbox: MaildirMailbox, keep_name: bool) -> None:
        """Within a change: remove a mailbox with its messages; `keep_name` leaves the name in the index."""
        if mailbox.id is None:
            return
        trash = self.offload(
            f"DELETE {mailbox.full_path()}", layout.remove, os.fsencode(self._path), self.index(),
            mailbox.id, mailbox.uidvalidity(), mailbox.place, keep_name,
        )  # fmt: skip
        if trash is not None:
            self.background(self.offload, "removing a folder", Folder(trash).remove)
