"""SUBSCRIBE (RFC 3501 6.3.6)."""

from ..exceptions import No
from ..wire.arguments import mailbox
from .base import AUTHENTICATED, Command


class Subscribe(Command):
    """Puts a mailbox on the list that LSUB shows. UNSUBSCRIBE is a subclass."""

    states = AUTHENTICATED
    arguments = (mailbox,)
    #: what the mailbox's `subscribed` becomes
    subscribed = True

    def run(self) -> None:
        """Change the subscription; that of a mailbox which is gone can be ended."""
        model = self.connection().model()
        found, lost = model.lookup(self.args[0]), model.lost_subscriptions()
        if found is not None:
            found.subscribed(self.subscribed)
        elif self.args[0] not in lost:
            raise No("Mailbox does not exist", "NONEXISTENT")
        elif not self.subscribed:
            model.lost_subscriptions(lost - {self.args[0]})
        self.ok_completed()
