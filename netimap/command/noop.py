"""NOOP (RFC 3501 6.1.2)."""

from .base import Command


class Noop(Command):
    """Does nothing: the client hears what happened to its mailbox."""

    arguments = ()

    def run(self) -> None:
        """Answer."""
        self.ok_completed()
