"""SASL PLAIN (RFC 4616)."""

from __future__ import annotations

from typing import Any

from .challenge import Challenge

#: one user name or password, in octets (RFC 4616 2: at least 255 have to be taken)
MAX_FIELD = 1024


class Plain:
    """One exchange of `[authzid] NUL authcid NUL password`, checked by an auth object's `auth_plain`."""

    def __init__(self, auth: Any) -> None:
        self.auth = auth
        self.asked = False
        #: who the client says he is, for the log
        self.user: str | None = None

    def __call__(self, message: bytes) -> Challenge | bool | int:
        """Challenge, True, False or -1, see `DefaultAuth.sasl_plain`."""
        if not message and not self.asked:
            self.asked = True
            return Challenge(b"")
        fields = message.split(b"\0")
        if len(fields) != 3 or any(len(field) > MAX_FIELD for field in fields):
            return -1
        try:
            authorize, user, password = (field.decode("utf-8") for field in fields)
        except UnicodeDecodeError:
            return -1
        # RFC 4616 2: authcid and passwd are 1*SAFE
        if not user or not password:
            return -1
        self.user = user
        if not self.auth.auth_plain(user, password):
            return False
        if self.auth.user() is None:
            self.auth.user(user)
        return not authorize or authorize == user or bool(self.auth.authorize(authorize))
