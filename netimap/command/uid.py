"""UID (RFC 3501 6.4.8)."""

from ..exceptions import Bad
from ..wire.reader import is_command_name
from .base import SELECTED, Command


class Uid(Command):
    """Runs COPY, FETCH, SEARCH or STORE with UIDs in place of numbers. Holds no logic of its own."""

    states = SELECTED

    def validate(self) -> bool:
        """Find the inner command and hand the rest to it."""
        name, _, rest = self.parts[0].partition(b" ")
        if not name:
            raise Bad("Not enough options")
        if not is_command_name(name):
            raise Bad("UID takes the name of a command")
        connection = self.connection()
        inner = connection.class_for(name.decode("ascii").capitalize())
        if not inner.accepts_uid:
            raise Bad(f"UID {name.decode('ascii').upper()} is no command")
        self.inner = inner(
            server=self.server(), connection=connection, command_id=self.command_id(),
            command=name.decode("ascii").capitalize(), options_str=rest, uid=True,
        )  # fmt: skip
        self.inner.parts = [rest, *self.parts[1:]]
        connection.check_state(self.inner)
        return bool(self.inner.validate())

    def run(self) -> None:
        """Run the inner command."""
        self.connection().by_uid = True
        try:
            self.inner.run()
        finally:
            self.connection().by_uid = False
