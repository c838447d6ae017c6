"""Message: one message of a mailbox, and all that can be asked of it. A plugin subclasses it or just makes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import Message as EmailMessage
from typing import TYPE_CHECKING, Any

from .accessors import accessor
from .current import current_connection
from .fetch.plan import Plan
from .flags import NO_FLAGS, canonical_flag, changed_flags, intern_flags
from .mime import Part, address_list, bodystructure, envelope, get, header_end, parse_date, scan, section, with_crlf
from .wire.dates import format_date_time, parse_date_time
from .wire.writer import format_value

if TYPE_CHECKING:
    from .mailbox import Mailbox


class Message:
    """A message: immutable octets (RFC 5322, CRLF line ends), flags, an internal date, and its place in a mailbox.

    `Message(raw)` takes bytes or text. A message whose octets are made or fetched when somebody reads it overrides
    `raw()`; one that has an `email.message.Message` at hand may override `mime()` instead.
    """

    mailbox = accessor("mailbox")
    uid = accessor("uid")
    expunged = accessor("expunged")

    _mailbox: Mailbox | None = None
    _uid: int | None = None
    _expunged = False
    _raw: bytes | None = None
    _mime: EmailMessage | None = None
    _flags: frozenset[str] = NO_FLAGS
    _modseq = 0
    _internaldate: datetime | None = None
    _structures: dict[str, bytes] | None = None
    #: whether the class has a `mime_select` of its own, which FETCH has to ask then
    selects_sections = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.selects_sections = cls.mime_select is not Message.mime_select

    def __init__(self, raw: bytes | str | None = None) -> None:
        if raw is not None:
            self.raw(raw)

    # --- octets and structure ---

    def raw(self, *raw: bytes | str) -> bytes:
        """The octets of the message; sets them when given (bare LF becomes CRLF). Override it to fetch them."""
        if raw:
            if not isinstance(raw[0], (str, bytes, bytearray, memoryview)):
                raise TypeError(f"a message is made of bytes or text, not of {type(raw[0]).__name__}")
            octets = raw[0].encode("utf-8", "surrogateescape") if isinstance(raw[0], str) else bytes(raw[0])
            self._raw = with_crlf(octets)
            self._mime = self._structures = None
        if self._raw is None:
            parsed = self.mime() if type(self).mime is not Message.mime else self._mime
            return b"" if parsed is None else parsed.as_bytes(policy=parsed.policy.clone(linesep="\r\n"))
        return self._raw

    def octets(self) -> bytes:
        """What `raw()` gives, with CRLF line ends whatever a plugin's own `raw` has: what clients are sent."""
        raw = self.raw()
        return raw if type(self).raw is Message.raw else with_crlf(raw.encode() if isinstance(raw, str) else raw)

    def mime(self, *parsed: EmailMessage) -> EmailMessage:
        """The parsed message, made when it is first asked for. netimap itself never asks: it scans the octets."""
        if parsed:
            (self._mime,) = parsed
            self._raw = self._structures = None
        if self._mime is None:
            self._mime = message_from_bytes(self.raw(), policy=policy.compat32)
        return self._mime

    def size(self) -> int:
        """RFC822.SIZE: the number of octets. Override it where it is known without reading."""
        return len(self.octets())

    def mime_header(self) -> bytes:
        """The octets of the header with its closing blank line."""
        raw = self.octets()
        return raw[: header_end(raw)]

    def structure(self) -> Part:
        """The MIME tree, as offsets into `octets()`. Made anew on each call: keep it while you need it."""
        return scan(self.octets())

    def mime_envelope(self) -> list[Any]:
        """The ENVELOPE as nested values (RFC 3501 7.4.2)."""
        return envelope(self.mime_header())

    def address_envelope(self, header: str | bytes) -> list[Any] | None:
        """The addresses of the named header field as ENVELOPE has them, None where it is missing."""
        name = header.encode("ascii", "replace") if isinstance(header, str) else header
        value = get(self.mime_header(), name)
        addresses = address_list(value) if value is not None else []
        return [tuple(addresses)] if addresses else None

    def mime_bodystructure(self, long: bool = True) -> list[Any]:
        """BODYSTRUCTURE (`long`) or BODY as nested values (RFC 3501 7.4.2)."""
        return bodystructure(self.structure(), self.octets(), long)

    def structure_text(self, column: str) -> bytes:
        """The formatted ENVELOPE, BODY or BODYSTRUCTURE ("envelope", "body", "bodystructure"); made once."""
        if self._structures is None:
            self._structures = {}
        text = self._structures.get(column)
        if text is None:
            value = self.mime_envelope() if column == "envelope" else self.mime_bodystructure(column == "bodystructure")
            text = self._structures[column] = format_value(value)
        return text

    def mime_select(
        self,
        sections: Sequence[int | str],
        start: int | None = None,
        length: int | None = None,
        extras: Sequence[str] = (),
    ) -> bytes | None:
        """The octets of a body section, or None where the message has no such section.

        `sections` are part numbers, then possibly HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT or MIME;
        `extras` the field names of the HEADER.FIELDS forms; `start` and `length` the octets wanted (RFC 3501 6.4.5).
        """
        path = tuple(section for section in sections if isinstance(section, int))
        names = [section.upper() for section in sections if isinstance(section, str)]
        fields = tuple(extra.encode("ascii", "replace") for extra in extras)
        raw = self.octets()
        octets = section(raw, scan(raw), path, names[0] if names else None, fields)
        if octets is not None and start is not None:
            octets = octets[start:] if length is None else octets[start : start + length]
        return None if octets is None else bytes(octets)

    # --- dates ---

    def internaldate(self, *when: str | datetime) -> str:
        """The internal date as ` 1-Jan-2026 12:00:00 +0000`; sets it from such a text or a datetime when given.

        A message that was never given one has the moment at which it is first asked for.
        """
        if when:
            value = parse_date_time(when[0]) if isinstance(when[0], str) else when[0]
            self._internaldate = value if value.tzinfo else value.replace(tzinfo=UTC)
        return format_date_time(self._received())[1:-1].decode()

    def internaldate_value(self) -> datetime:
        """The internal date as an aware datetime; what a subclass's `internaldate` says, if it has one."""
        if type(self).internaldate is Message.internaldate:
            return self._received()
        return parse_date_time(self.internaldate())

    def _received(self) -> datetime:
        if self._internaldate is None:
            self._internaldate = datetime.now(UTC).replace(microsecond=0)
        return self._internaldate

    def epoch_day_utc(self) -> int:
        """Days from 1970-01-01 to the internal date, in UTC."""
        return (self.internaldate_value().astimezone(UTC).date() - date(1970, 1, 1)).days

    def date(self) -> datetime | None:
        """The Date: header field, None where it is missing or unreadable."""
        value = get(self.mime_header(), b"date")
        return parse_date(value) if value is not None else None

    def date_day_utc(self) -> int | None:
        """Days from 1970-01-01 to the Date: header field, in UTC; None without one."""
        when = self.date()
        return None if when is None else (when.astimezone(UTC).date() - date(1970, 1, 1)).days

    # --- flags ---

    def flags(self) -> list[str]:
        """The flags all sessions see, without \\Recent."""
        return sorted(self._flags)

    def has_flag(self, flag: str) -> bool:
        """Whether the message has `flag`; upper and lower case are the same."""
        lower = flag.lower()
        return canonical_flag(flag) in self._flags or any(have.lower() == lower for have in self._flags)

    def set_flag(self, flag: str, silent: bool = False) -> bool:
        """Set a flag; true if it was not set before. Unless `silent`, sessions are told."""
        return self._change("+FLAGS", flag, silent)

    def clear_flag(self, flag: str, silent: bool = False) -> bool:
        """Clear a flag; true if it was set. Unless `silent`, sessions are told."""
        return self._change("-FLAGS", flag, silent)

    def _change(self, what: str, flag: str, silent: bool) -> bool:
        mailbox = self.mailbox()
        spelled = flag if mailbox is None or what == "-FLAGS" else mailbox.keyword(flag)
        new = changed_flags(self._flags, what, [spelled])
        if new is self._flags:
            return False
        self._flags = new
        if mailbox is not None and not silent:
            mailbox.flags_changed([self.uid()])
        return True

    def store(self, what: str, flags: Sequence[str]) -> None:
        """STORE of one message: `what` is FLAGS, +FLAGS or -FLAGS, with or without .SILENT."""
        what = what.upper()
        if what.startswith("-"):
            for flag in flags:
                self.clear_flag(flag)
            return
        if not what.startswith("+"):
            wanted = {flag.lower() for flag in flags}
            for flag in self.flags():
                if flag.lower() not in wanted:
                    self.clear_flag(flag)
        for flag in flags:
            self.set_flag(flag)

    def session_flags(self, connection: Any = None) -> list[str]:
        """The flags of one session: \\Recent where it is the first to see the message (RFC 3501 2.3.2).

        `connection` defaults to the current greenlet's.
        """
        connection = connection or current_connection()
        view = None if connection is None else connection.view()
        if view is None or view.mailbox is not self.mailbox():
            return []
        return ["\\Recent"] if view.is_recent(self.uid()) else []

    # --- in its mailbox ---

    def sequence(self) -> int | None:
        """The message's number in its mailbox, from 1; None where it is in none. Sessions may count otherwise."""
        mailbox = self.mailbox()
        return None if mailbox is None or self._expunged else mailbox.sequence_of(self.uid())

    def expunge(self) -> None:
        """The mailbox calls this when the message goes for good. Override it to delete what the message stands for."""
        self.expunged(True)

    def copy_allowed(self, mailbox: Mailbox) -> bool:
        """Whether COPY to `mailbox` is permitted."""
        return True

    def copy(self, mailbox: Mailbox) -> Message | bool | None:
        """Put a copy, with flags and internal date, into `mailbox` (RFC 3501 6.4.7). False = permission denied."""
        return mailbox.append_message(self.octets(), self.flags(), self.internaldate_value())

    def fetch(self, spec: str | Sequence[str]) -> list[Any]:
        """The items of a FETCH: name (Raw), value, name, value, ….

        `spec` is ALL, FAST, FULL, one item or a list of items, `BODY[HEADER.FIELDS (From)]<0.100>` among them. An item
        that reads a body without PEEK sets \\Seen, unless the mailbox is read-only.
        """
        plan = Plan.compile(spec)
        mailbox = self.mailbox()
        if plan.sets_seen and not (mailbox is not None and mailbox.read_only()):
            self.set_flag("\\Seen")
        return plan.values(self)

    def prep_for_destroy(self) -> None:
        """The message leaves memory: drop what refers to others."""
        self._mailbox = None
        self._mime = self._structures = None

    # --- what bulk operations of the mailbox use ---

    def load(self, flags: Sequence[str] = (), internaldate: str | datetime | None = None) -> Message:
        """Give a message its flags and internal date before it is added to a mailbox; nobody is told. Returns self."""
        self._flags = intern_flags(canonical_flag(flag) for flag in flags)
        if internaldate is not None:
            self.internaldate(internaldate)
        return self
