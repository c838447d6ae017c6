"""A client that costs little: it sends, waits for the tagged line, and looks at the answer no further than it must."""

import socket

#: seconds for one answer
TIMEOUT_S = 120


class Client:
    """One plain connection."""

    #: nothing in the mail or in another answer begins a line like it
    TAG = b"zq9"

    def __init__(self, port, timeout_s=TIMEOUT_S):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        greeting = self._socket.recv(4096)
        if not greeting.startswith(b"* OK"):
            raise RuntimeError(f"no greeting: {greeting!r}")

    def login(self, user, password):
        """LOGIN; returns the client."""
        try:
            self.command(f"LOGIN {user} {password}".encode())
        except BaseException:
            self.close()
            raise
        return self

    def command(self, line):
        """Send a command and return its whole answer; RuntimeError if that is not OK."""
        return self.exchange(b"%b %b\r\n" % (self.TAG, line))

    def exchange(self, octets, answers=1):
        """Send whole commands, each with our tag, and return everything up to the last of their `answers`."""
        self._socket.sendall(octets)
        parts, tail = [], b""
        while True:
            part = self._socket.recv(1 << 20)
            if not part:
                raise RuntimeError("the server has closed the connection")
            parts.append(part)
            tail = (tail + part)[-1000:] if answers == 1 else tail + part
            if tail.endswith(b"\r\n") and self._is_end(tail, answers):
                return b"".join(parts)

    def _is_end(self, tail, answers):
        line = tail[tail.rfind(b"\r\n", 0, -2) + 1 :].lstrip()
        if not line.startswith(self.TAG + b" "):
            return False
        if not line.startswith(self.TAG + b" OK"):
            raise RuntimeError(f"answer: {line[:200]!r}")
        return answers == 1 or tail.count(b"\r\n" + self.TAG) + tail.startswith(self.TAG) >= answers

    def append_command(self, mailbox, message, flags=b""):
        """The octets of an APPEND with LITERAL+."""
        return b"%b APPEND %b (%b) {%d+}\r\n%b\r\n" % (self.TAG, mailbox.encode(), flags, len(message), message)

    def idle(self):
        """Begin IDLE."""
        self._socket.sendall(self.TAG + b" IDLE\r\n")
        answer = self._socket.recv(4096)
        if not answer.startswith(b"+"):
            raise RuntimeError(f"no IDLE: {answer!r}")

    def logout(self):
        """LOGOUT, and wait until the server has closed."""
        self._socket.sendall(self.TAG + b" LOGOUT\r\n")
        while self._socket.recv(4096):
            pass
        self.close()

    def close(self):
        """Close without LOGOUT."""
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
