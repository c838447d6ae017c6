"""Selection: what a session has selected, and what its client is told of it. The base class of Connection."""

from __future__ import annotations

import time
from typing import Any

from .accessors import accessor
from .current import current_connection
from .exceptions import Bye, ClientGone
from .mailbox import Mailbox
from .message import Message
from .view import MAX_TOLD, View
from .wire.sequence_set import SequenceSet


class Selection:
    """The selected mailbox of a session. Sends by the Connection's `send`, waits and spawns by its server."""

    last_poll = accessor("last_poll")

    #: true while a UID command runs: FETCH responses need the UID then (RFC 3501 6.4.8)
    by_uid = False

    # what Connection sets and has
    _io_handle: Any
    _server: Any
    _print: Any
    stop: Any
    _closed = False

    def __init__(self) -> None:
        self._last_poll = 0.0
        self._selected: Mailbox | None = None
        self._view: View | None = None
        self._notifying = False

    def selected(self, *mailbox_and_read_only: Any) -> Mailbox | None:
        """The selected mailbox or None. `selected(mailbox, read_only)` changes it.

        Nothing happens when neither the mailbox nor its read-only-ness changes; else the client is told what it has
        not heard of the old mailbox, whose `close` is called, and then `select` of the new one.
        """
        if mailbox_and_read_only:
            mailbox, *read_only = mailbox_and_read_only
            forced = bool(read_only and read_only[0])
            if mailbox is not self._selected or forced != self.selected_read_only():
                if self._view is not None and not self._view.deleted:
                    self.send_untagged()
                self.leave()
                if mailbox is not None:
                    self._selected = mailbox
                    try:
                        mailbox.select()
                        self._view = View(mailbox, forced)
                    except BaseException:
                        # nothing is selected without a view
                        self._selected = None
                        raise
        return self._selected

    def reselect(self) -> None:
        """Start the session's view of the selected mailbox anew, as SELECT of the same mailbox does."""
        if self._view is not None and self._selected is not None:
            read_only = self._view.read_only
            self._view.close()
            self._view = View(self._selected, read_only)

    def leave(self) -> None:
        """Leave the selected mailbox without telling the client any more of it."""
        mailbox, view = self._selected, self._view
        self._selected = self._view = None
        if view is not None:
            view.close()
        if mailbox is not None:
            mailbox.close()

    def selected_read_only(self, *read_only: bool) -> bool:
        """Whether the mailbox was opened by EXAMINE; sets it for the selected mailbox when given. The mailbox may be
        read-only for reasons of its own: ask it too."""
        if read_only and self._view is not None:
            self._view.read_only = bool(read_only[0])
        return self._view is not None and self._view.read_only

    def view(self) -> View | None:
        """This session's numbering of its mailbox."""
        return self._view

    def previous_exists(self) -> int:
        """How many messages the client has been told of."""
        return self._view.exists if self._view is not None else 0

    def get_messages(self, sequence_set: str | SequenceSet) -> list[Message]:
        """The messages of a sequence set, as this client numbers them; numbers past the end are dropped."""
        if self._view is None or self._selected is None:
            return []
        wanted = SequenceSet.parse(sequence_set) if isinstance(sequence_set, str) else sequence_set
        found = map(self._selected.message, self._view.resolve(wanted, by_uid=False)[1])
        return [message for message in found if message is not None]

    def sequence(self, message: Message) -> int | None:
        """This client's number for a message of its mailbox; None for one it does not count."""
        if self._view is None:
            return None
        uid = message.uid()
        if uid is None or message.mailbox() is not self._view.mailbox or not self._view.counts(uid):
            return None
        return self._view.number(uid)

    # --- telling the client ---

    def poll(self) -> None:
        """Poll the selected mailbox."""
        self._last_poll = time.time()
        if self._selected is not None:
            self._selected.poll()

    def force_poll(self) -> None:
        """Poll at the next chance."""
        self._last_poll = 0.0

    def send_untagged(self, expunged: bool = True) -> None:
        """Tell the client what happened to its mailbox: flags, EXPUNGEs if `expunged`, new messages."""
        view = self._view
        if view is None:
            return
        if time.time() - self._last_poll >= self._server.poll_every():
            self.poll()
        while self._tell(view, expunged):
            self._io_handle.cede()

    def _tell(self, view: View, expunged: bool) -> bool:
        """Say what is new, without waiting in between; true if many flags have changed and more has to be said."""
        if not view.has_changes():
            return False
        told = view.told_flags(self.by_uid)
        if len(told) == MAX_TOLD:
            self._print(b"".join(told))
            return True
        if expunged:
            told += view.told_expunged()
        told += view.told_exists()
        if told:
            self._print(b"".join(told))
        return False

    def notify(self) -> None:
        """Something changed while the client waits in IDLE: tell it soon, in a greenlet of its own."""
        if not self._notifying and not self._closed:
            self._notifying = True
            self._server.spawn(self._notify)

    def _notify(self) -> None:
        current_connection(self)
        try:
            # what happens while the client takes its lines is told in one go afterwards: nothing piles up. No poll
            # here: it may wait, and IDLE may have ended by then.
            while (view := self._view) is not None and view.wake is not None:
                if view.deleted:
                    self.stop(Bye("The selected mailbox was deleted"))
                    return
                if not view.has_changes():
                    return
                self._tell(view, expunged=True)
                self._io_handle.flush()
                self._io_handle.cede()
        except ClientGone:
            self._io_handle.close()
        except Exception as error:
            self._server.log_exception("telling an idling client failed", error)
        finally:
            self._notifying = False
