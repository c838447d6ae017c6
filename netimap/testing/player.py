"""Plays dialogues against a server: what `netimap.testing.dialogue` has read, line by line."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .client import Client, Closed
from .dialogue import Dialogue, DialogueError, DialogueSkipped, Expect, Expected, GivenMailbox, Send, load_dialogues
from .responses import as_text, comparable, quoted
from .server import RunningServer

_NAME = re.compile(r"\$([a-z][a-z0-9_]*)")
# what stands for something else in expected text: a name, alone between quotes or not, or three dots
_PLACE = re.compile(r'(?<=")\$([a-z][a-z0-9_]*)(?=")|\$([a-z][a-z0-9_]*)|\.\.\.')
# what a new name takes: all of a quoted string, else a word
_QUOTED_VALUE = r'(?:[^"\\]|\\.)*'
_VALUE = r'[^ ()\[\]"\r\n]+'
_NUMBERED = re.compile(r"\* (?:[0-9]+|\$[a-z]\w*) (EXISTS|EXPUNGE|FETCH|RECENT)\b", re.IGNORECASE)
# characters of a literal that would mean something in expected text → characters that nobody uses
_HIDDEN = {ord("$"): "\ue000", ord("."): "\ue001"}
_SHOWN = {"\ue000": r"\$", "\ue001": r"\."}
_users = itertools.count(1)


def run_dialogue(
    dialogue: Dialogue | str | Path,
    server: RunningServer | None = None,
    *,
    user: str | None = None,
    password: str = "secret",
    prepare: Callable[[Dialogue, str], Any] | None = None,
    piece: int | None = None,
    **server_options: Any,
) -> None:
    """Play a dialogue, or all dialogues of a file, against `server`, or one that is started with `server_options`.

    Each dialogue has a user of its own, unless `user` names one. Its mailboxes and messages are made over the wire by
    a connection of their own; a model that cannot do that is given `prepare(dialogue, user)`, which makes them in its
    own way. `piece`: the clients send in pieces of that many octets.

    Raises DialogueError when the server does not keep to the dialogue, DialogueSkipped (a unittest.SkipTest) when the
    server lacks what the dialogue needs.
    """
    if server is None:
        with RunningServer(**server_options) as own:
            run_dialogue(dialogue, own, user=user, password=password, prepare=prepare, piece=piece)
        return
    if server_options:
        raise TypeError("server_options are for a server that run_dialogue starts")
    for one in load_dialogues(dialogue) if isinstance(dialogue, (str, Path)) else [dialogue]:
        _Player(one, server, user or f"dialogue-{os.getpid()}-{next(_users)}", password, piece).play(prepare)


class _Player:
    """One dialogue being played."""

    def __init__(self, dialogue: Dialogue, server: RunningServer, user: str, password: str, piece: int | None) -> None:
        self.dialogue = dialogue
        self.server = server
        self.user = user
        self.password = password
        self.piece = piece
        self.names = {"user": user, "password": password}
        self.clients: dict[int, Client] = {}

    def play(self, prepare: Callable[[Dialogue, str], Any] | None) -> None:
        try:
            self.check_needs()
            if prepare is not None:
                prepare(self.dialogue, self.user)
            self.set_up(make=prepare is None)
            for number, state in sorted(self.dialogue.connections.items()):
                client = self.server.connect(tls=state.tls, piece=self.piece)
                self.clients[number] = client
                if state.logged_in:
                    client.login(self.user, self.password)
                if state.command is not None:
                    client.ok(state.command)
            for step in self.dialogue.steps:
                if isinstance(step, Send):
                    self.send(step)
                else:
                    self.expect(step)
            self.nothing_left()
        finally:
            for client in self.clients.values():
                client.close()

    # --- before the dialogue ---

    def check_needs(self) -> None:
        if not self.dialogue.needs:
            return
        with self.server.connect() as client:
            announced = _capabilities(client)
            client.login(self.user, self.password)
            announced |= _capabilities(client)
        missing = [need for need in self.dialogue.needs if need not in announced]
        if missing:
            raise DialogueSkipped(f"{self.dialogue}: the server does not announce {' '.join(missing)}")

    def set_up(self, make: bool) -> None:
        """Make the mailboxes and messages, and learn the UIDs of the first mailbox: `$uid1`, `$uid2`, …."""
        if not self.dialogue.mailboxes:
            return
        with self.server.connect(self.user, self.password) as client:
            for mailbox in self.dialogue.mailboxes:
                if make:
                    _make(client, mailbox)
                # whoever selects a mailbox first takes \Recent away from the others (RFC 3501 2.3.2)
                client.ok(f"{'EXAMINE' if mailbox.recent else 'SELECT'} {mailbox.name}")
                if mailbox is self.dialogue.mailboxes[0] and mailbox.messages:
                    for number, items in client.ok("FETCH 1:* UID").fetched().items():
                        self.names[f"uid{number}"] = items["UID"]
            client.ok("LOGOUT")

    # --- the lines ---

    def send(self, step: Send) -> None:
        client = self.clients[step.connection]
        if isinstance(step.text, bytes):
            client.send(step.text)
        elif step.text == "<close>":
            client.close()
        elif step.text == "<tls>":
            client.handshake()
        else:
            client.send(_NAME.sub(lambda match: self.value(match, step), step.text) + "\r\n")

    def value(self, match: re.Match[str], step: Send) -> str:
        if match[1] not in self.names:
            raise self.error(step.line, f"{match[0]} has no value yet")
        return self.names[match[1]]

    def expect(self, step: Expect) -> None:
        """Read what a group asks for and compare."""
        *responses, last = step.responses
        if not last.is_final:
            responses.append(last)
        lines = self.read(step, sum(not response.optional for response in responses))
        got = [as_text(line) for line in lines]
        if last.is_final and last.parts != ("<closed>",) and (not got or not self.matches(last, got.pop())):
            raise self.difference(step, last, responses, lines)
        self.compare(step, responses, got, lines)

    def read(self, step: Expect, count: int) -> list[bytes]:
        """The lines up to a final one, or `count` lines where the group has none."""
        client, last = self.clients[step.connection], step.responses[-1]
        lines: list[bytes] = []
        try:
            if last.parts == ("<closed>",):
                return client.rest()
            while last.is_final or len(lines) < count:
                lines.append(client.line())
                if not lines[-1].startswith(b"* "):
                    break
        except Closed:
            raise self.error(last.line, f"connection {step.connection} is closed, after {_shown(lines)}") from None
        except AssertionError as error:
            waiting = _shown([_expected_text(response).encode("latin-1") for response in step.responses])
            raise self.error(
                last.line, f"connection {step.connection} waited for\n{waiting}\nand got\n{_shown(lines)}\n{error}"
            ) from None
        return lines

    def compare(self, step: Expect, responses: list[Expected], got: list[str], lines: list[bytes]) -> None:
        """Each expected line has to match one line that came; nothing may be left over."""
        places = _places([_expected_text(response) for response in responses])
        left = list(zip(_places(got), got, strict=True))
        # the necessary ones choose first
        for index in sorted(range(len(responses)), key=lambda index: responses[index].optional):
            response = responses[index]
            found = [entry for entry in left if places[index] in (None, entry[0]) and self.matches(response, entry[1])]
            if not found and not response.optional:
                raise self.difference(step, response, responses, lines)
            for entry in found if response.optional else found[:1]:
                left.remove(entry)
        if left:
            text = left[0][1].encode("latin-1").decode("utf-8", "backslashreplace")
            raise self.error(
                step.responses[-1].line,
                f"connection {step.connection} was sent a line that nobody expects\n  {text}\n"
                f"all that came:\n{_shown(lines)}",
            )

    def matches(self, response: Expected, got: str) -> bool:
        """Whether a line is the expected one; learns the names it has values for."""
        expected = _expected_text(response)
        for wanted, line in ((expected, got), (comparable(expected), comparable(got))):
            match = re.fullmatch(self.pattern(wanted), line, re.DOTALL)
            if match is not None:
                self.names.update(match.groupdict())
                return True
        return False

    def pattern(self, expected: str) -> str:
        """The regular expression for expected text: known names as their values, new ones as groups."""
        new: set[str] = set()
        pieces, position = [], 0
        for match in _PLACE.finditer(expected):
            pieces.append(re.escape(expected[position : match.start()]))
            position = match.end()
            name = match[1] or match[2]
            if name is None:
                pieces.append(".*")
            elif name in self.names:
                pieces.append(re.escape(self.names[name]))
            elif name in new:
                pieces.append(f"(?P={name})")
            else:
                new.add(name)
                pieces.append(f"(?P<{name}>{_QUOTED_VALUE if match[1] else _VALUE})")
        pieces.append(re.escape(expected[position:]))
        return re.sub("[\ue000\ue001]", lambda match: _SHOWN[match[0]], "".join(pieces))

    def nothing_left(self) -> None:
        for number, client in self.clients.items():
            left = client.unread()
            if left:
                raise self.error(
                    self.dialogue.last_line, f"at the end connection {number} has lines left over\n  {left!r}"
                )

    # --- errors ---

    def error(self, line: int, problem: str) -> DialogueError:
        title = f" ({self.dialogue.title})" if self.dialogue.title else ""
        return DialogueError(f"{self.dialogue.path}:{line}:{title} {problem}")

    def difference(
        self, step: Expect, response: Expected, all_of_it: list[Expected], lines: list[bytes]
    ) -> DialogueError:
        expected = _expected_text(response).translate({0xE000: "$", 0xE001: "."})
        names = {name: self.names[name] for name in _NAME.findall(expected) if name in self.names}
        known = f"   with {', '.join(f'${name} = {value}' for name, value in names.items())}" if names else ""
        return self.error(
            response.line,
            f"connection {step.connection} expected\n  {expected.encode('latin-1').decode()}{known}\n"
            f"and got\n{_shown(lines)}",
        )


def _make(client: Client, mailbox: GivenMailbox) -> None:
    if mailbox.name.strip('"').upper() != "INBOX":
        client.ok(f"CREATE {mailbox.name}")
    for message in mailbox.messages:
        date = f"{message.date} " if message.date is not None else ""
        client.ok(f"APPEND {mailbox.name} ({message.flags}) {date}", message.octets)


def _capabilities(client: Client) -> set[str]:
    (line,) = client.ok("CAPABILITY").of("CAPABILITY")
    return set(line.decode("latin-1").upper().split()[2:])


def _expected_text(response: Expected) -> str:
    """An expected response as `as_text` would give it, its literals' dots and dollars hidden."""
    pieces = []
    for part in response.parts:
        if isinstance(part, bytes):
            pieces.append(quoted(part).decode("latin-1").translate(_HIDDEN))
        else:
            pieces.append(part.encode().decode("latin-1"))
    return "".join(pieces)


def _places(lines: list[str]) -> list[int | None]:
    """For each line the number of EXPUNGEs before it, None for a line without a message number.

    Message numbers mean something else after an EXPUNGE, so such lines may not change places with it.
    """
    places: list[int | None] = []
    expunged = 0
    for line in lines:
        match = _NUMBERED.match(line)
        places.append(None if match is None else expunged)
        expunged += match is not None and match[1].upper() == "EXPUNGE"
    return places


def _shown(lines: list[bytes]) -> str:
    return "\n".join(f"  {line.decode('utf-8', 'backslashreplace')}" for line in lines) or "  (nothing)"
