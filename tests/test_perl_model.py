"""Overriding Message, Mailbox and DefaultModel as PERL-API.md says: the server heeds what the plugin's methods say."""

from email.message import EmailMessage

import pytest
from serving import new_user, no_errors, serve  # noqa: F401

from netimap import Bad, DefaultModel, Mailbox, Message, No, Raw

RAW = b"Subject: hello\r\n\r\nbody\r\n"


class OneBox(DefaultModel):
    """A model with one mailbox of the given class; `messages` are put into it anew for each test."""

    mailbox_class = Mailbox
    message_classes = ()

    def init(self):
        self.root(self.mailbox_class(is_selectable=False))
        inbox = self.root().add_child(name="INBOX")
        for cls in self.message_classes:
            inbox.add_message(cls(RAW))


@pytest.fixture
def plug(serve):  # noqa: F811
    """A client, logged in, of a server with a mailbox or a message class: `plug(message=Mine)`."""

    def start(mailbox=Mailbox, message=None, model=OneBox, select=True, **options):
        cls = type("Model", (model,), {"mailbox_class": mailbox, "message_classes": (message,) if message else ()})
        client = serve(model_class=cls, **options).connect(new_user())
        if select:
            client.ok("SELECT INBOX")
        return client

    return start


# --- Message ---


def test_message_flags(plug):
    class Mine(Message):
        def flags(self):
            return ["\\Flagged", "Mine"]

    client = plug(message=Mine)
    assert client.ok("FETCH 1 FLAGS").fetched()[1]["FLAGS"] == ["\\Flagged", "\\Recent", "Mine"]
    assert client.ok("SEARCH FLAGGED KEYWORD Mine").of("SEARCH") == [b"* SEARCH 1"]
    assert client.ok("STATUS INBOX (UNSEEN)").of("STATUS") == [b'* STATUS "INBOX" (UNSEEN 1)']


def test_message_session_flags_names_recent_for_the_first_session(plug):
    asked = []

    class Mine(Message):
        def fetch(self, spec):
            asked.append(self.session_flags())
            return super().fetch(spec)

    client = plug(message=Mine)
    client.ok("FETCH 1 FLAGS")
    client.ok("SELECT INBOX")
    client.ok("FETCH 1 FLAGS")
    assert asked == [["\\Recent"], []]


def test_message_fetch(plug):
    class Mine(Message):
        def fetch(self, spec):
            assert spec in (["UID", "BODY.PEEK[TEXT]<0.3>"], ["UID", "FLAGS"])
            return [Raw("X-MINE"), "words", Raw("UID"), self.uid()]

    client = plug(message=Mine)
    assert client.ok("FETCH 1 (UID BODY.PEEK[TEXT]<0.3>)").of("FETCH") == [b'* 1 FETCH (X-MINE "words" UID 1000)']
    assert client.ok("UID FETCH 1:* FLAGS").of("FETCH") == [b'* 1 FETCH (X-MINE "words" UID 1000)']


def test_message_raw(plug):
    class Mine(Message):
        def raw(self, *raw):
            return b"Subject: made on demand\r\n\r\nnew\r\n"

    client = plug(message=Mine)
    row = client.ok("FETCH 1 (RFC822.SIZE BODY.PEEK[] BODY.PEEK[1] ENVELOPE)").fetched()[1]
    assert row["BODY[]"] == b"Subject: made on demand\r\n\r\nnew\r\n"
    assert row["BODY[1]"] == b"new\r\n"
    assert row["RFC822.SIZE"] == "32"
    assert row["ENVELOPE"][1] == b"made on demand"
    assert client.ok("SEARCH SUBJECT demand BODY new").of("SEARCH") == [b"* SEARCH 1"]


def test_message_mime(plug):
    class Mine(Message):
        def __init__(self, raw):
            super().__init__()

        def mime(self, *parsed):
            message = EmailMessage()
            message["Subject"] = "from mime"
            message.set_content("text\n")
            return message

    client = plug(message=Mine)
    row = client.ok("FETCH 1 (BODY.PEEK[HEADER.FIELDS (Subject)] BODY.PEEK[TEXT])").fetched()[1]
    assert row["BODY[HEADER.FIELDS (SUBJECT)]"] == b"Subject: from mime\r\n\r\n"
    assert row["BODY[TEXT]"] == b"text\r\n"


