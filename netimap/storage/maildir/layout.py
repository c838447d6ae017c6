"""The folders of an account on the disk and in the index, kept in step. Everything here blocks and runs in a thread."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from ...exceptions import No
from ..errors import log
from ..index import Index, MailboxRow
from .disk import move_back, sync_directory
from .folder import Folder
from .folder_name import parts_of
from .watch import Watch

#: what deleted folders are called in the account's tmp/, with their UIDVALIDITY
DELETED = b"netimap-deleted."


class Move(NamedTuple):
    """A mailbox that gets another path. Places are None for a mere name."""

    id: int | None
    old_name: str
    new_name: str
    old_place: bytes | None
    new_place: bytes | None


def folders(path: bytes) -> dict[bytes, str]:
    """The Maildirs in an account's directory: directory → path of the mailbox as text. INBOX is b"."."""
    found = {b".": "INBOX"}
    with os.scandir(path) as entries:
        places = sorted(entry.name for entry in entries if entry.name.startswith(b".") and entry.is_dir())
    names = {"INBOX"}
    for place in places:
        if not os.path.isdir(os.path.join(path, place, b"cur")):
            continue
        parts = parts_of(place)
        if parts is None or "/".join(parts) in names:
            log.warning("%s: the folder %r has no name of its own, and is left alone", os.fsdecode(path), place)
            continue
        names.add("/".join(parts))
        found[place] = "/".join(parts)
    return found


def read(watch: Watch, index: Index) -> tuple[list[MailboxRow], set[str]]:
    """Bring the index up to date with the folders: all mailboxes, parents first, and the names subscribed to."""
    began, mtime = time.time_ns(), watch.mtime()
    found = folders(watch.path)
    watch.was_read(mtime, began)
    rows = [row for row in index.mailboxes() if row.selectable]
    gone = [row for row in rows if row.place not in found]
    appeared = sorted(found.keys() - {row.place for row in rows})
    if gone or appeared:
        with index.transaction():
            for row in gone:
                index.remove_mailbox(row.id)
            for place in appeared:
                index.add_mailbox(found[place], place)
                index.subscribe(found[place], True)
    return sorted(index.mailboxes(), key=lambda row: row.name.split("/")), index.subscriptions()


def make(path: bytes, index: Index, name: str, place: bytes) -> MailboxRow:
    """Make a folder and its row. A Maildir that another program has just made there becomes the mailbox."""
    with index.transaction() as undo:
        folder = Folder(path)
        if not os.path.lexists(path):
            undo.callback(folder.remove)
        folder.make()
        folder.mark()
        row = index.add_mailbox(name, place)
        index.subscribe(name, True)
    return row


def rename(path: bytes, index: Index, moves: Sequence[Move]) -> None:
    """Rename mailboxes: first in the index, where a crash leaves word of it, then their folders."""
    _rename_rows(index, [(move.id, move.old_name, move.new_name, move.new_place) for move in moves])
    renamed: list[tuple[bytes, bytes]] = []
    try:
        for move in moves:
            if move.old_place is None or move.new_place is None:
                continue
            source, target = os.path.join(path, move.old_place), os.path.join(path, move.new_place)
            if os.path.lexists(target):
                raise No("There is a folder of this name that is no mailbox", "ALREADYEXISTS")
            os.rename(source, target)
            renamed.append((source, target))
        sync_directory(path)
    except BaseException:
        move_back(renamed)
        _rename_rows(index, [(move.id, move.new_name, move.old_name, None) for move in moves])
        raise
    with index.transaction():
        index.mailboxes_moved()


def _rename_rows(index: Index, rows: Sequence[tuple[int | None, str, str, bytes | None]]) -> None:
    with index.transaction():
        index.rename_mailboxes([(number, new, place) for number, _, new, place in rows if number is not None])
        subscribed = index.subscriptions()
        for _, old, new, _ in rows:
            if old in subscribed:
                index.subscribe(old, False)
                index.subscribe(new, True)


def finish_renames(path: bytes, index: Index) -> None:
    """After a crash: move the folders whose names in the index say that they were to move."""
    moving = [row for row in index.mailboxes() if row.moving_to is not None]
    for row in moving:
        source, target = os.path.join(path, row.place or b""), os.path.join(path, row.moving_to or b"")
        if os.path.lexists(source) and not os.path.lexists(target):
            os.rename(source, target)
    if moving:
        sync_directory(path)
        with index.transaction():
            index.mailboxes_moved()


def remove(
    path: bytes, index: Index, number: int, uidvalidity: int, place: bytes | None, keep_name: bool
) -> bytes | None:
    """Remove a mailbox. Its folder is moved out of sight; returns where it is still to be removed from."""
    trash = os.path.join(path, b"tmp", DELETED + b"%d" % uidvalidity)
    moved = False
    with index.transaction() as undo:
        if place is not None:
            folder = os.path.join(path, place)
            with suppress(FileNotFoundError):
                os.rename(folder, trash)
                moved = True
                undo.callback(move_back, [(folder, trash)])
            sync_directory(path)
        index.remove_mailbox(number, keep_name)
    return trash if moved else None


def sweep_deleted(path: bytes, index: Index) -> None:
    """After a crash: put back deleted folders that the index still has, remove the others."""
    tmp = os.path.join(path, b"tmp")
    names = [name for name in os.listdir(tmp) if name.startswith(DELETED)]
    if not names:
        return
    rows = {b"%d" % row.uidvalidity: row for row in index.mailboxes()}
    for name in names:
        trash, row = os.path.join(tmp, name), rows.get(name.removeprefix(DELETED))
        if row is not None and row.place is not None and not os.path.lexists(os.path.join(path, row.place)):
            os.rename(trash, os.path.join(path, row.place))
        else:
            shutil.rmtree(trash, ignore_errors=True)
