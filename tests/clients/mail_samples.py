"""Messages that a careless server, store or client would change, by name; all lines end in CRLF."""

import base64
import random
import re

_HEADER = (
    b"From: Anna Schmidt <anna@example.org>\r\nTo: bernd@example.com\r\nDate: Thu, 1 Jan 2026 12:00:00 +0100\r\n"
    b"Message-ID: <%b@example.org>\r\nSubject: %b\r\nMIME-Version: 1.0\r\n"
)


def header(name, subject=None):
    """The header without its last, empty line."""
    return _HEADER % (name.encode(), subject or name.encode())


def simple(name, subject=None):
    """A small message in plain ASCII."""
    return header(name, subject) + b"\r\nHello,\r\n\r\nthis is " + name.encode() + b".\r\n"


def attachment(name, size):
    """Text with an attachment of `size` random octets, base64."""
    octets = random.Random(size).randbytes(size)
    return (
        header(name)
        + b'Content-Type: multipart/mixed; boundary="=_limit"\r\n\r\nThis is a multi-part message.\r\n'
        + b"--=_limit\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSee below.\r\n--=_limit\r\n"
        + b'Content-Type: application/octet-stream; name="data.bin"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + base64.encodebytes(octets).replace(b"\n", b"\r\n")
        + b"--=_limit--\r\n"
    )


SAMPLES = {
    "plain": simple("plain"),
    "latin-1": header("latin-1")
    + b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    + "Grüße aus Köln, ça va?\r\n".encode("latin-1"),
    "utf-8": header("utf-8", "Grüße 日本語".encode())
    + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    + "日本語, naïve, 🎈\r\n".encode(),
    "every-octet": header("every-octet")
    + b"Content-Transfer-Encoding: 8bit\r\n\r\n"
    # RFC 3501 9: a CHAR8 is anything but NUL; CR and LF come as line ends alone
    + bytes(octet for octet in range(1, 256) if octet not in b"\r\n") * 3
    + b"\r\n",
    "long-lines": header("long-lines") + b"\r\n" + (b"x" * 20_000 + b"\r\n") * 3,
    "long-header": header("long-header")
    + b"References:"
    + b"".join(b"\r\n <%d@example.org>" % number for number in range(300))
    + b"\r\n\r\nbody\r\n",
    "dots": header("dots") + b"\r\n.\r\n..\r\n.dot\r\n\r\n.\r\n",
    "from-lines": header("from-lines") + b"\r\nFrom here on\r\n>From there\r\n",
    "spaces-at-line-ends": header("spaces-at-line-ends") + b"\r\n-- \r\n \t\r\ntext \r\n",
    "no-newline-at-the-end": header("no-newline-at-the-end") + b"\r\nthe end",
    "empty-lines-at-the-end": header("empty-lines-at-the-end") + b"\r\ntext\r\n\r\n\r\n\r\n",
    "empty-body": header("empty-body") + b"\r\n",
    "looks-like-imap": header("looks-like-imap") + b"\r\na1 OK done\r\n* 1 EXPUNGE\r\n)\r\n{5}\r\nx LOGOUT\r\n",
    "attachment": attachment("attachment", 30_000),
    "megabyte": attachment("megabyte", 750_000),
}


def name_of(message):
    """The name of a sample, by its Message-ID."""
    return re.search(rb"^Message-ID: <([^@]+)@", message, re.MULTILINE)[1].decode()


def differing(expected, found):
    """Names of the messages that are not in `found` just as `expected` (name → octets) has them, or are there twice.

    To be compared with []: what pytest would show of a megabyte that differs takes too long.
    """
    by_name = {}
    for message in found:
        by_name.setdefault(name_of(message), []).append(message)
    names = sorted(expected.keys() | by_name.keys())
    return [name for name in names if by_name.get(name) != ([expected[name]] if name in expected else None)]
