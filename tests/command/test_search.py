"""SEARCH and UID SEARCH over the wire (RFC 3501 6.4.4, 6.4.8). The keys themselves: tests/search."""

from __future__ import annotations

import pytest

MESSAGES = (
    b"Subject: soup\r\n\r\nhot\r\n",
    b"Subject: bread\r\n\r\nfresh\r\n",
    "Subject: käse\r\n\r\nalt\r\n".encode(),
)


@pytest.fixture
def client(connect):
    """A client with three messages in its INBOX selected."""
    client = connect()
    for message in MESSAGES:
        client.ok("APPEND INBOX ", message)
    client.ok("SELECT INBOX")
    return client


def found(result):
    """The one SEARCH response of an answer."""
    assert result.status == "OK"
    (line,) = result.of("SEARCH")
    return line


def uids(client):
    return [items["UID"] for items in client.ok("FETCH 1:* UID").fetched().values()]


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        (("SEARCH ALL",), b"* SEARCH 1 2 3"),
        (("SEARCH SUBJECT bread",), b"* SEARCH 2"),
        (("SEARCH NOT (SUBJECT bread) 2:*",), b"* SEARCH 3"),
        (("search or body fresh body hot",), b"* SEARCH 1 2"),
        # an untagged SEARCH always, no space at its end
        (("SEARCH DELETED",), b"* SEARCH"),
        (("SEARCH CHARSET UTF-8 SUBJECT ", "KÄSE".encode()), b"* SEARCH 3"),
        (("SEARCH CHARSET ", b"utf-8", " SUBJECT ", b"SOUP", " UNSEEN"), b"* SEARCH 1"),
        (('SEARCH CHARSET "US-ASCII" TEXT alt',), b"* SEARCH 3"),
    ],
)
def test_search(client, parts, line):
    assert found(client.command(*parts)) == line


def test_uid_search(client):
    """RFC 3501 6.4.8: UIDs in the answer, numbers in a key that is a sequence set."""
    first, second, third = uids(client)
    result = client.command("UID SEARCH 2:3")
    assert found(result) == f"* SEARCH {second} {third}".encode()
    assert result.text == "UID SEARCH COMPLETED"
    assert found(client.command(f"UID SEARCH UID {first}:{second} SUBJECT soup")) == f"* SEARCH {first}".encode()
    assert found(client.command(f"SEARCH UID {third}:*")) == b"* SEARCH 3"
    assert found(client.command("UID SEARCH UID 4294967295")) == b"* SEARCH"
    assert found(client.command("UID SEARCH DRAFT")) == b"* SEARCH"


def test_completed(client):
    result = client.command("SEARCH ALL")
    assert result.answer == "OK SEARCH COMPLETED"
    assert len(result.untagged) == 1


def test_empty_mailbox(client):
    client.ok("CREATE Empty")
    client.ok("SELECT Empty")
    for keys in ("ALL", "1", "*", "1:*", "UID 1:*", "NOT 1"):
        assert found(client.command(f"SEARCH {keys}")) == b"* SEARCH"
        assert found(client.command(f"UID SEARCH {keys}")) == b"* SEARCH"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("SEARCH", "BAD Not enough options"),
        ("UID SEARCH", "BAD Not enough options"),
        ("SEARCH CHARSET UTF-8", "BAD A search key is missing"),
        ("SEARCH FOO", "BAD Unknown search key 'FOO'"),
        ("SEARCH (SEEN", "BAD Closing parenthesis missing"),
        (
            "SEARCH CHARSET KOI8-R SUBJECT foo",
            "NO [BADCHARSET (UTF-8 US-ASCII)] Charset not supported, use one of: UTF-8 US-ASCII",
        ),
        ("SEARCH " + "NOT " * 3000 + "SEEN", "BAD [LIMIT] More than 2000 search keys"),
    ],
)
def test_refuses(client, command, answer):
    result = client.command(command)
    assert result.answer == answer
    assert not result.untagged


def test_unknown_key_cannot_break_the_line(client):
    """What a client sent is not echoed raw."""
    tag = client.tag()
    client.send(f"{tag} SEARCH ".encode() + b"\xff\xc3\xa9" + b"x" * 5000 + b"\r\n")
    result = client.result(tag)
    assert result.status == "BAD"
    assert len(result.text) < 200
    assert result.text.isascii()


def test_needs_a_mailbox(connect):
    assert connect().command("SEARCH ALL").answer == "BAD Select a mailbox first"
    assert connect(None).command("SEARCH ALL").answer == "BAD Log in first"


def test_no_expunge_before_it_ends(client, connect):
    """RFC 3501 7.4.1: a SEARCH by numbers tells no EXPUNGE, UID SEARCH may, and both tell EXISTS."""
    other = connect()
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    other.ok("APPEND INBOX ", b"Subject: soup again\r\n\r\n")
    result = client.command("SEARCH SUBJECT soup")
    # the message that went is there until the client was told, the new one is not yet
    assert result.untagged[0] == b"* SEARCH 1"
    assert not result.of("EXPUNGE")
    assert result.of("EXISTS") == [b"* 4 EXISTS"]
    result = client.command("UID SEARCH SUBJECT soup")
    assert result.of("EXPUNGE") == [b"* 1 EXPUNGE"]
    assert found(client.command("SEARCH SUBJECT soup")) == b"* SEARCH 3"


def test_examine(client):
    """A search changes nothing: \\Seen stays unset (RFC 3501 6.4.5 leaves that to FETCH)."""
    client.ok("EXAMINE INBOX")
    assert found(client.command("SEARCH BODY hot")) == b"* SEARCH 1"
    assert found(client.command("SEARCH UNSEEN")) == b"* SEARCH 1 2 3"


def test_recent_is_the_sessions_own(client, connect):
    """RFC 3501 2.3.2."""
    other = connect()
    other.ok("SELECT INBOX")
    assert found(client.command("SEARCH RECENT")) == b"* SEARCH 1 2 3"
    assert found(client.command("SEARCH OLD")) == b"* SEARCH"
    assert found(other.command("SEARCH RECENT")) == b"* SEARCH"
    assert found(other.command("SEARCH NEW")) == b"* SEARCH"
    assert found(other.command("SEARCH OLD")) == b"* SEARCH 1 2 3"
