"""MIME: the bytes of a message → headers, envelope, body structure, sections, decoded text. No I/O.

Decoded text is str, everything else bytes. Whatever the mail, nothing here raises, recurses deeply or takes more than
linear time.
"""

from .address import Address, address_list
from .bodystructure import bodystructure
from .charset import decode, find_codec
from .date import parse_date
from .envelope import envelope
from .header import MAX_FIELDS, FieldFinder, get, header_end, header_fields, select_fields, unfold
from .line_ends import with_crlf, with_lf
from .part import Part, walk
from .scanner import scan
from .section import find_part, part_range, section
from .text import decode_header, fold, searchable_headers, text_parts

__all__ = [
    "MAX_FIELDS",
    "Address",
    "FieldFinder",
    "Part",
    "address_list",
    "bodystructure",
    "decode",
    "decode_header",
    "envelope",
    "find_codec",
    "find_part",
    "fold",
    "get",
    "header_end",
    "header_fields",
    "parse_date",
    "part_range",
    "scan",
    "searchable_headers",
    "section",
    "select_fields",
    "text_parts",
    "unfold",
    "walk",
    "with_crlf",
    "with_lf",
]
