"""What a command raises to answer NO, BAD or BYE.

An error carries its text and, on the class or the instance, the response code of RFC 3501 7.1 and RFC 5530.
It is raised where it is found; `Connection.handle_command` is the only place that turns it into a line.
"""

from __future__ import annotations


class IMAPError(Exception):
    """An answer to the client that is no success. `text` is sent to the client: put nothing secret in it."""

    #: NO, BAD or BYE
    status = "NO"
    #: the response code without its brackets, for instance "NONEXISTENT" or "TRYCREATE"; None for none
    code: str | None = None

    def __init__(self, text: str = "", code: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.status} {f'[{self.code}] ' if self.code else ''}{self.text}"


class No(IMAPError):
    """The command is fine and could not be done: tagged NO (RFC 3501 7.1.2)."""

    status = "NO"


class Bad(IMAPError):
    """The client's line breaks the grammar or comes in the wrong state: tagged BAD (RFC 3501 7.1.3)."""

    status = "BAD"


class Bye(IMAPError):
    """The connection ends: untagged BYE, then close (RFC 3501 7.1.5).

    Timers and a stopping server throw it into a connection that waits for its client.
    """

    status = "BYE"


class Denied(No):
    """The user may not do this (RFC 5530 NOPERM)."""

    code = "NOPERM"

    def __init__(self, text: str = "Permission denied", code: str | None = None) -> None:
        super().__init__(text, code)


class ReadOnly(No):
    """The mailbox was opened by EXAMINE, or its model says it is read-only. RFC 5530 has no code for it but NOPERM."""

    code = "NOPERM"

    def __init__(self, text: str = "Mailbox is read-only", code: str | None = None) -> None:
        super().__init__(text, code)


class TooBig(No):
    """A literal or message is larger than the server takes (RFC 7889 TOOBIG)."""

    code = "TOOBIG"


class Unavailable(No):
    """A part that the server needs does not answer at the moment (RFC 5530 UNAVAILABLE)."""

    code = "UNAVAILABLE"


class LineTooLong(Exception):
    """The client's line exceeds the limit; it has been read to its end and dropped."""

    def __init__(self, start: bytes, end: bytes) -> None:
        super().__init__("line too long")
        #: the first and the last octets of the line
        self.start = start
        self.end = end


class ClientGone(Exception):
    """The client's socket is closed or broken: nothing can be said any more. Ends `handle_lines` silently."""


class ConfigurationError(Exception):
    """The settings make no sense. The text is one line: what is wrong and what to do. No traceback is shown."""
