"""Address lists → the address structures of ENVELOPE (RFC 5322 3.4 and 4.4; RFC 3501 7.4.2).

An address is a list [name, adl, mailbox, host] of bytes or None. Quoting is removed; encoded-words and 8-bit octets
stay as they are. Most addresses match one pattern; the others are taken apart token by token:

- A name may follow in a comment, as in `a@example.org (Anna)`.
- A group has a start [None, None, name, None] and always an end [None, None, None, None].
- A semicolon outside of a group separates, as Outlook writes it. A missing comma or `>` is made up.
- A quote that is never closed is no quote; a comment that is never closed goes to the end.
- What is missing gets a placeholder, as a host of NIL would mean a group.
"""

from __future__ import annotations

import re

from .header import comment_end, unfold

Address = list[bytes | None]

#: addresses of one list that are told; more are on no real mail
MAX_ADDRESSES = 10_000
#: tokens, and octets, of one list that are read one by one: bounds what garbage costs, while two thousand odd addresses
#: are well within; plain ones do not count
MAX_TOKENS = 20_000
MAX_ODD_OCTETS = 262_144
#: what a mailbox or host is called that the mail does not tell: the names that clients know from Dovecot
MISSING_MAILBOX = b"MISSING_MAILBOX"
MISSING_HOST = b"MISSING_DOMAIN"

_GROUP_END: Address = [None, None, None, None]
_WORD = rb'[^\x00-\x20"()<>@,;:\\\[\]\x7f]++'
# `name <mailbox@host>`, `"name" <mailbox@host>` or `mailbox@host`, then a comma, the end of a group or of the list
_PLAIN = re.compile(
    rb"[ \t]*+(?:"
    rb'(?:"([^"\\]*+)"|([^\x00-\x08\x0a-\x1f"()<>@,;:\\\[\]\x7f]*+))[ \t]*+<(' + _WORD + rb")@(" + _WORD + rb")>"
    rb"|(" + _WORD + rb")@(" + _WORD + rb"))[ \t]*+(?:,|(?=;)|\Z)"
)
_TOKEN = re.compile(
    rb"(?P<space>\s++)"
    rb'|"(?P<quoted>(?:[^"\\]++|\\.)*+)"'
    rb'|(?P<word>[^\s"()<>@,;:\\\[\]]++|\[[^\[\]\\]*+\]|[\[\]])'
    rb"|\\(?P<escaped>.)"
    rb"|(?P<special>.)",
    re.S,
)
_ESCAPED = re.compile(rb"\\(.)", re.S)


def address_list(value: bytes) -> list[Address]:
    """The addresses of a From, To, Cc… value, folded or not; empty if there are none. Never raises."""
    return _Reader(unfold(value)).read()


class _Run:
    """Tokens that belong together: a word of a name, or, with an `@` in it, an address."""

    def __init__(self) -> None:
        #: as a part of a name
        self.text = bytearray()
        self.local = bytearray()
        self.host: bytearray | None = None

    def add(self, token: bytes, spaced: bool) -> None:
        """Add a word or the text of a quoted string, `spaced` if white space was before it."""
        target = self.local if self.host is None else self.host
        if spaced and self.text:
            if not self.takes(token):
                target += b" "
            self.text += b" "
        target += token
        self.text += token

    def add_at(self) -> None:
        """Add an `@`. If there was one before, that belonged to the mailbox."""
        self.text += b"@"
        if self.host is not None:
            self.local += b"@" + self.host
        self.host = bytearray()

    def takes(self, token: bytes) -> bool:
        """Whether a token after white space still belongs to this run (RFC 5322 4.4: space around dots and `@`)."""
        return self.text.endswith((b".", b"@")) or token.startswith(b".")

    def is_route(self) -> bool:
        """Whether it is an `@host` of a source route."""
        return self.host is not None and not self.local

    def address(self, name: bytes, adl: bytes = b"") -> Address:
        """The address structure."""
        return [name or None, adl or None, bytes(self.local) or MISSING_MAILBOX, bytes(self.host or MISSING_HOST)]


class _Tokens:
    """The tokens of a list. Comments are stepped over and count as white space; the first one is kept."""

    def __init__(self, value: bytes) -> None:
        self.value = value
        self.position = 0
        #: where to stop, and after how many tokens
        self.limit = len(value)
        self.left = MAX_TOKENS
        self.comment = b""

    def next(self) -> tuple[bytes | None, bytes, bool] | None:
        """The next token as (word or None, special character or empty, after white space); None at the limit."""
        spaced = False
        while self.left and (match := _TOKEN.match(self.value, self.position, self.limit)):
            self.left -= 1
            self.position = match.end()
            kind, text = match.lastgroup, match[match.lastindex or 0]
            if kind == "quoted":
                return _unquote(text), b"", spaced
            if kind in ("word", "escaped"):
                return text, b"", spaced
            if kind == "space":
                spaced = True
            elif text == b"(":
                self.position = comment_end(self.value, match.start(), self.limit)
                comment = self.value[match.end() : self.position].removesuffix(b")")
                self.comment = self.comment or _unquote(comment).strip()
                spaced = True
            elif text not in b'")\\':
                # of those three the other half is missing: they are left out
                return None, text, spaced
        return None


