"""Reader and writer are inverses, and the reader survives everything (Hypothesis)."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from wire_framing import frame, one_command

from netimap.exceptions import Bad
from netimap.wire.reader import MAX_NESTING, Section, tokenize
from netimap.wire.writer import Raw, format_tokens, format_value

# ASTRING-CHAR and the backslash of a flag (RFC 3501 9)
ATOM_CHARACTERS = "".join(chr(c) for c in range(0x21, 0x7F) if chr(c) not in '(){"\\')
atoms = st.text(ATOM_CHARACTERS, min_size=1, max_size=12) | st.sampled_from(["\\Seen", "NIL", "1:*", "}", "+"])
# CHAR8: no NUL (RFC 3501 9)
strings = st.binary(max_size=40).map(lambda octets: octets.replace(b"\0", b"")) | st.sampled_from(
    [b"{3}", b"{3+}\r\n", b"\r\n", b'"', b"\\", b"NIL", b"x" * 1025]
)
tokens = st.lists(st.recursive(atoms | strings, lambda inner: st.lists(inner, max_size=4), max_leaves=12), max_size=6)


@settings(max_examples=150)
@given(tokens)
def test_the_reader_gives_back_what_the_writer_made(written):
    assert tokenize(one_command(format_tokens(written) + b"\r\n")) == written


@settings(max_examples=100)
@given(tokens)
def test_with_sections_plain_tokens_are_the_same(written):
    def has_bracket(items):
        return any(has_bracket(i) if isinstance(i, list) else isinstance(i, str) and set("[]") & set(i) for i in items)

    if not has_bracket(written):
        assert tokenize(one_command(format_tokens(written) + b"\r\n"), sections=True) == written


def as_tokens(value):
    """What the reader makes of a value that the server's side of the writer sent."""
    if value is None:
        return "NIL"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Raw):
        return value.decode()
    if isinstance(value, str):
        return value.encode()
    return [as_tokens(item) for item in value] if isinstance(value, list) else value


texts = st.text(st.characters(min_codepoint=1, exclude_categories=("Cs",)), max_size=9)
values = st.recursive(
    st.none() | st.integers(0, 2**32 - 1) | atoms.map(Raw) | strings | texts,
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150)
@given(values)
def test_what_a_server_sends_can_be_read(value):
    assert tokenize(one_command(format_value(value) + b"\r\n")) == [as_tokens(value)]


@settings(max_examples=100)
@given(st.lists(tokens, max_size=4), st.data())
def test_pieces_of_any_size_make_the_same_commands(commands, data):
    octets = b"".join(format_tokens(written) + b"\r\n" for written in commands)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    edges = [0, *cuts, len(octets)]
    pieces = [octets[start:stop] for start, stop in zip(edges, edges[1:], strict=False)]
    parts, left = frame(pieces)
    assert left == b""
    assert [tokenize(part) for part in parts] == commands


noise = st.lists(
    st.sampled_from(
        [b"(", b")", b"[", b"]", b'"', b"\\", b" ", b"{3}", b"~{1+}", b"<0.1>", b"BODY", b"a", b"\0", b"\xff"]
    )
    | st.binary(max_size=3),
    max_size=30,
).map(b"".join)


@settings(max_examples=300)
@given(st.lists(noise, min_size=1, max_size=5).filter(lambda parts: len(parts) % 2), st.booleans())
@example([b"a{3}", b"foo", b""], True)
@example([b"(" * (MAX_NESTING + 1)], False)
def test_any_octets_give_tokens_or_bad(parts, sections):
    complaint, read = "", []
    try:
        read = tokenize(parts, sections=sections)
    except Bad as error:
        complaint = error.text
    assert complaint.isprintable()  # it goes to the client
    assert complaint.isascii()
    assert all(isinstance(token, (str, bytes, list, Section)) for token in read)
