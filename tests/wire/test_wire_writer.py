"""netimap.wire.writer: values as a server sends them, tokens as a client does (RFC 3501 4 and 9)."""

import pytest

from netimap.wire.writer import MAX_QUOTED, Raw, format_string, format_tokens, format_value


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (None, b"NIL"),
        (0, b"0"),
        (4294967295, b"4294967295"),
        (True, b"1"),
        (Raw(b"\\Seen"), b"\\Seen"),
        (Raw("ENVELOPE"), b"ENVELOPE"),
        (b"", b'""'),
        (b"NIL", b'"NIL"'),
        ("text", b'"text"'),
        (b'a"b\\c', b'"a\\"b\\\\c"'),
        # what quoting cannot carry goes as a literal (RFC 3501 4.3)
        (b"a\r\nb", b"{4}\r\na\r\nb"),
        (b"a\nb", b"{3}\r\na\nb"),
        ("é", b"{2}\r\n\xc3\xa9"),
        (b"x" * (MAX_QUOTED + 1), b"{%d}\r\n" % (MAX_QUOTED + 1) + b"x" * (MAX_QUOTED + 1)),
        (b"x" * MAX_QUOTED, b'"' + b"x" * MAX_QUOTED + b'"'),
        # a literal holds no NUL (RFC 3501 9: CHAR8)
        (b"a\0b", b"{3}\r\na\x80b"),
        ([], b"()"),
        ([1, b"a", None, [Raw(b"x")]], b'(1 "a" NIL (x))'),
        # address lists and body parts stand one behind the other (RFC 3501 9: 1*address, 1*body)
        ([([b"a"], [b"b"])], b'(("a")("b"))'),
        ([([1], [2]), b"MIXED"], b'((1)(2) "MIXED")'),
        ((), b""),
    ],
)
def test_values(value, octets):
    assert format_value(value) == octets


def test_subclasses_are_sent_as_what_they_are():
    class Name(str):
        pass

    class Octets(bytes):
        pass

    class Items(list):
        pass

    class Row(tuple):
        pass

    class Special(Raw):
        pass

    class Number(int):
        pass

    assert (
        format_value(Items([Name("a"), Octets(b"b"), Row([Items()]), Special(b"c"), Number(3)])) == b'("a" "b" () c 3)'
    )


@pytest.mark.parametrize("value", [1.5, {"a": 1}, {1}, object(), bytearray(b"a"), [1.0]])
def test_what_the_wire_has_no_form_for_is_refused(value):
    with pytest.raises(TypeError, match="cannot send a"):
        format_value(value)


def test_nothing_but_a_literal_can_hold_a_line_break():
    for octet in range(256):
        text = format_string(bytes([octet]))
        assert text.startswith(b"{1}\r\n") or (b"\r" not in text and b"\n" not in text)


def test_surrogates_do_not_end_the_connection():
    # a file name that is no UTF-8 becomes a str with surrogates
    assert format_value("a\udcff") == b'"a?"'


@pytest.mark.parametrize(
    ("tokens", "octets"),
    [
        ([], b""),
        (["INBOX", b"INBOX"], b'INBOX "INBOX"'),
        (["1:*", ["\\Seen", "$Forwarded"]], b"1:* (\\Seen $Forwarded)"),
        ([b"a\r\nb", []], b"{4+}\r\na\r\nb ()"),
    ],
)
def test_tokens(tokens, octets):
    assert format_tokens(tokens) == octets


@pytest.mark.parametrize("token", ["", "a b", "(", 'a"', "{3}", "é", "a\r\nb", "a\\b", "\\", "\x7f"])
def test_what_is_no_atom_has_to_be_bytes(token):
    with pytest.raises(ValueError, match="is no atom"):
        format_tokens([token])


@pytest.mark.parametrize("token", [None, 5, ("a",)])
def test_other_types_are_no_tokens(token):
    with pytest.raises(TypeError):
        format_tokens([token])
