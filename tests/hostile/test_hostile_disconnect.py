"""Clients that go away at any moment, and what they leave behind: nothing."""

import gc
import os
import struct

import gevent
import pytest
from gevent import socket
from serving import PATIENCE_S, eventually, new_user

from netimap import Connection, DefaultModel, Mailbox, Message

RAW = b"Subject: hello\r\n\r\nbody\r\n"

#: what was said before the client goes away
MOMENTS = {
    "at once": b"",
    "in a tag": b"a",
    "in a command": b"a NOO",
    "in a long line": b"a " + b"x" * 70_000,
    "after an announcement": b"a LOGIN {5}\r\n",
    "in a literal": b"a LOGIN {5+}\r\nab",
    "behind a literal": b"a LOGIN {2+}\r\nab",
    "in a refused literal": b"a SELECT {5000+}\r\nab",
    "in AUTHENTICATE": b"a AUTHENTICATE PLAIN\r\n",
    "in the middle of AUTHENTICATE": b"a AUTHENTICATE PLAIN\r\nAGFi",
    "after STARTTLS": b"a STARTTLS\r\n",
    "after LOGOUT": b"a LOGOUT\r\n",
}
MOMENTS_AFTER_LOGIN = {
    "in IDLE": b"a IDLE\r\n",
    "in the middle of DONE": b"a IDLE\r\nDO",
    "in a message": b"a APPEND INBOX {1000000+}\r\n" + b"x" * 100_000,
    "in FETCH": b"a FETCH 1:* BODY.PEEK[]\r\n" * 20,
    "in a search": b"a SEARCH TEXT {5}\r\n",
    "in many commands": b"a NOOP\r\n" * 1000,
    "in an expunge": b"a STORE 1:* +FLAGS (\\Deleted)\r\nb EXPUNGE\r\n",
}


class Model(DefaultModel):
    """Some messages that take a while to send."""

    def build(self, root):
        inbox = root.add_child(name="INBOX")
        for _ in range(20):
            inbox.add_message(Message(b"x" * 100_000))


@pytest.fixture
def server(serve):
    return serve(model_class=Model, write_timeout=0.2, handshake_timeout=0.2)


def leave(client, how):
    """End the connection: properly, half, or by a reset."""
    sock = client._socket
    if how == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif how == "half":
        sock.shutdown(socket.SHUT_WR)
        gevent.sleep(0.002)
    client.close()


@pytest.mark.parametrize("how", ["close", "half", "reset"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_before_login(server, moment, how):
    client = server.connect()
    client.send(MOMENTS[moment])
    gevent.sleep(0.001)
    leave(client, how)
    eventually(lambda: not server.server.connections())


@pytest.mark.parametrize("how", ["close", "half", "reset"])
@pytest.mark.parametrize("moment", MOMENTS_AFTER_LOGIN)
@pytest.mark.parametrize("tls", [False, True])
def test_after_login(server, moment, how, tls):
    client = server.connect(new_user(), tls=tls)
    client.ok("SELECT INBOX")
    (connection,) = server.server.connections()
    inbox = connection.selected()
    client.send(MOMENTS_AFTER_LOGIN[moment])
    gevent.sleep(0.001)
    if tls and how == "half":
        how = "close"
    leave(client, how)
    eventually(lambda: not server.server.connections())
    assert inbox.views == []
    assert inbox._ghosts == {}
    assert server.server._idling == set()


def test_while_others_change_the_mailbox(server):
    user = new_user()
    stays = server.connect(user)
    stays.ok("SELECT INBOX")
    for turn in range(20):
        goes = server.connect(user)
        goes.ok("SELECT INBOX")
        goes.idle()
        stays.ok("APPEND INBOX ", RAW)
        stays.ok(f"STORE 1:* {'+-'[turn % 2]}FLAGS.SILENT (\\Seen)")
        leave(goes, "reset" if turn % 2 else "close")
        stays.ok("STORE * +FLAGS.SILENT (\\Deleted)")
        stays.ok("EXPUNGE")
    eventually(lambda: len(server.server.connections()) == 1)
    (connection,) = server.server.connections()
    assert len(connection.selected().views) == 1
    stays.ok("NOOP")
    assert len(connection.selected().journal) == 0


def test_a_model_that_waits_while_its_client_goes_away(serve):
    entered, left = [], []

    class Slow(Mailbox):
        def select(self):
            entered.append(1)
            gevent.sleep(0.02)

        def close(self):
            left.append(1)

    class Waiting(DefaultModel):
        mailbox_class = Slow

    server = serve(model_class=Waiting)
    client = server.connect(new_user())
    client.send(b"a SELECT INBOX\r\n")
    eventually(lambda: entered)
    client.close()
    eventually(lambda: not server.server.connections())
    assert left == [1]


def test_five_hundred_clients_leave_nothing(serve):
    server = serve(handshake_timeout=0.2)
    alive = []

    class Counted(Connection):
        def __init__(self, **options):
            super().__init__(**options)
            alive.append(id(self))

        def __del__(self):
            alive.remove(id(self))

    server.server.connection_class(Counted)
    user = new_user()

    def visit(number):
        sock = socket.create_connection(
            ("127.0.0.1", server.ssl_port if number % 10 == 0 else server.port), timeout=PATIENCE_S
        )
        if number % 10:
            sock.recv(1000)
            if number % 2:
                sock.sendall(f"a LOGIN {user} x\r\nb SELECT INBOX\r\nc IDLE\r\n".encode())
                sock.recv(1000)
        if number % 7 == 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    for number in range(50):
        visit(number)
    eventually(lambda: not server.server.connections())
    files, greenlets = len(os.listdir("/proc/self/fd")), count_greenlets()
    for number in range(500):
        visit(number)
    eventually(lambda: not server.server.connections())
    gevent.sleep(0.01)
    gc.collect()
    assert alive == []
    assert count_greenlets() <= greenlets + 1
    assert len(os.listdir("/proc/self/fd")) <= files + 1
    core = server.server
    assert (core._by_address, core._by_user, core._users, core._idling) == ({}, {}, {}, set())


def count_greenlets():
    gc.collect()
    return sum(1 for thing in gc.get_objects() if isinstance(thing, gevent.Greenlet) and not thing.dead)
