"""RENAME (RFC 3501 6.3.5)."""

from ..exceptions import Bad, Denied, No
from ..mailbox import Mailbox
from ..wire.arguments import mailbox
from .base import AUTHENTICATED, Command


class Rename(Command):
    """Gives a mailbox, with its children, another name. Renaming INBOX moves its messages and leaves it empty."""

    states = AUTHENTICATED
    arguments = (mailbox, mailbox)

    def validate(self) -> bool:
        """Both have to be names."""
        return super().validate() and all(map(self.valid_mailbox, self.args))

    def run(self) -> None:
        """Rename."""
        old, new = self.args
        model = self.connection().model()
        found = self.lookup(old, lambda: No("Mailbox doesn't exist"))
        if model.lookup(new) is not None:
            raise No("Mailbox already exists")
        parts = model.split(new)
        if not parts:
            raise Bad("A mailbox needs a name")
        if found.is_inbox():
            self.move_inbox(found, model.make_path(parts))
        else:
            self.move(found, parts)
        self.ok_completed()

    def move(self, found: Mailbox, parts: list[str]) -> None:
        """Hang the mailbox in elsewhere."""
        model = self.connection().model()
        old_parts = model.split(self.args[0])
        if parts[: len(old_parts)] == old_parts:
            raise No("A mailbox cannot move below itself", "CANNOT")
        parent = model.make_path(parts[:-1]) if len(parts) > 1 else model.root()
        parent.check_depth(found.levels())
        subscribed = {each.full_path() for each in (found, *found.descendants()) if each.subscribed()}
        moved = found.reparent(parent, parts[-1])
        if moved is None:
            raise No("Mailbox already exists")
        if moved is False:
            raise Denied
        # RFC 3501 6.3.6: the old names stay subscribed until the client says otherwise
        model.lost_subscriptions(model.lost_subscriptions() | subscribed)

    def move_inbox(self, inbox: Mailbox, target: Mailbox) -> None:
        """RFC 3501 6.3.5: the messages go, INBOX and its children stay."""
        uids = list(inbox.uid_column())
        inbox.copy_messages(uids, target, self.connection().io_handle().cede)
        inbox.expunge_uids(uids)
