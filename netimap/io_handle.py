"""IOHandle: the socket of one connection, buffered in both directions, plain or TLS.

Reading and writing. `getline` and `read` hand out the input buffer and wait for more when it is empty; before they
wait, everything printed goes out in one piece. So a pipelined batch of commands is answered by one write. `print`
writes by itself once 64 KiB are queued, which also is the back-pressure on a client that does not read.

One greenlet reads. Any greenlet may print and flush: what is printed is queued at once, and a flush that runs
already sends it too, in order.

A closed or broken socket raises ClientGone everywhere.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent import socket
from gevent import ssl as gevent_ssl
from gevent.event import Event

from .exceptions import Bye, ClientGone, LineTooLong

#: octets queued before they are sent without waiting for the end of the command
FLUSH_AT = 65536
#: a chunk of this size is sent as it is, smaller ones are joined
JOIN_BELOW = 65536
#: octets asked of the socket at once, for lines and for literals
RECEIVE = 16384
RECEIVE_BULK = 262144
#: seconds of work after which another greenlet, and the sockets, get their turn
CEDE_AFTER_S = 0.002
#: seconds after which a recv must have waited, so that others had their turn; octets that were there take less
WAITED_S = 0.0002
#: a line over the limit is read to its end if that comes within this many times the limit
DRAIN_FACTOR = 16
#: octets that a closing connection still takes from its client, so that the BYE is not lost to a reset
LINGER = 65536


class IOHandle:
    """What a Connection reads from and writes to."""

    __slots__ = (
        "_sock", "_peer", "_buffer", "_queue", "_queued", "_flushing", "_flushed", "_max_line", "_write_timeout",
        "_timer", "_turn", "waiting", "bytes_in", "bytes_out",
    )  # fmt: skip

    def __init__(
        self, sock: Any, peer: tuple[str, int] = ("", 0), max_line: int = 65536, write_timeout: float = 30
    ) -> None:
        self._sock = sock
        self._peer = peer
        self._buffer = b""
        self._queue: list[Any] = []
        self._queued = 0
        self._flushing = False
        # made by a greenlet that has to wait for the one that sends
        self._flushed: Event | None = None
        self._max_line = max_line
        self._write_timeout = write_timeout
        self._timer: Any = None
        self._turn = time.perf_counter()
        #: true while the reader waits for the client: only then may something be thrown into it
        self.waiting = False
        self.bytes_in = 0
        self.bytes_out = 0

    # --- reading ---

    def getline(self) -> bytes:
        """The next line with its line end; b"" when the client has closed. Raises LineTooLong."""
        searched = 0
        while True:
            end = self._buffer.find(b"\n", searched)
            if end >= 0:
                if end > self._max_line:
                    return self._drop_line()
                line = self._buffer[: end + 1]
                self._buffer = self._buffer[end + 1 :]
                return line
            searched = len(self._buffer)
            if searched > self._max_line:
                return self._drop_line()
            more = self._receive(RECEIVE)
            if not more:
                return b""
            self._buffer += more

    def _drop_line(self) -> bytes:
        start, dropped = self._buffer[:256], 0
        while True:
            end = self._buffer.find(b"\n")
            if end >= 0:
                tail = self._buffer[max(0, end - 64) : end]
                self._buffer = self._buffer[end + 1 :]
                raise LineTooLong(start, tail.rstrip(b"\r"))
            dropped += len(self._buffer)
            if dropped > self._max_line * DRAIN_FACTOR:
                raise LineTooLong(start, b"")
            # enough of the end to see a literal's announcement
            self._buffer = self._buffer[-64:]
            more = self._receive(RECEIVE)
            if not more:
                raise ClientGone("client closed in a line")
            self._buffer += more
            self.cede()

    def read(self, size: int, progress: Callable[[], Any] | None = None) -> bytes:
        """Exactly `size` octets. `progress` is called whenever some have come. Raises ClientGone at the end of input.

        Memory is taken as octets come, not as they are announced.
        """
        if len(self._buffer) >= size:
            there = self._buffer[:size]
            self._buffer = self._buffer[size:]
            return there
        # one growing buffer: a client that sends octet by octet must not cost an object for each
        octets, self._buffer = bytearray(self._buffer), b""
        while (missing := size - len(octets)) > 0:
            more = self._receive(min(RECEIVE_BULK, max(missing, RECEIVE)))
            if not more:
                raise ClientGone("client closed in a literal")
            if progress is not None:
                progress()
            octets += more
            self.cede()
        if missing < 0:
            self._buffer = bytes(octets[missing:])
            del octets[missing:]
        return bytes(octets)

    def skip(self, size: int) -> None:
        """Read `size` octets and forget them."""
        while size > 0:
            step = min(size, RECEIVE_BULK)
            self.read(step)
            size -= step

    def has_input(self) -> bool:
        """Whether anything that the client sent has not been read."""
        return bool(self._buffer)

    def _receive(self, size: int) -> bytes:
        self.flush()
        sock = self._sock
        if sock is None:
            raise ClientGone("closed")
        begun = time.perf_counter()
        self.waiting = True
        try:
            # another greenlet's send sets a limit of its own
            sock.settimeout(None)
            more: bytes = sock.recv(size)
        except (OSError, ValueError) as error:
            # ValueError: TLS that was closed meanwhile
            raise ClientGone(str(error)) from None
        finally:
            self.waiting = False
        now = time.perf_counter()
        # a client that sends faster than it is served is never waited for: its time goes on counting
        if now - begun > WAITED_S:
            self._turn = now
        self.bytes_in += len(more)
        return more

    # --- writing ---

    def print(self, *chunks: bytes | bytearray | memoryview) -> None:
        """Queue chunks to be sent as they are; may wait for the client once 64 KiB are queued."""
        self._queue.extend(chunks)
        for chunk in chunks:
            self._queued += len(chunk)
        if self._queued >= FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        """Send what is queued, or leave it to another greenlet that sends already (and wait for that one, when much is
        queued: the client reads slowly)."""
        while self._flushing and self._queued >= FLUSH_AT:
            self._wait_flushed()
        if self._flushing or not self._queue:
            return
        self._flushing = True
        try:
            while self._queue:
                queue, self._queue, self._queued = self._queue, [], 0
                for batch in _batches(queue):
                    self._send(batch)
        finally:
            self._flushing = False
            if self._flushed is not None:
                self._flushed.set()
                self._flushed = None

    def _wait_flushed(self) -> None:
        if self._flushed is None:
            self._flushed = Event()
        self._flushed.wait()
        if self._sock is None:
            raise ClientGone("closed")

    def _send(self, batch: bytes | bytearray | memoryview) -> None:
        sock = self._sock
        if sock is None:
            raise ClientGone("closed")
        rest = memoryview(batch)
        try:
            while rest:
                # the time limit is for no progress at all, not for the whole
                sock.settimeout(self._write_timeout)
                sent = sock.send(rest[:RECEIVE_BULK])
                self.bytes_out += sent
                rest = rest[sent:]
        except (OSError, ValueError) as error:
            # a TLS stream that stopped in a record cannot be continued
            self._abandon()
            raise ClientGone(str(error)) from None
        except BaseException:
            self._abandon()
            raise

    # --- the peer and TLS ---

    def peerhost(self) -> str:
        """The client's address."""
        return self._peer[0]

    def peerport(self) -> int:
        """The client's port."""
        return self._peer[1]

    def is_ssl(self) -> bool:
        """Whether the connection is under TLS."""
        return isinstance(self._sock, (ssl.SSLSocket, gevent_ssl.SSLSocket))

    def tls_version(self) -> str | None:
        """`TLSv1.3`, or None without TLS."""
        return self._sock.version() if self.is_ssl() else None

    def start_SSL(self, context: Any, timeout: float = 20) -> None:  # noqa: N802 - the Perl name
        """The server's side of a TLS handshake, in this greenlet. Raises ClientGone when it fails or takes too long.

        What the client sent before it must have been read: it would be taken as sent under TLS.
        """
        if self._buffer:
            raise RuntimeError("input before the TLS handshake")
        self.flush()
        try:
            # a client that has reset the connection is found out here: wrap_socket would leave the socket open
            self._sock.getpeername()
            # ours before the handshake: what is not finished has to be closed all the same
            self._sock = context.wrap_socket(self._sock, server_side=True, do_handshake_on_connect=False)
            self.waiting = True
            with gevent.Timeout(timeout):
                self._sock.do_handshake()
        except (gevent.Timeout, OSError, ssl.SSLError, ValueError) as error:
            self._abandon()
            raise ClientGone(f"TLS handshake: {_reason(error)}") from None
        except Bye as bye:
            # nothing can be said in the middle of a handshake
            self._abandon()
            raise ClientGone(f"TLS handshake: {bye.text}") from None
        finally:
            self.waiting = False

    # --- timers and turns ---

    def arm(self, seconds: float, callback: Callable[[], Any]) -> Any:
        """Call `callback` every `seconds` from now on, instead of what was armed before; 0 disarms. The timer."""
        self.disarm()
        if seconds > 0:
            self._timer = gevent.get_hub().loop.timer(seconds, seconds)
            self._timer.start(callback)
        return self._timer

    def rearm(self) -> None:
        """Start the armed time anew."""
        if self._timer is not None:
            self._timer.again(self._timer.callback)

    def interrupt(self, greenlet: Any, error: BaseException) -> None:
        """Throw `error` into the greenlet that reads, if it waits for the client when the loop comes to it."""
        if greenlet is not None:
            gevent.get_hub().loop.run_callback(self._throw, greenlet, error)

    def _throw(self, greenlet: Any, error: BaseException) -> None:
        if self.waiting:
            greenlet.throw(error)

    def disarm(self) -> None:
        """Stop the timer."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.stop()
            timer.close()

    def cede(self) -> None:
        """Let others run, if this greenlet has worked for some milliseconds.

        `gevent.sleep(0)` would only run greenlets that are ready; `idle` also looks at the sockets.
        """
        if time.perf_counter() - self._turn > CEDE_AFTER_S:
            gevent.idle(2)
            self._turn = time.perf_counter()

    # --- the end ---

    def is_open(self) -> bool:
        """Whether the socket is there."""
        return self._sock is not None

    def close(self) -> None:
        """Send what is queued, if the client takes it, and close. Harmless the second time."""
        self.disarm()
        if self._sock is None:
            return
        try:
            while self._flushing:
                self._wait_flushed()
            self.flush()
        except ClientGone:
            pass
        sock = self._sock
        if sock is not None:
            self._say_end(sock)
            self._abandon()

    def _say_end(self, sock: Any) -> None:
        """Close our direction properly: TLS close_notify, then FIN; what the client still sends is read a little."""
        try:
            sock.settimeout(0.0)
            if self.is_ssl():
                try:
                    sock.unwrap()
                except (OSError, ValueError):
                    pass
            sock.shutdown(socket.SHUT_WR)
            # unread input would turn the close into a reset, and the client might lose our last lines
            taken = 0
            while taken < LINGER:
                more = sock.recv(RECEIVE)
                if not more:
                    break
                taken += len(more)
        except (OSError, ValueError):
            pass

    def _abandon(self) -> None:
        """Close without another word."""
        sock, self._sock = self._sock, None
        self._queue = []
        self._queued = 0
        if sock is not None:
            try:
                sock.close()
            except OSError:
                pass


def _batches(chunks: list[Any]) -> list[Any]:
    """The chunks with neighbouring small ones joined; a large body is never copied."""
    if len(chunks) == 1:
        return chunks
    batches: list[Any] = []
    small: list[Any] = []
    for chunk in chunks:
        if len(chunk) < JOIN_BELOW:
            small.append(chunk)
            continue
        if small:
            batches.append(b"".join(small))
            small = []
        batches.append(chunk)
    if small:
        batches.append(b"".join(small))
    return batches


def _reason(error: BaseException) -> str:
    if isinstance(error, gevent.Timeout):
        return "too slow"
    return getattr(error, "reason", None) or str(error)
