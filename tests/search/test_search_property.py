"""Random searches on random mailboxes: the compiled program finds what a plain reading of the RFC finds."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from search_mailbox import never

from netimap.exceptions import Bad, No
from netimap.mailbox import Mailbox
from netimap.message import Message
from netimap.search import compile_search, split_charset
from netimap.view import View
from netimap.wire.dates import format_date
from netimap.wire.reader import tokenize

WORDS = ("soup", "Soup", "BREAD", "käse", "KÄSE", "привет", "oup", "br", "")
FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "\\Answered", "\\Draft", "Work", "$Later")
DAYS = [date(2026, 2, day) for day in range(1, 5)]


@dataclass
class Mail:
    """A message as the reference sees it."""

    number: int
    uid: int
    recent: bool
    flags: frozenset[str]
    when: datetime
    sent: datetime | None
    subject: str | None
    sender: str | None
    body: str

    def octets(self) -> bytes:
        """RFC 5322, every other one with encoded words and base64."""
        encoded = self.uid % 2 == 0
        lines = []
        for name, text in (("Subject", self.subject), ("From", self.sender)):
            if text is not None:
                word = b"=?utf-8?B?" + b64encode(text.encode()) + b"?=" if encoded else text.encode()
                lines.append(name.encode() + b": " + word)
        if self.sent is not None:
            lines.append(b"Date: " + self.sent.strftime("%d %b %Y %H:%M:%S %z").encode())
        if encoded:
            lines.append(b"Content-Transfer-Encoding: base64\r\n\r\n" + b64encode(self.body.encode()))
        else:
            lines.append(b"\r\n" + self.body.encode())
        return b"\r\n".join(lines)


zones = st.sampled_from([-11, 0, 13]).map(lambda hours: timezone(timedelta(hours=hours)))
moments = st.datetimes(datetime(2026, 2, 1), datetime(2026, 2, 4), timezones=zones).map(
    lambda when: when.replace(microsecond=0)
)
words = st.sampled_from(WORDS)


@st.composite
def mailboxes(draw) -> tuple[View, list[Mail]]:
    """A view of a mailbox with holes in its UIDs and messages that went, and its messages."""
    mailbox = Mailbox(name="INBOX", uidnext=1)
    mails = []
    uid = 0
    for number in range(1, draw(st.integers(0, 12)) + 1):
        uid += draw(st.integers(1, 3))
        mail = Mail(
            number, uid, True, frozenset(draw(st.sets(st.sampled_from(FLAGS)))), draw(moments),
            draw(st.none() | moments), draw(st.none() | words), draw(st.none() | words), draw(words),
        )  # fmt: skip
        message = Message(mail.octets()).load(sorted(mail.flags), mail.when)
        message.uid(uid)
        mailbox.add_message(message)
        mails.append(mail)
        if draw(st.integers(0, 6)) == 0:
            # another session hears of it first: what came so far is not recent to the second one
            View(mailbox)
            for mail in mails:
                mail.recent = False
    view = View(mailbox)
    if mails:
        mailbox.expunge_uids(draw(st.lists(st.sampled_from([mail.uid for mail in mails]), unique=True, max_size=3)))
    return view, mails


ends = st.integers(1, 30).map(str) | st.just("*")
ranges = st.lists(ends | st.tuples(ends, ends).map(":".join), min_size=1, max_size=3).map(",".join)
strings = words.map(str.encode)
days = st.sampled_from(DAYS).map(format_date)
flag_names = [flag[1:].upper() for flag in FLAGS if flag.startswith("\\")]
keywords = st.sampled_from(["work", "$LATER", "other", "Seen"])

leaves = st.one_of(
    st.sampled_from([[name] for name in ["ALL", "NEW", "OLD", "RECENT", *flag_names, *map("UN{}".format, flag_names)]]),
    st.tuples(ranges).map(list),
    st.tuples(st.just("UID"), ranges).map(list),
    st.tuples(st.sampled_from(["KEYWORD", "UNKEYWORD"]), keywords).map(list),
    st.tuples(st.sampled_from(["SUBJECT", "FROM", "BODY", "TEXT"]), strings).map(list),
    st.tuples(st.just("HEADER"), st.sampled_from(["Subject", b"FROM", "x-none"]), strings).map(list),
    st.tuples(st.sampled_from(["BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE"]), days).map(list),
    st.tuples(st.sampled_from(["LARGER", "SMALLER"]), st.integers(0, 250).map(str)).map(list),
)
keys = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(lambda key: ["NOT", *key]),
        st.tuples(inner, inner).map(lambda pair: ["OR", *pair[0], *pair[1]]),
        st.lists(inner, min_size=1, max_size=4).map(lambda keys: [[token for key in keys for token in key]]),
    ),
    max_leaves=12,
)


class Reference:
    """Reads a search from its first token on, for one message at a time, and knows no shortcut."""

    def __init__(self, mails: list[Mail]) -> None:
        self.mails = mails

    def group(self, mail: Mail, tokens: list[Any]) -> bool:
        """All keys of a list."""
        rest, verdict = list(tokens), True
        while rest:
            verdict = self.key(mail, rest) and verdict
        return verdict

    def key(self, mail: Mail, rest: list[Any]) -> bool:
        """The first key of a list, which is taken off it."""
        token = rest.pop(0)
        if isinstance(token, list):
            return self.group(mail, token)
        if token == "NOT":
            return not self.key(mail, rest)
        if token == "OR":
            first = self.key(mail, rest)
            return self.key(mail, rest) or first
        method = getattr(self, f"key_{token}", None)
        if method is not None:
            return method(mail, *[rest.pop(0) for _ in range(method.__code__.co_argcount - 2)])
        if token[0] in "*0123456789":
            return self.in_set(token, mail.number, self.mails[-1].number)
        wanted = not token.startswith("UN")
        return (f"\\{token.removeprefix('UN').capitalize()}" in mail.flags) == wanted

    def in_set(self, text: str, value: int, largest: int) -> bool:
        for item in text.split(","):
            low, _, high = item.replace("*", str(largest)).partition(":")
            ends = sorted((int(low), int(high or low)))
            if ends[0] <= value <= ends[1]:
                return True
        return False

    def has(self, wanted: bytes, text: str | None) -> bool:
        return text is not None and wanted.decode().lower() in text.lower()

    def key_ALL(self, mail):
        return True

    def key_RECENT(self, mail):
        return mail.recent

    def key_OLD(self, mail):
        return not mail.recent

    def key_NEW(self, mail):
        return mail.recent and "\\Seen" not in mail.flags

    def key_UID(self, mail, text):
        return self.in_set(text, mail.uid, self.mails[-1].uid)

    def key_KEYWORD(self, mail, name):
        return name.lower() in {flag.lower() for flag in mail.flags}

    def key_UNKEYWORD(self, mail, name):
        return not self.key_KEYWORD(mail, name)

    def key_SUBJECT(self, mail, wanted):
        return self.has(wanted, mail.subject)

    def key_FROM(self, mail, wanted):
        return self.has(wanted, mail.sender)

    def key_BODY(self, mail, wanted):
        return self.has(wanted, mail.body)

    def key_TEXT(self, mail, wanted):
        return any(self.has(wanted, text) for text in (mail.subject, mail.sender, mail.body, ""))

    def key_HEADER(self, mail, name, wanted):
        name = name.decode() if isinstance(name, bytes) else name
        return self.has(wanted, {"subject": mail.subject, "from": mail.sender}.get(name.lower()))

    def key_BEFORE(self, mail, day):
        return mail.when.date() < self.day(day)

    def key_ON(self, mail, day):
        return mail.when.date() == self.day(day)

    def key_SINCE(self, mail, day):
        return mail.when.date() >= self.day(day)

    def key_SENTBEFORE(self, mail, day):
        return mail.sent is not None and mail.sent.date() < self.day(day)

    def key_SENTON(self, mail, day):
        return mail.sent is not None and mail.sent.date() == self.day(day)

    def key_SENTSINCE(self, mail, day):
        return mail.sent is not None and mail.sent.date() >= self.day(day)

    def key_LARGER(self, mail, octets):
        return len(mail.octets()) > int(octets)

    def key_SMALLER(self, mail, octets):
        return len(mail.octets()) < int(octets)

    def day(self, text: str) -> date:
        return next(day for day in DAYS if format_date(day) == text)


@given(mailboxes(), st.lists(keys, min_size=1, max_size=3), st.integers(1, 5))
def test_finds_what_the_reference_finds(mailbox, wanted, chunk):
    """RFC 3501 6.4.4, over chunks of any size."""
    view, mails = mailbox
    tokens = [token for key in wanted for token in key]
    reference = Reference(mails)
    expected = [mail for mail in mails if reference.group(mail, tokens)]
    with mock.patch("netimap.search.program.CHUNK", chunk):
        numbers, uids = compile_search(tokens).run(view, never)
    assert list(numbers) == [mail.number for mail in expected]
    assert list(uids) == [mail.uid for mail in expected]


fragments = st.sampled_from(
    b"( ) () NOT OR ALL SEEN UID 1:* 1 * SUBJECT FROM HEADER x KEYWORD SINCE SENTON 1-Jan-2026 LARGER 5 CHARSET UTF-8 "
    b'BODY "a" "" $ \xff'.split()
)


@given(st.lists(fragments, max_size=12).map(b" ".join) | st.binary(max_size=60))
def test_any_line_is_answered_or_refused(line):
    """No input has another outcome than a result, NO or BAD."""
    mailbox = Mailbox(name="INBOX", uidnext=1)
    mailbox.add_message(Message(b"Subject: a\r\n\r\nb"))
    try:
        charset, tokens = split_charset(tokenize([line]))
        wanted = compile_search(tokens, charset)
    except (Bad, No):
        return
    numbers, _ = wanted.run(View(mailbox), never)
    assert list(numbers) in ([], [1])
