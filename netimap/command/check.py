"""CHECK (RFC 3501 6.4.1)."""

from .base import SELECTED, Command


class Check(Command):
    """A checkpoint of the mailbox. Everything acknowledged is on disk anyway, so this polls, as a user expects."""

    states = SELECTED
    arguments = ()

    def run(self) -> None:
        """Answer."""
        self.connection().force_poll()
        self.ok_completed()
