"""Header fields: finding, unfolding, selecting (RFC 5322 2.2, RFC 3501 6.4.5); structured values (RFC 2045, 2231)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mime_samples import crlf, mail_octets

from netimap.mime import get, header, header_end, header_fields, select_fields, unfold
from netimap.mime.header import strip_comments
from netimap.mime.parameters import MAX_PARAMETERS, parameter, parse_disposition, parse_media_type

HEADER = crlf("""
From someone Thu Jan  1 00:00:00 2026
Received: one
\tand more: of it
Subject : folded
  twice
\there
no colon
 and its continuation
X-\xc4: 8-bit name
x-empty:
RECEIVED: two

""")


def test_header_fields() -> None:
    assert header_fields(HEADER) == [
        (b"Received", b" one\r\n\tand more: of it"),
        (b"Subject", b" folded\r\n  twice\r\n\there"),
        (b"x-empty", b""),
        (b"RECEIVED", b" two"),
    ]
    assert header_fields(b"") == []


def test_get_is_the_first_unfolded() -> None:
    assert get(HEADER, b"received") == b"one\tand more: of it"
    assert get(HEADER, b"SUBJECT") == b"folded  twice\there"
    assert get(HEADER, b"X-Empty") == b""
    assert get(HEADER, b"X-Emp") is None


def test_unfold_keeps_white_space_within() -> None:
    # RFC 5322 2.2.3: only the line break goes
    assert unfold(b" a\r\n b\n\tc \r\n ") == b"a b\tc"
    assert unfold(b"\ra\rb\r") == b"a\rb"


def test_header_end() -> None:
    assert header_end(HEADER + b"body\r\n\r\nmore") == len(HEADER)
    assert header_end(b"\r\nbody") == 2
    assert header_end(b"\nbody") == 1
    assert header_end(b"A: b\n\r\nbody") == 7
    assert header_end(b"A: b\r\n") == 6
    assert header_end(b"") == 0


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        ([b"SUBJECT"], b"Subject : folded\r\n  twice\r\n\there\r\n\r\n"),
        (
            [b"received", b"Subject"],
            b"Received: one\r\n\tand more: of it\r\nSubject : folded\r\n  twice\r\n\there\r\nRECEIVED: two\r\n\r\n",
        ),
        ([b"X-Empty", b"x-empty"], b"x-empty:\r\n\r\n"),
        # RFC 3501 6.4.5: the blank line is there whatever is selected
        ([b"Date", b"Rec", b"Received:"], b"\r\n"),
        ([], b"\r\n"),
    ],
)
def test_select_fields(names: list[bytes], kept: bytes) -> None:
    assert select_fields(HEADER, names) == kept


def test_select_fields_not() -> None:
    left = select_fields(HEADER, [b"received", b"x-empty"], exclude=True)
    assert left == crlf("""
From someone Thu Jan  1 00:00:00 2026
Subject : folded
  twice
\there
no colon
 and its continuation
X-\xc4: 8-bit name

