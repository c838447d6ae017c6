"""A small IMAP client for tests: it speaks the wire, keeps a transcript, and never waits without a deadline."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent import socket

from .responses import fetch_items, value

#: seconds that an answer may take: far more than any test needs, far less than a person's patience
TIMEOUT_S = 10.0
#: lines of the transcript that are kept
KEPT_LINES = 200
_RECEIVE = 65536
_LITERAL = re.compile(rb"\{([0-9]+)\}\Z")
#: responses that end in free text, which may look like the announcement of a literal (RFC 3501 7.1)
_STATUS = re.compile(rb"\S+ (?:OK|NO|BAD|BYE|PREAUTH) ", re.IGNORECASE)
_TAGGED = re.compile(r"(\S+) (OK|NO|BAD)(?: \[((?:[^\]\"]|\"(?:[^\"\\]|\\.)*\")*)\])?(?: (.*))?\Z", re.DOTALL)
_QUOTABLE = re.compile(r"[\x20-\x7e]*\Z")


class Closed(AssertionError):
    """The server closed the connection where the test expected more."""


@dataclass
class Result:
    """The answer to a command."""

    tag: str
    #: OK, NO or BAD
    status: str
    #: the response code without its brackets, for instance "UIDNEXT 5"; None without one
    code: str | None
    #: the text behind the code
    text: str
    #: the lines before the tagged one, without their line ends
    untagged: list[bytes] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """The tagged line without its tag."""
        return " ".join([self.status, *([f"[{self.code}]"] if self.code is not None else []), self.text])

    def of(self, name: str) -> list[bytes]:
        """The untagged lines of one kind: `of("LIST")`, `of("EXISTS")`."""
        word = name.upper().encode()
        return [line for line in self.untagged if word in line.upper().split(b" ", 3)[1:3]]

    def fetched(self) -> dict[int, dict[str, Any]]:
        """The FETCH responses: message number → item → value (None, text, bytes of a string, or a list)."""
        rows: dict[int, dict[str, Any]] = {}
        for line in self.untagged:
            found = fetch_items(line)
            if found is not None:
                number, items = found
                rows.setdefault(number, {}).update((name, value(text)) for name, text in items.items())
        return rows


class Client:
    """One connection. Waits cooperatively (gevent), so a server may run in the same thread.

    Everything that waits gives up after `timeout_s` seconds with an AssertionError that shows the transcript. `piece`
    sends everything in pieces of that many octets, each on its way before the next.
    """

    def __init__(
        self,
        host: str,
        port: int,
        tls: bool = False,
        *,
        context: Any = None,
        timeout_s: float = TIMEOUT_S,
        piece: int | None = None,
    ) -> None:
        self.host = host
        #: the gevent SSLContext for `tls` and `starttls`
        self.context = context
        self.timeout_s = timeout_s
        self.piece = piece
        self.transcript: deque[bytes] = deque(maxlen=KEPT_LINES)
        #: each is called with every untagged line
        self.watchers: list[Callable[[bytes], Any]] = []
        self._buffer = b""
        self._tags = 0
        self._idle_tag = ""
        self._socket: Any = socket.create_connection((host, port), timeout=timeout_s)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls:
                self.handshake()
            #: the server's first line
            self.greeting = self.line()
        except BaseException:
            self.close()
            raise

    # --- octets and lines ---

    def send(self, octets: bytes | str) -> None:
        """Send octets (text as UTF-8) just as they are: no line end is added."""
        if isinstance(octets, str):
            octets = octets.encode()
        self.transcript.extend(b"C: " + line for line in octets.removesuffix(b"\r\n").split(b"\r\n"))
        self._socket.settimeout(self.timeout_s)
        try:
            if self.piece is None:
                self._socket.sendall(octets)
                return
            for start in range(0, len(octets), self.piece):
                self._socket.sendall(octets[start : start + self.piece])
                # idle returns once the event loop has looked at the sockets
                gevent.idle()
        except TimeoutError:
            raise self.failure("the server does not read") from None
        except OSError as error:
            raise self._closed(str(error)) from None

    def line(self) -> bytes:
        """The next response, with its literals, without its last CRLF. Raises Closed at the end of the connection."""
        deadline = time.monotonic() + self.timeout_s
        line = self._text_line(deadline)
        while not _STATUS.match(line) and (match := _LITERAL.search(line)) is not None:
            size = int(match.group(1))
            while len(self._buffer) < size:
                self._receive(deadline)
            line += b"\r\n" + self._buffer[:size]
            self._buffer = self._buffer[size:]
            line += self._text_line(deadline)
        self.transcript.extend(b"S: " + part for part in line.split(b"\r\n"))
        if line.startswith(b"* "):
            for watcher in self.watchers:
                watcher(line)
        return line

    def _text_line(self, deadline: float) -> bytes:
        while b"\r\n" not in self._buffer:
            self._receive(deadline)
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _receive(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        try:
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            octets = self._socket.recv(_RECEIVE)
        except TimeoutError:
            raise self.failure(f"no answer within {self.timeout_s} seconds") from None
        except OSError as error:
            raise self._closed(str(error)) from None
        if not octets:
            raise self._closed("end of the connection")
        self._buffer += octets

    def unread(self) -> bytes:
        """What has come and was not asked for. Empty, if the server has said nothing but what the test read."""
        # lets a server in this thread go on until it waits
        gevent.idle()
        self._socket.settimeout(0)
        try:
            self._buffer += self._socket.recv(_RECEIVE)
        except OSError:
            pass
        return self._buffer

    def shutdown(self) -> None:
        """Tell the server that nothing more comes. What it still says can be read: `rest`."""
        self._socket.shutdown(socket.SHUT_WR)

    def rest(self) -> list[bytes]:
        """The lines up to the end of the connection, which the server has to close."""
        lines = []
        while True:
            try:
                lines.append(self.line())
            except Closed:
                if self._buffer:
                    raise self.failure("the connection ended within a line") from None
                return lines

    # --- commands ---

    def tag(self) -> str:
        """A tag that was not used yet."""
        self._tags += 1
        return f"t{self._tags}"

    def command(self, *parts: str | bytes) -> Result:
        """Send a command and read its answer. Text parts are sent as they are, bytes are sent as literals:

        `client.command("APPEND INBOX (\\\\Seen) ", b"Subject: hello\\r\\n\\r\\n")`
        """
        tag = self.tag()
        text = f"{tag} ".encode()
        untagged: list[bytes] = []
        for part in parts:
            if isinstance(part, str):
                text += part.encode()
                continue
            self.send(text + b"{%d}\r\n" % len(part))
            text = part
            line = self._until_tagged(untagged)
            if not line.startswith(b"+"):
                return self._result(tag, line, untagged)
        self.send(text + b"\r\n")
        return self.result(tag, untagged)

    def result(self, tag: str, untagged: list[bytes] | None = None) -> Result:
        """The answer to a command that was sent with `tag`."""
        untagged = [] if untagged is None else untagged
        return self._result(tag, self._until_tagged(untagged), untagged)

    def _until_tagged(self, untagged: list[bytes]) -> bytes:
        while (line := self.line()).startswith(b"* "):
            untagged.append(line)
        return line

    def _result(self, tag: str, line: bytes, untagged: list[bytes]) -> Result:
        match = _TAGGED.match(line.decode("latin-1"))
        if match is None or match[1] != tag:
            raise self.failure(f"expected the answer to {tag}, got {line!r}")
        return Result(tag, match[2], match[3], match[4] or "", untagged)

    def ok(self, *parts: str | bytes) -> Result:
        """The same as `command`, for one that has to succeed."""
        result = self.command(*parts)
        if result.status != "OK":
            raise self.failure(f"expected OK, got {result.answer}")
        return result

    def login(self, user: str, password: str = "secret") -> Result:
        """LOGIN; has to succeed."""
        parts: list[str | bytes] = ["LOGIN"]
        for word in (user, password):
            if _QUOTABLE.match(word):
                escaped = re.sub(r'(["\\])', r"\\\1", word)
                parts.append(f' "{escaped}"')
            else:
                parts += [" ", word.encode()]
        return self.ok(*parts)

    def starttls(self) -> Result:
        """STARTTLS, which has to succeed, and the handshake."""
        result = self.ok("STARTTLS")
        self.handshake()
        return result

    def handshake(self) -> None:
        """The client's side of a TLS handshake, with `context`."""
        if self.context is None:
            raise ValueError("TLS needs the client's context: RunningServer.connect() gives it")
        if self._buffer:
            raise self.failure(f"the server spoke before the TLS handshake: {self._buffer!r}")
        self._socket.settimeout(self.timeout_s)
        try:
            self._socket = self.context.wrap_socket(self._socket, server_hostname=self.host)
        except OSError as error:
            raise self.failure(f"TLS handshake failed: {error}") from None

    def idle(self) -> None:
        """Begin IDLE (RFC 2177). `line` then waits for what the server tells, `done` ends it."""
        self._idle_tag = self.tag()
        self.send(f"{self._idle_tag} IDLE\r\n")
        line = self.line()
        if not line.startswith(b"+"):
            raise self.failure(f"expected a continuation, got {line!r}")

    def done(self) -> Result:
        """End IDLE; the result holds the untagged lines that were not read before."""
        self.send(b"DONE\r\n")
        return self.result(self._idle_tag)

    # --- the end ---

    def close(self) -> None:
        """Close the socket without LOGOUT. Harmless the second time."""
        self._socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def failure(self, text: str) -> AssertionError:
        """An AssertionError of this text, with the transcript."""
        return AssertionError(self._with_transcript(text))

    def _closed(self, reason: str) -> Closed:
        return Closed(self._with_transcript(f"the server has closed the connection ({reason})"))

    def _with_transcript(self, text: str) -> str:
        lines = [line.decode("utf-8", "backslashreplace")[:200] for line in self.transcript]
        return "\n".join([text, "--- transcript", *(lines[-40:] or ["(nothing)"])])
