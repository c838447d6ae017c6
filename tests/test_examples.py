"""The examples do what they say: each is run as a command and read by imaplib, and notes.py in process too."""

import imaplib
import importlib.util
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netimap.testing import Client, Closed, RunningServer

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
DEADLINE_S = 20


def load(name):
    """An example as a module; it does not start anything."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Process:
    """An example that runs as a command. `with Process(…) as process:` waits until it listens."""

    def __init__(self, *arguments, **environ):
        self.process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            env=os.environ | {"PYTHONPATH": str(ROOT), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.output = ""

    def __enter__(self):
        self.port = int(self.wait_for(r"listening on 127\.0\.0\.1:([0-9]+)")[1])
        return self

    def wait_for(self, pattern):
        deadline = time.monotonic() + DEADLINE_S
        while (found := re.search(pattern, self.output)) is None:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            more = os.read(self.process.stdout.fileno(), 65536).decode() if ready else ""
            assert more, f"{pattern!r} is not in the output:\n{self.output}"
            self.output += more
        return found

    def __exit__(self, *exception):
        self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=DEADLINE_S)
        self.output += rest.decode()
        assert self.process.returncode == 0, self.output
        assert "Traceback" not in self.output, self.output


# --- trivial.py ---


def test_trivial_is_no_longer_than_its_perl_equivalent():
    assert len((EXAMPLES / "trivial.py").read_text().splitlines()) <= 55


def test_trivial_serves_its_message_to_imaplib():
    with Process(EXAMPLES / "trivial.py", "0") as server, imaplib.IMAP4("127.0.0.1", server.port, 10) as session:
        session.login("me", "secret")
        assert session.select("inbox") == ("OK", [b"1"])
        _, data = session.fetch("1", "(INTERNALDATE BODY.PEEK[])")
        assert b'INTERNALDATE " 1-Jan-2026 12:00:00 +0000"' in data[0][0]
        assert data[0][1].endswith(b"Subject: Hello\r\nDate: Thu, 01 Jan 2026 12:00:00 +0000\r\n"
                                   b"Message-ID: <hello@example.org>\r\n\r\nHello, world.\r\n")  # fmt: skip


def test_trivial_shares_a_users_mailboxes_between_connections_and_not_between_users():
    trivial = load("trivial")
    with RunningServer(auth_class=trivial.Auth, model_class=trivial.Model) as server:
        assert server.connect().command("LOGIN me guess").answer == "NO Invalid login"
        one, two, other = (server.connect(user) for user in ("shared", "shared", "other"))
        for client in (one, two, other):
            assert b"* OK [UIDVALIDITY 1] UIDs valid" in client.ok("SELECT INBOX").untagged
        one.ok("STORE 1 +FLAGS (\\Flagged)")
        assert "\\Flagged" in two.ok("NOOP").fetched()[1]["FLAGS"]
        assert "\\Flagged" not in other.ok("FETCH 1 FLAGS").fetched()[1]["FLAGS"]


# --- notes.py ---


@pytest.fixture(scope="module")
def notes():
    return load("notes")


class Notes:
    """A directory of notes and its server, which polls quickly."""

    def __init__(self, module, directory):
        self.module = module
        self.directory = directory
        self.start()

    def start(self):
        self.server = self.module.make_server(self.directory, "me", "word", port=0, idle_poll=0.01, login_delay=0)
        self.server.start()
        self.clients = []

    def connect(self, mailbox="INBOX"):
        client = Client("127.0.0.1", self.server.addresses()[0][1])
        self.clients.append(client)
        client.login("me", "word")
        if mailbox is not None:
            client.ok(f"SELECT {mailbox}")
        return client

    def stop(self):
        for client in self.clients:
            client.close()
        self.server.stop()

    def write(self, name, text, mtime=None):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if mtime is not None:
            os.utime(path, (mtime, mtime))
        return path


@pytest.fixture
def served(notes, tmp_path):
    served = Notes(notes, tmp_path)
    yield served
    served.stop()


def subjects(client):
    """Number → subject."""
    return {number: row["ENVELOPE"][1] for number, row in client.ok("FETCH 1:* ENVELOPE").fetched().items()}


def uids(client):
    return {number: int(row["UID"]) for number, row in client.ok("FETCH 1:* UID").fetched().items()}


def listed(client):
    return [line.split(b' "/" ')[1].decode() for line in client.ok('LIST "" "*"').of("LIST")]


def test_a_note_is_a_message_with_heading_and_time(served):
    served.write("first.md", "some words\n\n## The *plan* ##\n\nGrüße\n", mtime=1_700_000_000)
    served.write("second.txt", "Just a line\nand another\n", mtime=1_700_000_001)
    served.write("third one.txt", "", mtime=1_700_000_002)
    client = served.connect()
    assert subjects(client) == {1: b"The *plan*", 2: b"Just a line", 3: b"third one"}
    row = client.ok("FETCH 1 (INTERNALDATE BODY.PEEK[TEXT] BODY.PEEK[HEADER.FIELDS (DATE CONTENT-TYPE)])").fetched()[1]
    assert row["INTERNALDATE"] == b"14-Nov-2023 22:13:20 +0000"
    assert row["BODY[TEXT]"] == "some words\r\n\r\n## The *plan* ##\r\n\r\nGrüße\r\n".encode()
    assert b"Date: Tue, 14 Nov 2023 22:13:20 +0000" in row["BODY[HEADER.FIELDS (DATE CONTENT-TYPE)]"]
    assert b'charset="utf-8"' in row["BODY[HEADER.FIELDS (DATE CONTENT-TYPE)]"]


def test_a_new_note_an_edit_and_a_removal_reach_a_client_in_idle(served):
    client = served.connect()
    client.idle()
    path = served.write("new.md", "# New")
    assert client.line() == b"* 1 EXISTS"
    assert client.line() == b"* 1 RECENT"
    path.write_text("# New, and edited")
    assert client.line() == b"* 1 EXPUNGE"
    assert client.line() == b"* 1 EXISTS"
    assert client.line() == b"* 1 RECENT"
    path.unlink()
    assert client.line() == b"* 1 EXPUNGE"
    client.done()


def test_the_example_itself_polls_twice_a_second(notes, tmp_path):
    """So that a note appears within one."""
    assert notes.make_server(tmp_path, "me", "word").option("idle_poll") <= 0.5


def test_an_edited_note_is_a_new_message_and_the_old_one_stays_readable_until_the_client_is_told(served):
    path = served.write("note.md", "# Old")
    one, two = served.connect(), served.connect()
    old = uids(one)[1]
    path.write_text("# New text")
    two.ok("NOOP")
    assert subjects(two) == {1: b"New text"}
    # FETCH may not renumber (RFC 3501 7.4.1), so the first client still counts the old message, and reads it
    assert one.ok("FETCH 1 BODY.PEEK[TEXT]").fetched()[1]["BODY[TEXT]"] == b"# Old\r\n"
    one.ok("NOOP")
    assert uids(one)[1] > old


def test_directories_are_mailboxes(served):
    client = served.connect(None)
    served.write("sub/one.md", "# One")
    served.write("sub/d\u00e9ep & dark/two.md", "# Two")
    served.write("iNBOX/no.md", "# Hidden behind INBOX")
    served.write(".git/no.md", "# No")
    assert listed(client) == ['"INBOX"', '"sub"', '"sub/d&AOk-ep &- dark"']
    client.ok('SELECT "sub/d&AOk-ep &- dark"')
    assert subjects(client) == {1: b"Two"}
    served.write("later/three.md", "# Three")
    # without a LIST in between
    client.ok("SELECT later")
    assert subjects(client) == {1: b"Three"}


def test_a_directory_that_goes_takes_its_mailboxes_with_it(served):
    note = served.write("sub/deep/one.md", "# One")
    one, two = served.connect("sub/deep"), served.connect()
    for path in sorted((served.directory / "sub").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    note.parent.parent.rmdir()
    assert listed(two) == ['"INBOX"']
    one.send("t NOOP\r\n")
    assert one.rest()[0].startswith(b"* BYE")
    with pytest.raises(Closed):
        one.line()


def test_deleting_a_message_moves_the_note_to_the_trash(served):
    kept, gone = served.write("a.md", "# A", 1_700_000_000), served.write("b.md", "# B", 1_700_000_001)
    client = served.connect()
    client.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    assert client.ok("EXPUNGE").untagged == [b"* 2 EXPUNGE"]
    assert kept.exists()
    assert not gone.exists()
    assert [path.read_text() for path in served.directory.glob(".trash/*/b.md")] == ["# B"]


def test_a_note_edited_meanwhile_is_not_deleted(served):
    path = served.write("a.md", "# A")
    client = served.connect()
    client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    path.write_text("# Edited just now")
    client.ok("CLOSE")
    assert path.read_text() == "# Edited just now"
    client.ok("SELECT INBOX")
    assert subjects(client) == {1: b"Edited just now"}


def test_uids_and_flags_last_over_a_restart(served):
    for number in range(3):
        served.write(f"{number}.md", f"# Note {number}", 1_700_000_000 + number)
    client = served.connect()
    client.ok("STORE 1 +FLAGS (\\Seen $Work)")
    client.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    before = uids(client)
    status = client.ok("STATUS INBOX (UIDVALIDITY UIDNEXT)").of("STATUS")
    served.stop()
    served.write("late.md", "# While nobody served")
    served.start()
    client = served.connect()
    assert uids(client) == before | {3: before[2] + 1}
    assert {"\\Seen", "$Work"} <= set(client.ok("FETCH 1 FLAGS").fetched()[1]["FLAGS"])
    after = client.ok("STATUS INBOX (UIDVALIDITY UIDNEXT)").of("STATUS")
    assert re.search(rb"UIDVALIDITY \d+", after[0])[0] == re.search(rb"UIDVALIDITY \d+", status[0])[0]


@pytest.mark.parametrize(
    "state",
    ["", "{", "[]", "null", '{"uidvalidity": 1, "uidnext": 2, "notes": {"a.md": [1]}}', '{"uidvalidity": "x"}', "\xff"],
)
def test_a_broken_state_file_costs_the_uids_and_nothing_else(served, state):
    served.write("a.md", "# A")
    client = served.connect()
    served.stop()
    (served.directory / ".notes.json").write_bytes(state.encode("latin-1"))
    served.start()
    client = served.connect()
    assert subjects(client) == {1: b"A"}
    assert json.loads((served.directory / ".notes.json").read_text())["notes"]["a.md"][0] == 1000


@pytest.mark.parametrize("command", ["CREATE new", "DELETE sub", "RENAME sub other", "COPY 1 sub"])
def test_what_would_write_notes_is_refused(served, command):
    served.write("a.md", "# A")
    served.write("sub/b.md", "# B")
    client = served.connect()
    result = client.command(command)
    assert (result.status, result.code) == ("NO", "NOPERM")
    assert listed(client) == ['"INBOX"', '"sub"']


def test_append_is_refused(served):
    assert served.connect().command("APPEND INBOX ", b"Subject: x\r\n\r\nx").code == "NOPERM"
    assert sorted(path.name for path in served.directory.glob("*")) == []


def test_what_is_no_note_is_left_out(served, notes):
    served.write("a.md", "# A")
    served.write("image.png", "x")
    served.write(".hidden.md", "# Hidden")
    served.write("large.txt", "x" * (notes.MAX_NOTE + 1))
    (served.directory / "dir.md").mkdir()
    (served.directory / "broken.md").symlink_to("nowhere")
    # a name that is no text, a time that is none, octets that are no UTF-8
    odd = served.directory / os.fsdecode(b"\xff\n.txt")
    odd.write_bytes(b"\xff\0 odd\r\r\n" + b"x" * 2000)
    os.utime(odd, (2**40, 2**40))
    client = served.connect()
    assert sorted(subjects(client).values()) == [b"=?utf-8?b?77+977+9?= odd", b"A"]
    text = client.ok("FETCH 2 BODY[]").fetched()[2]["BODY[]"]
    assert b"\0" not in text


def test_the_command_makes_a_password_and_serves(tmp_path):
    (tmp_path / "a.md").write_text("# A note")
    script = EXAMPLES / "notes.py"
    with Process(script, tmp_path, "--port", "0", "--user", "me", NOTES_PASSWORD="") as server:
        password = server.wait_for(r"log in as me with the password (\S+)")[1]
        with imaplib.IMAP4("127.0.0.1", server.port, 10) as session:
            session.login("me", password)
            assert session.select() == ("OK", [b"1"])
            session.send(b"i IDLE\r\n")
            assert session.readline().startswith(b"+")
            started = time.monotonic()
            (tmp_path / "b.md").write_text("# Another")
            assert session.readline() == b"* 2 EXISTS\r\n"
            # half a second, and what a loaded machine adds
            assert time.monotonic() - started < 5
            session.send(b"DONE\r\n")
            while not session.readline().startswith(b"i OK"):
                pass


def test_the_command_says_what_is_wrong(tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / "notes.py", tmp_path / "nothing"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{tmp_path / 'nothing'} is no directory\n"
