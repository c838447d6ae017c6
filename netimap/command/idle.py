"""IDLE (RFC 2177)."""

from ..exceptions import Bad
from .base import AUTHENTICATED, Command


class Idle(Command):
    """Waits for DONE; what happens to the mailbox meanwhile is told at once.

    The connection's greenlet goes on reading, so that the end of the socket ends it; a change of the mailbox wakes
    `Connection.notify`, and the server polls the mailbox every `idle_poll` seconds.
    """

    states = AUTHENTICATED
    capabilities = ("IDLE",)
    arguments = ()

    def run(self) -> None:
        """Begin."""
        connection, view = self.connection(), self.connection().view()
        connection.wait_for(self, self.done)
        self.out("+ idling")
        if view is not None:
            # first, so that nothing gets lost that happens while the client takes its lines
            view.wake = connection.notify
            self.server().idles(connection, True)
            try:
                self.send_untagged()
            except Exception:
                self.end()
                raise

    def done(self, line: bytes) -> None:
        """The client's next line: DONE, in any case."""
        self.end()
        if line.upper() != b"DONE":
            raise Bad("DONE expected")
        self.ok_completed()

    def end(self) -> None:
        """Nothing is told by itself any more."""
        connection, view = self.connection(), self.connection().view()
        connection.pending(None)
        if view is not None:
            view.wake = None
            self.server().idles(connection, False)
