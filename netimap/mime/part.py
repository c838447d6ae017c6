"""Part: where one body part lies in a message, and what its MIME header says. Offsets only, no octet is copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .parameters import Parameters, parameter


@dataclass(slots=True, eq=False)
class Part:
    """One MIME entity: a message, or a body part of one (RFC 2045 2.4).

    Its header is data[header_start:header_end], the blank line included; its body, still in its transfer encoding,
    data[header_end:body_end]. Strings are as the mail writes them; `content_type` is what to compare with.
    """

    header_start: int
    #: where the body starts
    header_end: int
    body_end: int
    type: bytes = b"text"
    subtype: bytes = b"plain"
    #: in lower case, for instance b"text/plain"
    content_type: bytes = b"text/plain"
    params: Parameters = field(default_factory=list)
    #: Content-ID, and so on: unfolded; None if the header does not have it
    id: bytes | None = None
    description: bytes | None = None
    encoding: bytes = b"7bit"
    md5: bytes | None = None
    #: disposition type and parameters
    disposition: tuple[bytes, Parameters] | None = None
    language: list[bytes] = field(default_factory=list)
    location: bytes | None = None
    #: line ends in the body, as BODYSTRUCTURE tells them; counted for text/* and encapsulated messages, otherwise 0
    lines: int = 0
    #: the parts of a multipart, at least one; empty for every other type
    children: list[Part] = field(default_factory=list)
    #: the message within, for message/rfc822 and message/global
    message: Part | None = None

    @property
    def is_multipart(self) -> bool:
        """Whether it consists of parts."""
        return self.content_type.startswith(b"multipart/")

    @property
    def is_text(self) -> bool:
        """Whether its body is lines of text, in some charset and transfer encoding."""
        return self.content_type.startswith(b"text/")

    def param(self, name: bytes) -> bytes | None:
        """A parameter of the Content-Type by its lower-case name, or None."""
        return parameter(self.params, name)


def walk(root: Part) -> Iterator[Part]:
    """The part and all within it, encapsulated messages too, in the order of the mail."""
    waiting = [root]
    while waiting:
        part = waiting.pop()
        yield part
        if part.message is not None:
            waiting.append(part.message)
        waiting.extend(reversed(part.children))
