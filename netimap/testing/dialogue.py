"""Wire dialogues: files that read like the examples of RFC 3501, taken apart into steps. No I/O but reading the file.

docs/testing.rst describes the format; `netimap.testing.player` plays it against a server.
"""

from __future__ import annotations

import re
import unittest
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

_TITLE = re.compile(r"==+ *(.*?) *=*\Z")
_HEADER = re.compile(r"(needs|mailbox|message|recent|both connections|connection [1-9]): *(.*)\Z")
_STEP = re.compile(r"([1-9]) ([CS])([:|?])(?: (.*))?\Z")
_COMMENT = re.compile(r"(?:\A|\s\s+)#(?: .*)?\Z")
_NAME = r'("(?:[^"\\]|\\.)*"|\S+)'
_MAILBOX = re.compile(_NAME + r"(?: empty| with ([0-9]+) messages?| with messages((?: \([^()]*\))+))\Z")
_MESSAGE = re.compile(_NAME + r'(?: \(([^()]*)\))?(?: ("[^"]+"))?\Z')
_FLAGS = re.compile(r"\(([^()]*)\)")
_STATE = re.compile(r"(select|examine) " + _NAME + r"\Z")
_LITERAL = re.compile(r"~?\{([0-9]+)(\+?)\}\Z")
_FINAL = re.compile(r"(?!\* )\S")


class DialogueError(AssertionError):
    """A dialogue cannot be read, or the server does not keep to it. The text begins with `file:line:`."""


class DialogueSkipped(unittest.SkipTest):
    """The server does not announce a capability that the dialogue needs."""


@dataclass(frozen=True)
class GivenMessage:
    """A message that is there when the dialogue begins."""

    octets: bytes
    flags: str = ""
    #: with its quotes
    date: str | None = None


@dataclass
class GivenMailbox:
    """A mailbox that is there when the dialogue begins."""

    #: as it goes over the wire, with quotes if it has some
    name: str
    messages: list[GivenMessage] = field(default_factory=list)
    #: whether its messages are \\Recent to the first connection that selects it
    recent: bool = False


@dataclass
class ConnectionState:
    """What a connection has done when the dialogue begins."""

    tls: bool = False
    logged_in: bool = True
    #: "SELECT INBOX", or None
    command: str | None = None


@dataclass(frozen=True)
class Send:
    """The client sends a line, `text` with its `$names` replaced, or (as bytes) a literal just as it is."""

    connection: int
    line: int
    text: str | bytes


@dataclass(frozen=True)
class Expected:
    """A response: text, literal, text, …. Optional ones may come any number of times, also never."""

    line: int
    parts: tuple[str | bytes, ...]
    optional: bool = False

    @property
    def is_final(self) -> bool:
        """Whether it ends a group: a tagged line, a continuation, the end of the connection."""
        return isinstance(self.parts[0], str) and _FINAL.match(self.parts[0]) is not None


@dataclass(frozen=True)
class Expect:
    """The server sends these responses, the untagged ones in any order; a final one comes last."""

    connection: int
    responses: tuple[Expected, ...]


@dataclass
class Dialogue:
    """One dialogue of a file."""

    path: str
    line: int
    title: str
    needs: list[str] = field(default_factory=list)
    mailboxes: list[GivenMailbox] = field(default_factory=list)
    connections: dict[int, ConnectionState] = field(default_factory=dict)
    steps: list[Send | Expect] = field(default_factory=list)

    def __str__(self) -> str:
        """For a test's name: `append: flags and date`."""
        return f"{Path(self.path).stem}: {self.title}" if self.title else Path(self.path).stem

    @property
    def last_line(self) -> int:
        """The number of its last line."""
        last = self.steps[-1]
        return last.line if isinstance(last, Send) else last.responses[-1].line

    def mailbox(self, name: str) -> GivenMailbox:
        """The mailbox of this name; made when it is first spoken of."""
        for mailbox in self.mailboxes:
            if mailbox.name == name:
                return mailbox
        self.mailboxes.append(GivenMailbox(name))
        return self.mailboxes[-1]