""")
    assert select_fields(HEADER, [], exclude=True) == HEADER


def test_select_makes_up_no_blank_line() -> None:
    # RFC 3501 6.4.5: "except in the case of a message which has no body and no blank line"
    assert select_fields(b"A: 1\r\nB: 2", [b"b"]) == b"B: 2"
    assert select_fields(b"A: 1\r\nB: 2\r\n", [b"a"]) == b"A: 1\r\n"
    assert select_fields(b"A: 1\nB: 2\n\n", [b"a"]) == b"A: 1\n\n"
    assert select_fields(b"\r\n", [b"a"]) == b"\r\n"
    assert select_fields(b"", [b"a"], exclude=True) == b""


def test_field_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header, "MAX_FIELDS", 2)
    text = b"A: 1\r\nB: 2\r\nA: 3\r\n\r\n"
    assert header_fields(text) == [(b"A", b" 1"), (b"B", b" 2")]
    assert select_fields(text, [b"a"]) == b"A: 1\r\n\r\n"
    assert select_fields(text, [b"a"], exclude=True) == b"B: 2\r\nA: 3\r\n\r\n"


@given(mail_octets, st.sets(st.sampled_from([b"From", b"to", b"CONTENT-TYPE", b"Subject"])))
def test_select_splits_the_header(data: bytes, names: set[bytes]) -> None:
    text = data[: header_end(data)]
    blank = select_fields(text, [])
    kept, left = select_fields(text, names), select_fields(text, names, exclude=True)
    assert len(kept) + len(left) == len(text) + len(blank)
    assert {name.lower() for name, _ in header_fields(kept)} <= {name.lower() for name in names}
    assert not {name.lower() for name, _ in header_fields(left)} & {name.lower() for name in names}
    # what is selected from the selection is all of it
    assert select_fields(kept, names) == kept
    assert select_fields(left, names, exclude=True) == left


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a (b) c", b"a   c"),
        (b"(a (nested \\) one)) b", b"  b"),
        (b'"(not one)" x', b'"(not one)" x'),
        (b'"\\"(" (it\'s 5" long) x', b'"\\"("   x'),
        (b"a (never closed", b"a  "),
        (b"filename=report(1).pdf", b"filename=report(1).pdf"),
        (b"x;(c)y", b"x; y"),
    ],
)
def test_strip_comments(value: bytes, expected: bytes) -> None:
    assert strip_comments(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'; a=b; C="d"', [(b"a", b"b"), (b"C", b"d")]),
        (b'; a="b;c\\"d\\\\e"; f=g', [(b"a", b'b;c"d\\e'), (b"f", b"g")]),
        (b"; a = b ;c= d", [(b"a", b"b"), (b"c", b"d")]),
        (b";; ;a=b;", [(b"a", b"b")]),
        (b"; a=", [(b"a", b"")]),
        (b'; a=""', [(b"a", b"")]),
        (b"; name=my file.pdf; b=c", [(b"name", b"my file.pdf"), (b"b", b"c")]),
        (b"; boundary=----=_Part/1:2?3", [(b"boundary", b"----=_Part/1:2?3")]),
        (b'; a="open; b=c', [(b"a", b"open; b=c")]),
        (b'; a="b"junk; c=d', [(b"a", b"b"), (b"c", b"d")]),
        (b" a=b", [(b"a", b"b")]),
        (b"; junk; a=b; =c; junk", [(b"a", b"b")]),
        (b'; "a"=b; c=d', [(b"c", b"d")]),
        (b"; charset=us-ascii (Plain text); a=b", [(b"charset", b"us-ascii"), (b"a", b"b")]),
        (b"; a=\xe4", [(b"a", b"\xe4")]),
        (b";\r\n\ta=b", [(b"a", b"b")]),
        # RFC 2231 3: continuations, in any order, numbers from 0 without a gap
        (b'; x*0="a;"; x*1=b; x*2="c"', [(b"x", b"a;bc")]),
        (b"; x*1=b; y=z; X*0=a", [(b"x", b"ab"), (b"y", b"z")]),
        (b"; x*0=a; x*2=c", [(b"x", b"a")]),
        (b"; x*1=b", [(b"x", b"")]),
        (b"; x*0=a; x*0=b", [(b"x", b"a")]),
        # RFC 2231 4: one value in the extended form is no piece
        (b"; x*=utf-8''%C3%A4", [(b"x*", b"utf-8''%C3%A4")]),
        # RFC 2231 4.1: if one piece is extended, the joined value is
        (b"; x*0*=utf-8'en'%41; x*1=\"b c\"; x*2*=%43", [(b"x*", b"utf-8'en'%41b%20c%43")]),
        (b"; x*0=50%; x*1*=%43", [(b"x*", b"''50%25%43")]),
        (b"; x*0*0=a; x*a=b; x*12345=c", [(b"x*0*0", b"a"), (b"x*a", b"b"), (b"x*12345", b"c")]),
    ],
)
def test_parameters(value: bytes, expected: list[tuple[bytes, bytes]]) -> None:
    parsed = parse_media_type(b" text/x" + value)
    assert parsed == (b"text", b"x", expected)


def test_parameter_look_up() -> None:
    params = [(b"A*", b"utf-8'en'%41'b"), (b"a", b"plain"), (b"B*", b"x%"), (b"C*", b"''%C3%A4")]
    assert parameter(params, b"a") == b"plain"
    assert parameter(params[:1], b"a") == b"A'b"
    assert parameter(params, b"b") == b"x%"
    assert parameter(params, b"c") == "ä".encode()
    assert parameter(params, b"d") is None


def test_parameter_limit() -> None:
    value = b"text/x" + b"; a=b" * (MAX_PARAMETERS + 1)
    parsed = parse_media_type(value)
    assert parsed is not None
    assert len(parsed[2]) == MAX_PARAMETERS


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b" inline", (b"inline", [])),
        (b'attachment; filename="a b"', (b"attachment", [(b"filename", b"a b")])),
        (b"attachment filename=x", (b"attachment", [(b"filename", b"x")])),
        (b"filename=x", None),
        (b"; filename=x", None),
        (b'"attachment"', None),
        (b"", None),
    ],
)
def test_disposition(value: bytes, expected: object) -> None:
    assert parse_disposition(value) == expected


@given(mail_octets)
def test_structured_values_of_any_octets(value: bytes) -> None:
    parse_media_type(b"a/b;" + value)
    parse_disposition(value)
    strip_comments(value)
