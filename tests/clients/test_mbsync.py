"""mbsync (Debian: isync): keeps a Maildir on this side and the account on the server the same, in both directions."""

import re
import subprocess

import pytest
from imapclient import IMAPClient
from mail_samples import SAMPLES, differing, name_of, simple
from operated import HOST, PATIENCE_S, OperatedServer, program

_CONFIGURATION = """\
IMAPAccount netimap
Host localhost
Port {port}
User {user}
Pass {password}
SSLType IMAPS
CertificateFile {cert}

IMAPStore far
Account netimap

MaildirStore near
Path {path}/
Inbox {path}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
CopyArrivalDate yes
SyncState *
"""
#: Maildir letters of flags, in the order in which they stand in a file name
_LETTERS = {b"\\Draft": "D", b"\\Flagged": "F", b"\\Answered": "R", b"\\Seen": "S", b"\\Deleted": "T"}
#: mbsync finds its messages again by a line that it adds to their headers
_TUID = re.compile(rb"^X-TUID: \S{12}\r\n", re.MULTILINE)


class Sync:
    """Both sides, and mbsync between them. A side's mail is {mailbox: {name of the message: (flags, octets)}}."""

    def __init__(self, account, path):
        self._mbsync = program("mbsync", "isync")
        self._account = account
        self._configuration = path / "mbsyncrc"
        self.path = path / "mail"
        self.path.mkdir()
        self.connect()

    def connect(self):
        """Log in, and tell mbsync how to; again after a restart of the server, which changes the ports."""
        account, server = self._account, self._account.server
        self._configuration.write_text(
            _CONFIGURATION.format(
                port=server.ssl_port,
                user=account.name,
                password=account.password,
                cert=server.cert,
                path=self.path,
            )
        )
        self.client = IMAPClient(HOST, server.ssl_port, ssl_context=server.context(), timeout=PATIENCE_S)
        self.client.login(account.name, account.password)

    def run(self):
        """Sync. A failure shows the end of the dialogue with the server."""
        done = subprocess.run(
            [self._mbsync, "-DN", "-c", self._configuration, "-a"], capture_output=True, timeout=50, check=False
        )
        assert done.returncode == 0, (done.stdout[-3000:] + done.stderr).decode(errors="replace")

    def near(self):
        """The mail on this side."""
        mail = {}
        for directory in self.path.glob("**/cur"):
            messages = mail[str(directory.parent.relative_to(self.path))] = {}
            for file in (*directory.iterdir(), *(directory.parent / "new").iterdir()):
                octets = file.read_bytes().replace(b"\n", b"\r\n")
                messages[name_of(octets)] = (file.name.partition(":2,")[2], _TUID.sub(b"", octets))
        return mail

    def add_near(self, mailbox, message, letters=""):
        """Put a message into a mailbox on this side, which is made when it is missing."""
        for directory in ("tmp", "new", "cur"):
            (self.path / mailbox / directory).mkdir(parents=True, exist_ok=True)
        where = f"cur/{name_of(message)}.host:2,{letters}" if letters else f"new/{name_of(message)}.host"
        (self.path / mailbox / where).write_bytes(message.replace(b"\r\n", b"\n"))

    def rename_near(self, name, letters):
        """Give a message of INBOX on this side other flags."""
        file = self.near_file("INBOX", name)
        file.rename(file.parent.parent / "cur" / f"{file.name.partition(':2,')[0]}:2,{letters}")

    def near_file(self, mailbox, name):
        """The file of a message on this side."""
        for file in self.path.glob(f"{mailbox}/[cn][ue][rw]/*"):
            if name_of(file.read_bytes()) == name:
                return file
        raise AssertionError(f"{name} is not in {mailbox}")

    def add_far(self, mailbox, message, letters=""):
        """Append a message to a mailbox on the server, which is made when it is missing."""
        if not self.client.folder_exists(mailbox):
            self.client.create_folder(mailbox)
        self.client.append(mailbox, message, [flag for flag, letter in _LETTERS.items() if letter in letters])

    def uid(self, name):
        """The UID of a message in the selected mailbox on the server."""
        return self.client.search(["HEADER", "Message-ID", f"<{name}@"])

    def far(self):
        """The mail on the server."""
        mail = {}
        for flags, _, mailbox in self.client.list_folders():
            if b"\\Noselect" in flags:
                continue
            self.client.select_folder(mailbox, readonly=True)
            messages = mail[mailbox] = {}
            uids = self.client.search()
            for items in self.client.fetch(uids, ["FLAGS", "BODY.PEEK[]"]).values():
                letters = "".join(letter for flag, letter in _LETTERS.items() if flag in items[b"FLAGS"])
                messages[name_of(items[b"BODY[]"])] = (letters, _TUID.sub(b"", items[b"BODY[]"]))
            self.client.unselect_folder()
        return mail

    def state(self):
        """What changes whenever a message is made, renamed or fetched anew, on either side."""
        files = {file: file.stat().st_mtime_ns for file in self.path.glob("**/[cn][ue][rw]/*")}
        names = [name for _, _, name in self.client.list_folders()]
        asked = ["MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN"]
        return files, {name: self.client.folder_status(name, asked) for name in names}


