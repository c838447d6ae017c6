"""SEARCH keys → program → the messages that match (RFC 3501 6.4.4). No I/O of its own."""

from .charset import CHARSETS, DEFAULT_CHARSET, parse_charset, split_charset
from .compile import compile_search
from .keys import KEYS, Key
from .program import Program

__all__ = ["CHARSETS", "DEFAULT_CHARSET", "KEYS", "Key", "Program", "compile_search", "parse_charset", "split_charset"]
