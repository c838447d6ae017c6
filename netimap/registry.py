"""The one list of commands, and what they state about themselves, folded into tables.

A new command is its own file and one line here. Nothing is imported by a name that a client sent.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

#: name as clients write it, upper case → module below netimap.command; the class is the name in Capitals
COMMANDS = {
    name.upper(): f"netimap.command.{name}"
    for name in (
        "append", "authenticate", "capability", "check", "close", "copy", "create", "delete", "examine", "expunge",
        "fetch", "id", "idle", "list", "login", "logout", "lsub", "namespace", "noop", "rename", "search", "select",
        "starttls", "status", "store", "subscribe", "uid", "unselect", "unsubscribe",
    )
}  # fmt: skip

#: what the server itself announces (LITERAL+: RFC 7888)
CORE_CAPABILITIES = ("IMAP4rev1", "LITERAL+")


class Registry:
    """A server's own copy of the tables: commands by name, capabilities in order."""

    def __init__(self, failed: Callable[[str, Exception], Any]) -> None:
        """`failed(name, exception)` is told of each command that cannot be loaded; `Error` answers for it."""
        from .error import Error

        self.commands: dict[str, Any] = {}
        self.capabilities: list[str] = list(CORE_CAPABILITIES)
        for name, module in COMMANDS.items():
            try:
                cls = getattr(import_module(module), name.capitalize())
            except Exception as error:
                failed(name, error)
                cls = Error
            self.commands[name] = cls
            self.capabilities += [item for item in cls.capabilities if item not in self.capabilities]

    def add(self, name: str, cls: Any) -> None:
        """Register a command under `name`, in place of a built-in one of that name."""
        self.commands[name.upper()] = cls
        self.capabilities += [item for item in cls.capabilities if item not in self.capabilities]


def load_class(cls: type | str, base: type) -> type:
    """A class, or the one with this dotted name (`mypkg.auth.LdapAuth` or `mypkg.auth:LdapAuth`).

    Raises ValueError, with a text for the operator, when there is none or it does not inherit from `base`.
    """
    found: Any = cls
    if isinstance(cls, str):
        module, _, name = cls.rpartition(":" if ":" in cls else ".")
        try:
            found = getattr(import_module(module), name)
        except Exception as error:
            raise ValueError(f"cannot load {cls}: {type(error).__name__}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, base)):
        shown = cls if isinstance(cls, str) else getattr(cls, "__name__", repr(cls))
        raise ValueError(f"{shown} is no subclass of netimap.{base.__name__}")
    return found
