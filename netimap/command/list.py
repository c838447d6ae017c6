"""LIST (RFC 3501 6.3.8), with the children attributes of RFC 3348."""

from __future__ import annotations

from ..exceptions import Bad
from ..mailbox import Mailbox
from ..wire.arguments import list_mailbox, mailbox
from ..wire.list_pattern import ListPattern
from ..wire.mailbox_name import decode_name
from .base import AUTHENTICATED, Command


class List(Command):
    """Lists mailboxes by pattern. LSUB is a subclass."""

    states = AUTHENTICATED
    capabilities: tuple[str, ...] = ("CHILDREN",)
    arguments = (mailbox, list_mailbox)

    def validate(self) -> bool:
        """Names are modified UTF-7, wildcards aside."""
        super().validate()
        for name in self.args:
            try:
                decode_name(name)
            except ValueError as error:
                raise Bad(f"Invalid UTF-7 in a mailbox name: {error}") from None
        return True

    def run(self) -> None:
        """List."""
        reference, pattern = self.args
        root = self.connection().model().root()
        separator = root.separator()
        if not pattern:
            # RFC 3501 6.3.8: the hierarchy separator and the root of the reference
            self.line(["\\Noselect"], separator, "")
        else:
            root.update_tree()
            self.send_list(root, ListPattern(reference + pattern, separator))
        self.ok_completed()

    def send_list(self, root: Mailbox, pattern: ListPattern) -> None:
        """Send the lines for all mailboxes that match."""
        for found in root.descendants():
            if pattern.matches(found.full_path()):
                self.line(self.attributes(found), root.separator(), found.full_path())
            self.connection().io_handle().cede()

    def attributes(self, found: Mailbox) -> list[str]:
        """\\Noselect where it is, and exactly one of \\HasChildren and \\HasNoChildren (RFC 3348 3)."""
        attributes = [] if found.is_selectable() else ["\\Noselect"]
        return [*attributes, "\\HasChildren" if found.children() else "\\HasNoChildren"]

    def line(self, attributes: list[str], separator: str | None, name: str) -> None:
        """One LIST response; the name is always quoted, as it may look like anything."""
        self.tagged_response(b"(%b) %b %b" % (" ".join(attributes).encode(), self.data_out(separator),
                                              self.data_out(name)))  # fmt: skip
