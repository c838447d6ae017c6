"""Index: what an account's mailboxes and messages are, in SQL. The truth about UIDs, flags and dates.

The writer's connection is used within changes of the account, by one thread after the other; `transaction` is where a
change becomes durable: it returns after the commit is on disk (WAL, synchronous=FULL). The `read_…` methods are for the
event loop, which never waits for a writer: while a change runs (`changing`) they use a connection of their own. What
is stored of one mailbox goes by its `id`, which a RENAME does not change.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from ..exceptions import Unavailable
from ..flags import intern_flags
from .columns import UNKNOWN_SIZE, Row
from .errors import log
from .schema import MIGRATIONS, VERSION

#: KiB of pages each connection keeps; many accounts are open at once and most are small
CACHE_KIB = 512
#: messages read at once
CHUNK = 1000
#: seconds to wait for another process that writes
BUSY_TIMEOUT_S = 5

_BITS = {"\\Seen": 1, "\\Answered": 2, "\\Flagged": 4, "\\Deleted": 8, "\\Draft": 16}
_FOR_UIDS = "account = ? AND mailbox = ? AND uid IN (SELECT value FROM json_each(?))"
#: the columns of cached structures
STRUCTURES = ("envelope", "body", "bodystructure")


class MailboxRow(NamedTuple):
    """What the index knows of a mailbox."""

    id: int
    name: str
    selectable: int
    uidvalidity: int
    uidnext: int
    highestmodseq: int
    first_recent: int
    place: bytes | None
    moving_to: bytes | None
    stamp: str | None


_MAILBOX = ", ".join(MailboxRow._fields)


class Index:
    """The index of one account. Its methods block: those that write run in a thread, within `transaction`."""

    def __init__(self, path: str, account: str = "") -> None:
        """Open the file at `path`, made if there is none. Raises Unavailable where a newer netimap wrote it."""
        # SQLite would make it readable for everybody
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        self._path = path
        #: whether a change runs, whose thread may be using the writer's connection
        self.changing = True
        self._reader: sqlite3.Connection | None = None
        self._writer = _connect(path)
        try:
            self._migrate(path)
            self._account: int = self._account_id(account)
        except BaseException:
            self._writer.close()
            raise

    def close(self) -> None:
        """Close the file."""
        if self._reader is not None:
            self._reader.close()
        self._writer.close()

    def _read(self, statement: str, values: tuple[Any, ...]) -> sqlite3.Cursor:
        """Run a SELECT for the event loop."""
        if not self.changing:
            return self._writer.execute(statement, values)
        if self._reader is None:
            # a connection takes 150 KiB: most accounts never need a second one
            self._reader = _connect(self._path)
        return self._reader.execute(statement, values)

    def _migrate(self, path: str) -> None:
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            log.error("%s was written by a newer netimap (version %d, this one knows %d)", path, version, VERSION)
            raise Unavailable("The mail store was written by a newer version of this server")
        if version < VERSION:
            steps = "".join(MIGRATIONS[version:])
            self._writer.executescript(f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {VERSION}; COMMIT;")

    def _account_id(self, name: str) -> int:
        self._writer.execute("INSERT INTO accounts (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
        (number,) = self._writer.execute("SELECT id FROM accounts WHERE name = ?", (name,)).fetchone()
        return int(number)

    @contextmanager
    def transaction(self) -> Iterator[ExitStack]:
        """All or nothing. The stack it gives takes callbacks that undo what was done outside of the database."""
        with ExitStack() as undo:
            self._writer.execute("BEGIN IMMEDIATE")
            undo.callback(self._roll_back)
            yield undo
            self._writer.execute("COMMIT")
            undo.pop_all()

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")

    # --- mailboxes ---

    def mailboxes(self) -> list[MailboxRow]:
        """All mailboxes of the account."""
        rows = self._writer.execute(f"SELECT {_MAILBOX} FROM mailboxes WHERE account = ?", (self._account,))
        return [MailboxRow(*row) for row in rows]

    def mailbox(self, mailbox: int) -> MailboxRow:
        """One mailbox."""
        row = self._writer.execute(
            f"SELECT {_MAILBOX} FROM mailboxes WHERE account = ? AND id = ?", (self._account, mailbox)
        ).fetchone()
        return MailboxRow(*row)

    def add_mailbox(self, name: str, place: bytes) -> MailboxRow:
        """A new mailbox, or what makes a mere name a mailbox again; empty, with a UIDVALIDITY never used before."""
        uidvalidity = self._new_uidvalidity()
        self._writer.execute(
            # the UIDVALIDITY serves as id too: neither is ever given out twice
            "INSERT INTO mailboxes (account, id, name, uidvalidity, place) VALUES (?1, ?3, ?2, ?3, ?4) "
            "ON CONFLICT (account, name) DO UPDATE SET selectable = 1, uidvalidity = ?3, uidnext = 1, "
            "first_recent = 1, place = ?4, moving_to = NULL, stamp = NULL",
            (self._account, name, uidvalidity, place),
        )
        (number,) = self._writer.execute(
            "SELECT id FROM mailboxes WHERE account = ? AND name = ?", (self._account, name)
        ).fetchone()
        return self.mailbox(number)

    def _new_uidvalidity(self) -> int:
        (value,) = self._writer.execute(
            "UPDATE accounts SET uidvalidity = max(uidvalidity + 1, ?) WHERE id = ? RETURNING uidvalidity",
            (int(time.time()), self._account),
        ).fetchone()
        return int(value)

    def remove_mailbox(self, mailbox: int, keep_name: bool = False) -> None:
        """Remove a mailbox with all its messages; `keep_name` leaves its name, not selectable."""
        where = (self._account, mailbox)
        if keep_name:
            self._writer.execute("DELETE FROM messages WHERE account = ? AND mailbox = ?", where)
            self._writer.execute("DELETE FROM expunged WHERE account = ? AND mailbox = ?", where)
            self._writer.execute(
                "UPDATE mailboxes SET selectable = 0, place = NULL, stamp = NULL WHERE account = ? AND id = ?", where
            )
        else:
            self._writer.execute("DELETE FROM mailboxes WHERE account = ? AND id = ?", where)

    def rename_mailboxes(self, names: Iterable[tuple[int, str, bytes | None]]) -> None:
        """New names, and the places where the store is going to put them."""
        self._writer.executemany(
            "UPDATE mailboxes SET name = ?, moving_to = ? WHERE account = ? AND id = ?",
            [(name, place, self._account, number) for number, name, place in names],
        )

    def mailboxes_moved(self) -> None:
        """What `rename_mailboxes` announced has been done."""
        self._writer.execute(
            "UPDATE mailboxes SET place = moving_to, moving_to = NULL WHERE account = ? AND moving_to IS NOT NULL",
            (self._account,),
        )

    def save_state(self, mailbox: int, uidnext: int, highestmodseq: int, first_recent: int, stamp: str | None) -> None:
        """Where a mailbox stands after a change."""
        self._writer.execute(
            "UPDATE mailboxes SET uidnext = ?, highestmodseq = ?, first_recent = ?, stamp = ? "
            "WHERE account = ? AND id = ?",
            (uidnext, highestmodseq, first_recent, stamp, self._account, mailbox),
        )

    def subscriptions(self) -> set[str]:
        """The names of the mailboxes that are subscribed."""
        rows = self._writer.execute("SELECT name FROM subscriptions WHERE account = ?", (self._account,))
        return {name for (name,) in rows}

    def subscribe(self, name: str, subscribed: bool) -> None:
        """Put a name on the list of subscribed ones, or take it off."""
        if subscribed:
            statement = "INSERT INTO subscriptions (account, name) VALUES (?, ?) ON CONFLICT DO NOTHING"
        else:
            statement = "DELETE FROM subscriptions WHERE account = ? AND name = ?"
        self._writer.execute(statement, (self._account, name))

    # --- messages ---

    def messages(self, mailbox: int) -> Iterator[tuple[Any, ...]]:
        """The messages of a mailbox in order of UID, in chunks: UIDs, flags, modseqs, epochs, zones, sizes, bodies."""
        sets = _FlagSets()
        cursor = self._writer.execute(
            "SELECT uid, flags, keywords, modseq, internaldate, zone, coalesce(size, ?), body "
            "FROM messages WHERE account = ? AND mailbox = ? ORDER BY uid",
            (UNKNOWN_SIZE, self._account, mailbox),
        )
        while rows := cursor.fetchmany(CHUNK):
            uids, bits, keywords, modseqs, epochs, zones, sizes, bodies = zip(*rows, strict=True)
            flags = list(map(sets.__getitem__, zip(bits, keywords, strict=True)))
            yield uids, flags, modseqs, epochs, zones, sizes, bodies

    def bodies(self, mailbox: int, uids: Sequence[int] | None = None) -> dict[int, bytes]:
        """UID → where the octets are; of all messages, or of some."""
        if uids is not None and len(uids) == 1:
            rows = self._writer.execute(
                "SELECT uid, body FROM messages WHERE account = ? AND mailbox = ? AND uid = ?",
                (self._account, mailbox, uids[0]),
            )
        elif uids is None:
            rows = self._writer.execute(
                "SELECT uid, body FROM messages WHERE account = ? AND mailbox = ?", (self._account, mailbox)
            )
        else:
            rows = self._writer.execute(f"SELECT uid, body FROM messages WHERE {_FOR_UIDS}", self._these(mailbox, uids))
        return dict(rows)

    def read_bodies(self, mailbox: int, uids: Sequence[int]) -> dict[int, bytes]:
        """The same for the event loop."""
        return dict(self._read(f"SELECT uid, body FROM messages WHERE {_FOR_UIDS}", self._these(mailbox, uids)))

    def read_body(self, mailbox: int, uid: int) -> bytes | None:
        """The same for one message; None if it is not here."""
        row = self._read(
            "SELECT body FROM messages WHERE account = ? AND mailbox = ? AND uid = ?", (self._account, mailbox, uid)
        ).fetchone()
        return None if row is None else row[0]

    def add_messages(self, mailbox: int, rows: Iterable[tuple[Row, bytes]]) -> None:
        """Add messages, each with where its octets are."""
        sets = _StoredFlags()
        self._writer.executemany(
            "INSERT INTO messages (account, mailbox, uid, flags, keywords, modseq, internaldate, zone, size, body) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, nullif(?, ?), ?)",
            (
                (self._account, mailbox, row.uid, *sets[row.flags], row.modseq, row.epoch, row.zone, row.size,
                 UNKNOWN_SIZE, body)
                for row, body in rows
            ),
        )  # fmt: skip

    def set_flags(self, mailbox: int, modseq: int, changes: Iterable[tuple[int, frozenset[str], bytes]]) -> None:
        """Other flags, as (UID, flags, body)."""
        sets = _StoredFlags()
        self._writer.executemany(
            "UPDATE messages SET flags = ?, keywords = ?, modseq = ?, body = ? "
            "WHERE account = ? AND mailbox = ? AND uid = ?",
            ((*sets[flags], modseq, body, self._account, mailbox, uid) for uid, flags, body in changes),
        )

    def set_bodies(self, mailbox: int, bodies: Iterable[tuple[int, bytes]]) -> None:
        """Octets are elsewhere now, as (UID, body)."""
        self._writer.executemany(
            "UPDATE messages SET body = ? WHERE account = ? AND mailbox = ? AND uid = ?",
            ((body, self._account, mailbox, uid) for uid, body in bodies),
        )

    def set_sizes(self, mailbox: int, sizes: Iterable[tuple[int, int]]) -> None:
        """Sizes are known now, as (UID, octets)."""
        self._writer.executemany(
            "UPDATE messages SET size = ? WHERE account = ? AND mailbox = ? AND uid = ?",
            ((size, self._account, mailbox, uid) for uid, size in sizes),
        )

    def set_date(self, mailbox: int, uid: int, epoch: int, zone: int) -> None:
        """Another internal date."""
        self._writer.execute(
            "UPDATE messages SET internaldate = ?, zone = ? WHERE account = ? AND mailbox = ? AND uid = ?",
            (epoch, zone, self._account, mailbox, uid),
        )

    def expunge(self, mailbox: int, uids: Sequence[int], modseq: int) -> None:
        """Remove messages; that they went is remembered."""
        rows = [(self._account, mailbox, uid) for uid in uids]
        self._writer.executemany("DELETE FROM messages WHERE account = ? AND mailbox = ? AND uid = ?", rows)
        self._writer.executemany(
            f"INSERT INTO expunged (account, mailbox, uid, modseq) VALUES (?, ?, ?, {int(modseq)})", rows
        )

    # --- cached structures ---

    def read_structures(self, mailbox: int, uids: Sequence[int], names: Sequence[str]) -> dict[int, tuple[Any, ...]]:
        """UID → formatted structures in the order of `names`, None for those not kept. For the event loop."""
        rows = self._read(
            f"SELECT uid, {_checked(names)} FROM structures WHERE {_FOR_UIDS}", self._these(mailbox, uids)
        )
        return {uid: tuple(texts) for uid, *texts in rows}

    def add_structures(self, mailbox: int, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        """Keep structures, as (UID, one for each name). Of messages that went meanwhile nothing is kept."""
        self._writer.executemany(
            f"INSERT INTO structures (account, mailbox, uid, {_checked(names)}) "
            f"SELECT account, mailbox, uid, {', '.join('?' * len(names))} FROM messages "
            "WHERE account = ? AND mailbox = ? AND uid = ? "
            f"ON CONFLICT DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in names)}",
            ((*texts, self._account, mailbox, uid) for uid, *texts in rows),
        )

    def copy_structures(self, source: int, target: int, pairs: Iterable[tuple[int, int]]) -> None:
        """Give copies what is known of the originals: (UID, UID of the copy)."""
        self._writer.executemany(
            "INSERT INTO structures SELECT account, ?, ?, envelope, body, bodystructure FROM structures "
            "WHERE account = ? AND mailbox = ? AND uid = ?",
            ((target, copy, self._account, source, uid) for uid, copy in pairs),
        )

    def _these(self, mailbox: int, uids: Sequence[int]) -> tuple[int, int, str]:
        return self._account, mailbox, json.dumps(list(uids))


class _FlagSets(dict[tuple[int, str], frozenset[str]]):
    """(bits, keywords) → the shared set; made on first use."""

    def __missing__(self, stored: tuple[int, str]) -> frozenset[str]:
        bits, keywords = stored
        flags = intern_flags([*(flag for flag, bit in _BITS.items() if bits & bit), *filter(None, keywords.split(" "))])
        self[stored] = flags
        return flags


class _StoredFlags(dict[frozenset[str], tuple[int, str]]):
    """Flags → (bits, keywords), as the index has them; made on first use."""

    def __missing__(self, flags: frozenset[str]) -> tuple[int, str]:
        bits = sum(bit for flag, bit in _BITS.items() if flag in flags)
        self[flags] = stored = bits, " ".join(sorted(flags - _BITS.keys()))
        return stored


def _checked(names: Sequence[str]) -> str:
    """Columns of structures as SQL. Raises KeyError for what is none."""
    if not all(name in STRUCTURES for name in names):
        raise KeyError(names)
    return ", ".join(names)


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    except BaseException:
        connection.close()
        raise
    return connection
