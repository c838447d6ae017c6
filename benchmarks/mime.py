"""µs for each message of scan + ENVELOPE + BODYSTRUCTURE, next to the standard library's parser; and that it is linear.

    python benchmarks/mime.py

The standard library's column only parses (`email.message_from_bytes`): its Message has no sizes, lines or offsets, so a
BODYSTRUCTURE would cost it more. Each figure is the best of several rounds; the machine should have nothing else to do.
"""

from __future__ import annotations

import base64
import email
import random
import timeit
from collections.abc import Callable

from netimap.mime import bodystructure, envelope, scan

WORDS = (
    b"meeting budget invoice server release patch report contract review schedule travel ticket the of and to".split()
)


def header(content_type: bytes, subject: bytes = b"Quarterly report, final version") -> bytes:
    """A header as a mail has when it arrives: 2.3 kB, twenty fields, most of them by machines."""
    received = b"".join(
        b"Received: from mx%d.example.com (mx%d.example.com [192.0.2.%d])\r\n\tby in%d.example.org (Postfix) with"
        b" ESMTPS id 4F2A91C0%d\r\n\tfor <user@example.org>; Thu,  1 Jan 2026 12:00:0%d +0000 (UTC)\r\n" % ((n,) * 6)
        for n in range(5)
    )
    signature = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1;\r\n\th=from:to:subject;"
    signature += b"".join(b"\r\n\t %b" % base64.b64encode(bytes([n]) * 48) for n in range(4)) + b"\r\n"
    return (
        b"Return-Path: <anna@example.com>\r\n" + received + signature + b'From: "Schmidt, Anna" <anna@example.com>\r\n'
        b"To: Bernd Jones <bernd@example.org>,\r\n\tCarla Rossi <carla@example.net>, dev@list.example\r\n"
        b"Cc: Eva Novak <eva@mail.example>\r\nSubject: " + subject + b"\r\nDate: Thu, 1 Jan 2026 12:00:00 +0000\r\n"
        b"Message-ID: <5f3c9a8e.1234@example.com>\r\nIn-Reply-To: <5f3c9a8d.99@example.org>\r\n"
        b"References: <5f3c9a8c.7@example.org>\r\n\t<5f3c9a8d.99@example.org>\r\nMIME-Version: 1.0\r\n"
        b"X-Mailer: benchmark 1.0\r\nList-Id: <dev.list.example>\r\nX-Spam-Status: No, score=-1.9 required=5.0\r\n"
        b"Content-Type: " + content_type + b"\r\n\r\n"
    )


def text(size: int) -> bytes:
    """Lines of words."""
    rng = random.Random(size)
    lines = []
    while size > 0:
        lines.append(b" ".join(rng.choices(WORDS, k=10)) + b"\r\n")
        size -= len(lines[-1])
    return b"".join(lines)


def multipart(subtype: bytes, boundary: bytes, *parts: bytes) -> bytes:
    """A whole message of these parts."""
    delimiter = b"--" + boundary
    body = b"".join(delimiter + b"\r\n" + part + b"\r\n" for part in parts)
    return header(b'multipart/%b;\r\n\tboundary="%b"' % (subtype, boundary)) + body + delimiter + b"--\r\n"


def alternative(size: int = 4_500) -> bytes:
    """Plain text and HTML, 6.7 kB with its header."""
    return multipart(
        b"alternative",
        b"=_5f3c9a8e_alt",
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n" + text(size // 4),
        b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<html>\r\n"
        + text(size * 3 // 4),
    )


def attachment(size: int = 1_000_000) -> bytes:
    """Text and a PDF in base64."""
    return multipart(
        b"mixed",
        b"=_5f3c9a8e_mix",
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text(1_000),
        b'Content-Type: application/pdf; name="report.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
        b'Content-Disposition: attachment;\r\n\tfilename="report.pdf"\r\n\r\n'
        + base64.encodebytes(random.Random(1).randbytes(size * 3 // 4)).replace(b"\n", b"\r\n"),
    )


def forwarded() -> bytes:
    """Text, and a message that is itself multipart/alternative."""
    return multipart(
        b"mixed",
        b"=_5f3c9a8e_fwd",
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text(1_000),
        b"Content-Type: message/rfc822\r\nContent-Disposition: inline\r\n\r\n" + alternative(),
    )


def digest(parts: int) -> bytes:
    """A message of many small parts."""
    return multipart(b"mixed", b"=_many", *[b"Content-Type: text/plain; charset=utf-8\r\n\r\nshort"] * parts)


def describe(data: bytes) -> object:
    """What a server does with a new message."""
    root = scan(data)
    return envelope(data[: root.header_end]), bodystructure(root, data, True)


def microseconds(function: Callable[[bytes], object], data: bytes) -> float:
    """The best time of one call."""
    timer = timeit.Timer(lambda: function(data))
    number = max(1, int(0.05 / max(timer.timeit(1), 1e-6)))
    return min(timer.repeat(5, number)) / number * 1e6


def main() -> None:
    """Print the two tables."""
    print(f"{'message':<24}{'octets':>10}{'netimap':>10}{'email':>10}   (µs)")
    for name, data in [("alternative", alternative()), ("attachment", attachment()), ("forwarded", forwarded())]:
        ours, theirs = microseconds(describe, data), microseconds(email.message_from_bytes, data)
        print(f"{name:<24}{len(data):>10}{ours:>10.0f}{theirs:>10.0f}")
    print(f"\n{'linear: attachment of':<24}{'octets':>10}{'netimap':>10}{'ns/octet':>10}")
    for size in (1_000_000, 2_000_000, 4_000_000, 8_000_000):
        data = attachment(size)
        ours = microseconds(describe, data)
        print(f"{size:<24}{len(data):>10}{ours:>10.0f}{ours / len(data) * 1000:>10.2f}")
    print(f"\n{'linear: parts':<24}{'octets':>10}{'netimap':>10}{'µs/part':>10}")
    for parts in (1_000, 2_000, 4_000, 8_000):
        data = digest(parts)
        ours = microseconds(describe, data)
        print(f"{parts:<24}{len(data):>10}{ours:>10.0f}{ours / parts:>10.2f}")


if __name__ == "__main__":
    main()
