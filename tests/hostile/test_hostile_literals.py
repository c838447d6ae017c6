"""Literals: the octets of `{n+}` never run as commands, on whatever path a command is refused (FIELD-NOTES 2.7)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving import eventually, new_user

from netimap import Command, DefaultAuth, Mailbox, No

#: what must not run
EVIL = b"x CREATE evil\r\ny CREATE evil\r\n"
SIZE = str(len(EVIL)).encode()

#: commands that are refused in many ways, before the literal or after it; LIT is where it stands
REFUSED_BEFORE_LOGIN = [
    b"LIT", b"a LIT", b"a* NOOP LIT", b"+ NOOP LIT", b"a NO*OP LIT", b"a  NOOP LIT", b"a BOGUS LIT", b"a NOOP LIT",
    b"a NOOP x LIT", b"a SELECT LIT", b"a FETCH 1 BODY[LIT", b"a APPEND INBOX LIT", b"a UID LIT", b"a UID FETCH LIT",
    b"a LOGIN LIT", b"a LOGIN LIT x", b"a LOGIN (LIT", b"a AUTHENTICATE LIT", b"a AUTHENTICATE PLAIN LIT", b"a ID LIT",
    b"a STARTTLS LIT", b"a IDLE LIT", b"a CAPABILITY LIT", b"a ID (LIT", b"a NOOP ~LIT", b"a BROKEN LIT",
    b"a RAISES LIT",
]  # fmt: skip
REFUSED_AFTER_LOGIN = [
    b"LIT", b"a LIT", b"a BOGUS LIT", b"a NOOP LIT", b"a LOGIN LIT", b"a AUTHENTICATE PLAIN LIT", b"a STARTTLS LIT",
    b"a SELECT LIT", b"a SELECT INBOX LIT", b"a EXAMINE LIT", b"a DELETE LIT", b"a RENAME LIT", b"a RENAME x LIT",
    b"a SUBSCRIBE LIT", b"a UNSUBSCRIBE LIT", b"a LIST LIT", b'a LIST "" LIT', b"a LSUB LIT LIT", b"a STATUS LIT",
    b"a STATUS INBOX LIT", b"a STATUS LIT (MESSAGES)", b"a APPEND LIT", b"a APPEND INBOX (LIT", b"a APPEND INBOX ~LIT",
    b'a APPEND INBOX "no date" LIT', b"a APPEND missing LIT", b"a APPEND frozen LIT", b"a APPEND INBOX (\\Bogus LIT",
    b"a CLOSE LIT", b"a EXPUNGE LIT", b"a CHECK LIT", b"a UNSELECT LIT", b"a NAMESPACE LIT", b"a IDLE LIT",
    b"a FETCH LIT", b"a FETCH 1 LIT", b"a FETCH 1 BODY[HEADER.FIELDS (LIT", b"a STORE LIT", b"a STORE 1 FLAGS LIT",
    b"a STORE 1 FLAGS (LIT", b"a COPY LIT", b"a COPY 1 LIT", b"a SEARCH LIT", b"a SEARCH TEXT LIT",
    b"a SEARCH CHARSET LIT", b"a SEARCH CHARSET X-NONE TEXT LIT", b"a UID LIT", b"a UID BOGUS LIT", b"a UID COPY 1 LIT",
    b"a UID SEARCH TEXT LIT", b"a UID STORE 1 FLAGS LIT", b"a BROKEN LIT", b"a RAISES LIT", b"a LOGOUT LIT",
]  # fmt: skip


class Auth(DefaultAuth):
    def auth_plain(self, user, password):
        if password == "wrong" or "CREATE" in user:
            return False
        return super().auth_plain(user, password)


class Raises(Command):
    def run(self):
        raise No("as always")


@pytest.fixture
def server(serve):
    started = serve(auth_class=Auth, unauth_commands=0, max_bad=1000, max_bad_unauth=1000, max_failed_logins=1000)
    started.server.add_command("RAISES", Raises)
    return started


def run(client, line, announcement):
    """Send a command with the literals put in, and a NOOP behind it; returns what was answered before the end."""
    client.send(line.replace(b"LIT", announcement + b"\r\n" + EVIL) + b"\r\nend NOOP\r\n")
    lines = []
    while not lines or not lines[-1].startswith(b"end "):
        line = client.line()
        lines.append(line)
        if line.startswith(b"* BYE"):
            return lines + client.rest()
        assert not line.startswith((b"x ", b"y ")), lines
    return lines


@pytest.mark.parametrize("line", REFUSED_BEFORE_LOGIN)
def test_no_octets_run_before_login(server, line):
    run(server.connect(), line, b"{" + SIZE + b"+}")


@pytest.mark.parametrize("line", REFUSED_AFTER_LOGIN)
def test_no_octets_run_after_login(server, line):
    client = server.connect(new_user())
    client.ok("SELECT INBOX")
    run(client, line, b"{" + SIZE + b"+}")


@pytest.mark.parametrize("line", REFUSED_AFTER_LOGIN)
def test_a_client_that_waits_is_answered_and_goes_on(server, line):
    # the same commands with `{n}`: either it is asked to go on, or the command has its answer
    client = server.connect(new_user())
    client.ok("SELECT INBOX")
    text = line.split(b"LIT")[0]
    client.send(text + b"{" + SIZE + b"}\r\n")
    answer = client.line()
    while answer.startswith(b"* ") and b" BAD" not in answer and b"BYE" not in answer:
        answer = client.line()
    if answer.startswith(b"+"):
        client.send(EVIL + line.split(b"LIT")[1] + b"\r\n")
        answer = client.line()
    if not answer.startswith(b"* BYE"):
        client.send(b"end NOOP\r\n")
        while not answer.startswith((b"end OK", b"* BYE")):
            assert not answer.startswith((b"x ", b"y ")), answer
            answer = client.line()


@pytest.mark.parametrize("size", [b"-5", b"", b"5 ", b" 5", b"5++", b"+5", b"0x5", b"5.0", b"1e3", b"\xb2", b"5}{"])
def test_what_is_no_size_is_no_literal(server, size):
    # the line is refused, and the next one is the next command
    client = server.connect()
    client.send(b"a NOOP {" + size + b"+}\r\nend NOOP\r\n")
    assert client.line().startswith(b"a BAD")
    assert client.line() == b"end OK NOOP COMPLETED"


@pytest.mark.parametrize("begin", [b"a IDLE\r\n", b"a AUTHENTICATE PLAIN\r\n"])
def test_a_literal_in_a_continuation_is_dropped(server, begin):
    client = server.connect(new_user() if b"IDLE" in begin else None)
    client.send(begin)
    assert client.line().startswith(b"+")
    client.send(b"what {" + SIZE + b"+}\r\n" + EVIL + b"\r\nend NOOP\r\n")
    assert client.line().startswith(b"a BAD")
    assert client.line() == b"end OK NOOP COMPLETED"


def test_a_refused_command_is_dropped_with_all_its_literals(server):
    client = server.connect()
    part = b" {" + SIZE + b"+}\r\n" + EVIL
    client.send(b"a SELECT" + part * 30 + b" {5}\r\nend NOOP\r\n")
    # the last one is waited with, so the client has its answer by now
    assert client.line() == b"a BAD Log in first"
    assert client.line() == b"end OK NOOP COMPLETED"


def test_a_literal_with_every_octet_arrives_whole(server):
    octets = bytes(range(1, 256)) * 3 + b"\r\n{5+}\r\n"
    user = new_user()
    client = server.connect(user)
    client.ok("APPEND INBOX ", octets.replace(b"\n", b"\r\n").replace(b"\r\r\n", b"\r\n"))
    client.ok("SELECT INBOX")
    assert client.ok("FETCH 1 BODY.PEEK[]").fetched()[1]["BODY[]"].endswith(b"\r\n{5+}\r\n")


words = st.sampled_from(
    [b"a", b"NOOP", b"SELECT", b"INBOX", b"(", b")", b'"', b'"x"', b"{3+}\r\nabc", b"{0+}\r\n", b"~{2+}\r\nab",
     b"FETCH", b"1:*", b"BODY[", b"]", b"UID", b"LOGIN", b"\\", b"%", b"{", b"}", b"\xff", b"\0"]
)  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(words, max_size=12), st.booleans())
def test_whatever_a_line_is_made_of_the_next_one_is_read(server, words, logged_in):
    client = server.connect("fuzz" if logged_in else None)
    try:
        client.send(b" ".join(words) + b"\r\nend NOOP\r\n")
        while True:
            line = client.line()
            if line.startswith((b"end OK", b"* BYE")):
                break
            if line.startswith(b"end "):
                raise AssertionError(line)
    finally:
        client.close()


def test_refused_literals_leave_nothing_behind(server):
    for _ in range(20):
        client = server.connect()
        client.send(b"a NOOP {100000+}\r\n" + b"x" * 1000)
        client.close()
    eventually(lambda: not server.server.connections())


def test_a_read_only_mailbox_takes_no_message_and_no_command(serve):
    class Frozen(Mailbox):
        def read_only(self):
            return True

    from netimap import DefaultModel

    class Model(DefaultModel):
        mailbox_class = Frozen

    client = serve(model_class=Model).connect(new_user())
    lines = run(client, b"a APPEND INBOX LIT", b"{" + SIZE + b"+}")
    assert lines[0] == b"a NO [NOPERM] Mailbox is read-only"
