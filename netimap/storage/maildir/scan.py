"""Scan: what other programs did to a Maildir since the index was last right. Blocks; reads, and changes nothing.

A message is known by the part of its file name that never changes. So a file that was renamed (other flags) or moved
from new/ to cur/ stays the same message with the same UID, and nothing but a name never seen is a new one. A directory
that is changed while it is read may show a file that is being renamed twice or not at all: it is read again until it
stands still, and what is missing is looked for once more before it counts as gone.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from . import file_name
from .folder import Folder

#: how often a directory that does not stand still is read
ATTEMPTS = 5
#: seconds between looking for what is missing and looking again: longer than a tick of the directory's time
PAUSE_S = 0.01


class Arrival(NamedTuple):
    """A new message."""

    body: bytes
    #: nanoseconds since 1970
    mtime_ns: int


class Findings(NamedTuple):
    """What a scan found."""

    #: in the order of delivery: those in cur/, which some program has shown already, before those in new/
    arrived: list[Arrival]
    #: known messages that are elsewhere now: (UID, body)
    moved: list[tuple[int, bytes]]
    #: UIDs, ascending
    gone: list[int]


def scan(folder: Folder, known: Mapping[bytes, int]) -> Findings:
    """Compare new/ and cur/ with the bodies that the index knows (body → UID)."""
    files, stands_still = _read(folder)
    moved, appeared, missing = compare(known, files)
    if missing and stands_still:
        time.sleep(PAUSE_S)
        files, stands_still = _read(folder)
        moved, appeared, missing = compare(known, files)
    gone = sorted(known[body] for body in missing) if stands_still else []
    return Findings(_arrivals(folder, appeared), moved, gone)


def scan_new(folder: Folder, known: Mapping[bytes, int]) -> Findings | None:
    """The same for new/ alone, where `known` are the messages there. None where one left: only `scan` can tell why."""
    began, mtime = time.time_ns(), folder.new.mtime()
    files = {b"new/" + name for name in folder.names(b"new")}
    if not known.keys() <= files:
        return None
    folder.new.was_read(mtime, began)
    return Findings(_arrivals(folder, compare(known, files)[1]), [], [])


def _read(folder: Folder) -> tuple[set[bytes], bool]:
    """The bodies that are there, and whether the directories stood still meanwhile."""
    for _ in range(ATTEMPTS):
        began = time.time_ns()
        before = folder.new.mtime(), folder.cur.mtime()
        # new/ first: what moves to cur/ meanwhile is seen twice rather than not at all
        files = {b"new/" + name for name in folder.names(b"new")}
        files.update(b"cur/" + name for name in folder.names(b"cur"))
        folder.new.was_read(before[0], began)
        folder.cur.was_read(before[1], began)
        if before == (folder.new.mtime(), folder.cur.mtime()):
            return files, True
    return files, False


def compare(known: Mapping[bytes, int], files: set[bytes]) -> tuple[list[tuple[int, bytes]], list[bytes], set[bytes]]:
    """Known messages with other names, names of new messages, and known bodies that are missing."""
    missing = known.keys() - files
    # cur/ sorts before new/: a file seen in both has moved to cur/
    appeared = sorted(files - known.keys())
    if not appeared:
        return [], [], missing
    lost = {file_name.base(body[4:]): body for body in missing}
    # a second file of a message that is where it was is no message of its own
    taken = {file_name.base(body[4:]) for body in known.keys() & files}
    moved, arrived = [], []
    for body in appeared:
        base = file_name.base(body[4:])
        if base in taken:
            continue
        taken.add(base)
        if base in lost:
            missing.discard(lost[base])
            moved.append((known[lost[base]], body))
        else:
            arrived.append(body)
    return moved, arrived, missing


def _arrivals(folder: Folder, bodies: Sequence[bytes]) -> list[Arrival]:
    arrivals = []
    prefix = os.path.join(folder.path, b"")
    for body in bodies:
        try:
            status = os.lstat(prefix + body)
        except FileNotFoundError:
            # gone again: it was no message yet
            continue
        if stat.S_ISREG(status.st_mode):
            mtime_ns = status.st_mtime_ns
            arrivals.append((body[:4], *file_name.delivered(body[4:], mtime_ns), Arrival(body, mtime_ns)))
    return [arrival[-1] for arrival in sorted(arrivals)]
