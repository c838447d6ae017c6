"""The scanner: trees, offsets, line counts, and broken mail (RFC 2045, RFC 2046)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mime_samples import bodies, crlf, mail_octets, tree

from netimap.mime import Part, bodystructure, envelope, header_end, scan, scanner, searchable_headers, text_parts, walk
from netimap.wire.writer import format_value

# RFC 2046 5.1.1, the example of a multipart with an implicit and an explicit text part
RFC_2046 = crlf("""
From: Nathaniel Borenstein <nsb@bellcore.com>
To: Ned Freed <ned@innosoft.com>
Date: Sun, 21 Mar 1993 23:56:48 -0800 (PST)
Subject: Sample message
MIME-Version: 1.0
Content-type: multipart/mixed; boundary="simple boundary"

This is the preamble.  It is to be ignored.

--simple boundary

This is implicitly typed plain US-ASCII text.
It does NOT end with a linebreak.
--simple boundary
Content-type: text/plain; charset=us-ascii

This is explicitly typed plain US-ASCII text.
It DOES end with a linebreak.

--simple boundary--

This is the epilogue.  It is also to be ignored.
""")

MIXED = "Content-Type: multipart/mixed; boundary=outer\n\n"


def test_rfc_2046_example() -> None:
    root = scan(RFC_2046)
    assert tree(root) == ["multipart/mixed", "text/plain", "text/plain"]
    first, second = bodies(RFC_2046, root)
    assert first.endswith(b"It does NOT end with a linebreak.")
    assert second.endswith(b"It DOES end with a linebreak.\r\n")
    # line ends are counted: the line break before a delimiter line is the delimiter's
    assert [part.lines for part in root.children] == [1, 2]
    assert root.children[0].params == [(b"charset", b"us-ascii")]
    assert RFC_2046[root.children[0].header_start : root.children[0].header_end] == b"\r\n"
    assert RFC_2046[root.header_end : root.body_end].startswith(b"This is the preamble.")
    assert RFC_2046[root.header_end : root.body_end].endswith(b"to be ignored.\r\n")


def test_all_fields_of_a_part() -> None:
    part = scan(
        crlf("""
content-TYPE: Image/PNG; Name="a \\"b\\".png";
\tX=y
Content-Transfer-Encoding: BASE64 (of course)
Content-ID: <part1@example.org>
Content-Description: a
  picture
Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==
Content-Disposition: ATTACHMENT; filename="a.png"; size=3
Content-Language: de, en (English) ,fr
Content-Location: http://example.org/a.png
Content-ID: <second@example.org>

