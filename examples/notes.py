#!/usr/bin/env python3
"""A directory of notes (Markdown or text files), read in any mail client.

    python examples/notes.py ~/notes

The notes of the directory itself are in INBOX, each subdirectory is a mailbox of its own. The subject of a message is
the first heading of the note, its date is that of the file.

- A new file appears to a client that waits (IDLE) within a second. Messages never change (RFC 3501 2.3.1.1), so an
  edited note is a new message, and the message of its old text goes.
- Deleting a message moves the file to `.trash/` beside it. Anything else that would write a note (APPEND, COPY to
  here, CREATE, RENAME, DELETE of a mailbox) is refused: a mail made into a note would not come back the same.
- UIDs and flags last over restarts: each directory has a file `.notes.json` with them.

It listens on this machine only, without TLS. The password is in NOTES_PASSWORD, or else a new one at each start.
"""

from __future__ import annotations

import argparse
import getpass
import hashlib
import json
import logging
import os
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

from netimap import DefaultAuth, DefaultModel, Mailbox, Message, No, Server
from netimap.exceptions import ConfigurationError

SUFFIXES = (".md", ".markdown", ".txt")
#: octets of a note: a larger file is no note, and is left out
MAX_NOTE = 1_000_000
#: directories in one another: what lies deeper is left out
MAX_DEPTH = 20
STATE = ".notes.json"
TRASH = ".trash"

log = logging.getLogger("netimap.notes")


class Stamp(NamedTuple):
    """What tells one state of a file from another."""

    mtime_ns: int
    size: int

    @classmethod
    def of(cls, path: Path) -> Stamp | None:
        """The stamp of a note as it is now; None where there is none."""
        try:
            status = path.stat()
        except OSError:
            return None
        return cls(status.st_mtime_ns, status.st_size)


