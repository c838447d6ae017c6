"""Each search key of RFC 3501 6.4.4, by name, on one small mailbox."""

from __future__ import annotations

import pytest
from search_mailbox import make_mailbox, make_view, program, search

from netimap.exceptions import Bad, No
from netimap.message import Message
from netimap.search import KEYS
from netimap.view import View
from netimap.wire.dates import parse_date_time

# flags, internal date, octets; message 5 has the size 5 + 4
MESSAGES = (
    # 1, UID 101
    (
        ["\\Seen", "\\Answered"],
        " 1-Feb-2026 23:30:00 -0500",
        b"From: Anna Smith <anna@example.org>\r\nTo: bob@example.com\r\nSubject: Lunch on Friday\r\n"
        b"Date: Sun, 1 Feb 2026 23:30:00 -0500\r\nX-Mailer: Pigeon\r\n\r\nShall we have SOUP?\r\n",
    ),
    # 2, UID 102
    (
        ["\\Flagged", "$Forwarded"],
        " 2-Feb-2026 00:10:00 +0900",
        b"From: bob@example.com\r\nTo: Anna Smith <anna@example.org>\r\nCc: carol@example.net\r\n"
        b"Subject: Re: Lunch on Friday\r\nDate: Mon, 2 Feb 2026 00:10:00 +0900\r\n\r\nYes, soup.\r\n",
    ),
    # 3, UID 103
    (
        ["\\Deleted", "\\Draft"],
        " 3-Feb-2026 12:00:00 +0000",
        b"From: carol@example.net\r\nBcc: dave@example.org\r\nSubject: \r\nDate: 28 Jan 2026 12:00 GMT\r\n\r\n",
    ),
    # 4, UID 104: \Recent in the second session, no Date
    (["\\Seen", "Work"], " 3-Feb-2026 23:59:59 +0000", b"From: anna@example.org\r\n\r\nTo: not a header\r\n"),
    # 5, UID 105: \Recent in the second session, no header but one, an unreadable Date
    ([], "10-Mar-2026 00:00:00 +0000", b"Date: soup\r\n\r\n"),
)

