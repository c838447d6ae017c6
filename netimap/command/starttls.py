"""STARTTLS (RFC 3501 6.2.1)."""

from ..exceptions import Bad, Bye, No
from .base import Command


class Starttls(Command):
    """Begins TLS on a plain connection.

    Nothing that the client sent before the handshake may count as sent under TLS: a command that came in the same
    packet is refused, and the connection closed, as it was injected or the client is broken (CVE-2011-0411).
    """

    capabilities = ("STARTTLS",)
    arguments = ()

    def validate(self) -> bool:
        """The login is checked first, as in the original."""
        connection = self.connection()
        if connection.is_auth():
            raise Bad("Already logged in")
        if connection.is_encrypted() or not self.server().offers_tls():
            raise No("STARTTLS is disabled")
        return super().validate()

    def run(self) -> None:
        """Answer, then shake hands in this greenlet."""
        connection, io = self.connection(), self.connection().io_handle()
        if io.has_input():
            self.bad_command("Input behind STARTTLS before the handshake")
            raise Bye("Input behind STARTTLS before the handshake")
        self.ok_completed()
        io.start_SSL(self.server().tls_context(), self.server().option("handshake_timeout"))
        # RFC 3501 6.2.1: what the client told before TLS is forgotten
        connection.client_id().clear()
