"""A FETCH, compiled: which columns and which sections it needs, and the template of its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from .. import mime
from ..exceptions import Bad, No
from ..flags import FLAG_FORMATS
from ..wire.reader import Section, tokenize
from ..wire.writer import Raw
from .items import COLUMN_ITEMS, MACROS, SECTION_ITEMS, ColumnItem, SectionItem, parse_section

#: items of one FETCH
MAX_ITEMS = 200
#: messages whose lines are made at once: enough to be fast, little enough to be short
CHUNK = 500
#: the same where bodies are read
BODY_CHUNK = 20

Item = ColumnItem | SectionItem
FormatFlags = Callable[[Sequence[int], Sequence[frozenset[str]]], Sequence[bytes]]


class FetchedMessage(Protocol):
    """What a plan asks of a message."""

    #: whether `mime_select` is the plugin's own
    selects_sections: bool

    def octets(self) -> bytes: ...

    def mime_select(
        self, sections: Sequence[int | str], start: int | None, length: int | None, extras: Sequence[str]
    ) -> bytes | None: ...


class FetchedMailbox(Protocol):
    """What a plan asks of a mailbox."""

    def columns(self, uids: Sequence[int], names: Sequence[str]) -> list[Sequence[Any]]: ...

    def message(self, uid: int) -> Any: ...


class Plan:
    """What one FETCH asks for. `spec` is the items as the client (or a plugin) wrote them."""

    __slots__ = ("spec", "columns", "sections", "sets_seen", "template")

    def __init__(self, spec: list[str], items: list[Item]) -> None:
        self.spec = spec
        self.columns = [item for item in items if isinstance(item, ColumnItem)]
        self.sections = [item for item in items if isinstance(item, SectionItem)]
        #: whether reading it sets \\Seen
        self.sets_seen = any(item.sets_seen for item in self.sections)
        items_text = b" ".join(item.label + b" " + item.placeholder for item in self.columns)
        #: number and column values go in; sections follow behind it
        self.template = b"* %d FETCH (" + items_text

    @classmethod
    def compile(cls, spec: Any, uid: bool = False) -> Plan:
        """The plan of a spec: text, a token, or a list of texts or tokens. `uid` adds UID. Raises Bad."""
        tokens = _tokens(spec)
        if len(tokens) == 1 and not isinstance(spec, list) and isinstance(tokens[0], str):
            tokens = list(MACROS.get(tokens[0].upper(), tokens))
        if not tokens:
            raise Bad("FETCH without items")
        if len(tokens) > MAX_ITEMS:
            raise Bad(f"More than {MAX_ITEMS} items in a FETCH", "LIMIT")
        if uid:
            tokens.insert(0, "UID")
        items = {item.label: item for item in map(_item, tokens)}
        texts = [item.label.decode() for item in items.values()]
        # the spec a plugin's fetch() is given keeps the PEEK that the label of the response leaves out
        for index, item in enumerate(items.values()):
            if isinstance(item, SectionItem):
                texts[index] = _spec_text(item)
        return cls(texts, list(items.values()))

    def send(
        self,
        mailbox: FetchedMailbox,
        numbers: Sequence[int],
        uids: Sequence[int],
        format_flags: FormatFlags,
        send: Callable[[list[bytes]], Any],
    ) -> int:
        """Send the untagged FETCH lines of some messages; returns how many messages could not be read.

        `send` takes chunks that belong one behind the other: all lines at once, or a line at a time with bodies.
        """
        values = mailbox.columns(uids, [item.column for item in self.columns])
        for index, item in enumerate(self.columns):
            if item.convert is not None:
                values[index] = item.convert(values[index])
            elif item.column == "flags":
                values[index] = format_flags(uids, values[index])
        rows = zip(numbers, *values, strict=True)
        if not self.sections:
            template = self.template + b")\r\n"
            send([template % row for row in rows])
            return 0
        unreadable = 0
        for uid, row in zip(uids, rows, strict=True):
            chunks = self._body_chunks(mailbox.message(uid))
            if chunks:
                send([self.template % row, *chunks])
            else:
                unreadable += 1
        return unreadable

    def _body_chunks(self, message: FetchedMessage | None) -> list[bytes]:
        """The sections of a message and the end of its line; nothing where the message is gone."""
        if message is None:
            return []
        chunks: list[bytes] = []
        separator = b" " if self.columns else b""
        try:
            for label, octets in self.octets(message):
                chunks += _section_chunks(separator + label, octets)
                separator = b" "
        except No:
            # another program took it away: the command ends in NO, the other messages are sent
            return []
        return [*chunks, b")\r\n"]

    def octets(self, message: FetchedMessage) -> Iterator[tuple[bytes, bytes | None]]:
        """Label and octets of each section of a message; its octets and its MIME tree are read once at most."""
        if message.selects_sections:
            for section in self.sections:
                specifier: list[int | str] = [*section.path, *([section.text] if section.text else [])]
                start, length = section.partial or (None, None)
                fields = [field.decode("ascii") for field in section.fields]
                yield section.label, message.mime_select(specifier, start, length, fields)
            return
        raw = message.octets()
        parts: list[mime.Part] = []

        def root() -> mime.Part:
            if not parts:
                parts.append(mime.scan(raw))
            return parts[0]

        for section in self.sections:
            yield section.label, section.octets(raw, root)

    def values(self, message: Any) -> list[Any]:
        """Name, value, name, value, … of one message, as `Message.fetch` returns them."""
        getters: dict[str, Callable[[], Any]] = {
            "uid": message.uid,
            "flags": lambda: Raw(
                b"(%b)" % FLAG_FORMATS[frozenset([*message.flags(), *message.session_flags()])],
            ),
            "internaldate": message.internaldate,
            "size": message.size,
            "envelope": message.mime_envelope,
            "body": lambda: message.mime_bodystructure(False),
            "bodystructure": lambda: message.mime_bodystructure(True),
        }
        values: list[Any] = []
        for item in self.columns:
            values += [Raw(item.label), getters[item.column]()]
        if self.sections:
            for label, octets in self.octets(message):
                values += [Raw(label), octets]
        return values


def _section_chunks(label: bytes, octets: bytes | None) -> list[bytes]:
    if octets is None:
        return [label + b" NIL"]
    if b"\0" in octets:
        # CHAR8 leaves out NUL (RFC 3501 9)
        octets = octets.replace(b"\0", b"\x80")
    return [b"%b {%d}\r\n" % (label, len(octets)), octets]


def _tokens(spec: Any) -> list[Any]:
    if isinstance(spec, bytes):
        raise Bad("FETCH items are atoms, not strings")
    if isinstance(spec, str):
        tokens = tokenize([spec.encode()], sections=True)
        return tokens[0] if len(tokens) == 1 and isinstance(tokens[0], list) else tokens
    if isinstance(spec, Section):
        return [spec]
    tokens = []
    for item in spec:
        tokens += _tokens(item) if isinstance(item, str) and "[" in item else [item]
    return tokens


def _item(token: Any) -> Item:
    if isinstance(token, Section):
        return parse_section(token)
    name = token.upper() if isinstance(token, str) else ""
    item = COLUMN_ITEMS.get(name) or SECTION_ITEMS.get(name)
    if item is None:
        if name in MACROS:
            raise Bad(f"{name} stands alone, not in a list")
        raise Bad(f"Unknown FETCH item {name[:40]}" if name.isascii() else "Unknown FETCH item")
    return item


def _spec_text(item: SectionItem) -> str:
    text = item.label.decode()
    if text.startswith("BODY[") and not item.sets_seen:
        text = "BODY.PEEK[" + text.removeprefix("BODY[")
    if item.partial is not None:
        text = text.rpartition("<")[0] + f"<{item.partial[0]}.{item.partial[1]}>"
    return text
