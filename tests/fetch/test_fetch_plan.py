"""netimap.fetch.plan: what a FETCH compiles to, and the lines it makes (RFC 3501 7.4.2)."""

from datetime import UTC, datetime

import pytest

from netimap import Mailbox, Message
from netimap.exceptions import Bad, No
from netimap.fetch import Plan
from netimap.fetch.plan import MAX_ITEMS
from netimap.flags import FLAG_FORMATS
from netimap.wire.reader import tokenize

RAW = b"Subject: hello\r\n\r\nbody\r\n"
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def plan(text, uid=False):
    (token,) = tokenize([text.encode()], sections=True)
    return Plan.compile(token, uid)


def format_flags(uids, flags):
    return [FLAG_FORMATS[each] for each in flags]


@pytest.fixture
def mailbox():
    mailbox = Mailbox(name="box", uidnext=10)
    for flags in ([], ["\\Seen", "Work"]):
        mailbox.add_message(Message(RAW).load(flags, WHEN))
    return mailbox


def sent(mailbox, text, uid=False):
    chunks = []
    unreadable = plan(text, uid).send(mailbox, [1, 2], [10, 11], format_flags, chunks.extend)
    assert unreadable == 0
    return b"".join(chunks)


@pytest.mark.parametrize(
    ("text", "uid", "spec"),
    [
        ("UID", False, ["UID"]),
        ("(uid flags)", False, ["UID", "FLAGS"]),
        ("fast", False, ["FLAGS", "INTERNALDATE", "RFC822.SIZE"]),
        ("ALL", False, ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"]),
        ("FULL", False, ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"]),
        # RFC 3501 6.4.8: UID is always there, and once (FIELD-NOTES 2.2)
        ("FLAGS", True, ["UID", "FLAGS"]),
        ("(FLAGS UID)", True, ["UID", "FLAGS"]),
        ("(FLAGS flags FLAGS)", False, ["FLAGS"]),
        # what a plugin's fetch() is given keeps what the label leaves out
        ("BODY.PEEK[TEXT]<5.10>", False, ["BODY.PEEK[TEXT]<5.10>"]),
        ("(BODY[1.2] RFC822)", False, ["BODY[1.2]", "RFC822"]),
    ],
)
def test_compiles(text, uid, spec):
    assert plan(text, uid).spec == spec


@pytest.mark.parametrize("spec", ["UID", "(UID)", ["UID"], ["uid", "UID"]])
def test_a_plugin_may_write_a_spec_in_many_ways(spec):
    assert Plan.compile(spec).spec == ["UID"]


def test_a_plugin_s_list_may_have_sections():
    spec = ["BODY.PEEK[HEADER.FIELDS (From To)]", "FLAGS"]
    assert Plan.compile(spec).spec == spec


@pytest.mark.parametrize(
    "text",
    ["()", "BOGUS", "(FLAGS BOGUS)", "(FLAGS ALL)", "(FAST)", '"FLAGS"', "((FLAGS))", "BODY.PEEK", "RFC822.PEEK", "*",
     "(FLAGS NIL)", "FLAGSé"],
)  # fmt: skip
def test_refuses_what_is_no_item(text):
    with pytest.raises(Bad):
        plan(text)


def test_items_are_limited():
    with pytest.raises(Bad, match="200"):
        plan("(" + " ".join(f"BODY[{number}]" for number in range(1, MAX_ITEMS + 2)) + ")")


def test_says_whether_reading_sets_seen():
    assert [plan(text).sets_seen for text in ("BODY[]", "(FLAGS RFC822)", "BODY.PEEK[]", "RFC822.HEADER", "FULL")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_lines_of_columns(mailbox):
    assert sent(mailbox, "(UID FLAGS INTERNALDATE RFC822.SIZE)") == (
        b'* 1 FETCH (UID 10 FLAGS () INTERNALDATE " 2-Jan-2026 03:04:05 +0000" RFC822.SIZE 24)\r\n'
        b'* 2 FETCH (UID 11 FLAGS (\\Seen Work) INTERNALDATE " 2-Jan-2026 03:04:05 +0000" RFC822.SIZE 24)\r\n'
    )


def test_lines_of_structures(mailbox):
    lines = sent(mailbox, "(ENVELOPE BODY BODYSTRUCTURE)")
    assert lines.count(b'ENVELOPE (NIL "hello" NIL NIL NIL NIL NIL NIL NIL NIL)') == 2
    assert lines.count(b'BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1)') == 2
    assert lines.count(b"BODYSTRUCTURE (") == 2


def test_lines_of_sections(mailbox):
    assert sent(mailbox, "(BODY.PEEK[TEXT] UID BODY.PEEK[9] BODY[TEXT]<0.2>)", uid=True) == (
        b"* 1 FETCH (UID 10 BODY[TEXT] {6}\r\nbody\r\n BODY[9] NIL BODY[TEXT]<0> {2}\r\nbo)\r\n"
        b"* 2 FETCH (UID 11 BODY[TEXT] {6}\r\nbody\r\n BODY[9] NIL BODY[TEXT]<0> {2}\r\nbo)\r\n"
    )


def test_sections_alone(mailbox):
    assert sent(mailbox, "BODY[1]").startswith(b"* 1 FETCH (BODY[1] {6}\r\nbody\r\n)\r\n* 2 FETCH (")


def test_an_empty_section_is_no_missing_one(mailbox):
    assert b"BODY[]<99> {0}\r\n)" in sent(mailbox, "BODY[]<99.5>")


def test_nul_never_reaches_a_client():
    # RFC 3501 9: CHAR8 leaves it out
    mailbox = Mailbox(name="box", uidnext=10)
    for _ in range(2):
        mailbox.add_message(Message(b"Subject: a\0b\r\n\r\nc\0\0d"))
    lines = sent(mailbox, "(BODY[] RFC822.SIZE)")
    assert b"\0" not in lines
    assert b"{20}\r\nSubject: a\x80b\r\n\r\nc\x80\x80d" in lines


def test_a_message_that_cannot_be_read_does_not_stop_the_others(mailbox):
    class Lost(Message):
        def raw(self, *raw):
            raise No("gone")

    lost = Lost()
    mailbox.add_message(lost)
    chunks = []
    assert plan("BODY[]").send(mailbox, [1, 2, 3], [10, 12, 11], format_flags, chunks.extend) == 1
    assert b"".join(chunks).count(b"FETCH") == 2


def test_reads_each_message_once_however_many_sections(mailbox):
    class Counted(Message):
        reads = 0

        def raw(self, *raw):
            self.reads += 1
            return super().raw(*raw)

    message = mailbox.add_message(Counted(RAW))
    message.reads = 0
    plan("(BODY[] BODY[1] BODY[TEXT] BODY[HEADER])").send(mailbox, [3], [12], format_flags, lambda chunks: None)
    assert message.reads == 1
