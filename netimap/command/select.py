"""SELECT (RFC 3501 6.3.1)."""

import time

from ..exceptions import No
from ..wire.arguments import mailbox
from ..wire.writer import Raw
from .base import AUTHENTICATED, Command


class Select(Command):
    """Opens a mailbox and tells what is in it. EXAMINE is a subclass."""

    states = AUTHENTICATED
    arguments = (mailbox,)
    #: whether the mailbox is opened read-only whatever it permits
    read_only = False

    def poll_after(self) -> bool:
        """The answer tells all there is."""
        return False

    def run(self) -> None:
        """Select, answer."""
        connection = self.connection()
        found = connection.model().lookup(self.args[0])
        if found is None or not found.is_selectable():
            # RFC 3501 6.3.1: a SELECT that fails leaves nothing selected
            connection.selected(None)
            raise No("Mailbox does not exist") if found is None else No("Mailbox cannot be selected", "NONEXISTENT")
        same = found is connection.selected() and self.read_only == connection.selected_read_only()
        found.poll()
        connection.last_poll(time.time())
        connection.selected(found, self.read_only)
        if same:
            connection.reselect()
        self.describe()
        writable = not (self.read_only or found.read_only())
        self.ok_completed(**{"READ-WRITE" if writable else "READ-ONLY": None})

    def describe(self) -> None:
        """The untagged lines (RFC 3501 6.3.1)."""
        view = self.view()
        found = view.mailbox
        self.untagged_response(
            b"FLAGS " + self.data_out([Raw(flag) for flag in found.flags()]),
            b"%d EXISTS" % view.exists,
            b"%d RECENT" % view.recent(),
        )
        first_unseen = found.first_unseen()
        if first_unseen:
            self.untagged_response(b"OK [UNSEEN %d] First unseen" % first_unseen)
        changeable = [] if self.read_only or found.read_only() else found.permanentflags()
        self.untagged_response(
            b"OK [PERMANENTFLAGS %b] Flags that can be changed" % self.data_out([Raw(flag) for flag in changeable]),
            b"OK [UIDNEXT %d] Next UID" % found.uidnext(),
            b"OK [UIDVALIDITY %d] UIDs valid" % found.uidvalidity(),
        )
