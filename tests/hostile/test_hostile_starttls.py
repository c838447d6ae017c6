"""STARTTLS and handshakes: nothing said before TLS counts as said under TLS (CVE-2011-0411), and no handshake lasts."""

import ssl
import time

import gevent
import pytest
from gevent import socket
from serving import PATIENCE_S, attempt, eventually

from netimap import Connection, DefaultAuth
from netimap.testing import Closed

#: what an attacker puts behind STARTTLS
INJECTED = b"x LOGIN eve evil\r\n"


class Auth(DefaultAuth):
    """Notes who tries to log in."""

    tried = ()

    def auth_plain(self, user, password):
        Auth.tried += (user,)
        return super().auth_plain(user, password)


@pytest.fixture
def server(serve):
    Auth.tried = ()
    return serve(auth_class=Auth, handshake_timeout=0.1)


def plain(server):
    return server.connect()


@pytest.mark.parametrize("cut", range(len(b"a STARTTLS\r\n" + INJECTED) + 1))
def test_a_command_behind_starttls_never_runs(server, cut):
    # in one packet or in two, wherever the network cuts
    octets = b"a STARTTLS\r\n" + INJECTED
    client = plain(server)
    client.send(octets[:cut])
    gevent.idle()
    try:
        client.send(octets[cut:])
    except Closed:
        pass
    lines = attempt(client.rest).get()
    assert Auth.tried == ()
    if isinstance(lines, list):
        assert lines in (
            [b"a BAD Input behind STARTTLS before the handshake", b"* BYE Input behind STARTTLS before the handshake"],
            # it was fed to the handshake, which failed
            [b"a OK STARTTLS COMPLETED"],
        )
    eventually(lambda: not server.server.connections())


@pytest.mark.parametrize("behind", [b"\n", b"\r\n", b"x", b"\x16\x03\x01\x00\x05hello", b"a NOOP\r\n" * 1000, b"\0"])
def test_nothing_at_all_may_stand_behind_starttls(server, behind):
    client = plain(server)
    client.send(b"a STARTTLS\r\n" + behind)
    lines = client.rest()
    assert lines[0].startswith(b"a BAD")
    assert lines[1].startswith(b"* BYE")
    assert len(lines) == 2


def test_what_was_told_before_tls_is_forgotten(server):
    client = plain(server)
    client.ok('ID ("name" "before")')
    client.ok("STARTTLS")
    (connection,) = server.server.connections()
    client.handshake()
    assert client.ok("CAPABILITY").untagged
    assert connection.client_id() == {}
    assert connection.is_encrypted()
    assert client.command("STARTTLS").answer == "NO STARTTLS is disabled"


def test_a_response_that_was_injected_before_tls_is_not_ours(server):
    # the client's view: nothing comes between the OK and the handshake
    client = plain(server)
    client.send(b"a NOOP\r\nb STARTTLS\r\n")
    assert client.line() == b"a OK NOOP COMPLETED"
    assert client.line() == b"b OK STARTTLS COMPLETED"
    assert client.unread() == b""
    client.handshake()
    client.ok("NOOP")


def test_starttls_with_a_literal_begins_nothing(server):
    client = plain(server)
    client.send(b"a STARTTLS {18+}\r\n" + INJECTED + b"\r\nb NOOP\r\n")
    assert client.line() == b"a BAD Too many options"
    assert client.line() == b"b OK NOOP COMPLETED"
    assert Auth.tried == ()
    (connection,) = server.server.connections()
    assert not connection.is_encrypted()


# --- handshakes ---

HELLOS = [
    b"",
    b"\x16",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\x16\x03\x01\xff\xff" + b"\x01" * 100,
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"a NOOP\r\n" * 50,
    b"\0" * 1000,
    bytes(range(256)) * 4,
    b"\x15\x03\x01\x00\x02\x02\x28",
    b"\x80\x2e\x01\x00\x02" + b"\0" * 50,
]


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("hello", HELLOS)
@pytest.mark.parametrize("then_close", [True, False])
def test_a_handshake_that_stalls_or_is_garbage_ends(server, hello, implicit, then_close):
    sock = socket.create_connection(("127.0.0.1", server.ssl_port if implicit else server.port), timeout=PATIENCE_S)
    if not implicit:
        sock.recv(1000)
        sock.sendall(b"a STARTTLS\r\n")
        assert sock.recv(1000) == b"a OK STARTTLS COMPLETED\r\n"
    begun = time.monotonic()
    sock.sendall(hello)
    if then_close:
        sock.close()
    else:
        try:
            while sock.recv(1000):
                pass
        except OSError:
            pass
        sock.close()
    eventually(lambda: not server.server.connections())
    assert time.monotonic() - begun < 2


def test_silent_handshakes_do_not_keep_others_waiting(server):
    silent = [socket.create_connection(("127.0.0.1", server.ssl_port), timeout=PATIENCE_S) for _ in range(100)]
    begun = time.process_time()
    client = server.connect("x", tls=True)
    client.ok("NOOP")
    assert time.process_time() - begun < 0.5
    for sock in silent:
        assert sock.recv(100) == b""
        sock.close()
    eventually(lambda: len(server.server.connections()) == 1)


def test_old_versions_of_tls_are_refused(server):
    # issue 2: TLS 1.2 at least
    assert server.server.tls_context().minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_handshake_leaves_no_connection_object(server):
    made = []

    class Counted(Connection):
        def __init__(self, **options):
            super().__init__(**options)
            made.append(self)

    server.server.connection_class(Counted)
    for _ in range(5):
        socket.create_connection(("127.0.0.1", server.ssl_port), timeout=PATIENCE_S).close()
    eventually(lambda: len(made) == 5 and not server.server.connections())
    assert all(connection.is_closed() and not connection.io_handle().is_open() for connection in made)
