"""Mailbox names on the wire: modified UTF-7 (RFC 3501 5.1.3) ↔ text. No I/O."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error

_SHIFTED = re.compile(r"&([^-]*)-")
_ENCODED = re.compile(r"[^\x20-\x7e]+|&")


def encode_name(name: str) -> str:
    """Text as modified UTF-7: printable US-ASCII as it is, `&` as `&-`, the rest as shifted base64."""
    return _ENCODED.sub(_encode_run, name)


def _encode_run(match: re.Match[str]) -> str:
    run = match.group()
    if run == "&":
        return "&-"
    base64 = b64encode(run.encode("utf-16-be", "surrogatepass")).decode("ascii")
    return f"&{base64.rstrip('=').replace('/', ',')}-"


def decode_name(name: str) -> str:
    """Modified UTF-7 as text. Raises ValueError for anything that `encode_name` would not have made.

    One text has one encoding: printable US-ASCII in base64 (`&AC8-` for "/") and superfluous shifts are refused as
    RFC 3501 5.1.3 says, so that no second spelling of a name can get past a check.
    """
    if "&" not in name:
        if not name.isascii():
            raise ValueError("8-bit character in a mailbox name")
        return name
    text = _SHIFTED.sub(_decode_run, name)
    if encode_name(text) != name:
        raise ValueError("not the form that modified UTF-7 prescribes")
    return text


def _decode_run(match: re.Match[str]) -> str:
    run = match.group(1)
    if not run:
        return "&"
    try:
        octets = b64decode(run.replace(",", "/") + "=" * (-len(run) % 4), validate=True)
        return octets.decode("utf-16-be")
    except (Base64Error, UnicodeDecodeError, ValueError):
        raise ValueError("invalid base64 in modified UTF-7") from None
