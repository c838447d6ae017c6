"""LOGIN (RFC 3501 6.2.3)."""

import time

from ..exceptions import No
from ..wire.arguments import text
from .base import UNAUTHENTICATED, Command


class Login(Command):
    """Logs in with a user name and a password in the clear; only under TLS, unless the operator allows it."""

    states = UNAUTHENTICATED
    arguments = (text, text)

    def validate(self) -> bool:
        """Warn a client that sent its password over a plain connection (the password is out now)."""
        if not self.connection().may_send_password():
            self.untagged_response("BAD [ALERT] Your password was sent over an unencrypted connection: change it")
            raise No("Login is disabled without TLS", "PRIVACYREQUIRED")
        return super().validate()

    def run(self) -> None:
        """Check the password."""
        user, password = self.args
        connection, started = self.connection(), time.monotonic()
        auth = self.server().auth_class()()
        if not auth.provides_plain():
            raise No("Login is disabled")
        if not auth.auth_plain(user, password):
            connection.login_failed(user, "LOGIN")
            raise No("Invalid login")
        if auth.user() is None:
            auth.user(user)
        connection.login_succeeded(auth, "LOGIN", started)
        self.ok_completed(CAPABILITY=connection.capability())
