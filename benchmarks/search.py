"""µs for each message of a SEARCH, in mailboxes of 1,000, 10,000 and 100,000 messages in memory; is it linear?

    python benchmarks/search.py

Each figure is the best of several rounds; the machine should have nothing else to do. The mailbox is one of the model
classes with Message objects, of which a sixth is unseen. Mails have a header of 1 kB and a body of 2 kB, every other
one encoded; the string of a search is in none of them, so that nothing is left out.
"""

from __future__ import annotations

import base64
import random
import time
from datetime import UTC, datetime, timedelta

from netimap.mailbox import Mailbox
from netimap.message import Message
from netimap.search import compile_search
from netimap.view import View
from netimap.wire.reader import tokenize

SIZES = (1_000, 10_000, 100_000)
#: columns only: in every mailbox
CHEAP = ("ALL", "UID 500:900", "UNSEEN", "UNSEEN UNDELETED NOT KEYWORD $Later", "SINCE 1-Feb-2026", "LARGER 3000")
#: these read each message: not in the largest
DEAR = (
    "SUBJECT zebra",
    "OR FROM zebra TO zebra",
    "HEADER Message-ID zebra",
    "SENTSINCE 1-Jan-2027",
    "BODY zebra",
    "TEXT zebra",
)
WORDS = (
    "meeting",
    "budget",
    "invoice",
    "server",
    "release",
    "patch",
    "report",
    "contract",
    "review",
    "Grüße",
    "the",
    "of",
)


def mails(count: int) -> list[bytes]:
    """Messages, plain and encoded."""
    rng = random.Random(1)
    made = []
    for number in range(count):
        text = "\r\n".join(" ".join(rng.choices(WORDS, k=10)) for _ in range(30))
        received = b"".join(
            b"Received: from mx%d.example.com (mx%d.example.com [192.0.2.%d])\r\n\tby in.example.org with ESMTPS id"
            b" 4F2A91C0%d;\r\n\tThu,  1 Jan 2026 12:00:00 +0000\r\n" % ((hop,) * 4)
            for hop in range(4)
        )
        header = received + (
            b"From: Anna Schmidt <anna@example.com>\r\nTo: Bernd Jones <bernd@example.org>, dev@list.example\r\n"
            b"Date: Thu, 1 Jan 2026 12:00:00 +0000\r\nMessage-ID: <%d@example.com>\r\nMIME-Version: 1.0\r\n"
            b"X-Spam-Status: No, score=-1.9 required=5.0\r\n" % number
        )
        if number % 2:
            header += b"Subject: =?utf-8?B?%b?=\r\n" % base64.b64encode(text[:40].encode())
            header += b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            made.append(header + base64.encodebytes(text.encode()).replace(b"\n", b"\r\n"))
        else:
            header += b"Subject: Quarterly report, final version\r\nContent-Type: text/plain\r\n\r\n"
            made.append(header + text.replace("ü", "u").encode())
    return made


def make_view(size: int) -> View:
    """A view of a mailbox of that size. The octets of messages are shared by a thousand at most."""
    octets = mails(1000)
    mailbox = Mailbox(name="INBOX", uidnext=1)
    for number in range(size):
        message = Message(octets[number % 1000])
        date = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
        mailbox.add_message(message.load([] if number % 6 == 0 else ["\\Seen"], date))
    return View(mailbox)


def measure(view: View, query: str) -> float:
    """Seconds for one search, the best of some."""
    best = float("inf")
    program = compile_search(tokenize([query.encode()]))
    for _ in range(3):
        started = time.perf_counter()
        program.run(view, lambda: None)
        best = min(best, time.perf_counter() - started)
    return best


def main() -> None:
    """Print the table."""
    views = [make_view(size) for size in SIZES]
    print(f"{'µs a message':40}" + "".join(f"{size:>12,}" for size in SIZES) + f"{'ms in all':>12}")
    for query in CHEAP + DEAR:
        measured = views if query in CHEAP else views[:-1]
        seconds = [measure(view, query) for view in measured]
        figures = [f"{taken / view.exists * 1e6:12.3f}" for taken, view in zip(seconds, measured, strict=True)]
        figures += [" " * 12] * (len(views) - len(measured))
        print(f"{query:40}" + "".join(figures) + f"{seconds[-1] * 1e3:12.2f}")


if __name__ == "__main__":
    main()
