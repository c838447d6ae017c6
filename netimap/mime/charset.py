"""Charsets: octets of mail → str, whatever the mail claims they are. Never raises.

The names that mail may use are one table, made at import. Python's own look-up is not asked: it knows codecs that are
no charsets (hex, zip, idna), tries to import what it does not know, and keeps every name it was ever asked for.
"""

from __future__ import annotations

import re
from encodings.aliases import aliases

#: octets of a text with errors that are decoded error by error, at up to half a microsecond each; a longer one that
#: does not fit its charset is taken as Latin-1
MAX_FAULTY = 262_144
#: characters of a charset name
MAX_NAME = 64

_SINGLE_BYTE = """
    ascii latin_1 iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_9 iso8859_10 iso8859_11
    iso8859_13 iso8859_14 iso8859_15 iso8859_16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
    cp437 cp720 cp737 cp775 cp850 cp852 cp855 cp856 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp866 cp869 cp874
    cp1006 cp1125 koi8_r koi8_t koi8_u kz1048 ptcp154 tis_620 hp_roman8
    mac_croatian mac_cyrillic mac_greek mac_iceland mac_latin2 mac_roman mac_romanian mac_turkish mac_farsi mac_arabic
"""
_MULTI_BYTE = """
    utf_8 utf_7 utf_16 utf_16_be utf_16_le utf_32 utf_32_be utf_32_le
    big5 big5hkscs cp949 cp950 euc_jis_2004 euc_jisx0213 euc_jp euc_kr gb2312 gbk gb18030 hz johab cp932
    iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr
    shift_jis shift_jis_2004 shift_jisx0213
"""
# codecs → the larger one that mail under that name is really in, as browsers have it
_SUPERSETS = {
    "latin_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
    "iso2022_jp": "iso2022_jp_ext",
}
# names of real mail that Python does not know; without case and punctuation
_MORE_NAMES = {
    "ansi": "cp1252",
    "ansix341968": "ascii",
    "cp10000": "mac_roman",
    "cp50220": "iso2022_jp",
    "cp50221": "iso2022_jp",
    "cp51932": "euc_jp",
    "cp51949": "euc_kr",
    "cp54936": "gb18030",
    "dos850": "cp850",
    "cswindows31j": "cp932",
    "iso88596i": "iso8859_6",
    "iso88598e": "iso8859_8",
    "iso88598i": "iso8859_8",
    "ksc56011987": "cp949",
    "ksc56011989": "cp949",
    "ksc5601": "cp949",
    "mskanji": "cp932",
    "unicode11utf7": "utf_7",
    "unicode11utf8": "utf_8",
    "unicode20utf8": "utf_8",
    "windows31j": "cp932",
    "xbig5": "big5",
    "xeucjp": "euc_jp",
    "xgbk": "gbk",
    "xmaccyrillic": "mac_cyrillic",
    "xmacroman": "mac_roman",
    "xsjis": "shift_jis",
    "xxbig5": "big5",
}
_PUNCTUATION = re.compile(r"[^a-z0-9]+")


def _squeeze(name: str) -> str:
    """A charset's name without what mailers write differently: case, hyphens, underscores."""
    return _PUNCTUATION.sub("", name.lower())


def _make_table() -> dict[str, str]:
    """Squeezed name → Python's codec."""
    codecs = (_SINGLE_BYTE + _MULTI_BYTE).split()
    names = {_squeeze(codec): codec for codec in codecs}
    names.update((_squeeze(alias), codec) for alias, codec in aliases.items() if codec in codecs)
    names.update((_squeeze("windows-" + codec[2:]), codec) for codec in codecs if codec.startswith("cp"))
    names.update(_MORE_NAMES)
    return {name: _SUPERSETS.get(codec, codec) for name, codec in names.items()}


_CODECS = _make_table()


def find_codec(charset: bytes | str) -> str | None:
    """Python's codec for the name of a charset as mail writes it; None for an unknown one."""
    if isinstance(charset, bytes):
        charset = charset[:MAX_NAME].decode("latin-1")
    return _CODECS.get(_squeeze(charset[:MAX_NAME]))


def decode(octets: bytes, charset: bytes | str | None = None) -> str:
    """The text of octets that are said to be in `charset` (None: nothing is said), as well as it can be told.

    Tried in turn: the charset, UTF-8, the charset with U+FFFD for what is wrong. Without a known charset, and for
    ASCII: UTF-8, Windows-1252, Latin-1, which takes everything.
    """
    codec = find_codec(charset) if charset else None
    if codec is None or codec == "ascii":
        # plain ASCII is UTF-8, and what else is sent without a charset mostly is, too
        return _decode_first(octets, ("utf_8", "cp1252"), "latin_1")
    if codec == "utf_8":
        return octets.decode(codec, "replace")
    text = _decode_first(octets, (codec, "utf_8"), codec if len(octets) <= MAX_FAULTY else "latin_1")
    if codec == "utf_7":
        # the one codec that lets half a surrogate pair through, on which whoever encodes the text would stumble
        text = text.encode("utf_8", "replace").decode("utf_8")
    return text


def _decode_first(octets: bytes, codecs: tuple[str, str], last: str) -> str:
    """Decode with the first codec that fits, otherwise with `last`, errors replaced."""
    for codec in codecs:
        try:
            return octets.decode(codec)
        except UnicodeError:
            pass
    return octets.decode(last, "replace")
