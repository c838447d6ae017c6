"""CAPABILITY (RFC 3501 6.1.1)."""

from .base import Command


class Capability(Command):
    """Lists what the server can do, as it stands at this moment of this connection."""

    arguments = ()

    def run(self) -> None:
        """Answer."""
        self.tagged_response(self.connection().capability())
        self.ok_completed()
