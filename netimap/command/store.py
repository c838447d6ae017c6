"""STORE (RFC 3501 6.4.6)."""

from ..exceptions import Bad, No
from ..fetch import Plan
from ..fetch.plan import CHUNK
from ..wire.arguments import flag, flag_list, sequence_set
from .base import SELECTED, Command

_WHAT = ("FLAGS", "+FLAGS", "-FLAGS")


class Store(Command):
    """Changes flags and answers with the new ones, unless the client said .SILENT."""

    states = SELECTED
    accepts_uid = True
    holds_expunges = True

    def validate(self) -> bool:
        """set, FLAGS / +FLAGS / -FLAGS [.SILENT], flags in parentheses or not."""
        tokens = self.options(3, None)
        wanted, item = sequence_set(tokens[0]), str(tokens[1]).upper()
        what = item.removesuffix(".SILENT")
        if what not in _WHAT:
            raise Bad("STORE takes FLAGS, +FLAGS or -FLAGS")
        if isinstance(tokens[2], list):
            if len(tokens) > 3:
                raise Bad("Too many options")
            flags = flag_list(tokens[2])
        else:
            flags = list(map(flag, tokens[2:]))
        if "\\Recent" in flags:
            raise Bad("\\Recent cannot be stored")
        self.args = [wanted, what, what != item, flags]
        return True

    def run(self) -> None:
        """Store, then tell."""
        wanted, what, silent, flags = self.args
        view = self.writable_view()
        mailbox = view.mailbox
        refused = [name for name in flags if not mailbox.can_set_flag(name)]
        if refused:
            raise No(f"The flag {refused[0]} cannot be changed here", "CANNOT")
        numbers, uids = view.resolve(wanted, self.uid)
        view.sync()
        news, before = view.dirty(), view.modseq
        own = mailbox.store_flags(uids, what, flags) if uids else None
        if silent:
            # what others changed, before this or while it waited for the disk, is still news (RFC 3501 6.4.6)
            news |= mailbox.journal.others(before, own) if own is not None else frozenset()
            view.sync()
            view.forget_flags([uid for uid in uids if uid not in news])
        else:
            view.sync()
            plan = Plan.compile(["FLAGS"], uid=self.uid)
            for start in range(0, len(uids), CHUNK):
                some = uids[start : start + CHUNK]
                view.forget_flags(some)
                plan.send(mailbox, numbers[start : start + CHUNK], some, view.format_flags, self.connection().send)
        self.ok_completed()