AAAA
""")
    )
    assert (part.type, part.subtype, part.content_type) == (b"Image", b"PNG", b"image/png")
    assert part.params == [(b"Name", b'a "b".png'), (b"X", b"y")]
    assert part.param(b"name") == b'a "b".png'
    assert part.encoding == b"BASE64"
    assert part.id == b"<part1@example.org>"
    assert part.description == b"a  picture"
    assert part.md5 == b"Q2hlY2sgSW50ZWdyaXR5IQ=="
    assert part.disposition == (b"ATTACHMENT", [(b"filename", b"a.png"), (b"size", b"3")])
    assert part.language == [b"de", b"en", b"fr"]
    assert part.location == b"http://example.org/a.png"
    assert part.lines == 0


def test_defaults_rfc_2045_5_2() -> None:
    part = scan(b"Subject: x\r\n\r\nbody\r\n")
    assert (part.type, part.subtype, part.params) == (b"text", b"plain", [(b"charset", b"us-ascii")])
    assert (part.encoding, part.lines, part.disposition, part.id) == (b"7bit", 1, None, None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text/html", "text/html"),
        ("TEXT / HTML ; charset=x", "text/html"),
        ("text", "text/plain"),
        ("", "text/plain"),
        ("/", "text/plain"),
        ("text/", "text/plain"),
        ("/html", "text/plain"),
        ("(comment) text/(c)html", "text/plain"),
        ("(comment) text/html (c)", "text/html"),
        ("\xe4\xf6/x", "text/plain"),
        ("multipart/mixed", "text/plain"),
        ("multipart/mixed; boundary=", "text/plain"),
        ('multipart/mixed; boundary="  "', "text/plain"),
        ("multipart/mixed; boundary=" + "b" * 999, "text/plain"),
        ("application/x-thing; no parameters; at=all", "application/x-thing"),
    ],
)
def test_odd_content_types(value: str, expected: str) -> None:
    assert tree(scan(b"Content-Type: " + value.encode("latin-1") + b"\r\n\r\n--\r\nx\r\n")) == expected


BROKEN: list[tuple[str, str, Any, list[str]]] = [
    (
        "no closing delimiter",
        MIXED + "--outer\n\none\n--outer\n\ntwo\n",
        ["multipart/mixed", "text/plain", "text/plain"],
        ["one", "two\n"],
    ),
    (
        "cut within the last delimiter line",
        MIXED + "--outer\n\none\n--outer",
        ["multipart/mixed", "text/plain", "text/plain"],
        ["one", ""],
    ),
    (
        "closing delimiter without a line break",
        MIXED + "--outer\n\none\n--outer--",
        ["multipart/mixed", "text/plain"],
        ["one"],
    ),
    (
        "white space after the boundary (RFC 2046 5.1.1 transport-padding)",
        MIXED + "--outer \t\n\none\n--outer-- \n",
        ["multipart/mixed", "text/plain"],
        ["one"],
    ),
    (
        "boundary in the header with a space at its end",
        'Content-Type: multipart/mixed; boundary="outer "\n\n--outer\n\none\n--outer--\n',
        ["multipart/mixed", "text/plain"],
        ["one"],
    ),
    (
        "the delimiter never comes: all is readable",
        MIXED + "lost text\n",
        ["multipart/mixed", "text/plain"],
        ["lost text\n"],
    ),
    ("no part but a closing delimiter", MIXED + "preamble\n--outer--\n", ["multipart/mixed", "text/plain"], [""]),
    ("no body at all", MIXED.rstrip("\n") + "\n", ["multipart/mixed", "text/plain"], [""]),
    (
        "inner boundary begins with the outer",
        MIXED
        + "--outer\nContent-Type: multipart/alternative; boundary=outer-2\n\n"
        + "--outer-2\n\none\n--outer-2\n\ntwo\n--outer-2--\n--outer\n\nthree\n--outer--\n",
        ["multipart/mixed", ["multipart/alternative", "text/plain", "text/plain"], "text/plain"],
        ["one", "two", "three"],
    ),
    (
        "outer boundary is the inner one and two hyphens",
        "Content-Type: multipart/mixed; boundary=b--\n\n"
        + "--b--\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n\ntwo\n--b----\n",
        ["multipart/mixed", ["multipart/mixed", "text/plain"], "text/plain"],
        ["one", "two"],
    ),
    (
        "the same boundary within itself: the inner one is meant",
        MIXED
        + "--outer\nContent-Type: multipart/mixed; boundary=outer\n\n"
        + "--outer\n\none\n--outer--\n--outer\n\ntwo\n--outer--\n",
        ["multipart/mixed", ["multipart/mixed", "text/plain"], "text/plain"],
        ["one", "two"],
    ),
    (
        "inner multipart ended by the outer boundary",
        MIXED
        + "--outer\nContent-Type: multipart/alternative; boundary=inner\n\n--inner\n\none\n--outer\n\ntwo\n--outer--\n",
        ["multipart/mixed", ["multipart/alternative", "text/plain"], "text/plain"],
        ["one", "two"],
    ),
    (
        "closed inner delimiters are text",
        MIXED
        + "--outer\nContent-Type: multipart/alternative; boundary=inner\n\n--inner\n\none\n--inner--\n"
        + "--outer\n\n--inner\ntwo\n--outer--\n",
        ["multipart/mixed", ["multipart/alternative", "text/plain"], "text/plain"],
        ["one", "--inner\ntwo"],
    ),
    (
        "delimiters in the epilogue are text",
        MIXED + "--outer\n\none\n--outer--\n--outer\n\ntwo\n",
        ["multipart/mixed", "text/plain"],
        ["one"],
    ),
    (
        "part without a header and without a body",
        MIXED + "--outer\n--outer\n\n--outer\nX: y\n--outer--\n",
        ["multipart/mixed", "text/plain", "text/plain", "text/plain"],
        ["", "", ""],
    ),
    (
        "header of a part ended by a delimiter",
        MIXED + "--outer\nContent-Type: text/html\n--outer\n\ntwo\n--outer--\n",
        ["multipart/mixed", "text/html", "text/plain"],
        ["", "two"],
    ),
    (
        "text straight after the delimiter: no header",
        MIXED + "--outer\nHello there,\nContent-Type: a/b\n\none\n--outer\n folded\n--outer--\n",
        ["multipart/mixed", "text/plain", "text/plain"],
        ["Hello there,\nContent-Type: a/b\n\none", " folded"],
    ),
    (
        "header fields, then text without a blank line",
        MIXED + "--outer\nContent-Type: text/html;\ncharset=x\nContent-ID: y\n\none\n--outer--\n",
        ["multipart/mixed", "text/html"],
        ["one"],
    ),
    (
        "message without a blank line, ended by a delimiter",
        MIXED + "--outer\nContent-Type: message/rfc822\n\nSubject: x\n--outer\n\ntwo\n--outer--\n",
        ["multipart/mixed", ("message/rfc822", "text/plain"), "text/plain"],
        ["", "two"],
    ),
    (
        "delimiters within an encapsulated message end it",
        MIXED + "--outer\nContent-Type: message/rfc822\n\nSubject: x\n\none\n--outer--\n",
        ["multipart/mixed", ("message/rfc822", "text/plain")],
        ["one"],
    ),
    (
        "digest: message/rfc822 is the default (RFC 2046 5.1.5)",
        "Content-Type: multipart/digest; boundary=outer\n\n--outer\n\nSubject: 1\n\none\n"
        + "--outer\nContent-Type: text/plain\n\ntwo\n--outer\nContent-Type: ???\n\nthree\n--outer--\n",
        ["multipart/digest", ("message/rfc822", "text/plain"), "text/plain", "text/plain"],
        ["one", "two", "three"],
    ),
    (
        "base64 on a multipart means nothing (RFC 2045 6.4)",
        "Content-Transfer-Encoding: base64\n" + MIXED + "--outer\n\none\n--outer--\n",
        ["multipart/mixed", "text/plain"],
        ["one"],
    ),
    (
        "a message in base64 is opaque",
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: BASE64\n\nU3ViamVjdDogeA0KDQo=\n",
        "application/octet-stream",
        ["U3ViamVjdDogeA0KDQo=\n"],
    ),
    (
        "message/global has a message too (RFC 6532 3.7)",
        "Content-Type: message/global\n\nSubject: \xe4\n\none\n",
        ("message/global", "text/plain"),
        ["one\n"],
    ),
    ("header only, no blank line", "Subject: x\nContent-Type: text/html", "text/html", [""]),
    ("header only, with its line break", "Subject: x\nContent-Type: text/html\n", "text/html", [""]),
    ("body only", "\nContent-Type: text/html\n", "text/plain", ["Content-Type: text/html\n"]),
    ("nothing", "", "text/plain", [""]),
    (
        "lines without a colon, mbox line, 8-bit names",
        "From me Thu Jan  1 00:00:00 2026\nno colon\n continued\n\xc4: x\nContent-Type: text/html\n\none\n",
        "text/html",
        ["one\n"],
    ),
    ("field in the first line, folded", "Content-Type:\n text/html;\n charset=x\n\none\n", "text/html", ["one\n"]),
    ("white space before the colon", "Content-Type : text/html\n\none\n", "text/html", ["one\n"]),
    (
        "two Content-Types: the first",
        "Content-Type: text/html\nContent-Type: image/png\n\none\n",
        "text/html",
        ["one\n"],
    ),
    (
        "a line of white space does not end the header",
        "X: y\n \nContent-Type: text/html\n\none\n",
        "text/html",
        ["one\n"],
    ),
    ("a field that only begins so", "Content-Typed: text/html\nX-Content-Type: a/b\n\none\n", "text/plain", ["one\n"]),
    (
        "unclosed quote around the boundary",
        'Content-Type: multipart/mixed; boundary="outer\n\n--outer\n\none\n--outer--\n',
        ["multipart/mixed", "text/plain"],
        ["one"],
    ),
    (
        "boundary in RFC 2231 pieces",
        "Content-Type: multipart/mixed; boundary*0=ou; boundary*1=ter\n\n--outer\n\none\n--outer--\n",
        ["multipart/mixed", "text/plain"],
        ["one"],
    ),
    (
        "boundary in the extended form",
        "Content-Type: multipart/mixed; boundary*=us-ascii'en'%6Futer\n\n--outer\n\none\n--outer--\n",
        ["multipart/mixed", "text/plain"],
        ["one"],
    ),
]


@pytest.mark.parametrize(("text", "types", "leaves"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
@pytest.mark.parametrize("line_break", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_broken_mail(text: str, types: Any, leaves: list[str], line_break: bytes) -> None:
    data = text.encode("latin-1").replace(b"\n", line_break)
    root = scan(data)
    assert tree(root) == types
    assert bodies(data, root) == [leaf.encode("latin-1").replace(b"\n", line_break) for leaf in leaves]
    check_offsets(data, root)


def test_lone_cr_ends_no_line() -> None:
    data = b"Subject: x\rContent-Type: text/html\r\rbody\r"
    root = scan(data)
    assert (root.content_type, root.header_end, root.lines) == (b"text/plain", len(data), 0)


def test_lines_of_messages_within_messages() -> None:
    inner = crlf("Subject: inner\n\n1\n2\n3\n")
    middle = crlf("Subject: middle\nContent-Type: message/rfc822\n\n") + inner
    data = crlf(MIXED + "--outer\nContent-Type: image/gif\n\nx\ny\n--outer\nContent-Type: message/rfc822\n\n") + middle
    data += crlf("--outer\nContent-Type: message/rfc822\n\nSubject: last\n\n1\n\n--outer--\n")
    first, second, third = scan(data).children
    assert first.lines == 0
    # the last line break of each belongs to the delimiter line
    assert [part.lines for part in walk(second)] == [8 - 1, 5 - 1, 3 - 1]
    assert third.lines == 3


def check_offsets(data: bytes, root: Part) -> None:
    """Offsets are in the data, parts within their parents and one behind the other, the tree fit for BODYSTRUCTURE."""
    assert (root.header_start, root.body_end) == (0, len(data))
    assert root.header_end == header_end(data)
    for part in walk(root):
        assert 0 <= part.header_start <= part.header_end <= part.body_end <= len(data)
        assert part.is_multipart == bool(part.children)
        assert (part.content_type in (b"message/rfc822", b"message/global")) == (part.message is not None)
        assert part.content_type == (part.type + b"/" + part.subtype).lower()
        position = part.header_end
        for child in part.children:
            assert position <= child.header_start
            assert child.body_end <= part.body_end
            position = child.body_end
        if part.message is not None:
            assert (part.header_end, part.body_end) == (part.message.header_start, part.message.body_end)
        if part.message is not None or part.is_text:
            assert part.lines == data.count(b"\n", part.header_end, part.body_end)


@given(mail_octets)
def test_any_octets(data: bytes) -> None:
    root = scan(data)
    check_offsets(data, root)
    format_value(bodystructure(root, data, True))
    format_value(bodystructure(root, data, False))
    format_value(envelope(data[: root.header_end]))
    searchable_headers(data[: root.header_end])
    for text in text_parts(data, root):
        text.encode("utf-8")


nested = st.recursive(
    st.sampled_from([b"\r\n", b"\r\nx\r\n", b"Content-Type: text/html\r\n\r\n<p>\r\n", b"X: y\r\n", b""]),
    lambda inner: (
        st.tuples(st.sampled_from([b"a", b"ab", b"a--"]), st.lists(inner, max_size=3), st.booleans()).map(
            lambda made: (
                b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n" % made[0]
                + b"".join(b"\r\n--%b\r\n%b" % (made[0], part) for part in made[1])
                + (b"\r\n--%b--\r\n" % made[0] if made[2] else b"")
            )
        )
        | inner.map(lambda message: b"Content-Type: message/rfc822\r\n\r\n" + message)
    ),
    max_leaves=12,
)


@given(nested)
def test_any_nesting(data: bytes) -> None:
    check_offsets(data, scan(data))


def test_nesting_limit() -> None:
    """FIELD-NOTES 4: 10^4 nested multiparts: beyond MAX_DEPTH the rest is one opaque part."""
    level = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    data = b"".join(level % (n, n) for n in range(10_000))
    root = scan(data)
    parts = list(walk(root))
    assert len(parts) == scanner.MAX_DEPTH + 1
    assert parts[-1].content_type == b"application/octet-stream"
    assert parts[-1].body_end == len(data)
    check_offsets(data, root)
    assert format_value(bodystructure(root, data, True)).endswith(b') "mixed" ("boundary" "b0") NIL NIL NIL)')


def test_message_limit() -> None:
    """FIELD-NOTES 4: message/rfc822 × 1000."""
    data = b"Content-Type: message/rfc822\r\n\r\n" * 1000
    root = scan(data)
    parts = list(walk(root))
    assert len(parts) == scanner.MAX_DEPTH + 1
    assert parts[-1].content_type == b"application/octet-stream"
    assert [part.lines for part in parts[:3]] == [1998, 1996, 1994]
    check_offsets(data, root)
    assert b"application" in format_value(bodystructure(root, data, True))


def test_part_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "MAX_PARTS", 4)
    data = crlf(MIXED + "--outer\n\none\n--outer\n\ntwo\n--outer\n\nthree\n--outer\n\nfour\n--outer--\n")
    root = scan(data)
    assert tree(root) == ["multipart/mixed", "text/plain", "text/plain", "application/octet-stream"]
    assert bodies(data, root)[2] == b"three\r\n--outer\r\n\r\nfour\r\n--outer--\r\n"


def test_limit_of_content_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "MAX_PART_OCTETS", 70)
    data = crlf(MIXED + "--outer\nContent-Type: text/html\n\none\n" * 5)
    assert tree(scan(data)) == ["multipart/mixed", "text/html", "text/html", "text/html", "application/octet-stream"]


def test_limit_of_false_delimiters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "MAX_FALSE_DELIMITERS", 3)
    data = crlf(MIXED + "--outer\n\none\n" + "--outer of none\n" * 4 + "--outer\n\ntwo\n--outer--\n")
    assert tree(scan(data)) == ["multipart/mixed", "text/plain"]
