"""DELETE (RFC 3501 6.3.4)."""

from ..exceptions import Denied, No
from ..wire.arguments import mailbox
from .base import AUTHENTICATED, Command


class Delete(Command):
    """Removes a mailbox; one with children stays as a name that cannot be selected."""

    states = AUTHENTICATED
    arguments = (mailbox,)

    def run(self) -> None:
        """Delete."""
        found = self.lookup(self.args[0], lambda: No("Mailbox doesn't exist"))
        if found.is_inbox():
            raise No("INBOX cannot be deleted")
        if not found.is_selectable() and found.children():
            # RFC 3501 6.3.4: an error, for a \Noselect name with children
            raise No("Mailbox has children and is only a name", "HASCHILDREN")
        if self.connection().selected() is found:
            self.connection().selected(None)
        path, subscribed = found.full_path(), found.subscribed()
        if found.delete() is False:
            raise Denied
        model = self.connection().model()
        if subscribed and model.lookup(path) is None:
            model.lost_subscriptions(model.lost_subscriptions() | {path})
        self.ok_completed()
