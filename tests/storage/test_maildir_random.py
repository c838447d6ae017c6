"""The store against a model of it, under random changes by sessions and by other programs, with restarts in between."""

import os
import shutil
import tempfile
import time
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from maildir_store import Store

from netimap.storage.maildir import file_name
from netimap.view import View

FLAGS = st.sets(st.sampled_from(["\\Seen", "\\Deleted", "\\Flagged", "$Forwarded", "kw", "Other"]), max_size=3)
NAMED = st.sets(st.sampled_from(["\\Seen", "\\Deleted", "\\Flagged"]), max_size=2)
BOX = st.sampled_from(["INBOX", "Work"])
PICK = st.integers(0, 10**6)
FOLDERS = {"INBOX": "", "Work": ".Work"}


class Client:
    """What one IMAP client knows: it only believes the untagged lines it gets."""

    def __init__(self, mailbox):
        self.view = View(mailbox)
        self.count = self.view.exists

    def listen(self):
        self.view.sync()
        for line in self.view.told_flags() + self.view.told_expunged() + self.view.told_exists():
            number, what = line.split()[1:3]
            if what == b"EXPUNGE":
                assert 1 <= int(number) <= self.count
                self.count -= 1
            elif what == b"EXISTS":
                assert int(number) > self.count
                self.count = int(number)
            else:
                assert what in (b"FETCH", b"RECENT")
                assert int(number) <= self.count