class _Reader:
    """Reads one list: `addresses` is what it has, `runs` and `angle` are what it has of the current address."""

    def __init__(self, value: bytes) -> None:
        self.value = value
        self.tokens = _Tokens(value)
        self.addresses: list[Address] = []
        self.in_group = False
        self.runs: list[_Run] = []
        self.angle: Address | None = None

    def read(self) -> list[Address]:
        """Read the list, up to its end or a limit."""
        odd = MAX_ODD_OCTETS
        tokens = self.tokens
        while tokens.position < len(self.value) and tokens.left and odd and len(self.addresses) < MAX_ADDRESSES:
            start = tokens.position
            if plain := _PLAIN.match(self.value, start):
                quoted, phrase, mailbox, host, bare_mailbox, bare_host = plain.groups()
                name = quoted or (b" ".join(phrase.split()) if phrase else None)
                self.addresses.append([name or None, None, mailbox or bare_mailbox, host or bare_host])
                tokens.position = plain.end()
            else:
                tokens.limit = min(start + odd, len(self.value))
                self.read_odd()
                odd -= tokens.position - start
        self.end_group()
        return self.addresses

    def read_odd(self) -> None:
        """Read one address, start of a group or end of a group, whatever it looks like."""
        while token := self.tokens.next():
            word, special, spaced = token
            if word is not None:
                self.add_word(word, spaced)
            elif special == b"@":
                if not self.runs:
                    self.runs.append(_Run())
                self.runs[-1].add_at()
            elif special == b"<":
                self.begin_angle()
            elif special == b":" and self.runs and self.angle is None:
                self.begin_group()
                return
            elif special in (b",", b";"):
                break
        self.finish()
        if token is not None and special == b";":
            self.end_group()

    def add_word(self, word: bytes, spaced: bool) -> None:
        """Add to the current run, or begin one."""
        if not self.runs or (spaced and not self.runs[-1].takes(word)):
            self.runs.append(_Run())
        self.runs[-1].add(word, spaced)

    def phrase(self) -> bytes:
        """The runs so far as a name; they are used up."""
        name = b" ".join(bytes(run.text) for run in self.runs)
        self.runs = []
        return name

    def begin_group(self) -> None:
        """The runs so far are a group's name. Groups do not nest."""
        name = self.phrase()
        self.end_group()
        self.addresses.append([None, None, name, None])
        self.in_group = True
        self.tokens.comment = b""

    def end_group(self) -> None:
        """A semicolon, or the end of the list."""
        if self.in_group:
            self.addresses.append(list(_GROUP_END))
            self.in_group = False

    def begin_angle(self) -> None:
        """Read what is between `<` and `>`, source route included; the runs so far are the name."""
        if self.angle is not None:
            # the comma between two addresses is missing; the name before this `<` is this one's
            self.addresses.append(self.angle)
        name = self.phrase()
        route = b""
        run = _Run()
        while token := self.tokens.next():
            word, special, spaced = token
            if word is not None:
                run.add(word, spaced)
            elif special == b"@":
                run.add_at()
            elif special == b">":
                break
            elif special in (b",", b":") and run.is_route():
                # RFC 5322 4.4: `<@one.example,@two.example:anna@example.org>`
                route += bytes(run.text) + special
                run = _Run()
            elif special in (b",", b";"):
                # the `>` is missing
                self.tokens.position -= 1
                break
        self.angle = run.address(name, route.rstrip(b",:"))

    def finish(self) -> None:
        """The current address is complete."""
        name, self.tokens.comment = self.tokens.comment, b""
        if self.angle is not None:
            self.angle[0] = self.angle[0] or name or None
            self.addresses.append(self.angle)
            self.angle = None
            self.runs = []
            return
        addressed = [run for run in self.runs if run.host is not None]
        if addressed:
            before = self.runs.index(addressed[0])
            self.runs = self.runs[:before]
            self.addresses.append(addressed[0].address(self.phrase() or name))
            self.addresses.extend(run.address(b"") for run in addressed[1:])
        elif len(self.runs) == 1:
            self.addresses.append(self.runs[0].address(name))
        elif self.runs:
            self.addresses.append(_Run().address(self.phrase()))
        self.runs = []


def _unquote(text: bytes) -> bytes:
    """The content of a quoted string or comment (RFC 5322 3.2.1)."""
    return _ESCAPED.sub(rb"\1", text) if b"\\" in text else text
