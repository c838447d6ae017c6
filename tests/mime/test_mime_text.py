"""Text for SEARCH: encoded-words (RFC 2047), charsets, transfer encodings, comparison (RFC 5051)."""

from __future__ import annotations

import base64
import encodings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mime_samples import crlf, mail_octets

from netimap.mime import charset, decode, decode_header, find_codec, fold, scan, searchable_headers, text_parts


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", ""),
        (b" plain \r\n folded", "plain  folded"),
        (b"=?utf-8?q?=C3=A4_b?=", "ä b"),
        (b"=?UTF-8?B?w6Q=?= c", "ä c"),
        (b"a =?iso-8859-1?Q?=E4?= b", "a ä b"),
        # RFC 2047 6.2: white space between encoded-words goes, also a folded one
        (b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?a?=\r\n\t=?iso-8859-1?b?5A==?=", "aä"),
        (b"=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"),
        (b"=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
        # a character split over two words
        (b"=?utf-8?q?=C3?= =?UTF-8?q?=A4?=", "ä"),
        (b"=?utf-8?b?ww==?=\r\n =?utf-8?b?pA==?=", "ä"),
        # RFC 2231 5: language
        (b"=?us-ascii*en-us?q?a?=", "a"),
        # in quotes and comments, as mailers write it
        (b'"=?utf-8?q?=C3=A4?=" <a@b>', '"ä" <a@b>'),
        # broken: unencoded space, unknown charset, wrong padding, no end, no encoding
        (b"=?utf-8?q?a b?=", "a b"),
        (b"=?x-unknown?q?=C3=A4?=", "ä"),
        (b"=?x-unknown?q?=E4?=", "ä"),
        (b"=?utf-8?b?w6Q?=", "ä"),
        (b"=?utf-8?b?YWI?=", "ab"),
        (b"=?utf-8?b?YWJjZ?=", "abc"),
        (b"=?utf-8?b?!?=", ""),
        (b"=?utf-8?q?a", "=?utf-8?q?a"),
        (b"=?utf-8?q?a?", "=?utf-8?q?a?"),
        (b"=?utf-8?x?a?=", "=?utf-8?x?a?="),
        (b"=??q?a?=", "=??q?a?="),
        (b"=?utf-8?q??=", ""),
        (b"=?utf-8?q?=G1=?=", "=G1"),
        # codecs that are no charsets
        (b"=?hex?q?6162?=", "6162"),
        (b"=?zip?q?x?=", "x"),
        (b"=?rot13?q?a?=", "a"),
        (b"=?idna?q?xn--4ca?=", "xn--4ca"),
        (b"=?unicode_escape?q?\\x41?=", "\\x41"),
        # raw 8-bit
        ("ä".encode(), "ä"),
        (b"\xe4", "ä"),
        (b"\x93a\x94", "“a”"),
        (b"\x81", "\x81"),
        (b"\xe4 =?utf-8?q?=C3=A4?= \xc3\xa4", "ä ä ä"),
    ],
)
def test_decode_header(value: bytes, expected: str) -> None:
    assert decode_header(value) == expected


def test_encoded_word_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(decode_header.__globals__, "MAX_ENCODED_WORDS", 2)
    assert decode_header(b"=?utf-8?q?a?= " * 3) == "aa =?utf-8?q?a?="


@given(mail_octets)
def test_decode_header_of_any_octets(value: bytes) -> None:
    decode_header(value).encode("utf-8")


@given(st.text(min_size=1, max_size=40), st.sampled_from(["utf-8", "utf-16", "utf-7", "gb18030"]), st.booleans())
def test_encoded_words_are_read(text: str, name: str, in_base64: bool) -> None:
    octets = text.encode(name)
    if in_base64:
        word = b"b?" + base64.b64encode(octets)
    else:
        word = b"q?" + b"".join(b"=%02X" % octet for octet in octets)
    assert decode_header(b"=?%b?%b?=" % (name.encode(), word)) == text


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        (b"utf-8", "utf_8"),
        (b"UTF8", "utf_8"),
        (b"us-ascii", "ascii"),
        (b"ANSI_X3.4-1968", "ascii"),
        (b"iso-8859-1", "cp1252"),
        (b"Latin1", "cp1252"),
        (b"ISO_8859-15", "iso8859_15"),
        (b"iso-8859-8-i", "iso8859_8"),
        (b"cp-850", "cp850"),
        (b"ibm850", "cp850"),
        (b"windows-1251", "cp1251"),
        (b"Windows1251", "cp1251"),
        (b"x-sjis", "cp932"),
        (b"Shift_JIS", "cp932"),
        (b"windows-31j", "cp932"),
        (b"gb2312", "gb18030"),
        (b"GBK", "gb18030"),
        (b"ks_c_5601-1987", "cp949"),
        (b"euc-kr", "cp949"),
        (b"iso-2022-jp", "iso2022_jp_ext"),
        (b"big5", "big5hkscs"),
        (b"koi8-r", "koi8_r"),
        (b"tis-620", "cp874"),
        (b"macintosh", "mac_roman"),
        (b"unicode-1-1-utf-7", "utf_7"),
        (b'"utf-8"', "utf_8"),
        (b"x-unknown", None),
        (b"unknown-8bit", None),
        (b"", None),
        (b"\xff", None),
        (b"../../etc/passwd", None),
        (b"u" * 100_000, None),
        (b"hex", None),
        (b"hex_codec", None),
        (b"base64", None),
        (b"zlib", None),
        (b"bz2", None),
        (b"quopri", None),
        (b"uu", None),
        (b"rot13", None),
        (b"idna", None),
        (b"punycode", None),
        (b"raw_unicode_escape", None),
        (b"undefined", None),
        (b"mbcs", None),
    ],
)
def test_charset_names(name: bytes, codec: str | None) -> None:
    assert find_codec(name) == codec
    assert find_codec(name.decode("latin-1")) == codec


