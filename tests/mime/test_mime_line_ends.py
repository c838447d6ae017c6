"""Line ends (RFC 5322 2.3): whole and in pieces they come to the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netimap.mime import line_ends

octets = st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b"a", b"bc"])).map(b"".join)


@pytest.mark.parametrize(
    ("mail", "crlf"),
    [
        (b"", b""),
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b"a\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a\r\nb\n", b"a\r\nb\r\n"),
        (b"a\rb\n", b"a\rb\r\n"),
        (b"no end", b"no end"),
    ],
)
def test_every_line_ends_in_crlf(mail, crlf):
    assert line_ends.with_crlf(mail) == crlf


@given(octets, st.integers(1, 4))
def test_pieces_make_no_difference(mail, piece):
    whole, files = line_ends.with_crlf(mail), line_ends.with_lf(mail)
    before, line_ends.PIECE = line_ends.PIECE, piece
    try:
        turns = []
        assert line_ends.with_crlf(mail, lambda: turns.append(1)) == whole
        assert line_ends.with_lf(mail) == files
        assert len(turns) >= len(mail) // (2 * piece + 1) * (len(mail) > piece)
    finally:
        line_ends.PIECE = before


def test_what_is_right_is_not_copied():
    mail = b"a\r\n" * line_ends.PIECE
    assert line_ends.with_crlf(mail) is mail
