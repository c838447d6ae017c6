"""netimap.testing.Client and Replay, against servers that follow a script."""

from types import SimpleNamespace

import gevent
import pytest
from gevent.server import StreamServer

from netimap.testing import Client, Closed, Replay


@pytest.fixture
def scripted():
    """Starts a server that says given octets: the first at once, each further one when a line has come."""
    servers = []

    def start(greeting, *answers, close=True):
        seen = bytearray()

        def serve(sock, _):
            sock.sendall(greeting)
            buffer = b""
            for answer in answers:
                while b"\r\n" not in buffer:
                    octets = sock.recv(4096)
                    if not octets:
                        return
                    buffer += octets
                line, _, buffer = buffer.partition(b"\r\n")
                seen.extend(line + b"\n")
                sock.sendall(answer)
            while not close and sock.recv(4096):
                pass

        server = StreamServer(("127.0.0.1", 0), serve)
        server.start()
        servers.append(server)
        client = Client("127.0.0.1", server.server_port)
        servers.append(client)
        return client, seen

    yield start
    for server in servers:
        server.close()


def test_a_command_and_its_answer(scripted):
    client, seen = scripted(b"* OK hello\r\n", b"* 3 EXISTS\r\n* SEARCH 1\r\nt1 OK [READ-WRITE x] all is well\r\n")
    assert client.greeting == b"* OK hello"
    result = client.command("SELECT INBOX")
    assert seen == b"t1 SELECT INBOX\n"
    assert (result.tag, result.status, result.code, result.text) == ("t1", "OK", "READ-WRITE x", "all is well")
    assert result.answer == "OK [READ-WRITE x] all is well"
    assert result.untagged == [b"* 3 EXISTS", b"* SEARCH 1"]
    assert result.of("exists") == [b"* 3 EXISTS"]
    assert result.of("SEARCH") == [b"* SEARCH 1"]


def test_response_codes(scripted):
    client, _ = scripted(
        b"* OK\r\n", b't1 NO [BADCHARSET ("a]b" c)] no\r\n', b"t2 OK [TRUNCATED\r\n", b"t3 BAD\r\n", b"t4 OK []\r\n"
    )
    assert client.command("x").code == 'BADCHARSET ("a]b" c)'
    assert client.command("x").answer == "OK [TRUNCATED"
    assert client.command("x").status == "BAD"
    assert client.command("x").code == ""


def test_literals_in_responses(scripted):
    client, _ = scripted(
        b"* OK {5}\r\n",
        b"* 1 FETCH (BODY[] {6}\r\nt1 OK\r X {3}\r\nabc)\r\n* OK text {3}\r\nt1 OK text {3}\r\n",
    )
    result = client.command("FETCH 1 BODY[]")
    assert result.untagged == [b"* 1 FETCH (BODY[] {6}\r\nt1 OK\r X {3}\r\nabc)", b"* OK text {3}"]
    assert result.fetched() == {1: {"BODY[]": b"t1 OK\r", "X": b"abc"}}


def test_literals_in_commands(scripted):
    client, seen = scripted(b"* OK\r\n", b"+ go on\r\n", b"* 1 EXISTS\r\n+ \r\n", b"t1 OK\r\n")
    assert client.command("LOGIN ", b"user", " ", b"pass").untagged == [b"* 1 EXISTS"]
    assert seen == b"t1 LOGIN {4}\nuser {4}\npass\n"


def test_a_refused_literal_is_not_sent(scripted):
    client, seen = scripted(b"* OK\r\n", b"* 1 EXISTS\r\nt1 NO [TRYCREATE] no\r\n", b"t2 OK\r\n")
    result = client.command("APPEND nowhere ", b"text\r\n")
    assert (result.status, result.code, result.untagged) == ("NO", "TRYCREATE", [b"* 1 EXISTS"])
    client.ok("NOOP")
    assert seen == b"t1 APPEND nowhere {6}\nt2 NOOP\n"


def test_login_quotes(scripted):
    client, seen = scripted(b"* OK\r\n", b"t1 OK\r\n", b"+ \r\n", b"t2 OK\r\n")
    client.login('a "b"', "\\")
    client.login("ü")
    assert seen.decode() == 't1 LOGIN "a \\"b\\"" "\\\\"\nt2 LOGIN {2}\nü "secret"\n'


def test_what_is_not_ok_fails_with_the_transcript(scripted):
    client, _ = scripted(b"* OK\r\n", b"t1 NO sorry\r\n")
    with pytest.raises(AssertionError) as error:
        client.ok("SELECT x")
    assert str(error.value) == (
        "expected OK, got NO sorry\n--- transcript\nS: * OK\nC: t1 SELECT x\nS: t1 NO sorry"
    )  # fmt: skip


