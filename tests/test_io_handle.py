"""netimap.io_handle: the buffered socket of a connection."""

import ssl
import time

import gevent
import pytest
from gevent import socket
from gevent import ssl as gevent_ssl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving import attempt, eventually, no_errors  # noqa: F401

from netimap import io_handle
from netimap.certificate import server_context
from netimap.exceptions import Bye, ClientGone, LineTooLong
from netimap.io_handle import DRAIN_FACTOR, FLUSH_AT, IOHandle
from netimap.testing import server_certificate


@pytest.fixture
def pair():
    """Makes an IOHandle and the socket of its client: `pair(max_line=100)`."""
    made = []

    def make(**options):
        ours, theirs = socket.socketpair()
        theirs.settimeout(5)
        handle = IOHandle(ours, ("192.0.2.1", 4321), **options)
        made.extend([handle, ours, theirs])
        return handle, theirs

    yield make
    for thing in made:
        thing.close()


@pytest.fixture
def stuck(pair):
    """An IOHandle whose client takes nothing any more, and that client. The handle waits 0.1 seconds for it."""
    handle, client = pair(write_timeout=0.1)
    handle._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return handle, client


def drain(client):
    """What the client gets until the connection ends."""
    octets = b""
    while more := client.recv(65536):
        octets += more
    return octets


# --- lines ---


@pytest.mark.parametrize(
    ("octets", "lines"),
    [
        (b"a NOOP\r\n", [b"a NOOP\r\n"]),
        (b"a\r\nb\nc\r\n\r\n", [b"a\r\n", b"b\n", b"c\r\n", b"\r\n"]),
        (b"\n\n", [b"\n", b"\n"]),
        (b"a\rb\r\n", [b"a\rb\r\n"]),
        (b"with \0 and \xff\r\n", [b"with \0 and \xff\r\n"]),
        # what has no end is no line
        (b"a\r\nb", [b"a\r\n"]),
        (b"", []),
    ],
)
@pytest.mark.parametrize("piece", [1, 2, 1000])
def test_lines(pair, octets, lines, piece):
    handle, client = pair()

    def send():
        for start in range(0, len(octets), piece):
            client.sendall(octets[start : start + piece])
            gevent.sleep(0)
        client.shutdown(socket.SHUT_WR)

    sender = gevent.spawn(send)
    for line in [*lines, b"", b""]:
        assert handle.getline() == line
    sender.get()
    assert handle.bytes_in == len(octets)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.binary(max_size=30).map(lambda octets: octets.replace(b"\n", b"")), st.integers(0, 40))))
def test_lines_and_literals_in_any_order(pair, parts):
    handle, client = pair()
    client.sendall(b"".join(part + b"\n" if isinstance(part, bytes) else b"x" * part for part in parts))
    for part in parts:
        if isinstance(part, bytes):
            assert handle.getline() == part + b"\n"
        else:
            assert handle.read(part) == b"x" * part
    assert not handle.has_input()


def test_a_line_of_the_limit_is_fine_and_one_more_is_not(pair):
    handle, client = pair(max_line=10)
    client.sendall(b"123456789\r\n" + b"1234567890\r\n" + b"next\r\n")
    assert handle.getline() == b"123456789\r\n"
    with pytest.raises(LineTooLong):
        handle.getline()
    assert handle.getline() == b"next\r\n"


@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_a_long_line_is_dropped_to_its_end(pair, piece):
    handle, client = pair(max_line=100)
    octets = b"tag " + b"x" * 700 + b" {5+}\r\n" + b"next\r\n"

    def send():
        for start in range(0, len(octets), piece):
            client.sendall(octets[start : start + piece])
            gevent.sleep(0)

    sender = gevent.spawn(send)
    with pytest.raises(LineTooLong) as error:
        handle.getline()
    assert error.value.start.startswith(b"tag xxx")
    # a literal that was announced must not be taken for commands
    assert error.value.end.endswith(b" {5+}")
    assert handle.getline() == b"next\r\n"
    sender.get()


def test_a_line_without_end_is_given_up(pair):
    handle, client = pair(max_line=1000)
    sender = gevent.spawn(client.sendall, b"x" * (1000 * DRAIN_FACTOR + 100_000))
    with pytest.raises(LineTooLong) as error:
        handle.getline()
    assert error.value.end == b""
    assert handle.bytes_in < 1000 * DRAIN_FACTOR + 2 * io_handle.RECEIVE
    sender.kill()


