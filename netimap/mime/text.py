"""Decoded text for SEARCH: headers and text parts as str, and the form in which strings are compared.

Decoding never raises: what is wrong in a mail is searched as it stands, as far as it can be read.
"""

from __future__ import annotations

import re
import unicodedata
from binascii import Error, a2b_base64, a2b_qp
from collections.abc import Iterator
from itertools import groupby, islice
from operator import itemgetter
from string import ascii_letters, digits

from .charset import decode
from .header import header_fields, unfold
from .part import Part, walk

#: encoded-words of one header field that are decoded, the others are left as they are; a line holds one or two
MAX_ENCODED_WORDS = 10_000

# RFC 2047 2, with the language of RFC 2231 5; mailers forget to encode spaces, so these are let through
_ENCODED_WORD = re.compile(rb"=\?([^\s?*]{1,64})(?:\*[^\s?]{0,64})?\?([BbQq])\?([^?]*+)\?=")
_NOT_BASE64 = bytes(set(range(256)).difference((ascii_letters + digits + "+/").encode()))
#: a run of this many characters which may be combining marks: to bring those in order takes the square of their
#: number, so that a run is cut (no word has more than a few on a letter)
LONGEST_RUN = 64
_LONG_RUN = re.compile(rf"([^\w\x00-\x7f]{{{LONGEST_RUN}}})")


def decode_header(value: bytes) -> str:
    """An unstructured or structured value, folded or not, as text: encoded-words decoded (RFC 2047).

    White space between encoded-words goes; a character that is split over two of them is put together again. Raw 8-bit
    octets are taken as UTF-8, or else Windows-1252. Broken base64 is decoded as far as it goes; what is no encoded-word
    stays as it is.
    """
    value = unfold(value)
    if b"=?" not in value:
        return decode(value)
    text: list[str] = []
    words: list[tuple[bytes, bytes]] = []
    position = 0
    for match in islice(_ENCODED_WORD.finditer(value), MAX_ENCODED_WORDS):
        octets = a2b_qp(match[3], header=True) if match[2] in b"Qq" else _decode_base64(match[3])
        between = value[position : match.start()]
        position = match.end()
        if not words or between.strip():
            text.append(_decode_words(words))
            text.append(decode(between))
            words = []
        words.append((match[1].lower(), octets))
    text.append(_decode_words(words))
    text.append(decode(value[position:]))
    return "".join(text)


def _decode_words(words: list[tuple[bytes, bytes]]) -> str:
    """The text of encoded-words (charset, octets) that follow each other; those in the same charset as one."""
    return "".join(
        decode(b"".join(octets for _, octets in group), charset) for charset, group in groupby(words, itemgetter(0))
    )


def searchable_headers(header: bytes) -> list[tuple[bytes, str]]:
    """Each field of a header in order: its name in lower case and its decoded value."""
    return [(name.lower(), decode_header(value)) for name, value in header_fields(header)]


def text_parts(data: bytes, root: Part) -> Iterator[str]:
    """The decoded text of each text/* part, those of encapsulated messages too, in the order of the mail.

    `root` is what `scan` made of `data`. Markup of HTML stays in it.
    """
    for part in walk(root):
        if part.is_text:
            octets = data[part.header_end : part.body_end]
            yield decode(_decode_transfer(octets, part.encoding.lower()), part.param(b"charset"))


def _decode_transfer(octets: bytes, encoding: bytes) -> bytes:
    """A body without its transfer encoding (RFC 2045 6); one that is unknown is left alone."""
    if encoding == b"base64":
        return _decode_base64(octets)
    return a2b_qp(octets) if encoding == b"quoted-printable" else octets


def _decode_base64(octets: bytes) -> bytes:
    """What base64 text says, other characters in it ignored, a broken end dropped."""
    try:
        return a2b_base64(octets)
    except Error:
        kept = octets.translate(None, delete=_NOT_BASE64)
        if len(kept) % 4 == 1:
            kept = kept[:-1]
        return a2b_base64(kept + b"=" * (-len(kept) % 4))


def fold(text: str) -> str:
    """The form in which strings are compared: two that differ in nothing a reader sees as different become equal.

    As i;unicode-casemap (RFC 5051) it decomposes with compatibility (NFKD) and maps case; where that maps to
    titlecase, this is Unicode's full case folding, so that `ss` finds `ß`. Substring search is `fold(needle) in
    fold(text)`. As in that collation `e` finds `é`, whose beginning it is, and not the other way round.
    """
    if text.isascii():
        return text.lower()
    # no such run without a long word, and words are found faster
    is_cut = max(map(len, text.split()), default=0) >= LONGEST_RUN
    pieces = _LONG_RUN.split(text) if is_cut else [text]
    return "".join([unicodedata.normalize("NFKD", piece) for piece in pieces]).casefold()
