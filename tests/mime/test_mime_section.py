"""BODY[…] sections (RFC 3501 6.4.5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mime_samples import crlf, mail_octets

from netimap.mime import find_part, part_range, scan, section

# the message of RFC 3501 6.4.5's example
SAMPLE = crlf("""
Subject: outermost
Content-Type: multipart/mixed; boundary=a

--a

body 1
--a
Content-Type: application/octet-stream

body 2
--a
Content-Type: message/rfc822
X-Part: 3

Subject: inner 3
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

body 3.1
--b
Content-Type: application/octet-stream

body 3.2
--b--
epilogue 3
--a
Content-Type: multipart/mixed; boundary=c

--c
Content-Type: image/gif
X-Part: 4.1

body 4.1
--c
Content-Type: message/rfc822

Subject: inner 4.2
Content-Type: multipart/mixed; boundary=d

--d

body 4.2.1
--d
Content-Type: multipart/alternative; boundary=e

--e

body 4.2.2.1
--e
Content-Type: text/richtext

body 4.2.2.2
--e--
--d--
--c--
--a--
epilogue
""")
ROOT = scan(SAMPLE)
PLAIN = crlf("Subject: plain\nContent-Type: text/html\n\n<p>\n")
WRAPPED = crlf("Subject: outer\nContent-Type: message/rfc822\n\nSubject: inner\n\nbody\n")


def between(start: str, end: str) -> bytes:
    data = SAMPLE.decode()
    position = data.index(start.replace("\n", "\r\n"))
    return data[position : data.index(end.replace("\n", "\r\n"), position)].encode()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((1,), b"body 1"),
        ((2,), b"body 2"),
        ((3,), between("Subject: inner 3", "\n--a\nContent-Type: multipart/mixed")),
        ((3, 1), b"body 3.1"),
        ((3, 2), b"body 3.2"),
        ((4,), between("--c\n", "\n--a--")),
        ((4, 1), b"body 4.1"),
        ((4, 2), between("Subject: inner 4.2", "\n--c--")),
        ((4, 2, 1), b"body 4.2.1"),
        ((4, 2, 2), between("--e\n", "\n--d--")),
        ((4, 2, 2, 1), b"body 4.2.2.1"),
        ((4, 2, 2, 2), b"body 4.2.2.2"),
        ((), SAMPLE),
    ],
)
def test_parts(path: tuple[int, ...], expected: bytes) -> None:
    assert section(SAMPLE, ROOT, path, None) == expected
    start, end = part_range(ROOT, path, None) or (0, 0)
    assert SAMPLE[start:end] == expected


@pytest.mark.parametrize(
    ("path", "what", "expected"),
    [
        ((), "HEADER", between("Subject: outermost", "--a\n")),
        ((), "TEXT", SAMPLE[SAMPLE.index(b"--a\r\n") :]),
        ((3,), "HEADER", between("Subject: inner 3", "--b\n")),
        ((3,), "TEXT", between("--b\nContent-Type: text/plain", "\n--a\nContent-Type: multipart/mixed")),
        ((4, 2), "header", between("Subject: inner 4.2", "--d\n")),
        ((4, 2), "Text", between("--d\n", "\n--c--")),
        ((1,), "MIME", b"\r\n"),
        ((3,), "MIME", b"Content-Type: message/rfc822\r\nX-Part: 3\r\n\r\n"),
        ((3, 1), "MIME", b"Content-Type: text/plain\r\n\r\n"),
        ((4, 1), "mime", b"Content-Type: image/gif\r\nX-Part: 4.1\r\n\r\n"),
        ((4, 2, 2, 2), "MIME", b"Content-Type: text/richtext\r\n\r\n"),
    ],
)
def test_specifiers(path: tuple[int, ...], what: str, expected: bytes) -> None:
    assert section(SAMPLE, ROOT, path, what) == expected


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ((0,), None),
        ((5,), None),
        ((-1,), None),
        ((1, 1), None),
        ((3, 3), None),
        ((3, 1, 1), None),
        ((4, 2, 2, 3), None),
        ((9, 9, 9), None),
        # RFC 3501 6.4.5: these need a message/rfc822 part
        ((1,), "HEADER"),
        ((1,), "TEXT"),
        ((4,), "HEADER"),
        ((4,), "HEADER.FIELDS"),
        # and this one a part number
        ((), "MIME"),
        ((9,), "MIME"),
        ((1,), "NONSENSE"),
    ],
)
def test_no_such_section(path: tuple[int, ...], what: str | None) -> None:
    assert section(SAMPLE, ROOT, path, what, (b"Subject",)) is None
    assert part_range(ROOT, path, what) is None


def test_header_fields() -> None:
    assert section(SAMPLE, ROOT, (), "HEADER.FIELDS", (b"SUBJECT", b"Date")) == b"Subject: outermost\r\n\r\n"
    assert section(SAMPLE, ROOT, (3,), "header.fields", (b"subject",)) == b"Subject: inner 3\r\n\r\n"
    assert section(SAMPLE, ROOT, (3,), "HEADER.FIELDS", (b"date",)) == b"\r\n"
    not_subject = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    assert section(SAMPLE, ROOT, (3,), "HEADER.FIELDS.NOT", (b"subject",)) == not_subject


def test_message_that_is_no_multipart() -> None:
    """RFC 3501 6.4.5: "non-multipart messages with no encapsulated message only have a part 1"."""
    root = scan(PLAIN)
    assert section(PLAIN, root, (1,), None) == b"<p>\r\n"
    assert section(PLAIN, root, (1,), "MIME") == PLAIN[: root.header_end]
    assert section(PLAIN, root, (), "TEXT") == b"<p>\r\n"
    assert section(PLAIN, root, (2,), None) is None
    assert section(PLAIN, root, (1, 1), None) is None
    assert section(PLAIN, root, (1,), "HEADER") is None


def test_message_that_is_a_message() -> None:
    """Part 1 is the message/rfc822 part, below it are the parts of the message within."""
    root = scan(WRAPPED)
    assert section(WRAPPED, root, (1,), None) == b"Subject: inner\r\n\r\nbody\r\n"
    assert section(WRAPPED, root, (1,), "HEADER") == b"Subject: inner\r\n\r\n"
    assert section(WRAPPED, root, (1,), "TEXT") == b"body\r\n"
    assert section(WRAPPED, root, (1,), "MIME") == WRAPPED[: root.header_end]
    assert section(WRAPPED, root, (1, 1), None) == b"body\r\n"
    assert section(WRAPPED, root, (1, 1), "MIME") == b"Subject: inner\r\n\r\n"
    assert section(WRAPPED, root, (), "HEADER") == WRAPPED[: root.header_end]
    assert section(WRAPPED, root, (1, 2), None) is None
    assert section(WRAPPED, root, (1, 1, 1), None) is None


def test_part_of_an_empty_multipart() -> None:
    data = b"Content-Type: multipart/mixed; boundary=b\r\n\r\nno delimiter\r\n"
    root = scan(data)
    assert section(data, root, (1,), None) == b"no delimiter\r\n"
    assert section(data, root, (1,), "MIME") == b""


def test_header_without_a_blank_line() -> None:
    data = b"A: 1\r\nB: 2\r\n"
    root = scan(data)
    assert section(data, root, (), "HEADER") == data
    assert section(data, root, (), "TEXT") == b""
    assert section(data, root, (), "HEADER.FIELDS", (b"b",)) == b"B: 2\r\n"


@given(mail_octets, st.lists(st.integers(1, 3), max_size=4).map(tuple))
def test_header_and_text_are_the_message(data: bytes, path: tuple[int, ...]) -> None:
    root = scan(data)
    header, text = section(data, root, path, "HEADER"), section(data, root, path, "TEXT")
    whole = section(data, root, path, None)
    assert (header is None) == (text is None)
    if header is not None and text is not None:
        assert header + text == whole
    if path:
        assert (section(data, root, path, "MIME") is None) == (whole is None) == (find_part(root, path) is None)
