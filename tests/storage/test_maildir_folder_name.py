"""Names of mailboxes and users on disk."""

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from netimap.exceptions import No
from netimap.storage.maildir.folder_name import account_directory, parts_of, place_of, user_directory


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        (("INBOX",), b"."),
        (("Work",), b".Work"),
        (("Work", "Old"), b".Work.Old"),
        (("Füße",), b".F&APwA3w-e"),
        (("INBOX", "Sub"), b".INBOX.Sub"),
        (("a&b",), b".a&-b"),
        (("v1.2", "é."), b".v1&AC4-2.&AOk-&AC4-"),
        (("..",), b".&AC4-&AC4-"),
        (("cur",), b".cur"),
        ((" odd ~ \\ * %",), b". odd ~ \\ * %"),
    ],
)
def test_directories(parts, place):
    assert place_of(parts) == place
    if place != b".":
        assert parts_of(place) == parts


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4).map(tuple))
def test_directories_are_unambiguous(parts):
    assume(parts[0].upper() != "INBOX")
    try:
        place = place_of(parts)
    except No:
        return
    assert b"/" not in place
    assert place.startswith(b".")
    assert place not in (b".", b"..")
    assume(not any("\ud800" <= character <= "\udfff" for part in parts for character in part))
    assert parts_of(place) == parts


@pytest.mark.parametrize(
    "parts", [("a/b",), ("",), ("a", ""), ("a\0b",), ("a\nb",), ("x" * 255,), ("é" * 60, "é" * 60)]
)
def test_names_that_cannot_be(parts):
    with pytest.raises(No) as caught:
        place_of(parts)
    assert caught.value.code == "CANNOT"


@pytest.mark.parametrize("place", [b"..", b".a..b", b".a.", b"a", b".INBOX", b".inbox", b".Inbox.x", b".\xff", b".a\n"])
def test_directories_that_are_no_mailbox(place):
    assert parts_of(place) is None


@pytest.mark.parametrize(("place", "parts"), [("Füße", ("Füße",)), ("A&B", ("A&B",)), ("&AGE-", ("&AGE-",))])
def test_directories_of_other_programs(place, parts):
    assert parts_of(b"." + place.encode()) == parts


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ("joe", "joe"),
        ("joe+x_y-z@example.org", "joe+x_y-z@example.org"),
        ("A", "%41"),
        ("..", "%2e."),
        (".", "%2e"),
        ("../joe", "%2e.%2fjoe"),
        (".hidden", "%2ehidden"),
        ("%u", "%25u"),
        ("%2e", "%252e"),
        ("é", "%c3%a9"),
        ("e\u0301", "e%cc%81"),
        ("a b\\*", "a%20b%5c%2a"),
    ],
)
def test_users(user, name):
    assert user_directory(user) == name


@pytest.mark.parametrize("user", ["", "a\0b", "a\n", "\x7f", "x" * 256, "é" * 100])
def test_users_who_can_have_no_directory(user):
    with pytest.raises(No):
        user_directory(user)


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_two_users_never_meet(one, other):
    assume(one != other)
    try:
        names = [user_directory(user) for user in (one, other)]
    except No:
        return
    # not even where the file system ignores case or normalises
    folded = [unicodedata.normalize("NFKC", name).casefold() for name in names]
    assert folded[0] != folded[1]
    assert all("/" not in name and not name.startswith(".") for name in names)


def test_template():
    assert account_directory("/mail/%u", "joe") == "/mail/joe"
    assert account_directory("/home/%u/Maildir", "../x") == "/home/%2e.%2fx/Maildir"
    assert account_directory("/%u/%u", "%u") == "/%25u/%25u"
    assert account_directory("/home/joe/Maildir", "joe") == "/home/joe/Maildir"
    with pytest.raises(No):
        account_directory("/mail", "a\0")
