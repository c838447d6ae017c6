"""netimap.fetch.items: the items of FETCH, and body sections (RFC 3501 6.4.5)."""

import pytest

from netimap import mime
from netimap.exceptions import Bad
from netimap.fetch.items import COLUMN_ITEMS, MACROS, MAX_FIELDS, SECTION_ITEMS, parse_section
from netimap.wire.reader import tokenize

RAW = (
    b"Subject: parts\r\nTo: a\r\nTO: b\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"preamble\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: inner\r\n\r\ninner body\r\n--b--\r\n"
)


def item(text):
    (token,) = tokenize([text.encode()], sections=True)
    return parse_section(token)


def octets(text):
    return item(text).octets(RAW, lambda: mime.scan(RAW))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("BODY[]", b"BODY[]"),
        ("body.peek[text]", b"BODY[TEXT]"),
        ("BODY[1.2.header]", b"BODY[1.2.HEADER]"),
        ("BODY[1.MIME]", b"BODY[1.MIME]"),
        ("BODY[HEADER.FIELDS (Subject To)]", b"BODY[HEADER.FIELDS (Subject To)]"),
        ('BODY[1.header.fields.not ("To")]', b"BODY[1.HEADER.FIELDS.NOT (To)]"),
        # a name that is no atom comes back quoted
        ('BODY[HEADER.FIELDS ("a b" "]")]', b'BODY[HEADER.FIELDS ("a b" "]")]'),
        # RFC 3501 7.4.2: the origin octet alone
        ("BODY[]<0.100>", b"BODY[]<0>"),
        ("BODY[1]<4294967295.4294967295>", b"BODY[1]<4294967295>"),
    ],
)
def test_labels_are_what_the_response_has(text, label):
    assert item(text).label == label


@pytest.mark.parametrize(
    ("text", "sets_seen"),
    [("BODY[]", True), ("BODY[TEXT]", True), ("BODY.PEEK[]", False), ("BODY.PEEK[1]<0.1>", False)],
)
def test_only_peek_leaves_seen_alone(text, sets_seen):
    assert item(text).sets_seen is sets_seen


def test_the_old_names_of_sections():
    # RFC 3501 6.4.5: RFC822.HEADER is like PEEK
    assert {name: one.sets_seen for name, one in SECTION_ITEMS.items()} == {
        "RFC822": True, "RFC822.HEADER": False, "RFC822.TEXT": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BODY[]", RAW),
        ("BODY[HEADER]", RAW[: RAW.index(b"preamble")]),
        ("BODY[TEXT]", RAW[RAW.index(b"preamble") :]),
        ("BODY[HEADER.FIELDS (to)]", b"To: a\r\nTO: b\r\n\r\n"),
        ("BODY[HEADER.FIELDS.NOT (to content-type)]", b"Subject: parts\r\n\r\n"),
        ("BODY[1]", b"one"),
        ("BODY[1.MIME]", b"\r\n"),
        ("BODY[2.HEADER]", b"Subject: inner\r\n\r\n"),
        ("BODY[2.TEXT]", b"inner body"),
        ("BODY[2.1]", b"inner body"),
        ("BODY[2.MIME]", b"Content-Type: message/rfc822\r\n\r\n"),
        ("BODY[]<0.7>", b"Subject"),
        ("BODY[]<100000.7>", b""),
        ("BODY[1]<1.100>", b"ne"),
        ("BODY[3]", None),
        ("BODY[1.2.3]", None),
        ("BODY[1.HEADER]", None),
        ("BODY[4294967295]", None),
    ],
)
def test_octets(text, expected):
    assert octets(text) == expected


def test_the_outermost_parts_need_no_mime_tree():
    def never():
        raise AssertionError("scanned")

    for text in ("BODY[]", "BODY[HEADER]", "BODY[TEXT]", "BODY[HEADER.FIELDS (To)]", "BODY[]<1.2>"):
        assert item(text).octets(RAW, never) is not None


@pytest.mark.parametrize(
    "text",
    [
        "BODY[0]", "BODY[1..2]", "BODY[.1]", "BODY[1.]", "BODY[01]", "BODY[MIME]", "BODY[1.BOGUS]", "BODY[BOGUS]",
        "BODY[TEXT 1]", "BODY[HEADER.FIELDS]", "BODY[HEADER.FIELDS ()]", "BODY[HEADER.FIELDS (a) (b)]",
        "BODY[HEADER.FIELDS ((a))]", "BODY[HEADER.FIELDS a]", "BODY[TEXT (a)]", "BODY[(TEXT)]", 'BODY["TEXT"]',
        "BODY[]<0>", "BODY[]<0.0>", "BODY[]<.5>", "BODY[]<5.>", "BODY[]<>", "BODY[]<1.2.3>", "BODY[]<4294967296.1>",
        "BODY[]<1.4294967296>", "BODY[12345678901]", "BODY[1 2]", "BODYSTRUCTURE[]", "BODY.PEAK[]", "UID[1]",
        "BODY[TEXTé]", "BODY[HEADER.FIELDS (é)]",
    ],
)  # fmt: skip
def test_what_is_no_section_is_refused(text):
    with pytest.raises(Bad):
        item(text)


def test_a_field_name_cannot_carry_a_line_break():
    # as a literal anything may come: it is echoed in the label
    for field in (b"a\r\nb", b"a\nb", b"a\0b", b"\xff"):
        tokens = tokenize([b"BODY[HEADER.FIELDS ({%d}" % len(field), field, b")]"], sections=True)
        with pytest.raises(Bad, match="field name"):
            parse_section(tokens[0])


def test_fields_are_limited():
    with pytest.raises(Bad, match="1000"):
        item(f"BODY[HEADER.FIELDS ({'a ' * MAX_FIELDS}b)]")


def test_the_macros_are_made_of_items():
    # RFC 3501 6.4.5
    assert set(MACROS) == {"ALL", "FAST", "FULL"}
    assert {name for macro in MACROS.values() for name in macro} <= set(COLUMN_ITEMS)
    assert set(MACROS["FAST"]) < set(MACROS["ALL"]) < set(MACROS["FULL"])
