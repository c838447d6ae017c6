"""netimap.wire.reader: a client's line as tokens (RFC 3501 4 and 9)."""

import time

import pytest
from wire_framing import one_command

from netimap.exceptions import Bad
from netimap.wire.reader import (
    MAX_NESTING,
    MAX_NUMBER,
    Literal,
    Section,
    announced_literal,
    is_command_name,
    is_tag,
    tokenize,
)


def tokens(octets, **options):
    return tokenize(one_command(octets + b"\r\n"), **options)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"", []),
        (b"INBOX", ["INBOX"]),
        (b"1:5,7 +FLAGS.SILENT", ["1:5,7", "+FLAGS.SILENT"]),
        # an atom may look like anything (RFC 3501 4.1): its argument's own grammar comes later
        (b"\\Seen % * a]b", ["\\Seen", "%", "*", "a]b"]),
        (b'"two words" x', [b"two words", "x"]),
        (b'""', [b""]),
        # the two escapes there are (RFC 3501 4.3)
        (rb'"a \"quoted\" back\\slash"', [b'a "quoted" back\\slash']),
        # the atom NIL is not the string "NIL" (RFC 3501 4.5)
        (b'NIL "NIL" nil', ["NIL", b"NIL", "nil"]),
        # numeric strings stay what they were written as
        (b'12 "12"', ["12", b"12"]),
        (b"()", [[]]),
        (b"(a (b c) ())", [["a", ["b", "c"], []]]),
        (b'INBOX (\\Seen $Forwarded) " 1-Jan-2026 12:00:00 +0000"',
         ["INBOX", ["\\Seen", "$Forwarded"], b" 1-Jan-2026 12:00:00 +0000"]),
        # brackets are ordinary characters outside of FETCH
        (b"[Gmail]/Trash x[1]", ["[Gmail]/Trash", "x[1]"]),
        (b'"\xc3\xa4"', [b"\xc3\xa4"]),
        # 8-bit is read; which argument takes it is for the argument to say
        ("ä".encode(), ["ä"]),
        (b"\xe4", ["\udce4"]),
        # parentheses, brackets and braces inside a quoted string are text
        (b'"(" ")" "{3}x" "["', [b"(", b")", b"{3}x", b"["]),
        # one space at the very end is forgiven: several clients send it
        (b"INBOX ", ["INBOX"]),
        (b"(a) ", [["a"]]),
    ],
)  # fmt: skip
def test_a_line_is_read_as_written(line, expected):
    assert tokens(line) == expected


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"{3}\r\nfoo", [b"foo"]),
        (b"{0}\r\n", [b""]),
        (b"{0+}\r\n {0}\r\n x", [b"", b"", "x"]),
        (b"a {3+}\r\nfoo (b {2}\r\n)( c)", ["a", b"foo", ["b", b")(", "c"]]),
        (b"({3}\r\nfoo)", [[b"foo"]]),
        (b"~{3}\r\n\0\0\0", [b"\0\0\0"]),
        # what looks like an announcement or a command inside of a literal is text
        (b"{9}\r\n{3}\r\na NO OK", [b"{3}\r\na NO", "OK"]),
        (b"{12}\r\nfoo {3}\r\nbar x", [b"foo {3}\r\nbar", "x"]),
    ],
)
def test_literals_stand_where_strings_stand(octets, expected):
    assert tokens(octets) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"1 BODY[]", ["1", Section("BODY", [], None)]),
        (b"1 BODY.PEEK[HEADER]<0.10>", ["1", Section("BODY.PEEK", ["HEADER"], "0.10")]),
        (b'1 (FLAGS BODY[1.HEADER.FIELDS (From "To")] UID)',
         ["1", ["FLAGS", Section("BODY", ["1.HEADER.FIELDS", ["From", b"To"]], None), "UID"]]),
        (b"1 BODY[HEADER.FIELDS.NOT ({4}\r\nDate)]<5.1>",
         ["1", Section("BODY", ["HEADER.FIELDS.NOT", [b"Date"]], "5.1")]),
        # the angle brackets' own grammar is for FETCH to check
        (b"1 BODY[]<>", ["1", Section("BODY", [], "")]),
    ],
)  # fmt: skip
def test_sections(line, expected):
    assert tokens(line, sections=True) == expected


