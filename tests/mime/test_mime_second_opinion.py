"""Well-formed mail, written and read by the standard library's email package: it sees what netimap sees."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import getaddresses
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mime_samples import bodies, tree

from netimap.mime import address_list, decode_header, envelope, get, parse_date, part_range, scan, text_parts, walk
from netimap.mime.text import _decode_transfer

SMTP = policy.SMTP.clone(max_line_length=78)
letters = st.text("abc äß€あ.-=\n", max_size=60)
# the email package makes one space of two
names = st.text('abc äß€"\\,(<@.:;', min_size=1, max_size=20).map(lambda text: " ".join(text.split())).filter(bool)


def make_text(text: str, subtype: str, charset: str, encoding: str) -> EmailMessage:
    message = EmailMessage(SMTP)
    if charset != "utf-8":
        text = text.replace("€", "").replace("あ", "")
    message.set_content(text, subtype=subtype, charset=charset, cte=encoding)
    return message


def make_file(octets: bytes, name: str) -> EmailMessage:
    message = EmailMessage(SMTP)
    message.set_content(octets, "application", "octet-stream", filename=name)
    return message


def make_forward(inner: EmailMessage) -> EmailMessage:
    message = EmailMessage(SMTP)
    inner["Subject"] = "inner"
    message.set_content(inner)
    return message


def make_multipart(parts: list[EmailMessage], subtype: str) -> EmailMessage:
    message = EmailMessage(SMTP)
    message["Content-Type"] = f"multipart/{subtype}"
    for part in parts:
        message.attach(part)
    return message


texts = st.builds(
    make_text,
    letters,
    st.sampled_from(["plain", "html"]),
    st.sampled_from(["utf-8", "iso-8859-1"]),
    st.sampled_from(["base64", "quoted-printable", "8bit"]),
)
files = st.builds(make_file, st.binary(max_size=80), names)
entities = st.recursive(
    texts | files,
    lambda inner: (
        st.builds(make_forward, inner)
        | st.builds(make_multipart, st.lists(inner, min_size=1, max_size=3), st.sampled_from(["mixed", "alternative"]))
    ),
    max_leaves=6,
)


def their_tree(message: Message) -> Any:
    name = message.get_content_type()
    if name == "message/rfc822":
        return name, their_tree(message.get_payload(0))
    return [name, *map(their_tree, message.get_payload())] if message.is_multipart() else name


def their_leaves(message: Message) -> list[Message]:
    return [part for part in message.walk() if not part.is_multipart()]


@given(entities)
def test_structure_bodies_and_text(message: EmailMessage) -> None:
    data = message.as_bytes()
    root, theirs = scan(data), message_from_bytes(data, policy=policy.compat32)
    assert tree(root) == their_tree(theirs)
    ours = [part for part in walk(root) if not part.children and part.message is None]
    leaves = their_leaves(theirs)
    for body, part, leaf in zip(bodies(data, root), ours, leaves, strict=True):
        assert _decode_transfer(body, part.encoding.lower()) == leaf.get_payload(decode=True)
        assert part.param(b"name") == leaf.get_param("name")
        assert (part.disposition[0].decode() if part.disposition else None) == leaf.get_content_disposition()
    expected = [
        leaf.get_payload(decode=True).decode(leaf.get_content_charset("ascii"))
        for leaf in leaves
        if leaf.get_content_maintype() == "text"
    ]
    assert list(text_parts(data, root)) == expected


@given(entities)
def test_each_part_has_its_number(message: EmailMessage) -> None:
    data = message.as_bytes()
    root = scan(data)
    found = set()
    waiting = [()]
    while waiting:
        path = waiting.pop()
        for number in range(1, 5):
            if place := part_range(root, (*path, number), None):
                found.add(place)
                waiting.append((*path, number))
    # a message has no number of its own: its part has, and covers it
    assert {(part.header_end, part.body_end) for part in walk(root) if not part.is_multipart} <= found


@given(names, names, st.datetimes().filter(lambda moment: moment.year > 1900))
def test_headers(subject: str, name: str, moment: Any) -> None:
    message = EmailMessage(SMTP)
    message["Subject"] = subject
    message["Date"] = moment
    message["From"] = message["Reply-To"] = (
        f'"{name.translate({34: chr(92) + chr(34), 92: chr(92) * 2})}" <a@b.example>'
    )
    data = message.as_bytes()
    theirs = message_from_bytes(data, policy=policy.default)
    assert decode_header(get(data, b"subject") or b"") == theirs["Subject"]
    assert parse_date(get(data, b"date") or b"") == theirs["Date"].datetime.astimezone()
    ((found,),) = envelope(data)[2]
    assert found[2:] == [b"a", b"b.example"]
    assert decode_header(found[0] or b"") == theirs["From"].addresses[0].display_name


plain_address = st.tuples(st.text("abc .", max_size=8).map(str.strip), st.text("ab.", min_size=1, max_size=5))


@given(st.lists(plain_address, min_size=1, max_size=5))
def test_address_lists(made: list[tuple[str, str]]) -> None:
    value = ", ".join(f"{name} <{mailbox}@example.org>" for name, mailbox in made)
    ours = [
        ((name or b"").decode(), f"{mailbox.decode()}@{host.decode()}")
        for name, _, mailbox, host in address_list(value.encode())
    ]
    assert [(" ".join(name.split()), address) for name, address in getaddresses([value])] == ours
