"""STATUS (RFC 3501 6.3.10)."""

from ..exceptions import Bad, No
from ..wire.arguments import atom, mailbox
from ..wire.writer import Raw
from .base import AUTHENTICATED, Command


class Status(Command):
    """Tells counts of a mailbox without selecting it."""

    states = AUTHENTICATED

    def validate(self) -> bool:
        """mailbox, items in parentheses."""
        name, items = self.options(2, 2)
        if not isinstance(items, list):
            raise Bad("Wrong second option")
        if not items:
            raise Bad("STATUS without items")
        self.args = [mailbox(name), list(dict.fromkeys(atom(item).upper() for item in items))]
        return True

    def run(self) -> None:
        """Answer with the asked items alone."""
        name, items = self.args
        found = self.lookup(name, lambda: No("Mailbox does not exist", "NONEXISTENT"))
        if not found.is_selectable():
            raise No("Mailbox holds no messages", "NONEXISTENT")
        if found is not self.connection().selected():
            found.poll()
        values = found.status(*items)
        pairs = [word for item in items for word in (Raw(item), values[item])]
        self.tagged_response(self.data_out(found.full_path()) + b" " + self.data_out(pairs))
        self.ok_completed()
