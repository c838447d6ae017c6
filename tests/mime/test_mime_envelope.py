"""ENVELOPE and address lists (RFC 3501 7.4.2, RFC 5322 3.4 and 4.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mime_samples import crlf, mail_octets

from netimap.mime import address_list, envelope
from netimap.mime.address import MAX_ADDRESSES, MAX_ODD_OCTETS, MAX_TOKENS, MISSING_HOST, MISSING_MAILBOX
from netimap.wire.writer import format_value

# RFC 3501 8: the envelope of the sample session
RFC_3501 = crlf("""
Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
From: Terry Gray <gray@cac.washington.edu>
Subject: IMAP4rev1 WG mtg summary and minutes
To: imap@cac.washington.edu
cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
Message-Id: <B27397-0100000@cac.washington.edu>
MIME-Version: 1.0
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII

""")


def test_rfc_3501_example() -> None:
    assert format_value(envelope(RFC_3501)) == (
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes"'
        b' (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu"))'
        b' (("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu"))'
        b' ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL'
        b' "<B27397-0100000@cac.washington.edu>")'
    )


def test_nothing_is_nil() -> None:
    assert envelope(b"") == [None] * 10
    assert envelope(b"\r\n") == [None] * 10


def test_present_but_empty() -> None:
    # RFC 3501 7.4.2: empty strings for Date and Subject; NIL for address lists; the others cannot be empty
    header = b"".join(
        name + b": \r\n"
        for name in (b"Date", b"Subject", b"From", b"Sender", b"Reply-To", b"To", b"Cc", b"Bcc", b"In-Reply-To")
    )
    assert envelope(header + b"Message-ID:\r\n\r\n") == [b"", b""] + [None] * 8


def test_sender_and_reply_to() -> None:
    found = envelope(b"From: a@b\r\nSender: c@d\r\nReply-To: e@f\r\n\r\n")
    assert found[2:5] == [[([None, None, b"a", b"b"],)], [([None, None, b"c", b"d"],)], [([None, None, b"e", b"f"],)]]
    # present but empty: as From
    found = envelope(b"From: a@b\r\nSender: \r\nReply-To: ,\r\n\r\n")
    assert found[2:5] == [[([None, None, b"a", b"b"],)]] * 3


def test_folded_encoded_and_8_bit() -> None:
    header = b"SUBJECT:\r\n =?utf-8?q?a?=\r\n\t=?utf-8?q?b?=\r\n"
    header += b"from: =?utf-8?q?=C3=A4?=\r\n <a@b>\r\nTo: \xc3\xa4 <\xc3\xa4@b>\r\n\r\n"
    found = envelope(header)
    assert found[1] == b"=?utf-8?q?a?=\t=?utf-8?q?b?="
    assert found[2] == [([b"=?utf-8?q?=C3=A4?=", None, b"a", b"b"],)]
    assert found[5] == [([b"\xc3\xa4", None, b"\xc3\xa4", b"b"],)]


def test_fields_that_are_there_twice() -> None:
    # RFC 5322 4.5.3: the lists of several To, Cc or Bcc fields are one list; of others the first counts
    found = envelope(b"To: a@b\r\nFrom: 1@b\r\nto: c@d,\r\nFrom: 2@b\r\nSubject: 1\r\nSubject: 2\r\n\r\n")
    assert found[5] == [([None, None, b"a", b"b"], [None, None, b"c", b"d"])]
    assert found[2] == [([None, None, b"1", b"b"],)]
    assert found[1] == b"1"


def test_the_first_line_and_the_last_count() -> None:
    assert envelope(b"Subject: x")[1] == b"x"
    assert envelope(b"X: y\nSubject: x\n")[1] == b"x"
    # neither another field's name nor a continuation nor another field that ends so
    assert envelope(b"X-Subject: a\r\n Subject: b\r\nSubjects: c\r\n\r\n") == [None] * 10


GROUP_END = [None, None, None, None]


def plain(mailbox: bytes, host: bytes, name: bytes | None = None, adl: bytes | None = None) -> list[bytes | None]:
    return [name, adl, mailbox, host]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", []),
        (b" , ,; ", []),
        (b"(only a comment)", []),
        (b"a@b", [plain(b"a", b"b")]),
        (b"<a@b>", [plain(b"a", b"b")]),
        (b"A B <a@b>", [plain(b"a", b"b", b"A B")]),
        (b"A \t  B<a@b>", [plain(b"a", b"b", b"A B")]),
        (b"a@b,c@d", [plain(b"a", b"b"), plain(b"c", b"d")]),
        (b"a@b\r\n ,\r\n\tc@d\r\n ", [plain(b"a", b"b"), plain(b"c", b"d")]),
        (b'"A, B" <a@b>', [plain(b"a", b"b", b"A, B")]),
        (b'"A \\"x\\" \\\\ B" <a@b>', [plain(b"a", b"b", b'A "x" \\ B')]),
        (b'"" <a@b>', [plain(b"a", b"b")]),
        (b'"A" B <a@b>', [plain(b"a", b"b", b"A B")]),
        (b"John Q. Public <a@b>", [plain(b"a", b"b", b"John Q. Public")]),
        (b"=?utf-8?q?a=2C_b?= <a@b>", [plain(b"a", b"b", b"=?utf-8?q?a=2C_b?=")]),
        (b"[list] A <a@b>", [plain(b"a", b"b", b"[list] A")]),
        (b"a@b <a@b>", [plain(b"a", b"b", b"a@b")]),
        # the name in a comment, as before RFC 822
        (b"a@b (A \\(x\\) B)", [plain(b"a", b"b", b"A (x) B")]),
        (b"<a@b> (A (B))", [plain(b"a", b"b", b"A (B)")]),
        (b"(A) a@b (B), c@d", [plain(b"a", b"b", b"A"), plain(b"c", b"d")]),
        (b"A (not the name) <a@b>", [plain(b"a", b"b", b"A")]),
        # comments and space around dots and at (RFC 5322 4.4, obsolete)
        (b"a . (x) b @ c (y) . d", [plain(b"a.b", b"c.d", b"x")]),
        (b"<a(x)@(y)b>", [plain(b"a", b"b", b"x")]),
        # quoted local parts: quoting is removed
        (b'"a b"@c', [plain(b"a b", b"c")]),
        (b'"a@b"@c', [plain(b"a@b", b"c")]),
        (b'A <"a\\"b".c@d>', [plain(b'a"b.c', b"d", b"A")]),
        (b"a@[192.0.2.1]", [plain(b"a", b"[192.0.2.1]")]),
        (b"A <a@[IPv6:2001:db8::1]>", [plain(b"a", b"[IPv6:2001:db8::1]", b"A")]),
        # source routes
        (b"A <@r.one:a@b>", [plain(b"a", b"b", b"A", b"@r.one")]),
        (b"<@r.one,@r.two:a@b>, c@d", [plain(b"a", b"b", None, b"@r.one,@r.two"), plain(b"c", b"d")]),
        # groups
        (b"undisclosed-recipients:;", [[None, None, b"undisclosed-recipients", None], GROUP_END]),
        (
            b'"My: Group" x: A <a@b>, c@d; , e@f',
            [
                [None, None, b"My: Group x", None],
                plain(b"a", b"b", b"A"),
                plain(b"c", b"d"),
                GROUP_END,
                plain(b"e", b"f"),
            ],
        ),
        (b"G: a@b", [[None, None, b"G", None], plain(b"a", b"b"), GROUP_END]),
        (
            b"G: H: a@b; c@d",
            [
                [None, None, b"G", None],
                GROUP_END,
                [None, None, b"H", None],
                plain(b"a", b"b"),
                GROUP_END,
                plain(b"c", b"d"),
            ],
        ),
        (b":a@b;", [plain(b"a", b"b")]),
        # semicolons between addresses
        (b"a@b; A <c@d>;", [plain(b"a", b"b"), plain(b"c", b"d", b"A")]),
        # missing commas
        (b"a@b c@d", [plain(b"a", b"b"), plain(b"c", b"d")]),
        (b"A <a@b> B <c@d>", [plain(b"a", b"b", b"A"), plain(b"c", b"d", b"B")]),
        (b"A <a@b> junk, c@d", [plain(b"a", b"b", b"A"), plain(b"c", b"d")]),
        # unbalanced
        (b"A <a@b, c@d", [plain(b"a", b"b", b"A"), plain(b"c", b"d")]),
        (b"A <a@b; c@d", [plain(b"a", b"b", b"A"), plain(b"c", b"d")]),
        (b"A <<a@b>>, c@d>", [plain(b"a", b"b", b"A"), plain(b"c", b"d")]),
        (b'"A <a@b>, c@d', [plain(b"a", b"b", b"A"), plain(b"c", b"d")]),
        (b'a@b, c"@d', [plain(b"a", b"b"), plain(b"c", b"d")]),
        (b"a@b (A, c@d", [plain(b"a", b"b", b"A, c@d")]),
        (b"A) <a@b>", [plain(b"a", b"b", b"A")]),
        (b"A [x <a@b>", [plain(b"a", b"b", b"A [x")]),
        (b'A "x <a@b>', [plain(b"a", b"b", b"A x")]),
        (b"a@b\\", [plain(b"a", b"b")]),
        # what is missing
        (b"a", [plain(b"a", MISSING_HOST)]),
        (b"<a>", [plain(b"a", MISSING_HOST)]),
        (b"@b", [plain(MISSING_MAILBOX, b"b")]),
        (b"a@", [plain(b"a", MISSING_HOST)]),
        (b"A <>", [plain(MISSING_MAILBOX, MISSING_HOST, b"A")]),
        (b"A B", [plain(MISSING_MAILBOX, MISSING_HOST, b"A B")]),
        (b"A <@r:>", [plain(MISSING_MAILBOX, MISSING_HOST, b"A", b"@r")]),
        # more than one at
        (b"a@b@c", [plain(b"a@b", b"c")]),
        (b"A <a@b@c>", [plain(b"a@b", b"c", b"A")]),
        (b"A <a b@c>", [plain(b"a b", b"c", b"A")]),
        (b"a b@c", [plain(b"b", b"c", b"a")]),
        (b"\xe4 <\xe4@\xe4>", [plain(b"\xe4", b"\xe4", b"\xe4")]),
    ],
)
def test_address_list(value: bytes, expected: list[list[bytes | None]]) -> None:
    assert address_list(value) == expected


@given(st.text('ab@<>()[]",:;.\\ \t\r\n', max_size=40).map(str.encode) | mail_octets)
def test_any_octets(value: bytes) -> None:
    in_group = False
    for name, adl, mailbox, host in address_list(value):
        # RFC 3501 7.4.2: host NIL is a group's start or, without a mailbox, its end; they come in pairs
        if host is None:
            assert (name, adl) == (None, None)
            assert (mailbox is None) == in_group
            in_group = not in_group
        else:
            assert host
            assert mailbox
            assert name is None or name
    assert not in_group


word = st.text("abc.-+_'=?\xe4", min_size=1, max_size=6).map(str.encode).filter(lambda w: b".." not in w)


@given(st.lists(st.tuples(st.none() | st.text(max_size=8).map(str.encode), word, word), max_size=5))
def test_well_formed_lists(made: list[tuple[bytes | None, bytes, bytes]]) -> None:
    """What was written is read: any name in quotes, any mailbox and host of plain characters."""
    written = []
    for name, mailbox, host in made:
        quoted = b"" if name is None else b'"%b" ' % name.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        written.append(quoted + b"<%b@%b>" % (mailbox, host))
    expected = [[name.replace(b"\n", b"") if name else None, None, mailbox, host] for name, mailbox, host in made]
    expected = [[name or None, *others] for name, *others in expected]
    found = address_list(b", ".join(written).replace(b"\r", b""))
    assert found == [[name and name.replace(b"\r", b"") or None, *others] for name, *others in expected]


def test_limits() -> None:
    assert len(address_list(b"a@b," * (MAX_ADDRESSES + 1))) == MAX_ADDRESSES
    # odd ones are read up to a limit, and what was read is told
    odd = address_list(b"a@b(c)," * MAX_TOKENS)
    # word, at, word, comment, comma
    assert odd == [plain(b"a", b"b", b"c")] * (MAX_TOKENS // 5)
    comments = address_list(b"a@b (%b)," % (b"c" * 1000) * MAX_ADDRESSES)
    assert MAX_ODD_OCTETS // 1007 <= len(comments) <= MAX_ODD_OCTETS // 1007 + 1
