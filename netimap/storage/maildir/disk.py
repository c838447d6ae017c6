"""What the store asks of the operating system: files and directories that are there for good when a call returns."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress


def write_file(path: bytes, content: bytes, mtime: float | None = None) -> None:
    """Write a new file and wait until it is on disk. Nothing is left where that fails."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(descriptor, view) :]
            if mtime is not None:
                # a date that the file system cannot hold stands in the index all the same
                with suppress(OSError, OverflowError):
                    os.utime(descriptor, (mtime, mtime))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        remove_file(path)
        raise


def read_file(path: bytes) -> bytes:
    """The octets of a regular file; never those of a file elsewhere that a link points to."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(path)
        # one octet more: what comes back short of it ends where the file ended
        content = os.read(descriptor, status.st_size + 1)
        return content if len(content) == status.st_size else content + _rest(descriptor)
    finally:
        os.close(descriptor)


def _rest(descriptor: int) -> bytes:
    pieces = []
    while piece := os.read(descriptor, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def remove_file(path: bytes) -> None:
    """Remove a file, if it is there and can be removed."""
    with suppress(OSError):
        os.unlink(path)


def move_back(renamed: Sequence[tuple[bytes, bytes]]) -> None:
    """Undo renames (old path, new path), as far as they can be undone."""
    for old, new in reversed(renamed):
        with suppress(OSError):
            os.rename(new, old)


def sync_directory(path: bytes) -> None:
    """Wait until what was made, renamed and removed in a directory is on disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