def test_message_internaldate(plug):
    class Mine(Message):
        def internaldate(self, *when):
            return "02-Feb-2002 02:02:02 +0200"

    client = plug(message=Mine)
    assert client.ok("FETCH 1 INTERNALDATE").fetched()[1]["INTERNALDATE"] == b" 2-Feb-2002 02:02:02 +0200"
    assert client.ok("SEARCH ON 2-Feb-2002").of("SEARCH") == [b"* SEARCH 1"]


def test_message_mime_parts(plug):
    class Mine(Message):
        def mime_select(self, sections, start=None, length=None, extras=()):
            return f"{sections} {start} {length} {list(extras)}".encode()

        def mime_envelope(self):
            return [None, "my subject", *[None] * 8]

        def mime_bodystructure(self, long=True):
            return ["text", "mine", None, None, None, "7bit", 1, 1]

        def size(self):
            return 77

    client = plug(message=Mine)
    row = client.ok("FETCH 1 (ENVELOPE BODY RFC822.SIZE BODY.PEEK[1.2.HEADER.FIELDS (To)]<3.4> BODY.PEEK[])").fetched()[
        1
    ]
    assert row["ENVELOPE"][1] == b"my subject"
    assert row["BODY"][1] == b"mine"
    assert row["RFC822.SIZE"] == "77"
    assert row["BODY[1.2.HEADER.FIELDS (TO)]<3>"] == b"[1, 2, 'HEADER.FIELDS'] 3 4 ['to']"
    assert row["BODY[]"] == b"[] None None []"


def test_message_store_and_flag_setters(plug):
    calls = []

    class Mine(Message):
        def store(self, what, flags):
            calls.append(("store", what, list(flags)))
            super().store(what, flags)

        def set_flag(self, flag, silent=False):
            calls.append(("set", flag))
            return super().set_flag(flag, silent)

        def clear_flag(self, flag, silent=False):
            calls.append(("clear", flag))
            return super().clear_flag(flag, silent)

    client = plug(message=Mine)
    client.ok("STORE 1 +FLAGS (\\Seen)")
    client.ok("STORE 1 FLAGS (\\Draft)")
    client.ok("FETCH 1 BODY[]")
    assert calls == [
        ("store", "+FLAGS", ["\\Seen"]), ("set", "\\Seen"),
        ("store", "FLAGS", ["\\Draft"]), ("clear", "\\Seen"), ("set", "\\Draft"),
        ("store", "+FLAGS", ["\\Seen"]), ("set", "\\Seen"),
    ]  # fmt: skip


def test_message_copy_and_expunge(plug):
    calls = []

    class Mine(Message):
        def copy_allowed(self, mailbox):
            calls.append(("allowed", mailbox.name()))
            return len(calls) > 1

        def copy(self, mailbox):
            calls.append(("copy", mailbox.name()))
            return super().copy(mailbox)

        def expunge(self):
            calls.append(("expunge", self.uid()))
            super().expunge()

    client = plug(message=Mine)
    client.ok("CREATE target")
    assert client.command("COPY 1 target").answer == "NO [NOPERM] Permission denied"
    client.ok("COPY 1 target")
    client.ok("STORE 1 +FLAGS (\\Deleted)")
    client.ok("EXPUNGE")
    assert calls == [("allowed", "target"), ("allowed", "target"), ("copy", "target"), ("expunge", 1000)]


# --- Mailbox ---


