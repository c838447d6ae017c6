"""Rules of RFC 3501 that a dialogue cannot state: they compare numbers, or leave the server a choice."""

import re

import pytest

from netimap import DefaultModel, Mailbox, Message
from netimap.testing import RunningServer

MESSAGE = b"Subject: x\r\n\r\nx\r\n"


def status(client, mailbox):
    """(UIDVALIDITY, UIDNEXT)."""
    (line,) = client.ok(f"STATUS {mailbox} (UIDVALIDITY UIDNEXT)").of("STATUS")
    numbers = dict(re.findall(rb"([A-Z]+) ([0-9]+)", line))
    return int(numbers[b"UIDVALIDITY"]), int(numbers[b"UIDNEXT"])


def uids(client, mailbox):
    """{(UIDVALIDITY, UID)} of all messages."""
    validity, _ = status(client, mailbox)
    client.ok(f"EXAMINE {mailbox}")
    rows = client.ok("FETCH 1:* UID").fetched().values()
    client.ok("UNSELECT")
    return {(validity, int(row["UID"])) for row in rows}


@pytest.mark.parametrize("made", ["Work", "Work/Child"], ids=["a mailbox", "a name that children kept"])
def test_what_is_made_again_uses_no_uid_again(connect, made):
    # RFC 3501 2.3.1.1, 6.3.3, 6.3.4: another UIDVALIDITY, or higher UIDs
    client = connect()
    client.ok(f"CREATE {made}")
    client.ok("APPEND Work ", MESSAGE)
    before = uids(client, "Work")
    client.ok("DELETE Work")
    client.ok("CREATE Work")
    client.ok("APPEND Work ", MESSAGE)
    assert before.isdisjoint(uids(client, "Work"))


def test_a_mailbox_renamed_to_a_deleted_ones_name_uses_none_of_its_uids(connect):
    # RFC 3501 6.3.5
    client = connect()
    for name in ("Old", "New"):
        client.ok(f"CREATE {name}")
        client.ok(f"APPEND {name} ", MESSAGE)
    before = uids(client, "Old")
    client.ok("DELETE Old")
    client.ok("RENAME New Old")
    assert before.isdisjoint(uids(client, "Old"))


def test_uidnext_is_larger_than_every_uid_and_never_falls(connect):
    client = connect()
    client.ok("SELECT INBOX")
    highest = 0
    for _ in range(3):
        client.ok("APPEND INBOX ", MESSAGE)
        client.ok("APPEND INBOX ", MESSAGE)
        (line,) = client.ok("UID SEARCH ALL").of("SEARCH")
        given = list(map(int, line.split()[2:]))
        assert given == sorted(set(given))
        assert given[-1] > highest
        validity, uidnext = status(client, "INBOX")
        assert uidnext > given[-1]
        client.ok("STORE * FLAGS.SILENT (\\Deleted)")
        client.ok("EXPUNGE")
        assert status(client, "INBOX") == (validity, uidnext)
        highest = given[-1]


def test_a_session_whose_mailbox_was_deleted_is_answered_or_sent_away(connect):
    client, other, idling = connect(), connect(), connect()
    client.ok("CREATE Work")
    client.ok("APPEND Work ", MESSAGE)
    for session in (other, idling):
        session.ok("SELECT Work")
    idling.idle()
    client.ok("DELETE Work")
    other.send("a FETCH 1 BODY[]\r\nb NOOP\r\nc LOGOUT\r\n")
    lines = other.rest()
    assert any(line.startswith((b"* BYE", b"c OK")) for line in lines)
    idling.send("DONE\r\nc LOGOUT\r\n")
    assert any(line.startswith(b"* BYE") for line in idling.rest())


def test_copy_is_all_or_nothing():
    # RFC 3501 6.4.7: no messages, or all of them; here the second one may not go
    class Half(Message):
        def copy_allowed(self, mailbox):
            return self.uid() % 2 == 0

    class Box(Mailbox):
        message_class = Half

    class Model(DefaultModel):
        def init(self):
            root = Box()
            inbox = root.add_child(name="INBOX", is_inbox=True)
            root.add_child(name="Work")
            for _ in range(3):
                inbox.append(MESSAGE)
            self.root(root)

    with RunningServer(model_class=Model) as server:
        client = server.connect("user")
        client.ok("SELECT INBOX")
        assert client.command("COPY 1:3 Work").status == "NO"
        assert client.ok("STATUS Work (MESSAGES)").untagged == [b'* STATUS "Work" (MESSAGES 0)']
        client.ok("COPY 1,3 Work")
        assert client.ok("STATUS Work (MESSAGES)").untagged == [b'* STATUS "Work" (MESSAGES 2)']


def test_messages_that_come_while_a_mailbox_is_opened_are_all_recent():
    # a plugin's poll, called by SELECT, finds a message; one was there before, and nobody has seen either
    class Box(Mailbox):
        polled = False

        def load_data(self):
            if self.is_inbox():
                self.add_message(Message(MESSAGE))

        def poll(self):
            if self.is_inbox() and not self.polled:
                self.polled = True
                self.add_message(Message(MESSAGE))

    class Model(DefaultModel):
        def init(self):
            root = Box()
            root.add_child(name="INBOX", is_inbox=True)
            self.root(root)

    with RunningServer(model_class=Model) as server:
        result = server.connect("user").ok("SELECT INBOX")
        assert result.of("EXISTS") == [b"* 2 EXISTS"]
        assert result.of("RECENT") == [b"* 2 RECENT"]


def test_the_date_of_a_message_without_one_is_now(connect):
    # RFC 3501 6.3.11
    client = connect()
    client.ok("APPEND INBOX ", MESSAGE)
    client.ok("SELECT INBOX")
    first = client.ok("FETCH 1 INTERNALDATE").fetched()[1]["INTERNALDATE"]
    assert client.ok("FETCH 1 INTERNALDATE").fetched()[1]["INTERNALDATE"] == first
    client.ok("CREATE Work")
    client.ok("COPY 1 Work")
    client.ok("SELECT Work")
    assert client.ok("FETCH 1 INTERNALDATE").fetched()[1]["INTERNALDATE"] == first


@pytest.mark.parametrize("octets", [b"\xff\xfe", b"Subject: \x80\r\n\r\n\x00"[:-1], b"\r\n", b"x", b"a: b\r\n" * 3000])
def test_any_message_comes_back_as_it_went_in(connect, octets):
    client = connect()
    client.ok("APPEND INBOX ", octets)
    client.ok("SELECT INBOX")
    row = client.ok("FETCH 1 (BODY[] RFC822.SIZE BODYSTRUCTURE ENVELOPE)").fetched()[1]
    assert row["BODY[]"] == octets
    assert row["RFC822.SIZE"] == str(len(octets))


def test_every_user_has_mailboxes_of_his_own(shared_server, user):
    with shared_server.connect(user) as one, shared_server.connect(f"{user}-2") as other:
        one.ok("CREATE Secret")
        one.ok("APPEND Secret ", MESSAGE)
        absent = other.command("SELECT Absent").answer
        assert other.command("SELECT Secret").answer == absent
        assert other.ok('LIST "" S*').untagged == []
