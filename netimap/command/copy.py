"""COPY (RFC 3501 6.4.7)."""

from ..exceptions import No, ReadOnly
from ..wire.arguments import mailbox, sequence_set
from ..wire.sequence_set import SequenceSet
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
        uids = list(uids)
        cede = self.connection().io_handle().cede
        copies = view.mailbox.copy_messages(uids, target, cede) if uids else []
        if copies and len(copies) == len(uids):
            # RFC 4315 3
            sets = SequenceSet.of(uids), SequenceSet.of(copies)
            self.ok_completed(COPYUID=f"{target.uidvalidity()} {sets[0]} {sets[1]}")
        else:
            self.ok_completed()
