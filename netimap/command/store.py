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
        known_stale = view.dirty()
        if uids:
            mailbox.store_flags(uids, what, flags)
        view.sync()
        if silent:
            # changes by others before this one are still news to the client (RFC 3501 6.4.6)
            view.forget_flags([uid for uid in uids if uid not in known_stale])
        else:
            plan = Plan.compile(["FLAGS"], uid=self.uid)
            for start in range(0, len(uids), CHUNK):
                some = uids[start : start + CHUNK]
                view.forget_flags(some)
                plan.send(mailbox, numbers[start : start + CHUNK], some, view.format_flags, self.connection().send)
        self.ok_completed()
