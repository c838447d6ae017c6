"""The limits of a server on time, on clients that do not read, and on connections (issue 2, section 4)."""

import time

import gevent
import pytest
from gevent import socket
from serving import PATIENCE_S, attempt, eventually, new_user, no_errors, serve  # noqa: F401

from netimap import DefaultModel, Mailbox, Message

RAW = b"Subject: hello\r\n\r\nbody\r\n"


# --- time ---


def test_time_to_log_in_is_limited_however_busy_a_client_is(serve):  # noqa: F811
    client = serve(login_timeout=0.1, unauth_commands=0).connect()
    begun = time.monotonic()

    def talk():
        while True:
            client.ok("NOOP")
            gevent.sleep(0.005)

    with pytest.raises(AssertionError, match="BYE Too slow to log in"):
        talk()
    assert time.monotonic() - begun < PATIENCE_S


@pytest.mark.parametrize("begin", [b"", b"a NO", b"a NOOP {5}\r\n", b"a NOOP {5+}\r\nab", b"a AUTHENTICATE PLAIN\r\n"])
def test_time_to_log_in_counts_wherever_the_client_is(serve, begin):  # noqa: F811
    client = serve(login_timeout=0.05).connect()
    client.send(begin)
    assert client.rest()[-1] == b"* BYE Too slow to log in"


def test_a_slow_drip_before_login_is_cut_off(serve):  # noqa: F811
    client = serve(login_timeout=0.1).connect()

    def drip():
        while True:
            client.send(b"x")
            gevent.sleep(0.005)

    dripping = attempt(drip)
    assert client.rest() == [b"* BYE Too slow to log in"]
    assert eventually(lambda: dripping.ready())


@pytest.mark.parametrize("begin", [b"", b"a NO", b"a NOOP {5}\r\n", b"a IDLE\r\n"])
def test_idle_time_is_limited(serve, begin):  # noqa: F811
    client = serve(auth_idle=0.05).connect("x")
    client.send(begin)
    assert client.rest()[-1] == b"* BYE Idle for too long"


def test_a_literal_that_comes_slowly_is_no_idleness(serve):  # noqa: F811
    client = serve(auth_idle=0.4).connect(new_user())
    client.send(b"a APPEND INBOX {30}\r\n")
    client.line()
    for _ in range(30):
        client.send(b"x")
        gevent.sleep(0.02)
    client.send(b"\r\n")
    assert client.result("a").status == "OK"


def test_zero_turns_a_limit_off(serve):  # noqa: F811
    server = serve(unauth_idle=0, auth_idle=0, unauth_commands=0)
    client = server.connect()
    for _ in range(30):
        client.ok("NOOP")
    (connection,) = server.server.connections()
    client.login("x")
    eventually(lambda: connection.timer() is None)


def read_all(client):
    while True:
        client.line()


@pytest.mark.parametrize("tls", [False, True])
def test_a_client_that_does_not_read_is_dropped_and_costs_little(serve, tls):  # noqa: F811
    class Model(DefaultModel):
        def init(self):
            self.root(Mailbox())
            inbox = self.root().add_child(name="INBOX")
            for _ in range(100):
                inbox.add_message(Message(b"x" * 100_000))

    server = serve(model_class=Model, write_timeout=0.1)
    client = server.connect("x", tls=tls)
    client.ok("SELECT INBOX")
    (connection,) = server.server.connections()
    begun = time.monotonic()
    client.send(b"a FETCH 1:* BODY.PEEK[]\r\n" * 50)
    queued = 0
    while server.server.connections():
        queued = max(queued, connection.io_handle()._queued)
        gevent.sleep(0.005)
        assert time.monotonic() - begun < PATIENCE_S
    # one message beyond what is sent at once
    assert queued < 300_000
    assert isinstance(attempt(read_all, client).get(), AssertionError)


def test_an_idling_client_that_does_not_read_is_dropped_too(serve):  # noqa: F811
    server = serve(write_timeout=0.1)
    user = new_user()
    deaf, other = server.connect(user), server.connect(user)
    for _ in range(500):
        other.send(b"x APPEND INBOX {26+}\r\n" + RAW + b"xx\r\n")
        other.result("x")
    deaf.ok("SELECT INBOX")
    other.ok("SELECT INBOX")
    deaf.idle()
    (connection,) = [one for one in server.server.connections() if one.view().wake]
    connection.io_handle()._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    view, queued = connection.view(), 0
    for turn in range(400):
        other.ok(f"STORE 1:* {'+' if turn % 2 else '-'}FLAGS.SILENT (\\Seen)")
        queued = max(queued, connection.io_handle()._queued)
        if connection.is_closed():
            break
    eventually(connection.is_closed)
    # what happens meanwhile is told in one go afterwards: lines do not pile up
    assert queued < 200_000
    assert view not in other_views(server)


def other_views(server):
    return [view for one in server.server.connections() if one.selected() for view in one.selected().views]


# --- connections ---


def refused_line(port):
    sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    line = b""
    while more := sock.recv(1000):
        line += more
    sock.close()
    return line


@pytest.mark.parametrize(
    ("limit", "line"),
    [
        ({"max_connections": 2}, b"* BYE [LIMIT] Too many connections\r\n"),
        ({"max_connections_per_address": 2}, b"* BYE [LIMIT] Too many connections from your address\r\n"),
    ],
)
def test_connections_are_limited(serve, limit, line):  # noqa: F811
    server = serve(**limit)
    first, second = server.connect(), server.connect(tls=True)
    assert refused_line(server.port) == line
    # nothing can be said before a handshake
    assert refused_line(server.ssl_port) == b""
    first.ok("NOOP")
    second.ok("NOOP")
    first.close()
    eventually(lambda: len(server.server.connections()) == 1)
    server.connect().ok("NOOP")


def test_handshakes_count_as_connections(serve):  # noqa: F811
    server = serve(max_connections=1, handshake_timeout=0.1)
    silent = socket.create_connection(("127.0.0.1", server.ssl_port), timeout=PATIENCE_S)
    eventually(server.server.connections)
    assert refused_line(server.port).startswith(b"* BYE")
    assert silent.recv(100) == b""
    silent.close()
    eventually(lambda: not server.server.connections())


def test_connections_of_a_user_are_limited(serve):  # noqa: F811
    server = serve(max_connections_per_user=2)
    user, other = new_user(), new_user()
    first, _ = server.connect(user), server.connect(user)
    third = server.connect()
    assert third.command(f"LOGIN {user} x").answer == "NO [LIMIT] Too many connections of this user"
    assert third.command('LIST "" *').answer == "BAD Log in first"
    third.login(other)
    first.command("LOGOUT")
    eventually(lambda: len(server.server.concurrent_user_connections(user)) == 1)
    server.connect(user)
