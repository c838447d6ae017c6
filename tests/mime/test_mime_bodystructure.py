"""BODY and BODYSTRUCTURE (RFC 3501 7.4.2 and its grammar in 9; RFC 9051 7.5.2)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from mime_samples import crlf, mail_octets

from netimap.mime import bodystructure, scan
from netimap.mime import bodystructure as bodystructure_function
from netimap.wire.writer import format_value

MULTIPART = crlf("""
Subject: report
Content-Type: multipart/MIXED; boundary="outer"; x=y
Content-Language: de
Content-Location: http://example.org/

--outer

text
text

--outer
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII; NAME="cc.diff"
Content-ID: <960723163407.20117h@cac.washington.edu>
Content-Description: Compiler diff
Content-Transfer-Encoding: BASE64
Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==
Content-Disposition: attachment; filename="cc.diff"
Content-Language: de, en

AAAA
BBBB
--outer
Content-Type: image/png
Content-Disposition: inline

x
--outer--
""")

FORWARDED = crlf("""
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: message/rfc822
Content-Disposition: inline

From: a@b
Subject: inner
Content-Type: multipart/alternative; boundary=inner

--inner

1
--inner
Content-Type: text/html

<p>
--inner--
--outer--
""")


def formatted(data: bytes, extended: bool) -> bytes:
    return format_value(bodystructure(scan(data), data, extended))


def test_plain_text() -> None:
    data = b"Subject: x\r\n\r\n" + b"a line of text\r\n" * 48
    assert formatted(data, False) == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 768 48)'
    assert formatted(data, True) == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 768 48 NIL NIL NIL NIL)'


def test_multipart() -> None:
    assert formatted(MULTIPART, False) == (
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 12 2)'
        b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII" "NAME" "cc.diff") "<960723163407.20117h@cac.washington.edu>"'
        b' "Compiler diff" "BASE64" 10 1)("image" "png" NIL NIL NIL "7bit" 1) "MIXED")'
    )


def test_multipart_extended() -> None:
    assert formatted(MULTIPART, True) == (
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 12 2 NIL NIL NIL NIL)'
        b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII" "NAME" "cc.diff") "<960723163407.20117h@cac.washington.edu>"'
        b' "Compiler diff" "BASE64" 10 1 "Q2hlY2sgSW50ZWdyaXR5IQ=="'
        b' ("attachment" ("filename" "cc.diff")) ("de" "en") NIL)'
        b'("image" "png" NIL NIL NIL "7bit" 1 NIL ("inline" NIL) NIL NIL)'
        b' "MIXED" ("boundary" "outer" "x" "y") NIL "de" "http://example.org/")'
    )


def test_encapsulated_message() -> None:
    envelope = b'(NIL "inner" ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL)'
    inner = FORWARDED[FORWARDED.index(b"From: a@b") : FORWARDED.index(b"\r\n--outer--")]
    assert formatted(FORWARDED, False) == (
        b'(("message" "rfc822" NIL NIL NIL "7bit" %d %b '
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0)("text" "html" NIL NIL NIL "7bit" 3 0)'
        b' "alternative")'
        b' %d) "mixed")' % (len(inner), envelope, inner.count(b"\n"))
    )
    assert formatted(FORWARDED, True).count(b'%d NIL ("inline" NIL) NIL NIL) "mixed"' % inner.count(b"\n")) == 1


def test_empty_multipart_has_a_body() -> None:
    # RFC 3501 9: body-type-mpart = 1*body SP media-subtype
    data = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n"
    assert formatted(data, False) == b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed")'


def test_message_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Envelopes within are made of so many octets only; the structure stays whole."""
    monkeypatch.setitem(bodystructure_function.__globals__, "MAX_INNER_HEADERS", 100)
    body = b"--b\r\n\r\nSubject: x\r\nX: " + b"y" * 40 + b"\r\n\r\n"
    data = b"Content-Type: multipart/digest; boundary=b\r\n\r\n" + body * 3 + b"--b--\r\n"
    assert formatted(data, False).count(b'(NIL "x" NIL NIL') == 1
    assert formatted(data, False).count(b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)") == 2


# RFC 3501 9 as patterns, for what the writer makes of a body without nesting
STRING = rb'(?:"(?:[^"\\\r\n]|\\.)*"|\{\d+\}\r\n.*?)'
NSTRING = rb"(?:NIL|%b)" % STRING
PARAMS = rb"(?:NIL|\(%b %b(?: %b %b)*\))" % ((STRING,) * 4)
DISPOSITION = rb"(?:NIL|\(%b %b\))" % (STRING, PARAMS)
LANGUAGE = rb"(?:NIL|%b|\(%b(?: %b)+\))" % ((STRING,) * 3)
BODY_1_PART = re.compile(
    rb"\(%b %b %b %b %b %b \d+(?: \d+)? %b %b %b %b\)"
    % (STRING, STRING, PARAMS, NSTRING, NSTRING, STRING, NSTRING, DISPOSITION, LANGUAGE, NSTRING),
    re.S,
)


@given(mail_octets)
def test_grammar(header: bytes) -> None:
    data = b"Content-Type: application/x;" + header.replace(b"\r", b"").replace(b"\n", b"\n ") + b"\n\nbody"
    assert BODY_1_PART.fullmatch(formatted(data, True))
