"""COPY (RFC 3501 6.4.7)."""

from ..exceptions import No, ReadOnly
from ..wire.arguments import mailbox, sequence_set
from .base import SELECTED, Command


class Copy(Command):
    """Copies messages to the end of another mailbox, with flags and internal date: all of them or none."""

    states = SELECTED
    accepts_uid = True
    holds_expunges = True
    arguments = (sequence_set, mailbox)

    def run(self) -> None:
        """Copy."""
        wanted, name = self.args
        target = self.lookup(name, lambda: No("Mailbox does not exist", "TRYCREATE"))
        if not target.is_selectable():
            raise No("Mailbox cannot hold messages", "TRYCREATE")
        if target.read_only():
            raise ReadOnly
        view = self.view()
        _, uids = view.resolve(wanted, self.uid)
        if uids:
            view.mailbox.copy_messages(uids, target)
        self.ok_completed()
