"""Mail made to hurt (FIELD-NOTES 4): whatever is done with it takes time by its size, and the stack stays flat.

The bounds are some ten times what a slow machine takes: what is quadratic takes minutes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from mime_samples import PIECES

from netimap.mime import (
    bodystructure,
    decode_header,
    envelope,
    fold,
    parse_date,
    scan,
    searchable_headers,
    section,
    select_fields,
    text_parts,
    walk,
)
from netimap.wire.writer import format_value

#: seconds for all that can be done with one message
BOUND_S = 3.0
TYPE = b"Content-Type: "
MIXED = TYPE + b"multipart/mixed; boundary=b\r\n\r\n"
TEXT = TYPE + b"text/plain; charset=%b\r\nContent-Transfer-Encoding: %b\r\n\r\n"

HOSTILE = {
    "10^4 nested multiparts": lambda: b"".join(
        TYPE + b"multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(10_000)
    ),
    "10^4 nested multiparts with one boundary": lambda: (MIXED + b"--b\r\n") * 10_000,
    "10^5 siblings": lambda: MIXED + b"--b\r\n\r\nx\r\n" * 100_000,
    "10^5 messages": lambda: TYPE + b"multipart/digest; boundary=b\r\n\r\n" + b"--b\r\n\r\nTo: a@b\r\n\r\n" * 100_000,
    "message/rfc822 x 1000": lambda: (TYPE + b"message/rfc822\r\n\r\n") * 1000 + b"\r\n" * 1_000_000,
    "10^6 addresses": lambda: b"To: " + b", ".join(b"Name <a%d@b>" % n for n in range(1_000_000)) + b"\r\n\r\n",
    "10^6 To fields": lambda: b"To: a@b\r\n" * 1_000_000 + b"\r\n",
    "10 MB folded Subject": lambda: b"Subject: " + b"x\r\n " * 2_500_000 + b"\r\n\r\n",
    "10^5 RFC 2231 pieces": lambda: (
        TYPE + b"a/b;" + b"".join(b" n*%d*=%%20;\r\n" % n for n in range(100_000)) + b"\r\n"
    ),
    "pieces in many parts": lambda: MIXED + (b"--b\r\n" + TYPE + b"a/b" + b"; x*0=y" * 300 + b"\r\n\r\n") * 600,
    "comments in Content-Type": lambda: MIXED + (b"--b\r\n" + TYPE + b" " + b"(" * 20_000 + b"\r\n\r\n") * 100,
    "fields without end": lambda: b"a:\n" * 500_000,
    "header without a colon": lambda: b"a\n" * 500_000,
    "Content-ID again and again": lambda: b"Content-ID:\n" * 200_000,
    "no blank line in any part": lambda: MIXED + b"--b\r\nX: y\r\n" * 100_000,
    "no blank line in any message": lambda: MIXED + (b"--b\r\n" + TYPE + b"message/rfc822\r\n") * 100_000,
    "almost delimiters": lambda: MIXED + b"--b\r\n\r\n" + b"--b-\r\n" * 500_000,
    "almost the same boundaries": lambda: (
        b"".join(
            TYPE + b"multipart/mixed; boundary=%b%d\r\n\r\n--%b%d\r\n" % (b"b" * 60, n, b"b" * 60, n) for n in range(99)
        )
        + (b"\r\n--" + b"b" * 60) * 50_000
    ),
    "one line": lambda: MIXED + b"--" + b"b" * 10_000_000,
    "encoded-words": lambda: b"Subject: " + b"=?utf-8?q?x?= " * 300_000 + b"\r\n\r\n",
    "halves of encoded-words": lambda: b"Subject: " + b"=?a?q?" * 500_000 + b"=?" * 1_000_000 + b"\r\n\r\n",
    "combining marks": lambda: TEXT % (b"utf-8", b"8bit") + "\u0301\u0316".encode() * 500_000,
    "quoted-printable": lambda: TEXT % (b"utf-8", b"quoted-printable") + b"=\r" * 2_000_000,
    "base64": lambda: TEXT % (b"utf-8", b"base64") + b"=A" * 2_000_000,
    "utf-7": lambda: TEXT % (b"utf-7", b"8bit") + b"+\xff" * 1_000_000,
    "idna": lambda: TEXT % (b"idna", b"8bit") + b"xn--" + b"a" * 1_000_000,
    **{
        f"address fields of {garbage!r}": lambda garbage=garbage: b"".join(
            name + b": " + garbage * (300_000 // len(garbage)) + b"\r\n"
            for name in (b"From", b"Sender", b"Reply-To", b"To", b"Cc", b"Bcc")
        )
        for garbage in (
            b"<",
            b">",
            b"(",
            b"()",
            b'"',
            b'"\\',
            b'\\"',
            b"[",
            b"a:;",
            b"@",
            b"a<(",
            b",",
            b'" x "a\\b" <',
            b"a b ",
        )
    },
}


@contextmanager
def shallow_stack() -> Iterator[None]:
    """Room for what nests as deep as MAX_DEPTH allows, and for nothing that nests deeper."""
    depth = 0
    frame = sys._getframe()
    while frame := frame.f_back:
        depth += 1
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 600)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail(name: str) -> None:
    data = HOSTILE[name]()
    start = time.process_time()
    with shallow_stack():
        root = scan(data)
        header = data[: root.header_end]
        sent = format_value(envelope(header)) + format_value(bodystructure(root, data, True))
        section(data, root, (1,) * 200, None)
        select_fields(header, [b"to"], exclude=True)
        searchable_headers(header)
        for text in text_parts(data, root):
            fold(text)
        count = sum(1 for _ in walk(root))
    assert time.process_time() - start < BOUND_S
    assert count <= 10_001
    # nothing grows: what is sent of a message is not much more than the message
    assert len(sent) < 2_000_000 + len(data)


@pytest.mark.parametrize("piece", PIECES)
def test_the_same_again_and_again(piece: bytes) -> None:
    """Ten times as much takes no more than some ten times as long, whatever it is."""

    def seconds(times: int) -> float:
        data = b"To: " + piece * times + b"\r\n\r\n" + MIXED + b"--b\r\n" + piece * times
        start = time.process_time()
        root = scan(data)
        bodystructure(root, data, True)
        envelope(data)
        decode_header(piece * times)
        parse_date(piece * times)
        fold("".join(text_parts(data, root)))
        return time.process_time() - start

    small = max(seconds(1_000), 0.002)
    assert seconds(10_000) < 60 * small