def test_a_client_that_closes_in_a_long_line_is_gone(pair):
    handle, client = pair(max_line=10)
    client.sendall(b"x" * 50)
    client.close()
    with pytest.raises(ClientGone):
        handle.getline()


# --- literals ---


def test_read_gives_what_is_asked_and_keeps_the_rest(pair):
    handle, client = pair()
    client.sendall(b"{5}\r\nhello there\r\n")
    assert handle.getline() == b"{5}\r\n"
    assert handle.read(0) == b""
    assert handle.read(5) == b"hello"
    assert handle.getline() == b" there\r\n"


def test_read_waits_for_all_of_it_and_tells_of_its_progress(pair):
    handle, client = pair()
    progress = []
    reader = gevent.spawn(handle.read, 6, lambda: progress.append(1))
    for octets in (b"ab", b"cd", b"efgh"):
        client.sendall(octets)
        gevent.sleep(0.001)
    assert reader.get() == b"abcdef"
    assert len(progress) == 3
    assert handle.read(2) == b"gh"


def test_read_takes_no_memory_that_was_only_announced(pair):
    handle, client = pair()
    client.sendall(b"some")
    reader = attempt(handle.read, 2**40)
    gevent.sleep(0.001)
    client.close()
    assert "closed in a literal" in str(reader.get())


def test_a_large_literal_comes_whole(pair):
    handle, client = pair()
    octets = bytes(range(256)) * 8192
    sender = gevent.spawn(client.sendall, octets + b"\r\n")
    assert handle.read(len(octets)) == octets
    assert handle.getline() == b"\r\n"
    sender.get()


def test_skip_forgets(pair):
    handle, client = pair()
    sender = gevent.spawn(client.sendall, b"x" * 1_000_000 + b"rest\r\n")
    handle.skip(1_000_000)
    assert handle.getline() == b"rest\r\n"
    sender.get()


# --- writing ---


def test_what_is_printed_goes_out_before_the_reader_waits(pair):
    handle, client = pair()
    handle.print(b"* OK ", b"ready\r\n")
    assert handle.bytes_out == 0
    reader = gevent.spawn(handle.getline)
    assert client.recv(100) == b"* OK ready\r\n"
    client.sendall(b"x\r\n")
    assert reader.get() == b"x\r\n"
    assert handle.bytes_out == 12


def test_a_batch_of_commands_is_answered_at_once(pair):
    # DESIGN.md 2: no flush while a complete command waits
    handle, client = pair()
    client.sendall(b"1\r\n2\r\n3\r\n")
    for _ in range(3):
        handle.print(b"answer to " + handle.getline())
    assert handle.bytes_out == 0
    attempt(handle.getline)
    assert client.recv(100) == b"answer to 1\r\nanswer to 2\r\nanswer to 3\r\n"


def test_much_is_sent_without_waiting_for_the_end(pair):
    handle, client = pair()
    handle.print(b"x" * (FLUSH_AT - 1))
    assert handle.bytes_out == 0
    handle.print(b"y")
    assert handle.bytes_out == FLUSH_AT


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_chunks_of_all_sizes_come_in_order(pair, kind):
    handle, client = pair()
    chunks = [bytes([65 + index % 26]) * size for index, size in enumerate((1, 70_000, 2, 3, 0, 200_000, 5))]
    reader = gevent.spawn(drain, client)
    for chunk in chunks:
        handle.print(kind(chunk))
    handle.close()
    assert reader.get() == b"".join(chunks)


def test_a_client_that_takes_nothing_is_given_up(stuck):
    handle, _ = stuck
    begun = time.monotonic()
    with pytest.raises(ClientGone):
        handle.print(b"x" * 10_000_000)
    assert time.monotonic() - begun < 2
    assert not handle.is_open()
    with pytest.raises(ClientGone):
        handle.print(b"x" * FLUSH_AT)


def test_a_client_that_is_slow_is_waited_for(stuck):
    handle, client = stuck
    sender = gevent.spawn(handle.print, b"x" * 300_000)
    taken = 0
    while taken < 300_000:
        taken += len(client.recv(20_000))
        gevent.sleep(0.005)
    sender.get()
    assert handle.is_open()