# what is searched for → the numbers of the messages that match
TABLE = {
    "ALL": [1, 2, 3, 4, 5],
    "1": [1],
    "2:4": [2, 3, 4],
    "4:2": [2, 3, 4],
    "*": [5],
    "5,1,1:2": [1, 2, 5],
    "9:*": [5],
    "6": [],
    "4:4294967295": [4, 5],
    "UID 101": [1],
    "UID 104:*": [4, 5],
    "UID *:104": [4, 5],
    "UID 1:102,900": [1, 2],
    "UID 300:*": [5],
    "UID 300:400": [],
    "ANSWERED": [1],
    "UNANSWERED": [2, 3, 4, 5],
    "DELETED": [3],
    "UNDELETED": [1, 2, 4, 5],
    "DRAFT": [3],
    "UNDRAFT": [1, 2, 4, 5],
    "FLAGGED": [2],
    "UNFLAGGED": [1, 3, 4, 5],
    "SEEN": [1, 4],
    "UNSEEN": [2, 3, 5],
    "RECENT": [4, 5],
    "OLD": [1, 2, 3],
    "NEW": [5],
    "NOT NEW": [1, 2, 3, 4],
    "KEYWORD $Forwarded": [2],
    "KEYWORD $forwarded": [2],
    "KEYWORD WORK": [4],
    "KEYWORD unknown": [],
    "KEYWORD Seen": [],
    "UNKEYWORD work": [1, 2, 3, 5],
    "UNKEYWORD unknown": [1, 2, 3, 4, 5],
    # internal date: its own date, whatever the zone (in UTC message 1 is of the second, message 2 of the first)
    "BEFORE 2-Feb-2026": [1],
    "ON 2-Feb-2026": [2],
    "ON 02-feb-2026": [2],
    'ON "3-Feb-2026"': [3, 4],
    "SINCE 3-Feb-2026": [3, 4, 5],
    "BEFORE 1-Jan-1970": [],
    "SINCE 1-Jan-1970": [1, 2, 3, 4, 5],
    # the Date field likewise; those without one were not sent on any day
    "SENTBEFORE 1-Feb-2026": [3],
    "SENTBEFORE 2-Feb-2026": [1, 3],
    "SENTON 1-Feb-2026": [1],
    "SENTON 2-Feb-2026": [2],
    "SENTSINCE 1-Feb-2026": [1, 2],
    "NOT SENTSINCE 1-Jan-1970": [4, 5],
    "LARGER 14": [1, 2, 3, 4],
    "LARGER 13": [1, 2, 3, 4, 5],
    "SMALLER 14": [],
    "SMALLER 15": [5],
    "FROM anna": [1, 4],
    'FROM "Anna Smith <ANNA@"': [1],
    "FROM example": [1, 2, 3, 4],
    'FROM ""': [1, 2, 3, 4],
    "TO anna": [2],
    "TO header": [],
    "CC carol": [2],
    "CC anna": [],
    "BCC dave": [3],
    "SUBJECT lunch": [1, 2],
    'SUBJECT "RE: lunch"': [2],
    'SUBJECT ""': [1, 2, 3],
    "HEADER X-Mailer pigeon": [1],
    'HEADER x-mailer ""': [1],
    'HEADER "X-MAILER" "dove"': [],
    'HEADER Cc ""': [2],
    'HEADER X-Mail ""': [],
    "HEADER Date 2026": [1, 2, 3],
    "BODY soup": [1, 2],
    "BODY SOUP?": [1],
    "BODY lunch": [],
    'BODY ""': [1, 2, 3, 4, 5],
    "TEXT soup": [1, 2, 5],
    "TEXT lunch": [1, 2],
    'TEXT "to: "': [1, 2, 4],
    "TEXT pigeon": [1],
    'TEXT ""': [1, 2, 3, 4, 5],
    # combined
    "UNSEEN FLAGGED": [2],
    "SEEN UNSEEN": [],
    "FLAGGED SINCE 1-Feb-2026 NOT FROM anna": [2],
    "NOT SEEN": [2, 3, 5],
    "NOT NOT SEEN": [1, 4],
    "NOT NOT NOT SEEN": [2, 3, 5],
    "NOT 2:4": [1, 5],
    "NOT ALL": [],
    "NOT (SEEN ANSWERED)": [2, 3, 4, 5],
    "OR SEEN FLAGGED": [1, 2, 4],
    "OR SEEN OR FLAGGED DELETED": [1, 2, 3, 4],
    "OR OR SEEN FLAGGED DELETED": [1, 2, 3, 4],
    "OR OR SEEN FLAGGED OR DELETED NEW": [1, 2, 3, 4, 5],
    "OR SEEN FLAGGED ANSWERED": [1],
    "OR (SEEN ANSWERED) (FLAGGED)": [1, 2],
    "NOT OR SEEN FLAGGED": [3, 5],
    "OR NOT SEEN ANSWERED": [1, 2, 3, 5],
    "OR FROM carol BODY shall": [1, 3],
    "OR SEEN BODY soup": [1, 2, 4],
    "NOT (OR SEEN BODY soup)": [3, 5],
    "(((SEEN)))": [1, 4],
    "(SEEN) (ANSWERED)": [1],
    "2:4 SEEN": [4],
    "UID 102:104 UNSEEN": [2, 3],
    "1:3 UID 103:105": [3],
    "ALL ALL": [1, 2, 3, 4, 5],
    "NOT FROM example": [5],
    "CHARSET UTF-8 SUBJECT lunch": [1, 2],
    'charset "us-ascii" seen': [1, 4],
}

NAMES = {
    "ALL", "ANSWERED", "BCC", "BEFORE", "BODY", "CC", "DELETED", "DRAFT", "FLAGGED", "FROM", "HEADER", "KEYWORD",
    "LARGER", "NEW", "NOT", "OLD", "ON", "OR", "RECENT", "SEEN", "SENTBEFORE", "SENTON", "SENTSINCE", "SINCE",
    "SMALLER", "SUBJECT", "TEXT", "TO", "UID", "UNANSWERED", "UNDELETED", "UNDRAFT", "UNFLAGGED", "UNKEYWORD",
    "UNSEEN",
}  # fmt: skip