def test_mailbox_append(plug):
    class Mine(Mailbox):
        def append(self, content):
            if b"refuse" in content:
                return False
            message = Message(b"X-Seen: yes\r\n" + content)
            return self.add_message(message)

    client = plug(mailbox=Mine)
    client.ok('APPEND INBOX (\\Seen) "17-Jul-1996 02:44:25 -0700" ', RAW)
    row = client.ok("FETCH 1 (FLAGS INTERNALDATE BODY.PEEK[])").fetched()[1]
    assert row["BODY[]"] == b"X-Seen: yes\r\n" + RAW
    assert row["INTERNALDATE"] == b"17-Jul-1996 02:44:25 -0700"
    assert "\\Seen" in row["FLAGS"]
    assert client.command("APPEND INBOX ", b"refuse me").answer == "NO [NOPERM] Permission denied"


def test_mailbox_append_may_return_what_it_likes(plug):
    class Mine(Mailbox):
        def append(self, content):
            return True

    assert plug(mailbox=Mine).ok("APPEND INBOX (\\Seen) ", RAW).untagged == []


def test_mailbox_poll(plug):
    class Mine(Mailbox):
        def poll(self):
            if self.name() == "INBOX":
                self.add_message(Message(RAW))

    client = plug(mailbox=Mine)
    before = int(client.ok("NOOP").of("EXISTS")[0].split()[1])
    assert client.ok("NOOP").of("EXISTS") == [b"* %d EXISTS" % (before + 1)]


def test_mailbox_load_data_and_select_and_close(plug):
    calls = []

    class Mine(Mailbox):
        def load_data(self):
            calls.append("load")

        def select(self):
            calls.append(("select", self.selected()))

        def close(self):
            calls.append("close")

    client = plug(mailbox=Mine)
    client.ok("CLOSE")
    assert calls == ["load", "load", ("select", True), "close"]