class Note(Message):
    """A note as it was when its stamp was taken."""

    def __init__(self, path: Path, stamp: Stamp) -> None:
        # a file may claim any time at all
        when = datetime.fromtimestamp(min(max(stamp.mtime_ns // 10**9, 0), 2**32), UTC)
        text = path.read_bytes().decode("utf-8", "replace").replace("\0", "\ufffd")
        super().__init__(compose(path, when, text))
        self.internaldate(when)
        self.path = path
        self.stamp = stamp

    def expunge(self) -> None:
        """The message goes. If it still is what the file holds, a client has deleted it: so does the file."""
        if Stamp.of(self.path) == self.stamp:
            # the time keeps notes of one name apart
            trash = self.path.parent / TRASH / str(self.stamp.mtime_ns)
            try:
                trash.mkdir(parents=True, exist_ok=True)
                self.path.replace(trash / self.path.name)
            except OSError as error:
                raise No(f"The note cannot be moved to the trash: {error.strerror}") from error
        super().expunge()


def compose(path: Path, when: datetime, text: str) -> bytes:
    """The message of a note. The same note gives the same octets each time."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = "Notes <notes@localhost>"
    mail["Subject"] = heading(text) or heading(path.stem)
    mail["Date"] = when
    digest = hashlib.sha256(repr((path.name, when, text)).encode()).hexdigest()
    mail["Message-ID"] = f"<{digest[:32]}@localhost>"
    mail.set_content(text)
    return mail.as_bytes()


def heading(text: str) -> str:
    """The first heading; where there is none, the first line that says something."""
    lines = [line.strip("\ufeff \t") for line in text.splitlines()]
    headings = (line.strip("# ") for line in lines if line.startswith("#"))
    first = next(filter(None, headings), None) or next(filter(None, lines), "")
    return "".join(filter(str.isprintable, first))[:200]


class Notes(Mailbox):
    """The notes of one directory, and its subdirectories as children. Fields: `directory`.

    The root of the tree is one that cannot be selected; INBOX has the same directory and no children.
    """

    directory: Path

    def init(self) -> None:
        """Read what is known from before; UIDs go on from there."""
        #: name of the file → UID, stamp, flags
        self.known: dict[str, tuple[int, Stamp, list[str]]] = {}
        if self.is_selectable() is not False:
            self.read_state()
        super().init()

    def read_state(self) -> None:
        """Read the file of UIDs and flags. Without one clients get a new UIDVALIDITY, and read everything again."""
        try:
            state = json.loads((self.directory / STATE).read_bytes())
            known = {
                name: (int(uid), Stamp(int(mtime_ns), int(size)), list(map(str, flags)))
                for name, (uid, mtime_ns, size, flags) in dict(state["notes"]).items()
            }
            numbers = int(state["uidvalidity"]), int(state["uidnext"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s is not used: %s", self.directory / STATE, error)
            return
        self.known = known
        self.uidvalidity(numbers[0])
        self.uidnext(numbers[1])

    def load_data(self) -> None:
        """At the start: as they are now, with the UIDs and flags they had."""
        self.poll()
        self.known = {}

    def poll(self) -> None:
        """Every half second while somebody waits, and after each command: what is new, what went."""
        files = self.files()
        if files is None:
            return
        gone = [note.uid() for note in self.messages() if files.get(note.path) != note.stamp]
        if gone:
            self.expunge_uids(gone)
        have = {note.path for note in self.messages()}
        new = sorted((stamp, path) for path, stamp in files.items() if path not in have)
        added = [self.add_note(path, stamp) for stamp, path in new]
        if any(added):
            self.save()

    def files(self) -> dict[Path, Stamp] | None:
        """The notes there are, and their stamps. None when the directory has gone: `update_tree` sees to that."""
        if not self.is_selectable():
            return None
        found = {}
        try:
            with os.scandir(self.directory) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or not entry.name.lower().endswith(SUFFIXES) or not entry.is_file():
                        continue
                    path = self.directory / entry.name
                    stamp = Stamp.of(path)
                    if stamp is not None and stamp.size <= MAX_NOTE:
                        found[path] = stamp
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found

    def add_note(self, path: Path, stamp: Stamp) -> bool:
        """Add a file that was not there, or not like this. False if it cannot be read."""
        try:
            note = Note(path, stamp)
        except OSError:
            return False
        if path.name in self.known:
            uid, old_stamp, flags = self.known[path.name]
            if old_stamp == stamp:
                note.uid(uid)
                note.load(flags)
        self.add_message(note)
        return True

    def flags_changed(self, uids: Sequence[int]) -> None:
        """Flags were changed: keep them."""
        super().flags_changed(uids)
        if uids:
            self.save()

    def expunge_uids(self, uids: Sequence[int]) -> None:
        """Messages went: their UIDs must not come back."""
        super().expunge_uids(uids)
        self.save()

    def save(self) -> None:
        """Write the file of UIDs and flags; the old one is there until the new one is whole."""
        notes = {note.path.name: [note.uid(), *note.stamp, note.flags()] for note in self.messages()}
        state = {"uidvalidity": self.uidvalidity(), "uidnext": self.uidnext(), "notes": notes}
        try:
            new = self.directory / (STATE + ".new")
            new.write_text(json.dumps(state))
            new.replace(self.directory / STATE)
        except OSError as error:
            log.warning("UIDs and flags of %s are not kept: %s", self.directory, error)

    # --- the tree follows the directories; clients do not change it ---

    def update_tree(self) -> None:
        """Add a mailbox for each new subdirectory, take away those whose directory went."""
        if self.is_inbox():
            return
        names = self.subdirectories()
        for child in list(self.children()):
            if not child.is_inbox() and child.name() not in names:
                child.remove()
        have = {child.name() for child in self.children()}
        for name in sorted(names - have):
            self.add_child(name=name, directory=self.directory / name)
        for child in self.children():
            child.update_tree()

    def subdirectories(self) -> set[str]:
        """Their names. Links are not followed, as they might lead in a circle."""
        depth, above = 0, self.parent()
        while above is not None:
            depth, above = depth + 1, above.parent()
        if depth >= MAX_DEPTH:
            return set()
        try:
            with os.scandir(self.directory) as entries:
                return {
                    entry.name
                    for entry in entries
                    if entry.is_dir(follow_symlinks=False)
                    and entry.name.isprintable()
                    and not entry.name.startswith(".")
                }
        except OSError:
            return set()

    def remove(self) -> None:
        """The directory has gone, and all that was in it."""
        for child in list(self.children()):
            child.remove()
        super().delete()

    def create(self, **fields: Any) -> bool:
        """CREATE is refused."""
        return False

    def delete(self) -> bool:
        """DELETE is refused."""
        return False

    def reparent(self, parent: Mailbox, name: str | None = None) -> bool:
        """RENAME is refused."""
        return False

    def append(self, content: bytes) -> bool:
        """APPEND, and COPY to here, are refused."""
        return False


def make_server(directory: Path, user: str, password: str, **options: Any) -> Server:
    """The server for one directory, which is shared by all connections. `options` are those of `netimap.Server`."""
    root = Notes(directory=directory, is_selectable=False)
    root.add_child(name="INBOX", directory=directory)

    class Auth(DefaultAuth):
        def auth_plain(self, name: str, given: str) -> bool:
            return secrets.compare_digest(f"{name}\0{given}".encode(), f"{user}\0{password}".encode())

    class Model(DefaultModel):
        def init(self) -> None:
            self.root(root)

        def lookup(self, path: str) -> Mailbox | None:
            # update_tree is called before LIST; a mailbox may be opened without having been listed
            root.update_tree()
            return super().lookup(path)

    defaults = {"server_cert": None, "allow_plaintext_login": True, "idle_poll": 0.5}
    return Server(auth_class=Auth, model_class=Model, **defaults | options)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Serve a directory of notes over IMAP, to this machine.")
    parser.add_argument("directory", type=Path, help="where the notes are")
    parser.add_argument("--port", type=int, default=1430, help="port on 127.0.0.1; 0 picks a free one (default: 1430)")
    parser.add_argument("--user", default=getpass.getuser(), help="user name to log in with (default: yours)")
    arguments = parser.parse_args()
    if not arguments.directory.is_dir():
        print(f"{arguments.directory} is no directory", file=sys.stderr)
        return 2
    password = os.environ.get("NOTES_PASSWORD")
    if not password:
        password = secrets.token_urlsafe(9)
        print(f"log in as {arguments.user} with the password {password}", flush=True)
    try:
        make_server(arguments.directory.resolve(), arguments.user, password, port=arguments.port).run()
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
