"""Folder: one Maildir on the disk, the bodies of one mailbox (see `netimap.storage.bodies`).

A body is named by its path below the folder: `cur/…`, `new/…` while no session was told of it, `tmp/…` once it is
expunged. Files have LF line ends, as delivery agents write them and other programs expect; what is read has CRLF.
Everything here blocks; nothing here knows the index.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from hashlib import sha256

from ...mime import with_crlf, with_lf
from ..bodies import Flagging, Wanted
from ..columns import UNKNOWN_SIZE
from ..errors import BodyMissing
from . import file_name
from .disk import move_back, read_file, remove_file, sync_directory, write_file
from .folder_name import MAX_NAME
from .watch import Watch

#: what our files in tmp/ begin with; others there belong to programs that are delivering
PENDING = b"netimap-append."
EXPUNGED = b"netimap-expunged."
COPYING = b"netimap-copy."
FLAGGING = b"netimap-store."

_SUBDIRECTORIES = (b"tmp", b"new", b"cur")


class Folder:
    """A Maildir. `path` is its directory."""

    def __init__(self, path: bytes) -> None:
        self.path = path
        self.new = Watch(b"")
        self.cur = Watch(b"")
        # our changes that are under way: subdirectory → its time before
        self._touched: dict[bytes, int] = {}
        # what tells of changes that are not committed
        self._markers: list[bytes] = []
        # subdirectories with changes that may not be on disk yet
        self._unsynced: set[bytes] = set()
        self.move(path)

    def move(self, path: bytes) -> None:
        """The directory has another name now."""
        self.path = path
        self.new.path = os.path.join(path, b"new")
        self.cur.path = os.path.join(path, b"cur")

    def make(self) -> None:
        """Make what is missing of the directory and its subdirectories; readable by their owner only."""
        for path in (self.path, *(os.path.join(self.path, name) for name in _SUBDIRECTORIES)):
            try:
                os.mkdir(path, 0o700)
            except FileExistsError:
                continue
            sync_directory(os.path.dirname(path))

    def mark(self) -> None:
        """Say, as Maildir++ has it, that the directory is a folder of another Maildir."""
        os.close(os.open(os.path.join(self.path, b"maildirfolder"), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        sync_directory(self.path)

    def remove(self) -> None:
        """Remove the directory with all that is in it, as far as that goes."""
        shutil.rmtree(self.path, ignore_errors=True)

    # --- the bodies ---

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Around our own changes, so that they are not taken for those of other programs."""
        try:
            yield
        except FileNotFoundError:
            raise BodyMissing from None
        finally:
            for subdirectory, before in self._touched.items():
                with suppress(FileNotFoundError):
                    (self.new if subdirectory == b"new" else self.cur).changed_by_us(before)
            self._touched.clear()

    def _touch(self, subdirectories: Iterable[bytes]) -> None:
        """We are about to change new/ or cur/."""
        for subdirectory in subdirectories:
            self._unsynced.add(subdirectory)
            if subdirectory not in self._touched:
                self._touched[subdirectory] = (self.new if subdirectory == b"new" else self.cur).mtime()

    def read(self, body: bytes) -> bytes:
        """The octets, with CRLF line ends."""
        try:
            return with_crlf(read_file(self._path(body)))
        except OSError as error:
            # ELOOP: a symbolic link, which is no message
            if isinstance(error, (FileNotFoundError, IsADirectoryError)) or error.errno == errno.ELOOP:
                raise BodyMissing from None
            raise

    def put(self, content: bytes, flags: frozenset[str], date: datetime, undo: ExitStack) -> bytes:
        """Write a message: first to tmp/, synced, then into its place."""
        octets = with_lf(content)
        if with_crlf(octets) != content:
            # a bare CR before a line end would not come back: such a message keeps its line ends
            octets = content
        name = file_name.unique(len(octets), len(content))
        body = b"cur/" + file_name.with_flags(name, flags)
        temporary, path = self._path(b"tmp/" + PENDING + name), self._path(body)
        write_file(temporary, octets, date.timestamp())
        undo.callback(remove_file, temporary)
        self._touch([b"cur"])
        os.rename(temporary, path)
        undo.callback(remove_file, path)
        return body

    def copy(self, source: Folder, wanted: Sequence[Wanted], undo: ExitStack) -> list[bytes]:
        """More names for the same files; copies of them where the file system cannot do that."""
        group = file_name.new_group()
        self._mark(COPYING + group.encode("ascii"), b"", undo)
        self._touch([b"cur"])
        return [self._copy(source._path(copy.body), copy, group, undo) for copy in wanted]

    def _copy(self, original: bytes, copy: Wanted, group: str, undo: ExitStack) -> bytes:
        try:
            size = None if copy.size == UNKNOWN_SIZE else copy.size
            name = file_name.unique(os.stat(original).st_size, size, group)
            body = b"cur/" + file_name.with_flags(name, copy.flags)
            path = self._path(body)
            undo.callback(remove_file, path)
            try:
                os.link(original, path, follow_symlinks=False)
            except FileNotFoundError:
                raise
            except OSError:
                # too many names, another file system, or one without links
                write_file(path, read_file(original), os.stat(original).st_mtime)
        except FileNotFoundError:
            raise BodyMissing from None
        return body

    def flag(self, changes: Sequence[Flagging], undo: ExitStack) -> list[bytes]:
        """Rename files so that their names carry the flags; they are in cur/ then."""
        flagged = [_flagged(body, flags) for body, _, flags in changes]
        moves = [(change.body, new) for change, new in zip(changes, flagged, strict=True) if change.body != new]
        if moves and (len(changes) > 1 or not _is_told_by_name(changes[0])):
            self._mark(FLAGGING + file_name.unique(0, None), b"\0".join(name for move in moves for name in move), undo)
        self._rename(moves, undo)
        return flagged

    def _mark(self, name: bytes, content: bytes, undo: ExitStack) -> None:
        """Leave word in tmp/ of what a crash would have to take back."""
        marker = self._path(b"tmp/" + name)
        descriptor = os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        undo.callback(remove_file, marker)
        self._markers.append(marker)
        with open(descriptor, "wb") as file:
            file.write(content)

    def committed(self) -> None:
        """A crash has nothing to take back any more."""
        while self._markers:
            remove_file(self._markers.pop())

    def hide(self, bodies: Sequence[bytes], undo: ExitStack) -> list[bytes]:
        """Take files away from cur/ and new/, out of sight of other programs."""
        hidden = [b"tmp/" + _hidden_name(body) for body in bodies]
        self._rename(list(zip(bodies, hidden, strict=True)), undo)
        return hidden

    def _rename(self, moves: Sequence[tuple[bytes, bytes]], undo: ExitStack) -> None:
        done: list[tuple[bytes, bytes]] = []
        undo.callback(move_back, done)
        # a name that is gone must not come back; one that is lost in tmp/ is no loss
        self._touch({body[:3] for move in moves for body in move if not body.startswith(b"tmp/")})
        prefix = os.path.join(self.path, b"")
        try:
            for body, renamed in moves:
                source, target = prefix + body, prefix + renamed
                os.rename(source, target)
                done.append((source, target))
        except FileNotFoundError:
            raise BodyMissing from None

    def drop(self, bodies: Iterable[bytes]) -> None:
        """Remove hidden files."""
        for body in bodies:
            remove_file(self._path(body))

    def sync(self) -> None:
        """Wait for the disk."""
        for subdirectory in self._unsynced:
            sync_directory(self._path(subdirectory))
        self._unsynced.clear()

    def _path(self, body: bytes) -> bytes:
        return os.path.join(self.path, body)

    # --- what others did ---

    def names(self, subdirectory: bytes) -> list[bytes]:
        """The names of the messages in `new` or `cur`."""
        return [name for name in os.listdir(self._path(subdirectory)) if not name.startswith(b".")]

    def sweep(self, known: Callable[[], Iterable[bytes]]) -> None:
        """After a crash: take back what was not committed. `known`: the bodies in the index."""
        ours = [
            name for name in os.listdir(self._path(b"tmp")) if name.startswith((PENDING, EXPUNGED, COPYING, FLAGGING))
        ]
        if not ours:
            return
        bodies = set(known())
        hidden = {_hidden_name(body): body for body in bodies}
        for name in ours:
            if name in hidden:
                self._take_back_expunge(name, hidden[name])
            elif name.startswith(COPYING):
                self._take_back_copies(name.removeprefix(COPYING), bodies)
            elif name.startswith(FLAGGING):
                self._take_back_flags(name, bodies)
            remove_file(self._path(b"tmp/" + name))

    def _take_back_expunge(self, name: bytes, body: bytes) -> None:
        """Put back a message that is still in the index."""
        if not os.path.lexists(self._path(body)):
            os.rename(self._path(b"tmp/" + name), self._path(body))

    def _take_back_copies(self, group: bytes, bodies: Set[bytes]) -> None:
        """Remove the files of a COPY that was not committed."""
        # other programs may have given them other flags since
        committed = {file_name.base(body[4:]) for body in bodies}
        for name in self.names(b"cur"):
            if file_name.is_in_group(name, group) and file_name.base(name) not in committed:
                remove_file(self._path(b"cur/" + name))

    def _take_back_flags(self, name: bytes, bodies: Set[bytes]) -> None:
        """Give files the names back that they have in the index, where they have the names of a STORE."""
        names = read_file(self._path(b"tmp/" + name)).split(b"\0")
        for old, new in zip(names[::2], names[1::2], strict=False):
            if old in bodies and not os.path.lexists(self._path(old)):
                move_back([(self._path(old), self._path(new))])


def _hidden_name(body: bytes) -> bytes:
    """What an expunged message is called in tmp/; with all of its name, if that is not too long for the disk."""
    name = EXPUNGED + body[4:]
    return name if len(name) <= MAX_NAME else EXPUNGED + sha256(body).hexdigest().encode("ascii")


def _is_told_by_name(change: Flagging) -> bool:
    """Whether the name of the file tells all of a change."""
    return change.old - file_name.NAMED_FLAGS == change.new - file_name.NAMED_FLAGS


def _flagged(body: bytes, flags: frozenset[str]) -> bytes:
    """The name in cur/ that carries these flags; the same one where it does already."""
    if body.startswith(b"cur/") and file_name.flags(body[4:]) == flags & file_name.NAMED_FLAGS:
        return body
    return b"cur/" + file_name.with_flags(body[4:], flags)
