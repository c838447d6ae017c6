"""CLOSE (RFC 3501 6.4.2)."""

from .base import SELECTED, Command


class Close(Command):
    """Leaves the mailbox and removes its \\Deleted messages, without telling; after EXAMINE only leaves it."""

    states = SELECTED
    arguments = ()

    def poll_after(self) -> bool:
        """Nothing is selected any more."""
        return False

    def run(self) -> None:
        """Expunge where permitted, leave."""
        view = self.view()
        connection = self.connection()
        if not (view.read_only or view.mailbox.read_only()):
            view.mailbox.expunge()
        connection.leave()
        self.ok_completed()
