"""AUTHENTICATE (RFC 3501 6.2.2) with an initial response (RFC 4959)."""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any

from ..exceptions import Bad, No
from ..sasl.challenge import Challenge
from ..wire.arguments import atom
from .base import UNAUTHENTICATED, Command


class Authenticate(Command):
    """Runs a SASL exchange: the mechanism FOO-BAR is the method `sasl_foo_bar` of the auth class."""

    states = UNAUTHENTICATED
    capabilities = ("SASL-IR",)
    arguments = (atom,)
    # the initial response is base64 or "=", which is no astring's grammar: it is decoded as any other message
    optional_arguments = (lambda token: token,)

    def validate(self) -> bool:
        """Find the mechanism; a password may not come over a plain connection."""
        super().validate()
        mechanism = self.args[0].upper()
        self.auth = self.server().auth_class()()
        offered = {name.upper() for name in self.auth.sasl_provides()}
        method = getattr(self.auth, "sasl_" + mechanism.lower().replace("-", "_"), None)
        if mechanism not in offered or method is None:
            raise No("Authentication type not supported")
        if mechanism == "PLAIN" and not self.connection().may_send_password():
            if len(self.args) > 1:
                self.untagged_response("BAD [ALERT] Your password was sent over an unencrypted connection: change it")
            else:
                self.untagged_response("BAD [ALERT] This connection is not encrypted: do not send your password")
            raise No("This mechanism is disabled without TLS", "PRIVACYREQUIRED")
        self.mechanism, self.exchange = mechanism, method()
        return True

    def run(self) -> None:
        """Begin the exchange."""
        self.started = time.monotonic()
        if len(self.args) > 1:
            initial = self.args[1]
            # RFC 4959 3: "=" is an empty initial response
            self.step(b"" if initial == "=" else self.decoded(initial))
        else:
            self.answer(self.exchange(b""))

    def decoded(self, message: Any) -> bytes:
        """A message out of its base64."""
        try:
            return b64decode(message.encode("ascii") if isinstance(message, str) else message, validate=True)
        except (Base64Error, ValueError, AttributeError, TypeError):
            raise Bad("Invalid base64") from None

    def step(self, message: bytes) -> None:
        """Give the mechanism a message of the client."""
        self.answer(self.exchange(message))

    def continued(self, line: bytes) -> None:
        """The client's next line."""
        connection = self.connection()
        connection.pending(None)
        if line == b"*":
            raise Bad("Login cancelled")
        self.step(self.decoded(line))

    def answer(self, result: Any) -> None:
        """Go on, let in, or refuse, by what the mechanism said."""
        connection = self.connection()
        if isinstance(result, Challenge):
            connection.wait_for(self, self.continued)
            self.out(b"+ " + b64encode(result))
        elif isinstance(result, int) and result == 1:
            # True, or the 1 of a plugin that was ported
            connection.login_succeeded(self.auth, self.mechanism, self.started)
            self.ok_completed(CAPABILITY=connection.capability())
        elif result == -1:
            raise Bad("Protocol failure")
        else:
            connection.login_failed(self.auth.user() or getattr(self.exchange, "user", None), self.mechanism)
            raise No("Invalid login")
