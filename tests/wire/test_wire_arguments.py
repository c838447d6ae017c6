"""netimap.wire.arguments: each grammar rule accepts what RFC 3501 9 says, and nothing else."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netimap.exceptions import Bad
from netimap.wire import arguments
from netimap.wire.arguments import MAX_KEYWORD, MAX_MAILBOX_NAME
from netimap.wire.reader import MAX_NUMBER, Section, tokenize
from netimap.wire.sequence_set import SequenceSet

RULES = (
    "atom", "astring", "nstring", "text", "mailbox", "list_mailbox", "number", "sequence_set", "flag", "flag_list",
    "day", "date_time",
)  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "token", "value"),
    [
        ("atom", "a-b.c", "a-b.c"),
        ("astring", "a]b", b"a]b"),
        ("astring", b"\xff", b"\xff"),
        ("astring", "NIL", b"NIL"),
        ("nstring", "NIL", None),
        ("nstring", "nil", None),
        # the atom and the string are two things (RFC 3501 4.5)
        ("nstring", b"NIL", b"NIL"),
        ("text", "user", "user"),
        ("text", "ü".encode(), "ü"),
        ("mailbox", "INBOX", "INBOX"),
        ("mailbox", "NIL", "NIL"),
        ("mailbox", "[Gmail]/Trash", "[Gmail]/Trash"),
        ("mailbox", b"a b%*", "a b%*"),
        ("mailbox", "&U,BTFw-", "&U,BTFw-"),
        ("mailbox", b"", ""),
        ("list_mailbox", "%*/x", "%*/x"),
        ("list_mailbox", b"", ""),
        ("number", "0", 0),
        ("number", "007", 7),
        ("number", str(MAX_NUMBER), MAX_NUMBER),
        ("sequence_set", "1:*", SequenceSet.parse("1:*")),
        # system flags in the spelling of RFC 3501 2.3.2, keywords as the client wrote them
        ("flag", "\\sEEN", "\\Seen"),
        ("flag", "$Forwarded", "$Forwarded"),
        ("flag", "NIL", "NIL"),
        ("flag", "\\Other", "\\Other"),
        ("flag_list", [], []),
        ("flag_list", ["\\Seen", "x", "\\SEEN", "X"], ["\\Seen", "X"]),
        ("day", "1-Jan-2026", date(2026, 1, 1)),
        ("day", b"1-Jan-2026", date(2026, 1, 1)),
        ("date_time", b" 1-Jan-2026 12:00:00 +0000", datetime(2026, 1, 1, 12, tzinfo=UTC)),
    ],
)
def test_accepts(rule, token, value):
    assert getattr(arguments, rule)(token) == value


@pytest.mark.parametrize(
    ("rule", "tokens"),
    [
        ("atom", [b"a", "a*", "a]", "a\\b", "é", []]),
        ("astring", ["a*", "%", "a\\b", "ä", [], Section("a", [], None)]),
        ("nstring", ["a", "", []]),
        ("text", [b"\xff", b"a\0b", "a*", []]),
        ("mailbox", ["*", "%", "a\\b", "\udcff", b"\xc3\xa4", b"a\r\nb", b"a\0", b"\x7f", []]),
        ("list_mailbox", [b"\xff", "\udcff", b"a\nb", []]),
        ("number", ["", "-1", "+1", "1.0", "1a", str(MAX_NUMBER + 1), "9" * 10_000, b"1", "٣", []]),
        ("sequence_set", ["", "0", "x", b"1", []]),
        ("flag", ["", "\\", "\\*", "a*", "a\\b", "\\a\\b", b"\\Seen", "é", "a]", []]),
        ("flag_list", ["\\Seen", b"x", [b"x"], [["x"]], ["\\"]]),
        ("day", ["x", b"\xff", "1-Jan-2026x", []]),
        # a date-time is always quoted
        ("date_time", [" 1-Jan-2026 12:00:00 +0000", "x", b"x", b"\xff", []]),
    ],
)
def test_refuses(rule, tokens):
    for token in tokens:
        with pytest.raises(Bad):
            getattr(arguments, rule)(token)


def test_8_bit_mailbox_names_say_so():
    # the text is pinned by PERL-API.md
    for token in (b"\xc3\xa4", "ä"):
        with pytest.raises(Bad, match="^BAD Mailbox name contains 8-bit data$"):
            arguments.mailbox(token)


def test_lengths_are_limited():
    assert arguments.mailbox(b"x" * MAX_MAILBOX_NAME)
    assert arguments.flag("x" * MAX_KEYWORD)
    for rule, token in (("mailbox", b"x" * (MAX_MAILBOX_NAME + 1)), ("flag", "x" * (MAX_KEYWORD + 1))):
        with pytest.raises(Bad) as error:
            getattr(arguments, rule)(token)
        assert error.value.code == "LIMIT"


@settings(max_examples=300)
@given(st.sampled_from(RULES), st.binary(max_size=12))
def test_any_token_gives_a_value_or_bad(rule, octets):
    try:
        tokens = tokenize([octets])
    except Bad:
        tokens = [octets]
    for token in tokens:
        try:
            getattr(arguments, rule)(token)
        except Bad as error:
            complaint = error.text
        else:
            continue
        assert complaint.isprintable()  # it goes to the client