def load_dialogues(path: str | Path) -> list[Dialogue]:
    """The dialogues of a file. Raises DialogueError where the file breaks the format."""
    return _Parser(str(path), Path(path).read_text("utf-8")).parse()


def generic_message(number: int) -> GivenMessage:
    """Message `number` of `with N messages`: short, with a subject, a date and a text that name its number."""
    minutes, seconds = divmod(number, 60)
    time = f"12:{minutes % 60:02}:{seconds:02}"
    text = (
        f"From: Sender {number} <sender{number}@example.org>\n"
        f"To: reader@example.org\n"
        f"Subject: Message {number}\n"
        f"Date: Thu, 1 Jan 2026 {time} +0000\n"
        f"Message-ID: <{number}@example.org>\n"
        f"\n"
        f"This is message {number}.\n"
    )
    return GivenMessage(text.replace("\n", "\r\n").encode(), date=f'" 1-Jan-2026 {time} +0000"')


class _Parser:
    """One run over the lines of a file."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.lines = text.split("\n")
        self.position = 0
        self.dialogues: list[Dialogue] = []
        self.dialogue = Dialogue(path, 1, "")
        # the client's last line of each connection, and its number
        self.announced: dict[int, tuple[int, str]] = {}
        # headers that speak of connections wait for the steps, which say how many there are
        self.states: list[tuple[int, str, str]] = []

    def parse(self) -> list[Dialogue]:
        while self.position < len(self.lines):
            line = self.lines[self.position]
            if (match := _TITLE.match(line)) is not None:
                self.end_dialogue()
                self.dialogue = Dialogue(self.path, self.position + 1, match[1])
            elif _STEP.match(line) is not None:
                self.step()
                continue
            else:
                line = _COMMENT.sub("", line).rstrip()
                if line:
                    self.header(line)
            self.position += 1
        self.end_dialogue()
        if not self.dialogues:
            self.fail("there is no dialogue in this file", 1)
        return self.dialogues

    def fail(self, problem: str, line: int | None = None) -> NoReturn:
        raise DialogueError(f"{self.path}:{self.position + 1 if line is None else line}: {problem}")

    # --- headers ---

    def header(self, line: str) -> None:
        match = _HEADER.match(line)
        if match is None:
            self.fail(f"this is no header, no `1 C:` or `1 S:` line, no `== title` and no comment: {line!r}")
        if self.dialogue.steps:
            self.fail("headers come before the dialogue")
        name, text = match[1], match[2]
        headers: dict[str, Callable[[str], None]] = {
            "needs": lambda words: self.dialogue.needs.extend(words.upper().split()),
            "mailbox": self.mailbox_header,
            "message": self.message_header,
            "recent": self.recent_header,
        }
        if name in headers:
            headers[name](text)
        else:
            self.states.append((self.position + 1, name, text))

    def mailbox_header(self, text: str) -> None:
        match = _MAILBOX.match(text)
        if match is None:
            self.fail("a mailbox is `NAME empty`, `NAME with 3 messages` or `NAME with messages (\\Seen) ()`")
        name, count, flag_lists = match.groups()
        flags = _FLAGS.findall(flag_lists) if flag_lists else [""] * int(count or 0)
        messages = self.dialogue.mailbox(name).messages
        for given in flags:
            message = generic_message(len(messages) + 1)
            messages.append(GivenMessage(message.octets, given, message.date))

    def message_header(self, text: str) -> None:
        match = _MESSAGE.match(text)
        if match is None:
            self.fail('a message is `NAME (\\Flags) " 1-Jan-2026 12:00:00 +0000"`, then its lines, each behind `| `')
        name, flags, date = match.groups()
        content = "".join(f"{line}\r\n" for line in self.bars("|"))
        self.dialogue.mailbox(name).messages.append(GivenMessage(content.encode(), flags or "", date))

    def recent_header(self, name: str) -> None:
        self.dialogue.mailbox(name).recent = True

    def bars(self, start: str) -> Iterator[str]:
        """The lines that follow and begin with `start`, without it and its space."""
        while self.position + 1 < len(self.lines):
            line = self.lines[self.position + 1]
            if line != start and not line.startswith(start + " "):
                return
            self.position += 1
            yield line[len(start) + 1 :]

    # --- steps ---

    def step(self) -> None:
        match = _STEP.match(self.lines[self.position])
        assert match is not None
        number, side, mark = int(match[1]), match[2], match[3]
        self.dialogue.connections.setdefault(number, ConnectionState())
        if side == "S":
            if mark == "|":
                self.fail("a literal follows a line that ends in {n}")
            self.expect(number)
        elif mark == "?":
            self.fail("only `S?` can be optional")
        elif mark == "|":
            self.send_literal(number)
        else:
            text = self.text(match)
            self.announced[number] = (self.position + 1, text)
            self.dialogue.steps.append(Send(number, self.position + 1, text))
            self.position += 1

    def send_literal(self, number: int) -> None:
        """The client's literal; the server's continuation may stand between it and its announcement."""
        if number not in self.announced:
            self.fail("a literal follows a line that ends in {n}")
        line, announcement = self.announced.pop(number)
        self.position -= 1
        content = self.literal(announcement, f"{number} C|", line)
        assert content is not None
        self.dialogue.steps.append(Send(number, self.position + 1, content))
        self.position += 1

    def text(self, match: re.Match[str]) -> str:
        return _COMMENT.sub("", match[4] or "")

    def literal(self, announcement: str, start: str, line: int) -> bytes | None:
        """The literal of the lines that follow, None where there are none. Its size has to be the announced one."""
        content = "\r\n".join(lines := list(self.bars(start))).encode()
        if not lines:
            return None
        match = _LITERAL.search(announcement)
        if match is None:
            self.fail(f"a literal follows, but this line does not end in {{{len(content)}}}", line)
        size = int(match[1])
        if size == len(content) + 2:
            return content + b"\r\n"
        if size != len(content):
            self.fail(
                f"the literal has {len(content)} octets, or {len(content) + 2} with a line end at its end, not {size}",
                line,
            )
        return content

    def expect(self, number: int) -> None:
        """A group: the responses that follow, up to the first final one, or a line of something else."""
        responses: list[Expected] = []
        while self.position < len(self.lines):
            match = _STEP.match(self.lines[self.position])
            if match is None or match[1] != str(number) or match[2] != "S":
                break
            responses.append(self.response(number, match))
            if responses[-1].is_final:
                break
        self.dialogue.steps.append(Expect(number, tuple(responses)))

    def response(self, number: int, match: re.Match[str]) -> Expected:
        line, optional = self.position + 1, match[3] == "?"
        parts: list[str | bytes] = [self.text(match)]
        while True:
            content = self.literal(str(parts[-1]), f"{number} S|", self.position + 1)
            self.position += 1
            if content is None:
                break
            following = _STEP.match(self.lines[self.position]) if self.position < len(self.lines) else None
            if following is None or following.group(1, 2, 3) != (str(number), "S", ":"):
                self.fail(f"the rest of the response has to follow its literal: `{number} S: …`")
            parts[-1] = _LITERAL.sub("", str(parts[-1]))
            parts += [content, self.text(following)]
        return Expected(line, tuple(parts), optional)

    # --- the end of a dialogue ---

    def end_dialogue(self) -> None:
        dialogue, states = self.dialogue, self.states
        self.states, self.announced = [], {}
        if not dialogue.steps:
            if dialogue.title or dialogue.mailboxes or dialogue.needs or states:
                self.fail("this dialogue has no lines", dialogue.line)
            return
        for line, who, text in states:
            known = dialogue.connections
            numbers = list(known) if who == "both connections" else [int(who.split()[1])]
            for number in numbers:
                self.state(known.setdefault(number, ConnectionState()), text, line)
        self.dialogues.append(dialogue)

    def state(self, state: ConnectionState, text: str, line: int) -> None:
        for word in text.split(", "):
            if word == "TLS":
                state.tls = True
            elif word == "not logged in":
                state.logged_in = False
            elif (match := _STATE.match(word)) is not None:
                state.command = f"{match[1].upper()} {match[2]}"
            else:
                self.fail(
                    f"a connection can `select NAME`, `examine NAME`, be `not logged in`, `TLS`; not {word!r}", line
                )