class MaildirMachine(RuleBasedStateMachine):
    """`known`: UID → [content, flags] of each mailbox; `unseen`: what others delivered and nobody has looked at."""

    def __init__(self):
        super().__init__()
        self.path = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.store = Store(self.path)
        self.numbers = count(1)
        self.known = {"INBOX": {}, "Work": {}}
        self.largest = {"INBOX": 0, "Work": 0}
        self.unseen = {"INBOX": [], "Work": []}
        self.clients = []
        self.open()
        self.model.root().create(name="Work")
        self.validity = {box: self.mailbox(box).uidvalidity() for box in FOLDERS}

    def open(self):
        self.model = self.store.login()
        self.stale = False

    def close(self):
        for client in self.clients:
            client.view.close()
        self.clients.clear()
        self.store.close()

    def teardown(self):
        self.close()
        shutil.rmtree(self.path)

    def mailbox(self, box):
        return self.model.lookup(box)

    def pick(self, box, number, most=3):
        uids = sorted(self.known[box])
        return sorted({uids[(number + step * step) % len(uids)] for step in range(most)}) if uids else []

    def content(self):
        return b"Subject: %d\r\n\r\ntext\r\n" % next(self.numbers)

    def new(self, box, uid, content, flags):
        assert uid > self.largest[box]
        self.largest[box] = uid
        self.known[box][uid] = [content, set(flags)]

    # --- sessions ---

    @rule(box=BOX, flags=FLAGS)
    def append(self, box, flags):
        self.look(box)
        content = self.content()
        self.new(box, self.mailbox(box).append_message(content, sorted(flags)).uid(), content, flags)

    @rule(box=BOX, number=PICK, flags=FLAGS, what=st.sampled_from(["FLAGS", "+FLAGS", "-FLAGS"]))
    def store_flags(self, box, number, flags, what):
        self.look(box)
        uids = self.pick(box, number)
        self.mailbox(box).store_flags(uids, what, sorted(flags))
        for uid in uids:
            have = self.known[box][uid][1]
            new = {"FLAGS": set(flags), "+FLAGS": have | flags, "-FLAGS": have - flags}[what]
            self.known[box][uid][1] = new

    @rule(box=BOX)
    def expunge(self, box):
        self.look(box)
        self.mailbox(box).expunge()
        self.known[box] = {uid: item for uid, item in self.known[box].items() if "\\Deleted" not in item[1]}

    @rule(box=BOX, number=PICK)
    def expunge_some(self, box, number):
        uids = self.pick(box, number)
        self.mailbox(box).expunge_uids(uids)
        for uid in uids:
            del self.known[box][uid]

    @rule(box=BOX, other=BOX, number=PICK)
    def copy(self, box, other, number):
        self.look(box)
        self.look(other)
        uids = self.pick(box, number)
        copies = self.mailbox(box).copy_messages(uids, self.mailbox(other))
        for uid, copied in zip(uids, copies, strict=True):
            self.new(other, copied, *self.known[box][uid])

    @rule(box=BOX)
    def select(self, box):
        if len(self.clients) < 4:
            self.clients.append(Client(self.mailbox(box)))

    @precondition(lambda self: self.clients)
    @rule(number=PICK)
    def listen(self, number):
        self.clients[number % len(self.clients)].listen()

    @precondition(lambda self: self.clients)
    @rule(number=PICK)
    def leave(self, number):
        self.clients.pop(number % len(self.clients)).view.close()

    @rule(aged=st.booleans())
    def restart(self, aged):
        self.close()
        if aged:
            for folder in FOLDERS.values():
                self.store.age(folder)
        self.open()

    # --- other programs ---

    def touched(self, box):
        """The directories' times move on, as on a clock without ticks."""
        for name in ("new", "cur"):
            now = time.time_ns()
            os.utime(os.path.join(self.store.maildir(FOLDERS[box]), name), ns=(now, now))

    @rule(box=BOX, into=st.sampled_from(["new", "cur"]), flags=NAMED)
    def deliver(self, box, into, flags):
        content = self.content()
        name = file_name.with_flags(b"", frozenset(flags)).decode()[3:] if into == "cur" else ""
        self.store.deliver(content.replace(b"\r\n", b"\n"), into, flags=name, folder=FOLDERS[box])
        self.unseen[box].append([content, set(flags) if into == "cur" else set()])
        self.touched(box)

    def file_of(self, box, number):
        """A message that is known and its file."""
        self.look(box)
        uids = self.pick(box, number, 1)
        if not uids:
            return None, None
        mailbox = self.mailbox(box)
        return uids[0], os.fsdecode(mailbox.account.index().read_body(mailbox.id, uids[0]))

    @rule(box=BOX, number=PICK, flags=NAMED)
    def flag_file(self, box, number, flags):
        uid, body = self.file_of(box, number)
        if uid is not None:
            name = file_name.with_flags(os.fsencode(body[4:]), frozenset(flags)).decode()
            self.store.rename(body, f"cur/{name}", FOLDERS[box])
            have = self.known[box][uid][1]
            self.known[box][uid][1] = (have - file_name.NAMED_FLAGS) | flags
            self.touched(box)

    @rule(box=BOX, number=PICK)
    def remove_file(self, box, number):
        uid, body = self.file_of(box, number)
        if uid is not None:
            os.unlink(os.path.join(self.store.maildir(FOLDERS[box]), body))
            del self.known[box][uid]
            self.touched(box)

    # --- comparing ---

    @rule(box=BOX)
    def look(self, box):
        mailbox = self.mailbox(box)
        mailbox.uid_column()
        mailbox.poll()
        arrived = [uid for uid in mailbox.uid_column() if uid > self.largest[box]]
        for uid in arrived:
            content = mailbox.message(uid).raw()
            (item,) = [item for item in self.unseen[box] if item[0] == content]
            self.unseen[box].remove(item)
            self.new(box, uid, *item)
        assert self.unseen[box] == []
        found = {m.uid(): [m.raw(), set(m.flags())] for m in mailbox.messages()}
        assert found == self.known[box]
        assert mailbox.uidvalidity() == self.validity[box]
        assert mailbox.uidnext() > self.largest[box]
        assert mailbox.unseen() == sum("\\Seen" not in flags for _, flags in self.known[box].values())

    @invariant()
    def clients_count_what_their_views_count(self):
        for client in self.clients:
            uids = list(client.view.uids())
            assert len(uids) == client.count
            assert uids == sorted(set(uids))


MaildirMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
TestMaildir = MaildirMachine.TestCase