def test_mailbox_read_only(plug):
    class Mine(Mailbox):
        def read_only(self):
            return True

    client = plug(mailbox=Mine, message=Message, select=False)
    result = client.ok("SELECT INBOX")
    assert result.code == "READ-ONLY"
    assert any(b"PERMANENTFLAGS ()" in line for line in result.untagged)
    for command in ("STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "COPY 1 INBOX"):
        assert client.command(command).answer == "NO [NOPERM] Mailbox is read-only"
    assert client.command("APPEND INBOX ", RAW).answer == "NO [NOPERM] Mailbox is read-only"
    assert client.ok("FETCH 1 BODY[]").untagged
    assert "\\Seen" not in client.ok("FETCH 1 FLAGS").fetched()[1]["FLAGS"]


def test_mailbox_can_set_flag(plug):
    class Mine(Mailbox):
        def can_set_flag(self, flag):
            return flag == "\\Seen"

    client = plug(mailbox=Mine, message=Message, select=False)
    result = client.ok("SELECT INBOX")
    assert any(b"[PERMANENTFLAGS (\\Seen \\*)]" in line for line in result.untagged)
    client.ok("STORE 1 +FLAGS (\\Seen)")
    assert client.command("STORE 1 +FLAGS (\\Draft)").answer == "NO [CANNOT] The flag \\Draft cannot be changed here"
    client.ok("APPEND INBOX (\\Seen \\Draft) ", RAW)
    assert client.ok("FETCH 2 FLAGS").fetched()[2]["FLAGS"] == ["\\Recent", "\\Seen"]


def test_mailbox_flags_and_permanentflags(plug):
    class Mine(Mailbox):
        def flags(self):
            return ["\\Seen", "Mine"]

        def permanentflags(self):
            return ["Mine"]

    lines = plug(mailbox=Mine, select=False).ok("SELECT INBOX").untagged
    assert b"* FLAGS (\\Seen Mine)" in lines
    assert any(b"[PERMANENTFLAGS (Mine)]" in line for line in lines)


def test_mailbox_status(plug):
    class Mine(Mailbox):
        def status(self, *items):
            if "SIZE" in items:
                return {"SIZE": 5}
            return super().status(*items)

    client = plug(mailbox=Mine)
    assert client.ok("STATUS INBOX (SIZE)").of("STATUS") == [b'* STATUS "INBOX" (SIZE 5)']
    assert client.ok("STATUS INBOX (MESSAGES)").of("STATUS") == [b'* STATUS "INBOX" (MESSAGES 0)']


def test_mailbox_expunge(plug):
    calls = []

    class Mine(Mailbox):
        def expunge(self, sequences=None):
            calls.append(sequences)

    client = plug(mailbox=Mine, message=Message)
    client.ok("STORE 1 +FLAGS (\\Deleted)")
    assert client.ok("EXPUNGE").of("EXPUNGE") == []
    client.ok("CLOSE")
    assert calls == [None, None]


@pytest.mark.parametrize("method", ["create", "reparent", "delete"])
def test_mailbox_refusals_are_answered_no(plug, method):
    class Mine(Mailbox):
        def no(self, *arguments, **fields):
            return False

    allowed = plug(select=False)
    refused = plug(mailbox=type("Mine", (Mine,), {method: Mine.no}), select=False)
    commands = {"create": ["CREATE b"], "reparent": ["CREATE a", "RENAME a b"], "delete": ["CREATE a", "DELETE a"]}[
        method
    ]
    for command in commands:
        allowed.ok(command)
    for command in commands[:-1]:
        refused.ok(command)
    assert refused.command(commands[-1]).answer == "NO [NOPERM] Permission denied"


def test_mailbox_separator_and_update_tree(plug):
    class Mine(Mailbox):
        def separator(self):
            return "."

        def update_tree(self):
            self.add_child(name="found")

    client = plug(mailbox=Mine, select=False)
    assert client.ok('LIST "" ""').of("LIST") == [b'* LIST (\\Noselect) "." ""']
    assert b'* LIST (\\HasNoChildren) "." "found"' in client.ok('LIST "" *').untagged
    client.ok("CREATE a.b")
    assert b'* LIST (\\HasNoChildren) "." "a.b"' in client.ok('LIST "" a.%').untagged


def test_mailbox_name_and_add_child(plug):
    class Mine(Mailbox):
        def add_child(self, mailbox=None, **fields):
            return super().add_child(mailbox, **fields | {"name": fields["name"].lower()})

    client = plug(mailbox=Mine, select=False)
    client.ok("CREATE LOUD")
    assert b'* LIST (\\HasNoChildren) "/" "loud"' in client.ok('LIST "" *').untagged


# --- DefaultModel ---


def test_model_lookup_and_split(plug):
    class Model(OneBox):
        def lookup(self, path):
            if path == "trash":
                raise No("Not today", "UNAVAILABLE")
            return super().lookup(path)

        def split(self, path):
            return super().split(path.replace(":", "/"))

    client = plug(model=Model)
    assert client.command("SELECT trash").answer == "NO [UNAVAILABLE] Not today"
    client.ok("CREATE a:b")
    client.ok("SELECT a/b")


def test_model_namespaces_and_close(plug):
    closed = []

    class Model(OneBox):
        def namespaces(self):
            return [["", "/"]], [["~", "/"]], None

        def close(self):
            closed.append(self.auth().user())

    client = plug(model=Model)
    assert client.ok("NAMESPACE").of("NAMESPACE") == [b'* NAMESPACE (("" "/")) (("~" "/")) NIL']
    client.command("LOGOUT")
    assert len(closed) == 1


# --- errors ---


@pytest.mark.parametrize(
    ("error", "answer"),
    [(Exception("NO my text\n"), "NO my text"), (No("x\n"), "NO x"), (Bad("y", "CLIENTBUG"), "BAD [CLIENTBUG] y")],
)
def test_errors_of_the_model_are_relayed(plug, error, answer):
    class Mine(Mailbox):
        def append(self, content):
            raise error

    assert plug(mailbox=Mine).command("APPEND INBOX ", RAW).answer == answer


def test_other_errors_of_the_model_are_not(plug, no_errors):  # noqa: F811
    class Mine(Mailbox):
        def append(self, content):
            raise OSError("/secret/path is full")

    assert plug(mailbox=Mine).command("APPEND INBOX ", RAW).answer == "NO Server error"
    assert "/secret/path is full" in no_errors.take()[0]