def test_python_does_not_learn_unknown_names() -> None:
    """encodings keeps every name it was asked for: a leak, if mail could choose them."""
    decode(b"x", b"x-a-name-of-mail-4711")
    assert not [name for name in encodings._cache if "4711" in name]


@pytest.mark.parametrize("codec", sorted(set(charset._CODECS.values())))
def test_every_codec_is_a_charset(codec: str) -> None:
    for octets in (b"abc def", bytes(range(256)), b"\x81" * 99, b"\xff\xfe\x00\xd8", b"\x1b$B", b"~{\xff", b"+2AA-"):
        decode(octets, codec).encode("utf-8")


@given(st.binary(max_size=50), st.sampled_from(sorted(charset._CODECS)) | st.text(max_size=10))
def test_decode_any_octets(octets: bytes, name: str) -> None:
    decode(octets, name).encode("utf-8")


def test_faulty_text(monkeypatch: pytest.MonkeyPatch) -> None:
    assert decode(b"a\xffb", b"utf-8") == "a\ufffdb"
    assert decode(b"\x82\xa0\x81", b"shift_jis") == "あ\ufffd"
    assert decode("ä".encode(), b"us-ascii") == "ä"
    monkeypatch.setattr(charset, "MAX_FAULTY", 2)
    assert decode(b"\x82\xa0\x81", b"shift_jis") == "\x82\xa0\x81"


MESSAGE = crlf("""
Subject: =?utf-8?q?=C3=A4?=
SUBJECT:
 folded
To: "=?utf-8?q?=C3=A4?=" <a@b>
Content-Type: multipart/mixed; boundary=a

--a
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: Quoted-Printable

caf=E9 soft=
 break=20
--a
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PHA+w6Q8
L3A+
--a
Content-Type: image/png
Content-Transfer-Encoding: base64

AAAA
--a
Content-Type: message/rfc822

Subject: inner
Content-Type: text/plain; charset*=us-ascii'en'utf-8
Content-Transfer-Encoding: 8bit

ä
--a
Content-Type: text/plain
Content-Transfer-Encoding: base64

YWJj!ZGVm
Z
--a
Content-Type: text/calendar; charset=x-unknown
Content-Transfer-Encoding: x-unknown

ü
--a--
""")


def test_searchable_headers() -> None:
    root = scan(MESSAGE)
    assert searchable_headers(MESSAGE[: root.header_end]) == [
        (b"subject", "ä"),
        (b"subject", "folded"),
        (b"to", '"ä" <a@b>'),
        (b"content-type", "multipart/mixed; boundary=a"),
    ]


def test_text_parts() -> None:
    assert list(text_parts(MESSAGE, scan(MESSAGE))) == ["café soft break ", "<p>ä</p>", "ä", "abcdef", "ü"]


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("Subject", "sUBJ"),
        ("STRASSE", "straße"),
        ("straße", "STRASSE"),
        ("ÄPFEL", "äpfel"),
        ("a\u0308", "ä"),
        ("ä", "a\u0308"),
        ("ﬁle", "FI"),
        ("Ｆｕｌｌ", "full"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("㎐", "hz"),
        ("Дом", "дОМ"),
        # two marks in either order are the same letter
        ("a\u0323\u0302", "a\u0302\u0323"),
        # RFC 5051: a decomposed letter begins with its base
        ("é", "e"),
    ],
)
def test_fold_finds(text: str, needle: str) -> None:
    assert fold(needle) in fold(text)


def test_fold_does_not_find() -> None:
    assert fold("é") not in fold("e")
    assert fold("ä") not in fold("o\u0308")
    assert fold("b") not in fold("ä")


@given(st.text())
def test_fold_is_stable(text: str) -> None:
    assert fold(fold(text)) == fold(text)
