"""imaplib2: a client with threads, for its IDLE (RFC 2177) and its pipelining."""

import contextlib
import threading
import time

import imaplib2
import pytest
from mail_samples import SAMPLES, simple
from operated import HOST, PATIENCE_S, wait_for

#: seconds within which a client in IDLE has to hear of what happened
HEARD_WITHIN_S = 2.0

# imaplib2 names its threads, and chooses TLS, in ways that newer Pythons warn of.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:imaplib2")


@contextlib.contextmanager
def session_of(account):
    server = account.server
    session = imaplib2.IMAP4_SSL(HOST, server.ssl_port, ca_certs=str(server.cert), timeout=PATIENCE_S)
    try:
        ok(session.login(account.name, account.password))
        yield session
    finally:
        session.logout()


def ok(response):
    """The data of a response that has to be OK."""
    status, data = response
    assert status == "OK", data
    return data


class Idler:
    """A session in IDLE. imaplib2 ends an IDLE by itself as soon as the server tells something."""

    def __init__(self, session):
        self._ended = threading.Event()
        self.session = session
        session.idle(timeout=PATIENCE_S, callback=lambda _: self._ended.set())
        wait_for(lambda: session.idle_rqb is not None, "the server accepts IDLE")
        self._begun = time.monotonic()

    def hears(self, kind):
        """What the server told of this kind since the IDLE began; it has to have done so in time."""
        assert self._ended.wait(HEARD_WITHIN_S), "nothing was heard"
        return self.session.response(kind)[1]


def test_an_idling_client_hears_of_a_new_message(account):
    with session_of(account) as idling, session_of(account) as other:
        ok(idling.select())
        idler = Idler(idling)
        ok(other.append("INBOX", None, None, simple("new")))
        assert idler.hears("EXISTS") == [b"1"]
        assert ok(idling.fetch("1", "(BODY.PEEK[])"))[0][1] == simple("new")


def test_an_idling_client_hears_of_flags_and_expunged_messages(account):
    with session_of(account) as idling, session_of(account) as other:
        for name in "abc":
            ok(other.append("INBOX", None, None, simple(name)))
        ok(idling.select())
        ok(other.select())
        idler = Idler(idling)
        ok(other.store("2", "+FLAGS", r"(\Deleted)"))
        assert rb"\Deleted" in idler.hears("FETCH")[0]
        idler = Idler(idling)
        ok(other.expunge())
        assert idler.hears("EXPUNGE") == [b"2"]


def test_an_idling_client_hears_of_delivered_mail(maildir_account):
    with session_of(maildir_account) as session:
        ok(session.select())
        for number, name in enumerate(("megabyte", "utf-8", "every-octet"), 1):
            idler = Idler(session)
            maildir_account.deliver(SAMPLES[name], f"{1_700_000_000 + number}.P1.host")
            assert idler.hears("EXISTS") == [b"%d" % number]
            assert ok(session.fetch(str(number), "(BODY.PEEK[])"))[0][1] == SAMPLES[name]


def test_commands_sent_before_the_answers_have_come(account):
    messages = [simple(f"message {number}") for number in range(40)]
    with session_of(account) as session:
        for message in messages:
            ok(session.append("INBOX", r"(\Seen)", None, message))
        ok(session.select())
        answers = {}
        finished = threading.Event()

        def keep(answer):
            (status, data), number, error = answer
            answers[number] = data[0][1] if status == "OK" else error
            if len(answers) == len(messages):
                finished.set()

        for number in range(1, len(messages) + 1):
            session.fetch(str(number), "(BODY.PEEK[])", callback=keep, cb_arg=number)
        assert finished.wait(PATIENCE_S)
        assert [answers[number] for number in sorted(answers)] == messages
