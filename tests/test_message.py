"""netimap.message: what a plugin subclasses (PERL-API.md, Message)."""

from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage

import pytest

from netimap import Mailbox, Message
from netimap.exceptions import Bad
from netimap.message import with_crlf
from netimap.view import View

RAW = (
    b"From: Ann <ann@example.org>\r\n"
    b"To: bob@example.org, carl@example.org\r\n"
    b"Subject: hello\r\n"
    b"Date: Fri, 2 Jan 2026 01:30:00 +0200\r\n"
    b"\r\n"
    b"body\r\n"
)
MIXED = (
    b"Subject: parts\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n'
    b"\r\n"
    b"--b\r\n\r\none\r\n"
    b"--b\r\nContent-Type: text/html\r\nX-Note: second\r\n\r\n<p>two</p>\r\n"
    b"--b--\r\n"
)


def in_mailbox(message=None):
    mailbox = Mailbox(name="box")
    return mailbox.add_message(Message(RAW) if message is None else message)


# --- octets ---


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (b"", b""),
        (b"a\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b"a\r\nb\nc", b"a\r\nb\r\nc"),
        # a bare CR is content
        (b"a\rb\r\n", b"a\rb\r\n"),
        (b"a\r\r\n\n", b"a\r\r\n\r\n"),
    ],
)
def test_line_ends_are_crlf(given, kept):
    # RFC 5322 2.3
    assert with_crlf(given) == kept
    assert Message(given).raw() == kept


def test_text_is_taken_as_utf_8():
    assert Message("Subject: é\n\n").raw() == "Subject: é\r\n\r\n".encode()


def test_without_octets_it_is_empty():
    assert Message().raw() == b""
    assert Message().size() == 0


def test_size_is_what_raw_has():
    assert Message(b"a\n").size() == 3


def test_new_octets_replace_what_was_made_of_the_old():
    message = Message(RAW)
    message.structure_text("envelope")
    assert message.mime()["subject"] == "hello"
    message.raw(b"Subject: other\r\n\r\n")
    assert b"other" in message.structure_text("envelope")
    assert message.mime()["subject"] == "other"


def test_mime_is_parsed_when_asked_for():
    message = Message(RAW)
    assert message.mime() is message.mime()
    assert message.mime().get_payload() == "body\r\n"


def test_mime_can_be_set_instead_of_octets():
    parsed = EmailMessage()
    parsed["Subject"] = "made"
    parsed.set_content("text\n")
    message = Message(RAW)
    message.mime(parsed)
    assert message.raw().startswith(b"Subject: made\r\n")
    assert b"\r\n\r\ntext\r\n" in message.raw()
    assert message.raw().count(b"\n") == message.raw().count(b"\r\n")


# --- structure ---


def test_header_and_sections():
    message = Message(MIXED)
    assert message.mime_header() == MIXED[: MIXED.index(b"--b")]
    assert message.mime_select([]) == MIXED
    assert message.mime_select([1]) == b"one"
    assert message.mime_select([2, "MIME"]) == b"Content-Type: text/html\r\nX-Note: second\r\n\r\n"
    assert message.mime_select(["header.fields"], extras=["subject"]) == b"Subject: parts\r\n\r\n"
    assert message.mime_select([2], 3, 3) == b"two"
    assert message.mime_select([2], 3) == b"two</p>"
    assert message.mime_select([2], 300, 3) == b""
    assert message.mime_select([3]) is None


def test_envelope_and_structure():
    message = Message(RAW)
    envelope = message.mime_envelope()
    assert envelope[1] == b"hello"
    assert message.address_envelope("to") == [
        ([None, None, b"bob", b"example.org"], [None, None, b"carl", b"example.org"]),
    ]
    assert message.address_envelope("cc") is None
    assert len(message.mime_bodystructure(True)) > len(message.mime_bodystructure(False))


def test_formatted_structures_are_made_once():
    class Counted(Message):
        made = 0

        def mime_envelope(self):
            self.made += 1
            return super().mime_envelope()

    message = Counted(RAW)
    assert message.structure_text("envelope") is message.structure_text("envelope")
    assert message.made == 1


# --- dates ---