def test_silence_ends_at_the_deadline(scripted):
    client, _ = scripted(b"* OK\r\n", b"* 1 EXISTS\r\n", close=False)
    client.timeout_s = 0.1
    with pytest.raises(AssertionError, match=r"(?s)no answer within 0.1 seconds.*S: \* 1 EXISTS"):
        client.command("NOOP")


def test_a_server_that_trickles_does_not_keep_the_test(scripted):
    # the deadline is for the line, not for each of its octets
    client, _ = scripted(b"* OK\r\n", close=False)
    client.timeout_s = 0.1
    octets = []

    def receive(size):
        gevent.sleep(0.02)
        octets.append(size)
        return b"x"

    client._socket.close()
    client._socket = SimpleNamespace(recv=receive, settimeout=lambda seconds: None, close=lambda: None)
    with pytest.raises(AssertionError, match="no answer"):
        client.line()
    assert len(octets) < 10


def test_the_end_of_the_connection(scripted):
    client, _ = scripted(b"* OK\r\n", b"* BYE\r\nt1 OK\r\n")
    client.send("t1 LOGOUT\r\n")
    assert client.rest() == [b"* BYE", b"t1 OK"]
    with pytest.raises(Closed):
        client.line()
    client, _ = scripted(b"* OK\r\n", b"half a line")
    client.send("x\r\n")
    with pytest.raises(AssertionError, match="within a line"):
        client.rest()


def test_a_wrong_tag_is_an_error(scripted):
    client, _ = scripted(b"* OK\r\n", b"t9 OK\r\n")
    with pytest.raises(AssertionError, match="expected the answer to t1"):
        client.command("NOOP")


def test_unread(scripted):
    client, _ = scripted(b"* OK\r\n* 1 EXISTS\r\n", close=False)
    assert client.unread() == b"* 1 EXISTS\r\n"
    assert client.line() == b"* 1 EXISTS"
    assert client.unread() == b""


def test_pieces(scripted):
    client, seen = scripted(b"* OK\r\n", b"t1 OK\r\n")
    client.piece = 1
    client.ok("NOOP")
    assert seen == b"t1 NOOP\n"


def test_idle(scripted):
    client, seen = scripted(b"* OK\r\n", b"+ idling\r\n* 1 EXISTS\r\n", b"* 2 EXISTS\r\nt1 OK\r\n", b"t2 NO\r\n")
    client.idle()
    assert client.line() == b"* 1 EXISTS"
    assert client.done().untagged == [b"* 2 EXISTS"]
    with pytest.raises(AssertionError, match="expected a continuation"):
        client.idle()
    assert seen == b"t1 IDLE\nDONE\nt2 IDLE\n"


def test_tls_needs_a_context_and_silence(scripted):
    client, _ = scripted(b"* OK\r\n* more\r\n", close=False)
    with pytest.raises(ValueError, match="context"):
        client.handshake()
    client.context = object()
    client.unread()
    with pytest.raises(AssertionError, match="spoke before"):
        client.handshake()


# --- Replay ---


@pytest.fixture
def replay(scripted):
    """A Replay, and `tell`, which gives it lines."""
    client, _ = scripted(b"* OK\r\n", close=False)
    replay = Replay(client)

    def tell(*lines):
        for line in lines:
            replay.apply(line)

    return replay, tell


def test_replay_follows_the_lines(replay):
    replay, tell = replay
    tell(
        b"* FLAGS (\\Seen)", b"* 3 EXISTS", b"* 2 RECENT", b"* OK [UNSEEN 2] x",
        b"* 1 FETCH (UID 10 FLAGS (\\Recent \\Seen))", b"* 3 FETCH (FLAGS ())", b"* 2 EXPUNGE", b"* 4 EXISTS",
        b"* 2 FETCH (UID 12)", b"* 1 FETCH (FLAGS (a))",
    )  # fmt: skip
    nothing = (None, None)
    assert replay.known() == [(10, frozenset({"a"})), (12, frozenset()), nothing, nothing]


@pytest.mark.parametrize(
    "lines",
    [
        [b"* 3 EXISTS", b"* 2 EXISTS"],
        [b"* 3 EXISTS", b"* 4 EXPUNGE"],
        [b"* 3 EXISTS", b"* 0 EXPUNGE"],
        [b"* 3 EXISTS", b"* 4 FETCH (FLAGS ())"],
        [b"* 3 EXISTS", b"* 1 FETCH (UID 5)", b"* 1 FETCH (UID 6)"],
        [b"* 2 EXISTS", b"* 1 FETCH (UID 5)", b"* 2 FETCH (UID 6)", b"* 1 EXPUNGE", b"* 1 FETCH (UID 5)"],
    ],
)
def test_replay_refuses_what_no_server_may_send(replay, lines):
    replay, tell = replay
    tell(*lines[:-1])
    with pytest.raises(AssertionError):
        tell(lines[-1])
