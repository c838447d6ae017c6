"""The octets of a connection: cut up anywhere, joined, cut off, too many (RFC 3501 2.2, FIELD-NOTES.md 2 and 4)."""

import gevent
import pytest

from netimap.testing import RunningServer

BATCH = (
    b"a LOGIN {4+}\r\nanna secret\r\nb APPEND INBOX (\\Seen) {6+}\r\na: b\r\n\r\nc SELECT {5+}\r\nINBOX\r\n"
    b"d IDLE\r\nDONE\r\ne BOGUS {8+}\r\nf LOGOUT\r\ng FETCH 1 BODY[HEADER.FIELDS ({1+}\r\na)]\r\nh LOGOUT\r\n"
)


def answers(client, *pieces):
    """Tag and status of the tagged lines that answer a conversation, sent in these pieces."""
    for piece in pieces:
        client.send(piece)
        gevent.idle()
    return [line.split(b" ")[:2] for line in client.rest() if not line.startswith((b"* ", b"+ "))]


def test_a_batch_of_commands_is_answered_in_order_wherever_it_is_cut(connect):
    whole = answers(connect(None), BATCH)
    assert whole == [
        [b"a", b"OK"], [b"b", b"OK"], [b"c", b"OK"], [b"d", b"OK"], [b"e", b"BAD"], [b"g", b"OK"], [b"h", b"OK"]
    ]  # fmt: skip
    for cut in range(1, len(BATCH), 3):
        assert answers(connect(None), BATCH[:cut], BATCH[cut:]) == whole, cut


@pytest.mark.parametrize("rest", [b"x NOOP\r\n", b"x", b"\r\n", b"\x16\x03\x01"])
def test_nothing_sent_with_starttls_counts_as_sent_under_tls(connect, rest):
    # CVE-2011-0411: refused and closed, never executed
    client = connect(None)
    client.send(b"a STARTTLS\r\n" + rest)
    lines = client.rest()
    assert lines[0].startswith(b"a BAD ")
    assert [line[:5] for line in lines[1:]] == [b"* BYE"]


def test_starttls_itself_may_be_cut(connect):
    for cut in range(1, len(b"a STARTTLS\r\n")):
        client = connect(None)
        client.send(b"a STARTTLS\r\n"[:cut])
        gevent.idle()
        client.send(b"a STARTTLS\r\n"[cut:])
        assert client.line().startswith(b"a OK")
        client.handshake()
        client.ok("NOOP")


def test_a_command_that_is_cut_off_is_not_done(connect):
    for octets in (b"a CREATE x", b"a CREATE {1+}\r\nx", b"a CREATE {9+}\r\nx", b"a APPEND INBOX {6+}\r\na: b\r\n"):
        client = connect()
        client.send(octets)
        client.shutdown()
        assert [line for line in client.rest() if line.startswith(b"a ")] == []
    watcher = connect()
    assert watcher.ok('LIST "" x').untagged == []
    assert watcher.ok("STATUS INBOX (MESSAGES)").untagged == [b'* STATUS "INBOX" (MESSAGES 0)']


def test_the_last_command_before_the_end_of_input_is_answered(connect):
    client = connect()
    client.send(b"a CREATE x\r\n")
    client.shutdown()
    assert client.rest()[0].startswith(b"a OK")


def test_nul_and_other_controls_are_bad_and_echoed_by_nobody(connect):
    client = connect()
    for line in (
        b"a NO\0OP",
        b"a NOOP\0",
        b"\0",
        b"a \x1b[31m",
        b"a B\x07",
        b'a LIST "" "\0"',
        b"a\x7f NOOP",
        b"a \xff",
    ):
        client.send(line + b"\r\n")
        answer = client.line()
        assert b" BAD " in answer
        assert answer.decode("ascii").isprintable()
    client.ok("NOOP")


def test_a_line_that_is_too_long_is_bad_and_the_connection_goes_on(user):
    with RunningServer(max_line=1000) as server, server.connect(user) as client:
        client.ok("NOOP")
        assert client.command('LIST "" ' + "x" * 2000).answer.startswith("BAD [LIMIT]")
        assert client.command("FETCH " + "1," * 3000 + "1 FLAGS").answer.startswith("BAD [LIMIT]")
        client.ok("NOOP")
        # one that never ends is not read for ever
        client.send(b"a NOOP " + b"x" * 1_000_000)
        assert any(line.startswith(b"* BYE") for line in client.rest())


def test_literals_over_the_limits(user):
    limits = {"max_literal": 100, "max_unauth_literal": 64, "max_message": 1000, "max_literals": 3, "max_command": 200}
    with RunningServer(**limits) as server:
        with server.connect() as client:
            # the little ones that a login needs
            assert client.command("LOGIN ", b"x" * 65).status == "NO"
            client.send(b"a LOGIN {65+}\r\n" + b"x" * 65 + b" secret\r\n")
            assert client.line().startswith(b"a NO ")
            client.login("ü" * 32)
        with server.connect(user) as client:
            # refused before they are sent
            assert client.command("CREATE ", b"x" * 101).status == "NO"
            # or drained, when the client does not wait
            client.send(b"a CREATE {101+}\r\n" + b"x" * 101 + b"\r\nb CREATE {100+}\r\n" + b"x" * 100 + b"\r\n")
            assert client.line().startswith(b"a NO ")
            assert client.line().startswith(b"b OK ")
            client.ok("SELECT INBOX")
            assert client.command("SEARCH TEXT ", *[b"x", " TEXT "] * 3, b"x").answer.startswith("BAD [LIMIT]")
            assert client.command("RENAME ", b"x" * 100, " ", b"y" * 100, " ", b"z").status in ("NO", "BAD")
            assert client.command("APPEND INBOX ", b"x" * 1001).code == "TOOBIG"
            client.ok("APPEND INBOX ", b"a: " + b"x" * 500 + b"\r\n\r\n")
            # too much to drain: the connection ends, and nothing of the literal runs
            client.send(b"c CREATE {99999999+}\r\nd CREATE nothing\r\n")
            assert [line[:5] for line in client.rest()] == [b"* BYE"]
        with server.connect(user) as client:
            assert client.ok('LIST "" nothing').untagged == []


@pytest.mark.parametrize("size", ["4294967296", "99999999999999999999", "9" * 1000])
def test_impossible_literal_sizes(connect, size):
    for form in ("{%s}", "{%s+}"):
        client = connect()
        client.send(f"a CREATE {form % size}\r\nb CREATE nothing\r\n")
        client.shutdown()
        lines = client.rest()
        assert lines[0].startswith((b"a BAD", b"a NO", b"* BYE"))
        # what was announced and cannot be read ends the connection; what waits for `+` was never sent
        assert any(line.startswith(b"b OK") for line in lines) is (form == "{%s}")


def test_one_who_does_not_read_keeps_nobody_waiting(connect):
    greedy, other = connect(), connect()
    greedy.ok("APPEND INBOX ", b"a: b\r\n\r\n" + b"x" * 200_000)
    greedy.ok("SELECT INBOX")
    greedy.send(b"".join(b"%d FETCH 1 BODY.PEEK[]\r\n" % number for number in range(100)))
    for _ in range(20):
        other.ok("NOOP")
    tags = [line.split(b" ")[0] for line in (greedy.line() for _ in range(200)) if not line.startswith(b"* ")]
    assert tags == [b"%d" % number for number in range(100)]
