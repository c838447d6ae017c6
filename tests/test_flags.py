"""netimap.flags: flag sets (RFC 3501 2.3.2)."""

import pytest

from netimap.flags import (
    FLAG_FORMATS,
    MAX_FLAGS,
    MAX_REMEMBERED,
    NO_FLAGS,
    RECENT_FORMATS,
    FlagFormats,
    canonical_flag,
    changed_flags,
    intern_flags,
)


def flags(*names):
    return frozenset(names)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), b""),
        (("\\Seen",), b"\\Seen"),
        # system flags first
        (("$Forwarded", "\\Seen", "Work", "\\Deleted"), b"\\Deleted \\Seen $Forwarded Work"),
    ],
)
def test_formats_a_set(given, expected):
    assert FLAG_FORMATS[flags(*given)] == expected


def test_formats_recent_beside_the_others():
    assert RECENT_FORMATS[flags()] == b"\\Recent"
    assert RECENT_FORMATS[flags("\\Seen", "a")] == b"\\Recent \\Seen a"


def test_formats_each_set_once():
    assert FLAG_FORMATS[flags("\\Seen", "x")] is FLAG_FORMATS[flags("x", "\\Seen")]


def test_equal_sets_are_one_object():
    assert intern_flags(["\\Seen", "x"]) is intern_flags(["x", "\\Seen"])
    assert intern_flags([]) is NO_FLAGS


def test_what_clients_make_up_does_not_grow_the_process():
    formats = FlagFormats()
    for number in range(MAX_REMEMBERED + 100):
        formats[flags(str(number))]
    assert len(formats) <= MAX_REMEMBERED + 1


def test_large_sets_are_not_kept():
    large = flags(*(f"keyword-{number}" for number in range(MAX_FLAGS + 1)))
    formats = FlagFormats()
    assert formats[large].count(b" ") == MAX_FLAGS
    assert len(formats) == 0
    assert intern_flags(large) == large


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("\\seen", "\\Seen"),
        ("\\DELETED", "\\Deleted"),
        ("\\Other", "\\Other"),
        ("seen", "seen"),
        ("$MDNSent", "$MDNSent"),
    ],
)
def test_system_flags_have_one_spelling(given, expected):
    assert canonical_flag(given) == expected


@pytest.mark.parametrize(
    ("old", "what", "given", "expected"),
    [
        ([], "+FLAGS", ["\\Seen"], ["\\Seen"]),
        (["\\Seen"], "+FLAGS", ["work"], ["\\Seen", "work"]),
        (["\\Seen", "work"], "-FLAGS", ["\\Seen"], ["work"]),
        (["\\Seen", "work"], "-FLAGS", ["other"], ["\\Seen", "work"]),
        (["\\Seen", "work"], "FLAGS", ["\\Draft"], ["\\Draft"]),
        (["\\Seen"], "FLAGS", [], []),
        # flags are case-insensitive (RFC 3501 2.3.2), and keep the spelling they had
        (["Work"], "+FLAGS", ["WORK"], ["Work"]),
        (["Work"], "-FLAGS", ["wORK"], []),
        (["Work"], "FLAGS", ["work", "\\seen"], ["Work", "\\Seen"]),
        # \Recent is no flag of a message
        ([], "+FLAGS", ["\\recent"], []),
        (["\\Seen"], "FLAGS", ["\\Recent"], []),
    ],
)
def test_store_works_on_sets(old, what, given, expected):
    assert changed_flags(flags(*old), what, given) == flags(*expected)


def test_no_change_is_the_same_object():
    old = flags("\\Seen", "Work")
    for what, given in (("+FLAGS", ["work"]), ("-FLAGS", ["x"]), ("FLAGS", ["work", "\\Seen"])):
        assert changed_flags(old, what, given) is old
