"""UNSELECT (RFC 3691)."""

from .base import SELECTED, Command


class Unselect(Command):
    """Leaves the mailbox without expunging it."""

    states = SELECTED
    capabilities = ("UNSELECT",)
    arguments = ()

    def poll_after(self) -> bool:
        """Nothing is selected any more."""
        return False

    def run(self) -> None:
        """Leave."""
        self.connection().selected(None)
        self.ok_completed()
