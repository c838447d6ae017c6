"""MailboxTree: names, children and moving about of mailboxes. The base class of Mailbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .accessors import accessor
from .exceptions import No
from .wire.mailbox_name import encode_name

#: mailboxes in one another; deeper trees are made by accident or malice only
MAX_DEPTH = 32


class MailboxTree:
    """A mailbox as a node of a user's tree. The root has no name."""

    is_inbox = accessor("is_inbox")
    parent = accessor("parent")
    children = accessor("children")
    subscribed = accessor("subscribed")
    is_selectable = accessor("is_selectable")
    lost_subscriptions = accessor("lost_subscriptions")

    _name = ""
    _is_inbox = False
    _parent: Any = None
    _subscribed: bool | None = None
    _is_selectable: bool | None = None
    _path: str | None = None

    def __init__(self) -> None:
        self._children: list[Any] = []
        # of the root alone, see DefaultModel.lost_subscriptions
        self._lost_subscriptions: set[str] = set()

    def name(self, *name: str) -> str:
        """The mailbox's own name, as text (not encoded)."""
        if name:
            self._name = name[0]
            self.full_path(True)
        return self._name

    def separator(self) -> str | None:
        """The hierarchy separator; None for a model without hierarchy."""
        return "/"

    def full_path(self, purge: bool = False) -> str:
        """The name with its parents', as it goes over the wire (modified UTF-7). `purge` forgets cached paths."""
        if purge:
            self._path = None
            for child in self.children():
                child.full_path(True)
        if self._path is None:
            above = self._parent.full_path() if self._parent is not None else ""
            name = "INBOX" if self.is_inbox() else encode_name(self.name())
            self._path = f"{above}{self.separator()}{name}" if above else name
        return self._path

    def add_child(self, mailbox: Any = None, **fields: Any) -> Any:
        """Add a mailbox of this one's class, made of `fields`, or a ready-made one. None if the name is taken."""
        if mailbox is not None:
            name, is_inbox = mailbox.name(), mailbox.is_inbox()
        else:
            name, is_inbox = fields.get("name", ""), fields.get("is_inbox", False)
        if not name and not is_inbox:
            raise ValueError('a mailbox needs a name: add_child(name="…")')
        if not is_inbox and self.parent() is None and name.upper() == "INBOX":
            # RFC 3501 5.1: at the top of the tree this name, in any case, is the user's inbox
            is_inbox = True
            if mailbox is not None:
                mailbox.is_inbox(True)
            else:
                fields["is_inbox"] = True
        if any(_same_name(name, is_inbox, child) for child in self.children()):
            return None
        make: Any = type(self)
        child = make(**fields, parent=self) if mailbox is None else mailbox
        child.parent(self)
        child.full_path(True)
        self.children().append(child)
        return child

    def create(self, **fields: Any) -> Any:
        """CREATE: what `add_child` does, for a client. None = the name is taken, False = permission denied."""
        self.check_depth(1)
        return self.add_child(**fields)

    def check_depth(self, levels: int) -> None:
        """Raise No where `levels` more mailboxes in one another below this one are too deep."""
        depth = levels - 1
        above: Any = self
        while above is not None:
            depth, above = depth + 1, above.parent()
        if depth > MAX_DEPTH:
            raise No(f"Mailboxes are nested {MAX_DEPTH} deep at most", "LIMIT")

    def levels(self) -> int:
        """How many mailboxes are in one another here, this one counted."""
        levels = 0
        level: list[Any] = [self]
        while level:
            levels, level = levels + 1, [child for found in level for child in found.children()]
        return levels

    def child(self, name: str, may_be_inbox: bool) -> Any:
        """The child with this name, None without one. `may_be_inbox`: this is the top of a tree, where INBOX in any
        case is the user's inbox (RFC 3501 5.1)."""
        is_inbox = may_be_inbox and name.upper() == "INBOX"
        return next((child for child in self.children() if _same_name(name, is_inbox, child)), None)

    def descendants(self) -> Iterator[Any]:
        """All mailboxes below this one, parents first."""
        waiting = list(reversed(self.children()))
        while waiting:
            found = waiting.pop()
            yield found
            waiting.extend(reversed(found.children()))

    def reparent(self, parent: Any, name: str | None = None) -> bool | None:
        """RENAME: move under `parent`, as `name` if given. False = permission denied, None = the name is taken."""
        new_name = self.name() if name is None else name
        if any(child is not self and _same_name(new_name, False, child) for child in parent.children()):
            return None
        if self._parent is not None:
            self._parent.children().remove(self)
        self.parent(parent)
        parent.children().append(self)
        self.name(new_name)
        return True

    def update_tree(self) -> None:
        """Override it to bring `children` up to date before LIST and LSUB."""


def _same_name(name: str, is_inbox: bool, child: Any) -> bool:
    return bool(name == child.name() or (is_inbox and child.is_inbox()))