def test_nothing_piles_up_while_another_greenlet_sends(stuck):
    # the reader of an idling connection goes on while its notifier waits for a slow client
    handle, client = stuck
    first = gevent.spawn(handle.print, b"1" * 500_000)
    gevent.sleep(0)
    handle.print(b"2")
    done = []

    def much():
        for _ in range(20):
            handle.print(b"3" * FLUSH_AT)
            done.append(1)

    second = gevent.spawn(much)
    gevent.sleep(0.001)
    assert done == []
    received = gevent.spawn(drain, client)
    gevent.joinall([first, second], raise_error=True)
    handle.close()
    assert received.get() == b"1" * 500_000 + b"2" + b"3" * (20 * FLUSH_AT)


def test_who_waits_for_another_sender_learns_that_the_client_is_gone(stuck):
    handle, _ = stuck
    first = attempt(handle.print, b"1" * 500_000)
    gevent.sleep(0)
    second = attempt(handle.print, b"2" * FLUSH_AT)
    assert isinstance(first.get(), ClientGone)
    assert isinstance(second.get(), ClientGone)


def test_a_sender_s_limit_is_not_the_reader_s(stuck):
    handle, client = stuck
    sender = gevent.spawn(handle.print, b"x" * 200_000)
    gevent.sleep(0)
    reader = gevent.spawn(handle.getline)
    taken = 0
    while taken < 200_000:
        taken += len(client.recv(50_000))
        gevent.sleep(0.001)
    sender.get()
    # longer than the write timeout
    gevent.sleep(0.2)
    assert not reader.ready()
    client.sendall(b"still here\r\n")
    assert reader.get() == b"still here\r\n"


# --- the end ---


def test_close_sends_what_is_queued(pair):
    handle, client = pair()
    handle.print(b"* BYE\r\n")
    handle.close()
    handle.close()
    assert drain(client) == b"* BYE\r\n"
    assert not handle.is_open()


def test_close_waits_for_a_greenlet_that_sends(stuck):
    handle, client = stuck
    sender = gevent.spawn(handle.print, b"x" * 100_000)
    gevent.sleep(0)
    handle.print(b"* BYE\r\n")
    closer = gevent.spawn(handle.close)
    assert drain(client) == b"x" * 100_000 + b"* BYE\r\n"
    gevent.joinall([sender, closer], raise_error=True)


def test_close_gives_up_on_a_client_that_takes_nothing(stuck):
    handle, _ = stuck
    handle._queue.append(b"x" * 10_000_000)
    handle.close()
    assert not handle.is_open()


def test_the_last_line_arrives_although_the_client_still_sends(pair):
    # input left unread would make the close a reset, and the client might lose our last line
    handle, client = pair()
    client.sendall(b"a NOOP\r\n" * 1000)
    assert handle.getline() == b"a NOOP\r\n"
    handle.print(b"* BYE\r\n")
    handle.close()
    assert drain(client) == b"* BYE\r\n"


def test_close_ends_a_reader_in_another_greenlet(pair):
    handle, _ = pair()
    reader = attempt(handle.getline)
    gevent.sleep(0)
    handle.close()
    assert isinstance(reader.get(), ClientGone)
    with pytest.raises(ClientGone):
        handle.getline()


