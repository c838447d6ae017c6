"""IndexedMessage: a message of an indexed mailbox, made when somebody asks for it. It keeps nothing but its octets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..exceptions import Denied, No
from ..message import Message
from ..wire.dates import format_date_time, parse_date_time

if TYPE_CHECKING:
    from .indexed_mailbox import IndexedMailbox


class IndexedMessage(Message):
    """A message that its mailbox knows the facts of. Changing it changes the store, and is on disk on return."""

    _content: bytes | None = None

    def __init__(self, mailbox: IndexedMailbox, uid: int) -> None:
        super().__init__()
        self.mailbox(mailbox)
        self.uid(uid)

    def _fact(self, name: str) -> Any:
        try:
            return self.mailbox().columns([self.uid()], [name])[0][0]
        except KeyError:
            raise No("The message was expunged", "EXPUNGEISSUED") from None

    def raw(self, *raw: bytes | str) -> bytes:
        """The octets, with CRLF line ends. They cannot be set: a stored message is immutable (RFC 3501 2.3.1.1)."""
        if raw:
            raise Denied("A stored message cannot be changed")
        if self._content is None:
            self._content = self.mailbox().octets(self.uid())
        return self._content

    def octets(self) -> bytes:
        """The same: they have CRLF line ends."""
        return self.raw()

    def size(self) -> int:
        """RFC822.SIZE."""
        return int(self._fact("size"))

    def structure_text(self, column: str) -> bytes:
        """The formatted ENVELOPE, BODY or BODYSTRUCTURE; kept in the index."""
        return bytes(self._fact(column))

    def internaldate(self, *when: str | datetime) -> str:
        """The internal date as text; sets it when given."""
        if when:
            value = parse_date_time(when[0]) if isinstance(when[0], str) else when[0]
            self.mailbox().set_internaldate(self.uid(), value if value.tzinfo else value.replace(tzinfo=UTC))
        return format_date_time(self.internaldate_value())[1:-1].decode()

    def internaldate_value(self) -> datetime:
        """The internal date as an aware datetime."""
        value: datetime = self._fact("internaldate")
        return value

    def flags(self) -> list[str]:
        """The flags all sessions see, without \\Recent."""
        return sorted(self._fact("flags"))

    def has_flag(self, flag: str) -> bool:
        """Whether the message has `flag`; upper and lower case are the same."""
        return flag.lower() in map(str.lower, self._fact("flags"))

    def set_flag(self, flag: str, silent: bool = False) -> bool:
        """Set a flag; true if it was not set before. Sessions are told in any case."""
        had = self.has_flag(flag)
        self.store("+FLAGS", [flag])
        return not had

    def clear_flag(self, flag: str, silent: bool = False) -> bool:
        """Clear a flag; true if it was set. Sessions are told in any case."""
        had = self.has_flag(flag)
        self.store("-FLAGS", [flag])
        return had

    def store(self, what: str, flags: Sequence[str]) -> None:
        """STORE of one message: `what` is FLAGS, +FLAGS or -FLAGS, with or without .SILENT."""
        self.mailbox().store_flags([self.uid()], what.upper().removesuffix(".SILENT"), flags)

    def expunged(self, *expunged: bool) -> bool:
        """Whether the message is gone from its mailbox."""
        mailbox = self.mailbox()
        return mailbox is None or mailbox.sequence_of(self.uid()) is None
