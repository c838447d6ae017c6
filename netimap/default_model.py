"""DefaultModel: the mailboxes of one user. A plugin subclasses it and builds its tree in `init`."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from .accessors import accessor
from .exceptions import Bad, Denied, No
from .mailbox import Mailbox
from .wire.mailbox_name import decode_name


class DefaultModel:
    """What a logged-in connection sees. The default: one tree a user within the process, kept in memory."""

    auth = accessor("auth")
    root = accessor("root")

    _root: Mailbox | None = None

    #: the class of the tree's mailboxes, where `init` makes them
    mailbox_class: type[Mailbox] = Mailbox
    #: (model class, user name) → root mailbox
    _trees: ClassVar[dict[tuple[type, str | None], Mailbox]] = {}
    # how many models use a tree of `_trees`, and the state in which the default `build` left it
    _uses: ClassVar[Counter[tuple[type, str | None]]] = Counter()
    _built: ClassVar[dict[tuple[type, str | None], object]] = {}
    _key: tuple[type, str | None] | None = None

    def __init__(self, auth: Any = None) -> None:
        self._auth = auth
        self.init()

    def init(self) -> None:
        """Set `root`: called at construction, so once for each connection.

        The default keeps one tree for each user, which `build` fills and all connections of the user share: only so
        do they hear of each other's changes. Override `build`; or this, to make or find the tree in another way.
        """
        key = (type(self), self.auth().user() if self.auth() is not None else None)
        root = self._trees.get(key)
        if root is None:
            root = self.mailbox_class(is_selectable=False)
            self.build(root)
            self._trees[key] = root
            if type(self).build is DefaultModel.build:
                self._built[key] = _state(root)
        self._key = key
        self._uses[key] += 1
        self.root(root)

    def build(self, root: Mailbox) -> None:
        """Put the user's mailboxes below `root`. Called once for each user and process. The default: INBOX and
        INBOX/<user>, empty."""
        inbox = root.add_child(name="INBOX", is_inbox=True)
        user = self.auth().user() if self.auth() is not None else None
        if inbox is not None and user and user.isprintable() and "/" not in user:
            inbox.add_child(name=user)

    def close(self) -> None:
        """The connection ends. Override it to let go of what the model holds.

        A tree of the default `build` in which nobody has put anything goes with its last connection: names that were
        only tried out leave nothing in memory.
        """
        key, self._key = self._key, None
        if key is None:
            return
        self._uses[key] -= 1
        if self._uses[key] <= 0:
            del self._uses[key]
            if key in self._built and self._built[key] == _state(self._trees[key]):
                del self._trees[key], self._built[key]

    def split(self, path: str) -> list[str]:
        """The decoded parts of a name as it stands on the wire; empty parts are dropped. Raises Bad."""
        root = self.root()
        separator = root.separator() if root is not None else "/"
        parts = path.split(separator) if separator else [path]
        try:
            return [decode_name(part) for part in parts if part]
        except ValueError as error:
            raise Bad(f"Invalid UTF-7 in a mailbox name: {error}") from None

    def lookup(self, path: str) -> Mailbox | None:
        """The mailbox with this name (as on the wire), None if there is none. INBOX in any case (RFC 3501 5.1)."""
        parts = self.split(path)
        if not parts:
            return None
        found = self._find(parts)
        if found is None and type(self.root()).update_tree is not Mailbox.update_tree:
            # it may have come since the tree was looked at
            self.root().update_tree()
            found = self._find(parts)
        return found

    def _find(self, parts: list[str]) -> Mailbox | None:
        mailbox: Mailbox | None = self.root()
        for depth, part in enumerate(parts):
            mailbox = mailbox.child(part, may_be_inbox=depth == 0) if mailbox is not None else None
        return mailbox

    def make_path(self, parts: list[str]) -> Mailbox:
        """The mailbox at these (decoded) parts, made with all the parents it lacks. Raises Bad, No and Denied."""
        if not parts:
            raise Bad("A mailbox needs a name")
        found: Mailbox = self.root()
        for depth, part in enumerate(parts):
            child = found.child(part, may_be_inbox=depth == 0)
            if child is None:
                made = found.create(name=part)
                if made is None:
                    raise No("Mailbox already exists")
                if not isinstance(made, Mailbox):
                    raise Denied
                child = made
            found = child
        return found

    def lost_subscriptions(self, *names: set[str]) -> set[str]:
        """Subscribed names (as on the wire) whose mailbox is gone; sets them when given.

        They stay until the client unsubscribes: a server must not end a subscription by itself (RFC 3501 6.3.6).
        """
        lost: set[str] = self.root().lost_subscriptions(*names)
        return lost

    def namespaces(self) -> tuple[list[Any] | None, list[Any] | None, list[Any] | None]:
        """Personal, other users' and shared namespaces (RFC 2342): lists of [prefix, separator], None for none."""
        return [["", self.root().separator()]], None, None


def _state(root: Mailbox) -> object:
    """What tells whether anybody has put something into a tree, or has changed it."""
    mailboxes = [(each.full_path(), each.uidnext(), each.subscribed()) for each in root.descendants()]
    return mailboxes, frozenset(root.lost_subscriptions())
