"""CREATE (RFC 3501 6.3.3)."""

from ..exceptions import Bad, Denied, No
from ..mailbox import Mailbox
from ..wire.arguments import mailbox
from .base import AUTHENTICATED, Command


class Create(Command):
    """Makes a mailbox, and the parents it lacks."""

    states = AUTHENTICATED
    arguments = (mailbox,)

    def validate(self) -> bool:
        """The name has to be one."""
        return super().validate() and self.valid_mailbox(self.args[0])

    def run(self) -> None:
        """Create."""
        model = self.connection().model()
        existing = model.lookup(self.args[0])
        if existing is not None and existing.is_selectable():
            raise No("Mailbox already exists")
        if existing is not None:
            # a name that DELETE kept for its children becomes a mailbox again
            existing.is_selectable(True)
        else:
            make_path(model.root(), model.split(self.args[0]))
        self.ok_completed()


def make_path(root: Mailbox, parts: list[str]) -> Mailbox:
    """The mailbox at `parts`, made with all its parents where they are missing. Raises Bad, No and Denied."""
    if not parts:
        raise Bad("A mailbox needs a name")
    found = root
    for depth, part in enumerate(parts):
        is_inbox = depth == 0 and part.upper() == "INBOX"
        child = next((child for child in found.children() if _is(child, part, is_inbox)), None)
        if child is None:
            made = found.create(name=part)
            if made is None:
                raise No("Mailbox already exists")
            if made is False:
                raise Denied
            child = made
        found = child
    return found


def _is(child: Mailbox, name: str, is_inbox: bool) -> bool:
    return child.name() == name or (is_inbox and bool(child.is_inbox()))
