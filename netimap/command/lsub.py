"""LSUB (RFC 3501 6.3.9)."""

from __future__ import annotations

from ..mailbox import Mailbox
from ..wire.list_pattern import ListPattern
from .list import List


class Lsub(List):
    """Lists subscribed mailboxes. The name of the response is LSUB, the arguments are those of LIST."""

    capabilities = ()

    def send_list(self, root: Mailbox, pattern: ListPattern) -> None:
        """Subscribed names that match; with `%` at the end, also the parents of those that it cannot reach."""
        separator = root.separator()
        model = self.connection().model()
        subscribed = {found.full_path(): found for found in root.descendants() if found.subscribed()}
        names = dict.fromkeys([*subscribed, *sorted(model.lost_subscriptions())])
        shown = {}
        for name in names:
            if pattern.matches(name):
                found = subscribed.get(name)
                shown[name] = found is not None and found.is_selectable()
            elif self.args[1].endswith("%") and separator:
                # RFC 3501 6.3.9: foo is shown \Noselect when foo/bar is subscribed and % was asked
                parents = name.split(separator)
                for depth in range(1, len(parents)):
                    parent = separator.join(parents[:depth])
                    if parent not in names and pattern.matches(parent):
                        shown.setdefault(parent, False)
            self.connection().io_handle().cede()
        for name, is_selectable in shown.items():
            self.line([] if is_selectable else ["\\Noselect"], separator, name)
