"""What the tests of netimap.mime share: messages written with LF, and a tree as a short text."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from netimap.mime import Part

#: the shapes that broken mail is made of
PIECES = [
    *[
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b"--",
        b";",
        b'"',
        b"\\",
        b"(",
        b")",
        b"<",
        b">",
        b"@",
        b",",
        b":",
        b"=",
        b"*0*=",
    ],
    *[b"a", b"b", b"Content-Type: ", b"multipart/mixed", b"multipart/digest", b"message/rfc822", b"text/plain"],
    *[
        b"; boundary=a",
        b'; boundary="ab"',
        b"; boundary=b--",
        b"\r\n\r\n",
        b"\n--a\n",
        b"\r\n--a\r\n",
        b"\r\n--a--\r\n",
    ],
    *[
        b"\r\n--ab\r\n",
        b"\r\n--ab--",
        b"\r\n--b--\r\n",
        b"From: ",
        b"To: ",
        b"Date: ",
        b"Subject: ",
        b"a@b",
        b"\x00",
        b"\xff",
    ],
    *[b"=?utf-8?q?", b"?=", b"=?", b"?b?", b"\xc3\xa9", b"Content-Transfer-Encoding: base64", b"Content-Disposition: "],
    *[b"attachment; filename*0*=utf-8''%41", b"1 Jan 2026 00:00:00 +0000", b"Content-Language: ", b"charset=utf-7"],
]
#: mail-like octets: mostly the pieces above
mail_octets = st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=60).map(b"".join)


def crlf(text: str) -> bytes:
    """A message as it travels; the first line break, after the opening quotes, is left out."""
    return text.removeprefix("\n").encode("utf-8").replace(b"\n", b"\r\n")


def tree(part: Part) -> Any:
    """Types only: `"text/plain"`, `["multipart/mixed", child, …]`, `("message/rfc822", message)`."""
    name = part.content_type.decode()
    if part.message is not None:
        return name, tree(part.message)
    return [name, *map(tree, part.children)] if part.children else name


def bodies(data: bytes, part: Part) -> list[bytes]:
    """The bodies of the leaves in order."""
    if part.message is not None:
        return bodies(data, part.message)
    if part.children:
        return [body for child in part.children for body in bodies(data, child)]
    return [data[part.header_end : part.body_end]]
