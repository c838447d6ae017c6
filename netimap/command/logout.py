"""LOGOUT (RFC 3501 6.1.3)."""

from .base import Command


class Logout(Command):
    """Ends the connection: BYE, OK, and the socket is closed at once."""

    arguments = ()

    def poll_after(self) -> bool:
        """What happened to the mailbox is of no interest any more."""
        return False

    def run(self) -> None:
        """Answer and close."""
        self.untagged_response("BYE Ta ta for now!")
        self.ok_completed()
        self.connection().log_out()
