"""CREATE (RFC 3501 6.3.3)."""

from ..exceptions import No
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
            model.make_path(model.split(self.args[0]))
        self.ok_completed()
