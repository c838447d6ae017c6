"""NAMESPACE (RFC 2342)."""

from .base import AUTHENTICATED, Command


class Namespace(Command):
    """Tells where a user's, other users' and shared mailboxes are."""

    states = AUTHENTICATED
    capabilities = ("NAMESPACE",)
    arguments = ()

    def run(self) -> None:
        """Answer with what the model says."""
        kinds = self.connection().model().namespaces()
        # RFC 2342 6: Namespace = nil / "(" 1*( "(" string SP ( <"> QUOTED_CHAR <"> / nil ) ")" ) ")"
        groups = [self.data_out([tuple(kind)] if kind else None) for kind in kinds]
        self.tagged_response(b" ".join(groups))
        self.ok_completed()
