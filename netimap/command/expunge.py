"""EXPUNGE (RFC 3501 6.4.3)."""

from .base import SELECTED, Command


class Expunge(Command):
    """Removes all messages with \\Deleted."""

    states = SELECTED
    arguments = ()

    def run(self) -> None:
        """Expunge; the EXPUNGE responses are what any session hears."""
        self.writable_view().mailbox.expunge()
        self.ok_completed()
