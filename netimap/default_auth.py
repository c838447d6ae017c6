"""DefaultAuth: who the user is. A plugin subclasses it; the default lets everybody in."""

from __future__ import annotations

from collections.abc import Callable

from .accessors import accessor
from .sasl.plain import Plain


class DefaultAuth:
    """One login. Made anew for each attempt; holds the user's name once the attempt succeeded."""

    user = accessor("user")

    _user: str | None = None

    def provides_plain(self) -> bool:
        """Whether `auth_plain` can check a password: enables LOGIN and AUTHENTICATE PLAIN."""
        return True

    def auth_plain(self, user: str, password: str) -> bool:
        """Check a password; true lets the user in. Sets `user`. Override it: the default accepts all.

        May block (the other connections go on as long as it waits cooperatively).
        """
        self.user(user)
        return True

    def authorize(self, identity: str) -> bool:
        """Whether the user, whose password was right, may act as `identity`, another name that SASL PLAIN gave
        (RFC 4616 2: the authorization identity). The default lets it pass, and the session stays the user's own;
        override it to set `user` to the other, or to refuse."""
        return True

    def sasl_provides(self) -> list[str]:
        """The SASL mechanisms on offer. `FOO-BAR` is the method `sasl_foo_bar`."""
        return ["PLAIN"] if self.provides_plain() else []

    def sasl_plain(self) -> Callable[[bytes], object]:
        """SASL PLAIN (RFC 4616), checked by `auth_plain`.

        Like every `sasl_…` method it returns a callable, which is given each decoded message of the client, the first
        one empty unless the client sent an initial response. It returns a `Challenge` to go on, True when the user is
        in (`user` is set), False when he is refused, -1 when the message broke the mechanism's rules.
        """
        return Plain(self)
