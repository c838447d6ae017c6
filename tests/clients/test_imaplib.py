"""imaplib of the standard library, over TLS from the start and with STARTTLS."""

import contextlib
import imaplib
import re
import time

import pytest
from mail_samples import SAMPLES, differing, name_of, simple
from operated import HOST, PATIENCE_S


@pytest.fixture
def connect(account):
    """`connect()`: a new session of the user, logged in, over TLS."""
    with contextlib.ExitStack() as sessions:

        def connect():
            server = account.server
            session = imaplib.IMAP4_SSL(HOST, server.ssl_port, ssl_context=server.context(), timeout=PATIENCE_S)
            sessions.enter_context(session)
            ok(session.login(account.name, account.password))
            return session

        yield connect


def ok(response):
    """The data of a response that has to be OK."""
    status, data = response
    assert status == "OK", data
    return data


def append(session, message, flags="", mailbox="INBOX", date=None):
    return ok(session.append(mailbox, flags, date, message))


def bodies(session):
    """The octets of all messages of the selected mailbox, in order."""
    return [item[1] for item in ok(session.fetch("1:*", "(BODY.PEEK[])")) if isinstance(item, tuple)]


def flags_of(session, number):
    (line,) = ok(session.fetch(number, "(FLAGS)"))
    return set(imaplib.ParseFlags(line)) - {rb"\Recent"}


def test_login_is_refused_without_tls_and_works_after_starttls(account):
    with imaplib.IMAP4(HOST, account.server.port, timeout=PATIENCE_S) as session:
        # RFC 3501 6.2.3, 7.2.1
        assert "LOGINDISABLED" in session.capabilities
        with pytest.raises(imaplib.IMAP4.error):
            session.login(account.name, account.password)
        ok(session.starttls(account.server.context()))
        assert "LOGINDISABLED" not in session.capabilities
        ok(session.login(account.name, account.password))
        assert ok(session.select()) == [b"0"]


def test_a_wrong_password_is_refused(account):
    server = account.server
    with imaplib.IMAP4_SSL(HOST, server.ssl_port, ssl_context=server.context(), timeout=PATIENCE_S) as session:
        with pytest.raises(imaplib.IMAP4.error, match="Invalid login"):
            session.login(account.name, "wrong")
        ok(session.login(account.name, account.password))


def test_authenticate_plain(account):
    server = account.server
    with imaplib.IMAP4_SSL(HOST, server.ssl_port, ssl_context=server.context(), timeout=PATIENCE_S) as session:
        ok(session.authenticate("PLAIN", lambda challenge: f"\0{account.name}\0{account.password}".encode()))
        assert session.state == "AUTH"


def test_every_message_comes_back_as_it_was_appended(connect):
    session = connect()
    for message in SAMPLES.values():
        append(session, message)
    ok(session.select())
    found = bodies(session)
    assert differing(SAMPLES, found) == []
    # numbers follow the order of APPEND (RFC 3501 2.3.1.2)
    assert [name_of(message) for message in found] == list(SAMPLES)
    sizes = [int(re.search(rb"RFC822.SIZE (\d+)", line)[1]) for line in ok(session.fetch("1:*", "(RFC822.SIZE)"))]
    assert sizes == [len(message) for message in SAMPLES.values()]


def test_flags_and_internal_date_given_to_append_are_kept(connect):
    session = connect()
    when = 1_700_000_000
    append(session, simple("a"), r"(\Seen \Flagged $Work)", date=when)
    ok(session.select())
    assert flags_of(session, "1") == {rb"\Seen", rb"\Flagged", b"$Work"}
    (line,) = ok(session.fetch("1", "(INTERNALDATE)"))
    assert time.mktime(imaplib.Internaldate2tuple(line)) == when


def test_store_and_expunge_are_seen_by_another_session(connect):
    one, two = connect(), connect()
    for name in "abc":
        append(one, simple(name))
    ok(one.select())
    assert ok(two.select()) == [b"3"]
    ok(one.store("2", "+FLAGS", r"(\Deleted \Answered)"))
    ok(two.noop())
    assert b"2 (FLAGS" in two.response("FETCH")[1][0]
    assert flags_of(two, "2") == {rb"\Deleted", rb"\Answered"}
    assert ok(one.expunge()) == [b"2"]
    ok(two.noop())
    assert two.response("EXPUNGE")[1] == [b"2"]
    assert bodies(two) == [simple("a"), simple("c")]


def test_uid_commands_and_search(connect):
    session = connect()
    for name in ("first", "second", "third"):
        append(session, simple(name), r"(\Seen)" if name == "second" else "")
    ok(session.select())
    (found,) = ok(session.uid("SEARCH", None, "SUBJECT", '"second"'))
    uid = found.decode()
    data = ok(session.uid("FETCH", uid, "(BODY.PEEK[TEXT])"))
    assert f"UID {uid}".encode() in data[0][0] + data[1]
    assert data[0][1] == b"Hello,\r\n\r\nthis is second.\r\n"
    assert ok(session.search(None, "UNSEEN")) == [b"1 3"]
    assert ok(session.search(None, "NOT", "(OR FROM nobody BODY third)")) == [b"1 2"]


def test_examine_changes_nothing(connect):
    session = connect()
    append(session, simple("a"))
    ok(session.select(readonly=True))
    ok(session.fetch("1", "(BODY[])"))
    assert flags_of(session, "1") == set()
    # imaplib itself knows from [READ-ONLY] that it may not
    assert session.is_readonly
    assert session.store("1", "+FLAGS", r"(\Deleted)")[0] == "NO"
    assert session.expunge()[0] == "NO"


def test_mailboxes(connect):
    session = connect()
    ok(session.create('"Work/2026 reports"'))
    assert session.create('"Work/2026 reports"')[0] == "NO"
    append(session, simple("a"), mailbox='"Work/2026 reports"')
    ok(session.rename('"Work/2026 reports"', "Old"))
    (line,) = ok(session.status("Old", "(MESSAGES UNSEEN)"))
    assert line.endswith(b"(MESSAGES 1 UNSEEN 1)")
    names = {line.rpartition(b' "/" ')[2].strip(b'"') for line in ok(session.list())}
    assert {b"INBOX", b"Work", b"Old"} <= names
    ok(session.unsubscribe("Old"))
    assert not any(line.endswith(b'"Old"') for line in ok(session.lsub()) if line)
    ok(session.delete("Old"))
    assert session.select("Old")[0] == "NO"