def test_internaldate_as_text_and_as_datetime():
    message = Message(RAW)
    assert message.internaldate("17-Jul-1996 02:44:25 -0700") == "17-Jul-1996 02:44:25 -0700"
    assert message.internaldate_value() == datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC)
    when = datetime(2026, 1, 2, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    # RFC 3501 9, date-day-fixed: two characters
    assert message.internaldate(when) == " 2-Jan-2026 01:30:00 +0200"
    assert message.internaldate(datetime(2026, 1, 2)) == " 2-Jan-2026 00:00:00 +0000"
    assert message.internaldate() == " 2-Jan-2026 00:00:00 +0000"
    with pytest.raises(Bad):
        message.internaldate("yesterday")


def test_internaldate_is_now_and_stays():
    message = Message(RAW)
    first = message.internaldate()
    assert abs(datetime.now(UTC) - message.internaldate_value()) < timedelta(seconds=5)
    assert message.internaldate() == first


def test_an_overridden_internaldate_counts():
    class Mine(Message):
        def internaldate(self, *when):
            return "01-Feb-2026 23:00:00 -0200"

    assert Mine(RAW).internaldate_value() == datetime(2026, 2, 2, 1, tzinfo=UTC)
    assert Mine(RAW).epoch_day_utc() == (datetime(2026, 2, 2) - datetime(1970, 1, 1)).days


def test_an_override_may_call_what_it_overrides():
    class Mine(Message):
        def internaldate(self, *when):
            return super().internaldate(*when)

    message = Mine(RAW)
    message.internaldate("01-Feb-2026 23:00:00 +0000")
    assert message.internaldate_value() == datetime(2026, 2, 1, 23, tzinfo=UTC)


def test_days_are_utc_days():
    message = Message(RAW)
    message.internaldate("02-Jan-2026 01:30:00 +0200")
    assert message.epoch_day_utc() == (datetime(2026, 1, 1) - datetime(1970, 1, 1)).days
    assert message.date_day_utc() == message.epoch_day_utc()
    assert message.date() == datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
    assert Message(b"Subject: x\r\n\r\n").date() is None
    assert Message(b"Date: nonsense\r\n\r\n").date_day_utc() is None


# --- flags ---


def test_flags_are_case_insensitive():
    # RFC 3501 2.3.2
    message = in_mailbox()
    assert message.set_flag("\\seen") is True
    assert message.set_flag("\\SEEN") is False
    assert message.set_flag("Work") is True
    assert message.set_flag("work") is False
    assert message.flags() == ["Work", "\\Seen"]
    assert message.has_flag("WORK")
    assert message.has_flag("\\sEEN")
    assert message.clear_flag("WORK") is True
    assert message.clear_flag("work") is False
    assert not message.has_flag("Work")


def test_keywords_are_spelled_as_the_mailbox_has_them():
    mailbox = Mailbox(name="box")
    first, second = mailbox.add_message(Message(RAW)), mailbox.add_message(Message(RAW))
    first.set_flag("Work")
    second.set_flag("WORK")
    assert second.flags() == ["Work"]


def test_recent_is_no_flag_of_a_message():
    message = in_mailbox()
    assert message.set_flag("\\Recent") is False
    assert message.flags() == []


@pytest.mark.parametrize(
    ("what", "given", "left"),
    [
        ("+FLAGS", ["\\Draft"], ["Work", "\\Draft", "\\Seen"]),
        ("-flags.silent", ["\\Seen"], ["Work"]),
        ("FLAGS", ["\\Draft", "work"], ["Work", "\\Draft"]),
        ("FLAGS.SILENT", [], []),
    ],
)
def test_store(what, given, left):
    message = in_mailbox()
    message.load(["\\Seen", "Work"])
    message.store(what, given)
    assert message.flags() == left


def test_sessions_hear_of_flags_unless_silent():
    message = in_mailbox()
    view = View(message.mailbox())
    message.set_flag("\\Seen", silent=True)
    assert not view.has_changes()
    message.set_flag("\\Draft")
    assert view.has_changes()
    view.close()


def test_a_message_in_no_mailbox_has_flags_too():
    message = Message(RAW)
    assert message.set_flag("Work") is True
    assert message.flags() == ["Work"]
    assert message.sequence() is None
    assert message.session_flags() == []


# --- in its mailbox ---


def test_sequence_is_its_place():
    mailbox = Mailbox(name="box")
    first, second = mailbox.add_message(Message(RAW)), mailbox.add_message(Message(RAW))
    assert (first.sequence(), second.sequence()) == (1, 2)
    mailbox.expunge_uids([first.uid()])
    assert (first.sequence(), second.sequence()) == (None, 1)


def test_copy_takes_flags_and_date_along():
    # RFC 3501 6.4.7
    message, target = in_mailbox(), Mailbox(name="target")
    message.load(["\\Seen", "Work"], "17-Jul-1996 02:44:25 -0700")
    copy = message.copy(target)
    assert copy is not message
    assert (copy.raw(), copy.flags()) == (RAW, ["Work", "\\Seen"])
    assert copy.internaldate() == "17-Jul-1996 02:44:25 -0700"
    assert message.copy_allowed(target) is True


def test_fetch_gives_names_and_values():
    message = in_mailbox()
    message.load(["\\Seen"], "17-Jul-1996 02:44:25 -0700")
    assert message.fetch("FAST") == [
        b"FLAGS", b"(\\Seen)", b"INTERNALDATE", "17-Jul-1996 02:44:25 -0700", b"RFC822.SIZE", len(RAW),
    ]  # fmt: skip
    assert message.fetch(["UID", "BODY.PEEK[TEXT]<0.2>"]) == [b"UID", 1000, b"BODY[TEXT]<0>", b"bo"]
    assert message.fetch("RFC822.HEADER") == [b"RFC822.HEADER", message.mime_header()]
    with pytest.raises(Bad):
        message.fetch("BOGUS")


def test_fetch_of_a_body_sets_seen():
    # RFC 3501 6.4.5
    message = in_mailbox()
    message.fetch("BODY.PEEK[]")
    assert not message.has_flag("\\Seen")
    message.fetch("BODY[]")
    assert message.has_flag("\\Seen")


def test_fetch_of_a_read_only_mailbox_sets_nothing():
    class ReadOnly(Mailbox):
        def read_only(self):
            return True

    message = ReadOnly(name="box").add_message(Message(RAW))
    message.fetch("BODY[]")
    assert message.flags() == []


def test_a_class_says_whether_it_selects_sections_itself():
    class Mine(Message):
        def mime_select(self, sections, start=None, length=None, extras=()):
            return b"mine"

    class Child(Mine):
        pass

    assert (Message.selects_sections, Mine.selects_sections, Child.selects_sections) == (False, True, True)
    message = in_mailbox(Mine(RAW))
    assert message.fetch("BODY.PEEK[1.2.HEADER.FIELDS (To)]<5.6>")[1] == b"mine"


def test_prep_for_destroy_lets_go():
    message = in_mailbox()
    message.mime()
    message.prep_for_destroy()
    assert message.mailbox() is None
