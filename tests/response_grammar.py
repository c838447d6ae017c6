"""The grammar of server responses (RFC 3501 9), written from the RFC as a checker: no part of netimap is used.

`check(line)` raises AssertionError for a line that RFC 3501 does not allow. It reads the octets of a whole response
without its last CRLF, literals included.
"""

import re

ATOM = rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+'
ASTRING_ATOM = rb'[^\x00-\x20\x7f-\xff(){%*"\\]+'
#: text = 1*TEXT-CHAR; netimap sends printable US-ASCII only
TEXT = rb"[\x20-\x7e]+"
FLAG = rb"\\?" + ATOM
NUMBER = rb"(?:0|[1-9][0-9]{0,9})"
NZ_NUMBER = rb"[1-9][0-9]{0,9}"
QUOTED = rb'"(?:[^"\\\r\n\x00\x80-\xff]|\\["\\])*"'
DATE_TIME = rb'"[ 0-3][0-9]-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-[0-9]{4} [0-9:]{8} [+-][0-9]{4}"'
FLAGS = rb"\((?:%b(?: %b)*)?\)" % (FLAG, FLAG)
FLAGS_PERM = rb"\((?:(?:\\\*|%b)(?: (?:\\\*|%b))*)?\)" % (FLAG, FLAG)
CODE = rb"\[(?:%b)\]" % b"|".join(
    (
        rb"PERMANENTFLAGS " + FLAGS_PERM,
        rb"(?:UIDNEXT|UIDVALIDITY|UNSEEN) " + NZ_NUMBER,
        rb"BADCHARSET \([^()]+\)",
        rb"(?!UNSEEN|UIDNEXT|UIDVALIDITY|PERMANENTFLAGS|BADCHARSET)%b(?: [^\]\r\n]+)?" % ATOM,
    )
)
RESP_TEXT = rb"(?:%b %b|(?!\[)%b)" % (CODE, TEXT, TEXT)
SECTION = rb"\[[^\]]*\](?:<[0-9]+>)?"

LINES = [
    re.compile(form + rb"\Z", re.DOTALL)
    for form in (
        rb"\* (?:OK|NO|BAD|BYE|PREAUTH) " + RESP_TEXT,
        rb"(?!\* |\+ )[^\x00-\x20+]+ (?:OK|NO|BAD) " + RESP_TEXT,
        rb"\+ (?:%b|[A-Za-z0-9+/]*=*)" % RESP_TEXT,
        rb"\* CAPABILITY(?: %b)+" % ATOM,
        rb"\* FLAGS " + FLAGS,
        rb"\* (?:LIST|LSUB) %b (?:\"[^\"]\"|\"\\[\"\\]\"|NIL) (?:%b)" % (FLAGS, QUOTED),
        rb"\* SEARCH(?: %b)*" % NZ_NUMBER,
        rb"\* STATUS (?:%b|%b) \((?:[A-Z]+ %b(?: [A-Z]+ %b)*)?\)" % (QUOTED, ASTRING_ATOM, NUMBER, NUMBER),
        rb"\* %b (?:EXISTS|RECENT)" % NUMBER,
        rb"\* %b EXPUNGE" % NZ_NUMBER,
        rb"\* NAMESPACE (?:NIL|\(.*\)) (?:NIL|\(.*\)) (?:NIL|\(.*\))",
        rb"\* ID (?:NIL|\(%b (?:%b|NIL)(?: %b (?:%b|NIL))*\))" % (QUOTED, QUOTED, QUOTED, QUOTED),
    )
]
_FETCH = re.compile(rb"\* %b FETCH " % NZ_NUMBER)


def check(line):
    """AssertionError, if RFC 3501 has no such response."""
    match = _FETCH.match(line)
    if match is None:
        assert any(form.match(line) for form in LINES), f"no response of RFC 3501 9: {line[:300]!r}"
        return
    reader = Reader(line, match.end())
    reader.fetch()
    assert reader.position == len(line), f"something behind the FETCH response: {line[:300]!r}"


