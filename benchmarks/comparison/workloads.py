"""What is measured: each workload prepares itself once for a server, and then does a few operations when asked."""

import contextlib
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import mail
from .servers import USERS

#: messages in the mailbox of an idle connection
IDLE_MESSAGES = 100
#: APPENDs that are sent at once when a mailbox is filled
BATCH = 50
SETTLE_S = 0.3
#: seconds that a server may take to get its idle connections
IDLE_RAMP_S = 15


@dataclass(frozen=True)
class Workload:
    """One row of the table."""

    name: str
    #: makes, for a server, a context manager that gives a function: it does the operation once
    prepare: Callable
    #: whether the operation can be done only once: the first time is what counts
    once: bool = False


@dataclass(frozen=True)
class Sizes:
    """How many messages the mailbox of most workloads has, and the big one (0: there is none)."""

    usual: int
    big: int

    def mailboxes(self):
        """The messages of each mailbox, by its name; of small ones for the big mailbox, which is only selected."""
        usual = mail.messages(self.usual)
        contents = {"empty": [], "appended": [], "usual": usual, "new1": usual, "new2": usual} if usual else {}
        return contents | ({"big": mail.small_messages(self.big)} if self.big else {})


def write_mail(directory, sizes):
    """The mail as Maildirs below `directory`, for a server that starts there: the mailboxes of the first user, and
    INBOX of every user."""
    for name, messages in sizes.mailboxes().items():
        mail.write_maildir(f"{directory}/{USERS[0]}/Maildir/.{name}", messages)
    for user in USERS:
        mail.write_maildir(f"{directory}/{user}/Maildir", mail.small_messages(IDLE_MESSAGES))


def append_mail(server, sizes):
    """The same mail into a running server, by APPEND."""
    with server.client() as client:
        for name, messages in sizes.mailboxes().items():
            client.command(f"CREATE {name}".encode())
            _append(client, name, messages)
    for user in USERS:
        with server.client(user) as client:
            _append(client, "INBOX", mail.small_messages(IDLE_MESSAGES))


def _append(client, mailbox, messages):
    numbered = enumerate(messages)
    while batch := list(itertools.islice(numbered, BATCH)):
        commands = [
            client.append_command(mailbox, octets, rb"\Seen" if mail.is_seen(number) else b"")
            for number, octets in batch
        ]
        client.exchange(b"".join(commands), len(commands))


# --- operations: each is a context manager that gives a function of no arguments ---


def repeated(line, mailbox="usual", count=None, expected=None):
    """The same command again and again. `count` of its answer has to be `expected`."""

    @contextlib.contextmanager
    def prepare(server):
        def operation():
            answer = client.command(line)
            if count is not None and count(answer) != expected:
                raise RuntimeError(f"{server.name}: {count(answer)} results of {line}, not {expected}")

        with server.client() as client:
            client.command(f"SELECT {mailbox}".encode())
            yield operation

    return prepare


def fetched(answer):
    """How many messages an answer to FETCH is about."""
    return answer.count(b" FETCH (")


def found(answer):
    """How many messages an answer to SEARCH is about."""
    return len(answer[: answer.index(b"\r\n")].split()) - 2


@contextlib.contextmanager
def logins(server):
    """Connect, LOGIN, LOGOUT, of a user who has no other connection."""
    yield lambda: server.client(USERS[1]).logout()


def selects(mailbox):
    """SELECT of a mailbox, each time after one of an empty mailbox."""

    @contextlib.contextmanager
    def prepare(server):
        def operation():
            client.command(b"SELECT empty")
            client.command(b"SELECT %b" % mailbox)

        with server.client() as client:
            operation()
            yield operation

    return prepare


@contextlib.contextmanager
def appends(server):
    """APPEND of a message of 4 kB."""
    message = next(octets for octets in mail.messages(200) if 4000 < len(octets) < 5000)
    with server.client() as client:
        yield lambda: client.exchange(client.append_command("appended", message))


def stores(sequence):
    """STORE that sets a flag, and the next time one that takes it away."""

    @contextlib.contextmanager
    def prepare(server):
        lines = itertools.cycle(b"STORE %b %bFLAGS (\\Flagged)" % (sequence, sign) for sign in (b"+", b"-"))
        with server.client() as client:
            client.command(b"SELECT usual")
            yield lambda: client.command(next(lines))

    return prepare


def rows(sizes):
    """All workloads, for mailboxes of these sizes."""

    def fetch(items, mailbox="usual"):
        return repeated(b"FETCH 1:* " + items, mailbox, fetched, sizes.usual)

    def search(key, expected):
        return repeated(b"SEARCH " + key, "usual", found, expected)

    hits = sizes.usual // mail.EVERY
    return [
        Workload("NOOP, a mailbox selected", repeated(b"NOOP")),
        Workload("connect, LOGIN, LOGOUT", logins),
        Workload(f"SELECT of {sizes.usual:,} messages", selects(b"usual")),
        *([Workload(f"SELECT of {sizes.big:,} messages", selects(b"big"))] if sizes.big else ()),
        Workload("FETCH 1:* (UID FLAGS)", fetch(b"(UID FLAGS)")),
        Workload("FETCH 1:* ENVELOPE, first time", fetch(b"ENVELOPE", "new1"), once=True),
        Workload("FETCH 1:* ENVELOPE", fetch(b"ENVELOPE")),
        Workload("FETCH 1:* BODYSTRUCTURE, first time", fetch(b"BODYSTRUCTURE", "new2"), once=True),
        Workload("FETCH 1:* BODYSTRUCTURE", fetch(b"BODYSTRUCTURE")),
        Workload("FETCH 1:* BODY.PEEK[]", repeated(b"FETCH 1:* BODY.PEEK[]")),
        Workload("APPEND of 4 kB", appends),
        Workload("STORE of one message", stores(b"100")),
        Workload("STORE 1:*", stores(b"1:*")),
        Workload("SEARCH UNSEEN", search(b"UNSEEN", sizes.usual // mail.UNSEEN_EVERY)),
        Workload("SEARCH SUBJECT", search(b"SUBJECT " + mail.SUBJECT_WORD.encode(), hits)),
        Workload("SEARCH BODY", search(b"BODY " + mail.BODY_WORD.encode(), hits)),
    ]


def idle_memory(server, connections):
    """How many connections came to IDLE, with 100 messages selected, and how many KiB each of them takes.

    Fewer than `connections` where the server needs too long for more.
    """
    for user in USERS:
        with server.client(user) as client:
            client.command(b"SELECT INBOX")
    time.sleep(SETTLE_S)
    before = server.memory_kib()
    deadline = time.monotonic() + IDLE_RAMP_S
    with contextlib.ExitStack() as stack:
        idling = 0
        while idling < connections and time.monotonic() < deadline:
            try:
                client = stack.enter_context(server.client(USERS[idling % len(USERS)], timeout_s=IDLE_RAMP_S))
                client.command(b"SELECT INBOX")
                client.idle()
            except TimeoutError:
                break
            idling += 1
        time.sleep(SETTLE_S)
        return idling, (server.memory_kib() - before) / max(1, idling)