@pytest.mark.parametrize(
    "line",
    [
        b'"open', b'open"', b'a"b"', b'"a"b', b'"a""b"', b'"bad \\escape"', b'"back\\',
        b"(", b")", b"(a", b"a)", b"(a))", b"((a)", b"(a)(b)", b"a(b)", b"(a)b",
        b" a", b"a  b", b"( a)", b"  ",
        b"a\tb", b"a\x01", b"a\x7f", b"\0", b'"\0"',
        b"{3}x", b"a{", b"{", b"{x}", b"{}", b"{-1}", b"{ 3}", b"{3+}x",
    ],
)  # fmt: skip
def test_what_is_no_argument_list_is_bad(line):
    with pytest.raises(Bad) as error:
        tokens(line)
    assert error.value.text.isprintable()


@pytest.mark.parametrize(
    "line",
    [
        b"1 BODY[",
        b"1 BODY[1",
        b"1 BODY]",
        b"1 [1]",
        b"1 (BODY[1)",
        b"1 BODY[(1]",
        b"1 BODY[]x",
        b"1 BODY[][]",
        b"BODY[ ]",
    ],
)
def test_brackets_have_to_match(line):
    with pytest.raises(Bad):
        tokens(line, sections=True)


@pytest.mark.parametrize("parts", [[b"x{3}", b"foo", b""], [b'"a"{3}', b"foo", b""], [b"{3}", b"foo", b"bar"]])
def test_a_literal_needs_a_space_around_it(parts):
    with pytest.raises(Bad, match="Space missing|Unexpected"):
        tokenize(parts)


def test_nesting_is_limited_and_deep_lines_cost_little():
    assert tokens(b"(" * MAX_NESTING + b")" * MAX_NESTING)
    assert tokens(b"((()))", max_nesting=3)
    with pytest.raises(Bad) as error:
        tokens(b"(((())))", max_nesting=3)
    assert error.value.code == "LIMIT"
    for hostile in (b"(" * 60_000, b"(" * 30_000 + b")" * 30_000, b"[" * 60_000, b"a[" * 30_000):
        with pytest.raises(Bad):
            tokenize([hostile], sections=True)


@pytest.mark.parametrize(
    "hostile",
    [
        b'"' + b"\\\\" * 100_000,
        b"a " * 100_000 + b"(",
        b"{1" * 100_000,
        b"<" * 200_000 + b"\x01",
        b'"a" ' * 50_000 + b'"',
    ],
)
def test_reading_takes_linear_time(hostile):
    def seconds(line):
        best = 1.0
        for _ in range(3):
            started = time.perf_counter()
            with pytest.raises(Bad):
                tokenize([line])
            best = min(best, time.perf_counter() - started)
        return best

    # quadratic work would take four times as long again; the constant forgives a busy machine
    assert seconds(hostile) < 40 * seconds(hostile[: len(hostile) // 10] + b"\x01") + 0.05


@pytest.mark.parametrize(
    ("line", "literal"),
    [
        (b"a LOGIN {5}", Literal(5, True, False)),
        (b"a LOGIN {5+}", Literal(5, False, False)),
        (b"a APPEND x ~{5+}", Literal(5, False, True)),
        (b"{0}", Literal(0, True, False)),
        # number = 1*DIGIT: leading zeros are allowed
        (b"{00005}", Literal(5, True, False)),
        (b"{%d}" % MAX_NUMBER, Literal(MAX_NUMBER, True, False)),
        (b"", None),
        (b"}", None),
        (b"{5} ", None),
        (b"{}", None),
        (b"{-5}", None),
        (b"{5-}", None),
        (b"{+5}", None),
        (b"{5", None),
        (b"{0x5}", None),
        ("{٣}".encode(), None),
    ],
)
def test_the_end_of_a_line_announces_a_literal(line, literal):
    assert announced_literal(line) == literal


@pytest.mark.parametrize("size", [MAX_NUMBER + 1, 2**64, int("9" * 100)])
def test_a_literal_of_impossible_size_is_bad(size):
    for form in (b"a {%d}", b"a {%d+}"):
        with pytest.raises(Bad) as error:
            announced_literal(form % size)
        assert error.value.code == "TOOBIG"


def test_a_literal_size_of_a_hundred_thousand_digits_is_bad():
    with pytest.raises(Bad):
        announced_literal(b"{" + b"1" * 100_000 + b"}")


def test_tags():
    # tag = 1*<any ASTRING-CHAR except "+"> (RFC 3501 9)
    for octet in range(256):
        allowed = 0x20 < octet < 0x7F and octet not in b'(){%*"\\+'
        assert is_tag(b"a" + bytes([octet])) is allowed, octet
    assert not is_tag(b"")
    assert not is_tag(b"a\n")


def test_command_names():
    for name in (b"NOOP", b"uid", b"X-MINE", b"XGM.EXT1"):
        assert is_command_name(name)
    for name in (b"", b"1", b"-a", b"a b", b"a/b", b"a\n", b"../x", b"__class__", "é".encode()):
        assert not is_command_name(name)
