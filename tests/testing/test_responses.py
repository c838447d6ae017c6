"""netimap.testing.responses: response lines taken apart and made comparable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netimap.testing.responses import as_text, comparable, fetch_items, quoted, split, value
from netimap.wire.writer import format_string


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"* 3 EXISTS", "* 3 EXISTS"),
        (b'* 1 FETCH (BODY[] {5}\r\na"\\\r\n UID 3)', '* 1 FETCH (BODY[] "a\\"\\\\\r\n" UID 3)'),
        (b"a {0}\r\n b {3}\r\n{9} c", 'a "" b "{9}" c'),
        # what looks like a literal inside of a quoted string is text
        (b'a "{3}" b', 'a "{3}" b'),
        (b'it is "open {3}', 'it is "open {3}'),
        (b"8-bit \xff", "8-bit \xff"),
    ],
)
def test_literals_become_quoted_strings(line, text):
    assert as_text(line) == text


@given(st.binary())
def test_a_string_is_the_same_quoted_and_as_a_literal(octets):
    octets = octets.replace(b"\0", b"")
    literal = b"{%d}\r\n%b" % (len(octets), octets)
    assert as_text(b"x " + literal + b" y") == as_text(b"x " + format_string(octets) + b" y")
    assert value(as_text(literal)) == octets
    assert quoted(octets).decode("latin-1") == as_text(literal)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", []),
        ("a", ["a"]),
        ("a (b c) d", ["a", "(b c)", "d"]),
        ('"a b" "(" c', ['"a b"', '"("', "c"]),
        ("BODY[HEADER.FIELDS (From To)]<0> x", ["BODY[HEADER.FIELDS (From To)]<0>", "x"]),
        ('((("a" NIL)(b)) NIL)', ['((("a" NIL)(b)) NIL)']),
        ('"esc \\" ) x" y', ['"esc \\" ) x"', "y"]),
    ],
)
def test_split(text, items):
    assert split(text) == items


def test_value():
    assert value('("a b" NIL (x 5) "")') == [b"a b", None, ["x", "5"], b""]
    assert value("nil") is None
    assert value('"NIL"') == b"NIL"


def test_fetch_items():
    line = b"* 12 FETCH (UID 7 FLAGS (\\Seen x) BODY[TEXT] {3}\r\n) (\r\n)"[:-3] + b")"
    assert fetch_items(line) == (12, {"UID": "7", "FLAGS": "(\\Seen x)", "BODY[TEXT]": '") ("'})
    assert fetch_items(b"* 12 EXISTS") is None
    assert fetch_items(b"* OK FETCH (x)") is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("* 1 FETCH (UID 5 FLAGS (\\Seen \\Draft))", "* 1 FETCH (FLAGS (\\Draft \\Seen) UID 5)"),
        ('* STATUS "a b" (MESSAGES 1 UNSEEN 0)', '* STATUS "a b" (UNSEEN 0 MESSAGES 1)'),
        ("* SEARCH 3 1 2", "* SEARCH 1 2 3"),
        ("* FLAGS (a b)", "* FLAGS (b a)"),
        ("* OK [PERMANENTFLAGS (a \\*)] x y", "* OK [PERMANENTFLAGS (\\* a)] x y"),
        ('* LIST (\\B \\A) "/" "(b a)"', '* LIST (\\A \\B) "/" "(b a)"'),
    ],
)
def test_order_that_means_nothing(one, other):
    assert comparable(one) == comparable(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("* 1 FETCH (ENVELOPE (a b))", "* 1 FETCH (ENVELOPE (b a))"),
        ("* 1 FETCH (UID 5 RFC822.SIZE 6)", "* 1 FETCH (UID 6 RFC822.SIZE 5)"),
        ("* 1 FETCH (BODY ((a)(b)))", "* 1 FETCH (BODY ((a) (b)))"),
        ('* LIST () "/" "(b a)"', '* LIST () "/" "(a b)"'),
        ("* SEARCH", "* SEARCH 1"),
        ("a OK b c", "a OK c b"),
    ],
)
def test_order_that_means_something(one, other):
    assert comparable(one) != comparable(other)