@pytest.fixture
def sync(account, tmp_path):
    sync = Sync(account, tmp_path)
    with sync.client:
        yield sync


def flags_of(messages):
    return {name: letters for name, (letters, _) in messages.items()}


def octets_of(messages):
    return [octets for _, octets in messages.values()]


def test_mail_comes_from_the_server(sync):
    flags = dict(zip(SAMPLES, ["", "S", "F", "RS", "D"] * 3, strict=True))
    for name, message in SAMPLES.items():
        sync.add_far("INBOX", message, flags[name])
    sync.add_far("Entwürfe", simple("draft"), "D")
    sync.add_far("Archive/2025", simple("old"), "S")
    sync.run()
    near = sync.near()
    assert differing(SAMPLES, octets_of(near["INBOX"])) == []
    assert flags_of(near["INBOX"]) == flags
    # mbsync keeps a mailbox under the name that it has on the wire (RFC 3501 5.1.3)
    assert near["Entw&APw-rfe"] == {"draft": ("D", simple("draft"))}
    assert near["Archive/2025"] == {"old": ("S", simple("old"))}
    before = sync.state()
    sync.run()
    assert sync.state() == before


def test_mail_goes_to_the_server(sync):
    flags = dict(zip(SAMPLES, ["", "S", "F", "RS", "D"] * 3, strict=True))
    for name, message in SAMPLES.items():
        sync.add_near("INBOX", message, flags[name])
    sync.add_near("Entw&APw-rfe", simple("draft"), "D")
    sync.add_near("Lists/python/2026", simple("list"))
    sync.run()
    far = sync.far()
    assert differing(SAMPLES, octets_of(far["INBOX"])) == []
    assert flags_of(far["INBOX"]) == flags
    assert far["Entwürfe"] == {"draft": ("D", simple("draft"))}
    assert far["Lists/python/2026"] == {"list": ("", simple("list"))}
    before = sync.state()
    sync.run()
    assert sync.state() == before


def test_changes_of_both_sides_come_together(sync):
    everything = ["keep", "seen-near", "seen-far", "gone-near", "gone-far", "both", "moved"]
    for name in everything:
        sync.add_far("INBOX", simple(name), "S" if name == "moved" else "")
    sync.add_far("Archive", simple("archived"))
    sync.run()

    sync.rename_near("seen-near", "S")
    sync.rename_near("both", "F")
    sync.near_file("INBOX", "gone-near").unlink()
    sync.add_near("INBOX", simple("new-near"), "S")
    sync.add_near("Made near", simple("in-new-mailbox-near"))
    sync.client.select_folder("INBOX")
    sync.client.add_flags(sync.uid("seen-far"), [b"\\Seen"])
    sync.client.add_flags(sync.uid("both"), [b"\\Answered"])
    sync.client.delete_messages(sync.uid("gone-far"))
    sync.client.copy(sync.uid("moved"), "Archive")
    sync.client.delete_messages(sync.uid("moved"))
    sync.client.expunge()
    sync.client.unselect_folder()
    sync.add_far("INBOX", simple("new-far"), "R")
    sync.add_far("Made far", simple("in-new-mailbox-far"))
    sync.run()

    expected = {
        "INBOX": {"keep": "", "seen-near": "S", "seen-far": "S", "both": "FR", "new-near": "S", "new-far": "R"},
        "Archive": {"archived": "", "moved": "S"},
        "Made near": {"in-new-mailbox-near": ""},
        "Made far": {"in-new-mailbox-far": ""},
    }
    for mail in (sync.near(), sync.far()):
        assert {mailbox: flags_of(mail[mailbox]) for mailbox in expected} == expected
        for mailbox, names in expected.items():
            assert differing({name: simple(name) for name in names}, octets_of(mail[mailbox])) == []
    before = sync.state()
    sync.run()
    assert sync.state() == before


def test_a_restart_of_the_server_makes_nothing_new(tmp_path):
    server = OperatedServer(tmp_path / "data", "maildir")
    server.start()
    try:
        sync = Sync(server.add_user(), tmp_path)
        with sync.client:
            for message in SAMPLES.values():
                sync.add_far("INBOX", message, "S")
            sync.add_far("Entwürfe", simple("draft"), "D")
            sync.run()
            far, before = sync.far(), sync.state()
        assert server.stop() == 0
        server.start()
        sync.connect()
        with sync.client:
            sync.run()
            assert sync.state() == before
            is_same_mail = sync.far() == far
            assert is_same_mail
    finally:
        server.stop()


def test_delivered_mail_reaches_the_other_side(maildir_account, tmp_path):
    sync = Sync(maildir_account, tmp_path)
    with sync.client:
        for number, (name, message) in enumerate(SAMPLES.items()):
            maildir_account.deliver(message, f"{1_700_000_000}.P{number}.{name}")
        sync.run()
        assert differing(SAMPLES, octets_of(sync.near()["INBOX"])) == []
        # the store has named the files anew at most: what an MTA delivered is on disk as it was
        files = [*(maildir_account.maildir / "new").iterdir(), *(maildir_account.maildir / "cur").iterdir()]
        kept = [file.read_bytes().replace(b"\n", b"\r\n") for file in files]
        assert differing(SAMPLES, kept) == []