BAD = (
    "",
    "SEEN UNHEARD",
    "FOO",
    "$",
    "()",
    "SEEN ()",
    "NOT",
    "NOT ()",
    "(NOT) SEEN",
    "OR SEEN",
    "(OR SEEN) SEEN",
    "SUBJECT",
    "(SUBJECT) foo",
    "SUBJECT (foo)",
    'SUBJECT foo "bar"',
    "SUBJECT foo*",
    '"SEEN"',
    "HEADER Subject",
    "KEYWORD",
    'KEYWORD "Work"',
    "KEYWORD \\Seen",
    "LARGER",
    "LARGER -1",
    "LARGER 1.5",
    'LARGER "1"',
    "LARGER 4294967296",
    "LARGER 1:3",
    "SINCE",
    "SINCE today",
    "SINCE 30-Feb-2026",
    "SINCE 1-1-2026",
    'SINCE " 1-Jan-2026 12:00:00 +0000"',
    "UID",
    "UID foo",
    "UID 0",
    "UID (1)",
    'UID "1"',
    "0",
    "1:",
    "1:2:3",
    "4294967296",
    "1,foo",
    "un\u017feen",
    "²",
    "CHARSET",
    "CHARSET UTF-8",
    "CHARSET (UTF-8) SEEN",
    "SEEN CHARSET UTF-8",
)


def sample() -> View:
    """The second session on the mailbox: the first one was the first to hear of messages 1 to 3."""
    messages = [Message(raw).load(flags, parse_date_time(date)) for flags, date, raw in MESSAGES]
    mailbox = make_mailbox(messages[:3])
    View(mailbox)
    for message in messages[3:]:
        mailbox.add_message(message)
    return View(mailbox)


VIEW = sample()


@pytest.mark.parametrize("query", TABLE)
def test_finds(query):
    """RFC 3501 6.4.4."""
    assert search(VIEW, query) == TABLE[query]


@pytest.mark.parametrize("query", TABLE)
def test_case_does_not_matter(query):
    """RFC 3501 9: all alphabetic characters are case-insensitive."""
    assert search(VIEW, query.lower()) == TABLE[query]


@pytest.mark.parametrize("query", TABLE)
def test_not_finds_the_others(query):
    """NOT of anything is the rest of the mailbox (RFC 3501 6.4.4)."""
    if not query.upper().startswith("CHARSET"):
        assert search(VIEW, f"NOT ({query})") == [number for number in range(1, 6) if number not in TABLE[query]]


def test_the_table_has_every_key():
    """The search keys that RFC 3501 9 names."""
    tried = {word for query in TABLE for word in query.replace("(", "").replace(")", "").split()}
    assert set(KEYS) == NAMES
    assert tried >= NAMES


@pytest.mark.parametrize("query", TABLE)
def test_an_empty_mailbox_has_no_match(query):
    """`*` and `1:*` in an empty mailbox too."""
    assert search(make_view(), query) == []


@pytest.mark.parametrize("query", BAD)
def test_refuses(query):
    with pytest.raises(Bad):
        program(query.encode())


@pytest.mark.parametrize(("literal", "expected"), [(b"Lunch", [1, 2]), (b"re: lunch on", [2]), (b"", [1, 2, 3])])
def test_literal(literal, expected):
    """astring = atom, quoted or literal (RFC 3501 9)."""
    assert search(VIEW, b"OR SEEN SUBJECT {5}", literal, b" ALL") == sorted({1, 4} | set(expected))
    assert search(VIEW, b"SUBJECT {5+}", literal, b" UNDELETED") == [number for number in expected if number != 3]


def test_literal_as_a_field_name():
    assert search(VIEW, b"HEADER {8}", b"X-Mailer", b" {6}", b"Pigeon", b"") == [1]


@pytest.mark.parametrize("name", ["UTF-7", "latin1", "UTF8", "utf-8x", "x" * 1000, '"ISO-8859-1"', "NIL", '""'])
def test_unknown_charset(name):
    """RFC 3501 6.4.4: NO, not BAD, with BADCHARSET and the charsets there are (7.1)."""
    with pytest.raises(No) as caught:
        program(f"CHARSET {name} SUBJECT foo".encode())
    assert caught.value.status == "NO"
    assert caught.value.code == "BADCHARSET (UTF-8 US-ASCII)"


def test_charset_of_a_literal():
    assert search(VIEW, b"CHARSET {5}", b"utf-8", b" SEEN") == [1, 4]


@pytest.mark.parametrize(
    "parts",
    [
        (b"SUBJECT {1}", b"\xff", b""),
        (b"SUBJECT {2}", b"\xc3(", b""),
        (b"CHARSET UTF-8 TEXT {1}", b"\xe9", b""),
        (b"CHARSET US-ASCII BODY {2}", "é".encode(), b""),
        (b"BODY caf\xe9",),
    ],
)
def test_octets_that_the_charset_does_not_have(parts):
    """Without CHARSET strings are UTF-8 (RFC 9051 6.4.4)."""
    with pytest.raises(Bad):
        program(*parts)
