"""What strings are compared with: headers and bodies as a reader sees them, in any charset and encoding."""

from __future__ import annotations

from base64 import b64encode
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from search_mailbox import make_view, search

from netimap import mime
from netimap.search.text import fold_long

SUBJECTS = make_view(
    b"Subject: =?utf-8?B?" + b64encode("Grüße aus Köln".encode()) + b"?=\r\n\r\n",
    b"Subject: =?iso-8859-1?Q?Gr=FC=DFe?= =?iso-8859-1?q?_aus_K=F6ln?=\r\n\r\n",
    b"Subject: plain gruesse\r\n aus\r\n\tKoeln\r\n\r\n",
    b"SUBJECT: =?koi8-r?B?" + b64encode("Привет, мир".encode("koi8-r")) + b"?=\r\n\r\n",
    "Subject: Grüße aus Köln\r\n\r\n".encode(),
    b"Subject: =?us-ascii?Q?first?=\r\nSubject: second\r\n\r\n",
)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("Grüße aus Köln", [1, 2, 5]),
        ("GRÜSSE AUS KÖLN", [1, 2, 5]),
        ("grüße", [1, 2, 5]),
        ("gruesse aus koeln", []),
        ("привет, МИР", [4]),
        ("iso-8859-1", []),
        ("?utf-8?", []),
        ("first", [6]),
        ("second", [6]),
        ("second first", []),
    ],
)
def test_subject(wanted, expected):
    """RFC 3501 6.4.4: RFC 2047 strings MUST be decoded before comparing; the matching is case-insensitive."""
    assert search(SUBJECTS, b"SUBJECT {1}", wanted.encode(), b"") == expected
    assert search(SUBJECTS, b"CHARSET UTF-8 SUBJECT {1}", wanted.encode(), b"") == expected
    assert search(SUBJECTS, b"TEXT {1}", wanted.encode(), b"") == expected


def test_folded_field():
    """RFC 5322 2.2.3: a line break in a field is not part of it."""
    assert search(SUBJECTS, 'SUBJECT "plain gruesse aus"') == [3]


def test_header_sees_both_forms():
    """HEADER looks at the field decoded and as it stands: what comes after the colon (RFC 3501 6.4.4)."""
    assert search(SUBJECTS, b"HEADER Subject {1}", "aus köln".encode(), b"") == [1, 2, 5]
    assert search(SUBJECTS, "HEADER Subject =?iso-8859-1?Q?Gr") == [2]
    assert search(SUBJECTS, "NOT HEADER Subject =?") == [3, 5]


ADDRESSES = make_view(
    b'From: "Smith, \\"Jo\\"" <jo@example.org>\r\n\r\n',
    b"From: =?utf-8?Q?J=C3=B6rg_M=C3=BCller?= <joerg@example.org>\r\n\r\n",
    b"From: ann@example.org (Ann Other)\r\n\r\n",
    b"To: A friend <f@example.org>,\r\n Jo <other@example.net>\r\n\r\n",
    b"To: first@example.org\r\nTo: second@example.org\r\n\r\n",
    b'Cc: My group: a@example.org, "B" <b@example.org>;\r\n\r\n',
    b"From: =?utf-8?B?" + b64encode(b"Jo Smith") + b'?= "quoted" <js@example.org>\r\n\r\n',
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b'FROM "smith, \\"jo\\""', [1]),
        (b'FROM "\\"Jo\\" <jo@example.org>"', [1]),
        (b"FROM jo@example.org", [1]),
        (b"FROM {1}", [2]),
        (b'FROM "ann other"', [3]),
        (b'FROM "Ann Other <ann@example.org>"', [3]),
        (b'TO "Jo <other@"', [4]),
        (b"TO example.org", [4, 5]),
        (b"TO second", [5]),
        (b'CC "my group"', [6]),
        (b'CC "B <b@example.org>"', [6]),
        (b'FROM "jo smith"', [7]),
        (b"FROM MISSING_", []),
    ],
)
def test_addresses(query, expected):
    """Address fields are searched as ENVELOPE has them (RFC 3501 6.4.4): names without quotes, decoded."""
    parts = (query, "JÖRG MÜLLER <joerg@".encode(), b"") if query.endswith(b"{1}") else (query,)
    assert search(ADDRESSES, *parts) == expected