@pytest.fixture
def serve_socket():
    """An IOHandle over TCP, and the socket of its client."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    peer = socket.create_connection(listener.getsockname())
    ours, _ = listener.accept()
    handle = IOHandle(ours)
    yield handle, peer
    for thing in (handle, peer, ours, listener):
        thing.close()


def test_a_reset_is_the_client_s_end(serve_socket):
    handle, peer = serve_socket
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()
    with pytest.raises(ClientGone):
        handle.getline()


# --- timers and turns ---


def test_the_timer_calls_again_and_again_until_disarmed(pair):
    handle, _ = pair()
    fired = []
    handle.arm(0.005, lambda: fired.append(1))
    eventually(lambda: len(fired) > 2)
    handle.disarm()
    count = len(fired)
    gevent.sleep(0.02)
    assert len(fired) == count


def test_rearm_puts_it_off(pair):
    handle, _ = pair()
    fired = []
    handle.arm(0.2, lambda: fired.append(1))
    for _ in range(8):
        gevent.sleep(0.03)
        handle.rearm()
    assert fired == []
    handle.arm(0, lambda: fired.append(1))
    assert handle._timer is None
    handle.rearm()


def test_interrupt_reaches_a_greenlet_that_waits_for_its_client(pair):
    handle, client = pair()
    reader = attempt(handle.getline)
    gevent.sleep(0)
    handle.interrupt(reader, Bye("stop"))
    assert isinstance(reader.get(), Bye)
    # the connection is as it was
    handle.print(b"* BYE stop\r\n")
    handle.flush()
    assert client.recv(100) == b"* BYE stop\r\n"


def test_interrupt_leaves_a_greenlet_alone_that_works(pair):
    handle, _ = pair()
    worker = gevent.spawn(gevent.sleep, 0.01)
    handle.interrupt(worker, Bye("stop"))
    handle.interrupt(None, Bye("stop"))
    worker.get()


def test_cede_lets_others_run_after_some_work(pair, monkeypatch):
    handle, _ = pair()
    turns = []
    monkeypatch.setattr(gevent, "idle", lambda priority: turns.append(priority))
    handle._turn = time.perf_counter()
    handle.cede()
    assert turns == []
    handle._turn -= 1
    handle.cede()
    handle.cede()
    assert turns == [2]


def test_a_client_that_is_never_waited_for_does_not_reset_the_clock(pair, monkeypatch):
    handle, client = pair()
    client.sendall(b"1\r\n2\r\n")
    monkeypatch.setattr(io_handle, "WAITED_S", 1000)
    handle._turn = begun = time.perf_counter()
    handle.getline()
    assert handle._turn == begun
    monkeypatch.setattr(io_handle, "WAITED_S", 0)
    handle._buffer = b""
    client.sendall(b"3\r\n")
    handle.getline()
    assert handle._turn > begun


# --- TLS ---


@pytest.fixture
def client_tls():
    """A TLS context that trusts the server's certificate."""
    context = gevent_ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(server_certificate()[0])
    return context


def test_tls(pair, client_tls):
    handle, client = pair()
    assert not handle.is_ssl()
    assert handle.tls_version() is None
    hands = gevent.spawn(client_tls.wrap_socket, client, server_hostname="localhost")
    handle.start_SSL(server_context(*server_certificate()))
    assert handle.is_ssl()
    assert handle.tls_version() == "TLSv1.3"
    with hands.get() as secure:
        secure.sendall(b"a NOOP\r\n")
        assert handle.getline() == b"a NOOP\r\n"
        handle.print(b"a OK\r\n" * 20_000)
        reader = gevent.spawn(drain, secure)
        handle.close()
        assert reader.get() == b"a OK\r\n" * 20_000


def test_close_ends_a_reader_under_tls(pair, client_tls):
    handle, client = pair()
    hands = gevent.spawn(client_tls.wrap_socket, client, server_hostname="localhost")
    handle.start_SSL(server_context(*server_certificate()))
    reader = attempt(handle.getline)
    gevent.sleep(0.001)
    handle.close()
    assert isinstance(reader.get(), ClientGone)
    hands.get().close()


@pytest.mark.parametrize("hello", [b"", b"garbage that is no hello\r\n" * 20, b"\x16\x03\x01"])
def test_a_handshake_ends(pair, hello):
    handle, client = pair()
    client.sendall(hello)
    begun = time.monotonic()
    with pytest.raises(ClientGone, match="TLS handshake"):
        handle.start_SSL(server_context(*server_certificate()), timeout=0.05)
    assert time.monotonic() - begun < 2
    assert not handle.is_open()


def test_a_client_that_leaves_in_the_handshake_is_gone(pair):
    handle, client = pair()
    client.close()
    with pytest.raises(ClientGone):
        handle.start_SSL(server_context(*server_certificate()))


def test_a_client_that_has_reset_the_connection_leaves_no_socket(serve_socket):
    handle, peer = serve_socket
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()
    gevent.sleep(0.001)
    # a socket that is left open is a ResourceWarning, and so an error
    with pytest.raises(ClientGone, match="TLS handshake"):
        handle.start_SSL(server_context(*server_certificate()))


def test_input_before_the_handshake_is_never_taken_over(pair):
    # CVE-2011-0411
    handle, client = pair()
    client.sendall(b"STARTTLS\r\ninjected")
    handle.getline()
    with pytest.raises(RuntimeError):
        handle.start_SSL(server_context(*server_certificate()))


def test_the_peer_is_known(pair):
    handle, _ = pair()
    assert (handle.peerhost(), handle.peerport()) == ("192.0.2.1", 4321)
