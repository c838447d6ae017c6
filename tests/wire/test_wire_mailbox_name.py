"""netimap.wire.mailbox_name: modified UTF-7 (RFC 3501 5.1.3)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netimap.wire.mailbox_name import decode_name, encode_name


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("", ""),
        ("INBOX", "INBOX"),
        # the example of RFC 3501 5.1.3
        ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("R&D", "R&-D"),
        ("&&", "&-&-"),
        ("Entwürfe", "Entw&APw-rfe"),
        # outside of the basic plane: a pair of surrogates in UTF-16
        ("😀", "&2D3eAA-"),
        ("a\u00e9&b", "a&AOk-&-b"),
        ("\t", "&AAk-"),
        ('back\\slash "quote" % * ~', 'back\\slash "quote" % * ~'),
    ],
)
def test_names(text, encoded):
    assert encode_name(text) == encoded
    assert decode_name(encoded) == text


@pytest.mark.parametrize(
    "encoded",
    [
        "&", "a&", "&Jjo", "&Jjo!", "&Jj o-", "& -",
        # superfluous shift: RFC 3501 5.1.3 says so of this very name
        "&U,BTFw-&ZeVnLIqe-",
        # printable US-ASCII must not be encoded: "/", "&", "A"
        "&AC8-", "&ACY-", "&AEE-", "..&AC8-..",
        # "/" is "," in this base64; padding is left out
        "&U/BTFw-", "&AOk=-", "&AOk==-",
        # no whole UTF-16 character, bits left over, half a surrogate pair
        "&AA-", "&A-", "&AOl-", "&AOkA-", "&2D0-", "&3gA-",
        "ä", "ä&-", "&APw-ä",
    ],
)  # fmt: skip
def test_every_other_spelling_is_refused(encoded):
    # one text has one encoding, so that no second spelling of a name gets past a check
    with pytest.raises(ValueError):
        decode_name(encoded)


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@settings(max_examples=200)
@given(texts)
def test_decode_is_the_inverse_of_encode(text):
    encoded = encode_name(text)
    assert encoded.isascii()
    assert encoded.isprintable()
    assert decode_name(encoded) == text


@settings(max_examples=300)
@given(st.text(st.sampled_from("&-,/+=aAkD2OU9 é\x00"), max_size=12) | st.text(max_size=8))
def test_what_decodes_encodes_to_the_same(name):
    try:
        text = decode_name(name)
    except ValueError:
        return
    if name.isprintable():
        assert encode_name(text) == name