BODIES = make_view(
    # 1
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + b64encode("Ein Käsebrot, bitte.\r\n".encode()),
    # 2
    b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Ein K=E4se=\r\nbrot, bitte.\r\n",
    # 3: in the second part, which has a name
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\nthe preamble\r\n--b\r\n\r\nfirst part\r\n--b\r\n"
    b'Content-Type: text/html; charset=windows-1251; name="menu.html"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
    + "<b>Бутерброд</b>".encode("cp1251")
    + b"\r\n--b--\r\n",
    # 4: the message within
    b"Subject: outer\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner =?utf-8?Q?K=C3=A4se?=\r\n\r\nKaesebrot\r\n",
    # 5: no text
    b"Content-Type: application/octet-stream; name=kasebrot.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + b64encode(b"a kasebrot"),
    # 6: a charset and a transfer encoding that nobody knows, raw UTF-8
    b"Content-Type: text/plain; charset=x-unknown\r\nContent-Transfer-Encoding: x-none\r\n\r\n" + "Käsebrot\0".encode(),
)


@pytest.mark.parametrize(
    ("key", "wanted", "expected"),
    [
        (b"BODY", "KÄSEBROT", [1, 2, 6]),
        (b"TEXT", "käsebrot", [1, 2, 6]),
        (b"BODY", "бутерБРОД", [3]),
        (b"BODY", "first part", [3]),
        (b"BODY", "preamble", []),
        (b"BODY", "charset", []),
        (b"TEXT", "charset", [1, 2, 3, 6]),
        (b"TEXT", "menu.html", [3]),
        (b"BODY", "inner", []),
        (b"TEXT", "subject: inner käse", [4]),
        (b"BODY", "kaesebrot", [4]),
        (b"BODY", "kasebrot", []),
        (b"TEXT", "kasebrot", [5]),
        (b"BODY", "a2FzZWJyb3Q", []),
    ],
)
def test_bodies(key, wanted, expected):
    """RFC 3501 6.4.4: transfer encodings MUST be decoded, parts other than text may be left out."""
    assert search(BODIES, key + b" {1}", wanted.encode(), b"") == expected


def test_empty_string_is_in_every_body():
    """RFC 9051 6.4.4: the empty string is a substring."""
    assert search(BODIES, 'BODY ""') == search(BODIES, 'TEXT ""') == [1, 2, 3, 4, 5, 6]


letters = st.text(st.sampled_from("éß\u0301\u0323Ａ가"), max_size=4).map("a".__add__)


@given(st.lists(letters, min_size=12).map("".join))
def test_long_texts_are_folded_in_pieces(text):
    """Cutting them changes nothing, and others get a turn."""
    turns = []
    with mock.patch("netimap.search.text.FOLD_PIECE", 5):
        assert fold_long(text, lambda: turns.append(1)) == mime.fold(text)
    assert len(turns) > 1


def test_a_long_body_is_found_across_the_pieces():
    view = make_view(b"\r\n" + "käse ".encode() * 100 + "süße milch".encode())
    with mock.patch("netimap.search.text.FOLD_PIECE", 7):
        assert search(view, b"BODY {1}", "käse käse käse SÜSSE MILCH".encode(), b"") == [1]


def test_messages_of_nothing():
    view = make_view(b"", b"\r\n", b"no header", b"\x00\xff")
    assert search(view, "TEXT foo") == []
    assert search(view, 'HEADER Subject ""') == []
    assert search(view, "SENTSINCE 1-Jan-1970") == []
    assert search(view, "NOT FROM a SMALLER 3") == [1, 2, 4]