class Reader:
    """Recursive descent over msg-att, envelope and body; each method is the rule of its name."""

    def __init__(self, octets, position=0):
        self.octets = octets
        self.position = position

    def take(self, form, what):
        match = re.compile(form, re.DOTALL).match(self.octets, self.position)
        assert match is not None, f"{what} expected at {self.octets[self.position : self.position + 60]!r}"
        self.position = match.end()
        return match.group()

    def looks_like(self, form):
        return re.compile(form).match(self.octets, self.position) is not None

    def space(self):
        self.take(rb" ", "one space")

    def string(self):
        if self.looks_like(rb"\{"):
            size = int(self.take(rb"\{%b\}\r\n" % NUMBER, "literal")[1:-3])
            content = self.octets[self.position : self.position + size]
            assert len(content) == size, "a literal that is too short"
            assert b"\0" not in content, "NUL in a literal"
            self.position += size
            return content
        return self.take(QUOTED, "string")[1:-1]

    def nil(self):
        return self.looks_like(rb"NIL(?=[ )])") and bool(self.take(rb"NIL", "NIL"))

    def nstring(self):
        return None if self.nil() else self.string()

    def number(self):
        value = int(self.take(NUMBER, "number"))
        assert value < 2**32, "a number over 32 bits"
        return value

    def listed(self, item, separator=b" "):
        """1*item in parentheses."""
        self.take(rb"\(", "(")
        item()
        while not self.looks_like(rb"\)"):
            self.take(re.escape(separator), "separator")
            item()
        self.take(rb"\)", ")")

    def fetch(self):
        seen = set()

        def item():
            name = self.take(rb"[A-Z0-9.]+", "the name of an item")
            if name == b"BODY" and self.looks_like(rb"\["):
                name += self.take(SECTION, "section")
            assert name not in seen, f"{name!r} stands twice in a FETCH response"
            seen.add(name)
            self.space()
            self.item(name)

        self.listed(item)

    def item(self, name):
        if name == b"FLAGS":
            self.take(FLAGS, "flags")
        elif name == b"UID":
            assert self.number() > 0
        elif name == b"RFC822.SIZE":
            self.number()
        elif name == b"INTERNALDATE":
            self.take(DATE_TIME, "date-time")
        elif name == b"ENVELOPE":
            self.envelope()
        elif name in (b"BODY", b"BODYSTRUCTURE"):
            self.body(name == b"BODYSTRUCTURE")
        else:
            assert name.startswith((b"RFC822", b"BODY[")), f"unknown item {name!r}"
            self.nstring()

    def envelope(self):
        self.take(rb"\(", "(")
        fields = [self.nstring] * 2 + [self.addresses] * 6 + [self.nstring] * 2
        for number, field in enumerate(fields):
            if number:
                self.space()
            field()
        self.take(rb"\)", ")")

    def addresses(self):
        if not self.nil():
            self.listed(self.address, b"")

    def address(self):
        self.take(rb"\(", "(")
        for number in range(4):
            if number:
                self.space()
            self.nstring()
        self.take(rb"\)", ")")

    def body(self, extended):
        self.take(rb"\(", "(")
        if self.looks_like(rb"\("):
            while self.looks_like(rb"\("):
                self.body(extended)
            self.space()
            self.string()
            if extended and self.looks_like(rb" "):
                self.space()
                self.parameters()
                self.extension()
        else:
            self.one_part(extended)
        self.take(rb"\)", ")")

    def one_part(self, extended):
        media = self.string().upper()
        self.space()
        subtype = self.string().upper()
        self.space()
        self.parameters()
        for field in (self.nstring, self.nstring, self.string, self.number):
            self.space()
            field()
        if (media, subtype) == (b"MESSAGE", b"RFC822"):
            self.space()
            self.envelope()
            self.space()
            self.body(extended)
        if media == b"TEXT" or (media, subtype) == (b"MESSAGE", b"RFC822"):
            self.space()
            self.number()
        if extended and self.looks_like(rb" "):
            self.space()
            self.nstring()
            self.extension()

    def extension(self):
        """[SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc]]]"""
        for field in (self.disposition, self.language, self.nstring):
            if not self.looks_like(rb" "):
                return
            self.space()
            field()

    def parameters(self):
        def pair():
            self.string()
            self.space()
            self.string()

        if not self.nil():
            self.listed(pair)

    def disposition(self):
        if not self.nil():
            self.take(rb"\(", "(")
            self.string()
            self.space()
            self.parameters()
            self.take(rb"\)", ")")

    def language(self):
        if self.looks_like(rb"\("):
            self.listed(self.string)
        else:
            self.nstring()
