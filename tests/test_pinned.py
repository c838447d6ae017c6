"""The behaviour that the original's own tests pinned, one by one and to the letter (PERL-API.md, last part).

`lines` is what the original counts: every line that answers a command, the tagged one among them.
"""

import re
from base64 import b64encode

import pytest

from netimap import DefaultAuth
from netimap.testing import RunningServer

#: every command that needs a login, with arguments that would do
MAILBOX_COMMANDS = [
    "SELECT INBOX", "EXAMINE INBOX", "CREATE x", "DELETE x", "RENAME x y", "SUBSCRIBE x", "UNSUBSCRIBE x", 'LIST "" *',
    'LSUB "" *', "STATUS INBOX (MESSAGES)", "APPEND INBOX {5+}\r\nhello", "NAMESPACE",
    "CHECK", "CLOSE", "EXPUNGE", "SEARCH ALL", "FETCH 1 FLAGS", "STORE 1 FLAGS ()", "COPY 1 x", "UID FETCH 1 FLAGS",
]  # fmt: skip
SELECTED_COMMANDS = MAILBOX_COMMANDS[12:]


class PickyAuth(DefaultAuth):
    """Everybody's password is `secret`."""

    def auth_plain(self, user, password):
        self.user(user)
        return password == "secret"


@pytest.fixture(scope="module")
def server():
    """A server with everything at its default: no passwords without TLS."""
    with RunningServer(allow_plaintext_login=False, auth_class=PickyAuth, log_level=0) as server:
        yield server


@pytest.fixture
def plain(server):
    """A client on the plain port."""
    with server.connect() as client:
        yield client


@pytest.fixture
def tls(server):
    """A client on the TLS port, not logged in."""
    with server.connect(tls=True) as client:
        yield client


@pytest.fixture
def client(server, user):
    """A client under TLS, logged in as a new user."""
    with server.connect(user, tls=True) as client:
        yield client


def ask(client, *parts):
    """The lines that answer a command: untagged ones as they are, the tagged one without its tag."""
    result = client.command(*parts)
    assert client.unread() == b""
    return [*(line.decode() for line in result.untagged), result.answer]


def plain_response(user, password, authorize=""):
    return b64encode(f"{authorize}\0{user}\0{password}".encode()).decode()


def authenticate(client, response, mechanism="PLAIN"):
    """AUTHENTICATE in two steps; the last line of the answer."""
    tag = client.tag()
    client.send(f"{tag} AUTHENTICATE {mechanism}\r\n")
    # nothing but the base64 of the challenge, which is empty
    assert client.line() == b"+ "
    client.send(f"{response}\r\n")
    result = client.result(tag)
    assert result.untagged == []
    return result.answer


# --- greeting, continuations ---


def test_greeting(plain, tls):
    assert plain.greeting.startswith(b"* OK ")
    assert tls.greeting.startswith(b"* OK ")
    assert plain.unread() == tls.unread() == b""


def test_the_literal_prompt(client):
    tag = client.tag()
    client.send(f"{tag} SELECT {{5}}\r\n")
    assert client.line() == b"+ Continue"
    client.send("INBOX\r\n")
    assert client.result(tag).status == "OK"


# --- CAPABILITY, NOOP, LOGOUT ---


def capabilities(client):
    lines = ask(client, "CAPABILITY")
    assert len(lines) == 2
    assert lines[1].startswith("OK ")
    start, name, *words = lines[0].split(" ")
    assert (start, name) == ("*", "CAPABILITY")
    assert len(words) == len(set(words))
    assert "IMAP4rev1" in words
    return set(words) & {"STARTTLS", "LOGINDISABLED", "AUTH=PLAIN"}


def test_capability(server, plain, tls, user):
    assert capabilities(plain) == {"STARTTLS", "LOGINDISABLED"}
    assert capabilities(tls) == {"AUTH=PLAIN"}
    tls.login(user)
    assert capabilities(tls) == set()
    plain.starttls()
    assert capabilities(plain) == {"AUTH=PLAIN"}
    plain.login(user)
    assert capabilities(plain) == set()


def test_noop_in_every_state(plain, client):
    assert ask(plain, "NOOP") == ["OK NOOP COMPLETED"]
    assert ask(client, "NOOP") == ["OK NOOP COMPLETED"]
    client.ok("SELECT INBOX")
    assert ask(client, "NOOP") == ["OK NOOP COMPLETED"]


@pytest.mark.parametrize("state", ["plain", "tls", "client"])
def test_logout(state, request):
    client = request.getfixturevalue(state)
    tag = client.tag()
    client.send(f"{tag} LOGOUT\r\n{tag}x NOOP\r\n")
    lines = client.rest()
    assert len(lines) == 2
    assert lines[0].startswith(b"* BYE")
    assert lines[1].startswith(f"{tag} OK".encode())


# --- STARTTLS ---


def test_starttls(plain):
    lines = ask(plain, "STARTTLS")
    assert len(lines) == 1
    assert lines[0].startswith("OK")
    plain.handshake()
    assert ask(plain, "STARTTLS") == ["NO STARTTLS is disabled"]


def test_starttls_under_tls(tls):
    assert ask(tls, "STARTTLS") == ["NO STARTTLS is disabled"]


def test_starttls_after_login(client):
    # the login is checked first
    assert ask(client, "STARTTLS") == ["BAD Already logged in"]


# --- LOGIN and AUTHENTICATE ---


def test_login(tls):
    assert ask(tls, "LOGIN user wrong") == ["NO Invalid login"]
    result = tls.command("LOGIN user secret")
    assert result.status == "OK"
    assert result.untagged == []  # capabilities may ride in the response code, not in a line of their own
    assert result.code is None or result.code.startswith("CAPABILITY ")
    assert ask(tls, "LOGIN user secret") == ["BAD Already logged in"]
    assert ask(tls, "AUTHENTICATE PLAIN") == ["BAD Already logged in"]


def test_login_without_tls(plain):
    for command in ("LOGIN user secret", "AUTHENTICATE PLAIN", "AUTHENTICATE PLAIN " + plain_response("u", "secret")):
        lines = ask(plain, command)
        assert len(lines) == 2
        assert lines[0].startswith("* BAD [ALERT] ")
        assert lines[1].startswith("NO ")
    assert ask(plain, "SELECT INBOX") == ["BAD Log in first"]


def test_authenticate_in_one_step(tls):
    result = tls.command("AUTHENTICATE PLAIN " + plain_response("user", "secret"))
    assert (result.status, result.untagged) == ("OK", [])


def test_authenticate_in_two_steps(tls):
    assert authenticate(tls, plain_response("user", "secret")).startswith("OK ")


def test_authenticate_refuses(tls):
    assert ask(tls, "AUTHENTICATE BOGUS") == ["NO Authentication type not supported"]
    assert authenticate(tls, plain_response("user", "wrong")) == "NO Invalid login"
    assert ask(tls, "AUTHENTICATE PLAIN " + plain_response("user", "wrong")) == ["NO Invalid login"]


def test_authenticate_protocol_failures(tls):
    assert authenticate(tls, "*") == "BAD Login cancelled"
    assert authenticate(tls, "not base64!") == "BAD Invalid base64"


def test_authenticate_missing_fields(tls):
    assert ask(tls, "AUTHENTICATE PLAIN not_base64") == ["BAD Invalid base64"]
    assert authenticate(tls, b64encode(b"\0user").decode()) == "BAD Protocol failure"


def test_another_authorization_identity_is_passed_on(tls):
    assert authenticate(tls, plain_response("user", "secret", authorize="boss")).startswith("OK ")


# --- states and arguments ---


@pytest.mark.parametrize("command", MAILBOX_COMMANDS)
def test_log_in_first(tls, command):
    assert ask(tls, command) == ["BAD Log in first"]


@pytest.mark.parametrize("command", SELECTED_COMMANDS)
def test_select_a_mailbox_first(client, command):
    assert ask(client, command) == ["BAD Select a mailbox first"]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("SELECT", "BAD Not enough options"),
        ("SELECT a b", "BAD Too many options"),
        ("RENAME a", "BAD Not enough options"),
        ("RENAME a b c", "BAD Too many options"),
        ('LIST ""', "BAD Not enough options"),
        ('LIST "" * *', "BAD Too many options"),
        ("STATUS INBOX", "BAD Not enough options"),
        ("STATUS INBOX (MESSAGES) x", "BAD Too many options"),
        ("NOOP x", "BAD Too many options"),
        ("LOGOUT x", "BAD Too many options"),
        ("CAPABILITY x", "BAD Too many options"),
    ],
)
def test_the_number_of_arguments(client, command, answer):
    assert ask(client, command) == [answer]


# --- SELECT and EXAMINE ---


@pytest.mark.parametrize("command", ["SELECT", "EXAMINE"])
def test_a_missing_mailbox(client, command):
    client.ok("SELECT INBOX")
    assert ask(client, f"{command} bogus") == ["NO Mailbox does not exist"]
    assert ask(client, "CHECK") == ["BAD Select a mailbox first"]


@pytest.mark.parametrize(("command", "code"), [("SELECT", "READ-WRITE"), ("EXAMINE", "READ-ONLY")])
def test_select(client, command, code):
    *untagged, last = ask(client, f"{command} INBOX")
    for form in (
        r"\* FLAGS \([^()]*\)", r"\* 0 EXISTS", r"\* 0 RECENT", r"\* OK \[PERMANENTFLAGS \([^()]*\)\].*",
        r"\* OK \[UIDNEXT 1000\].*", r"\* OK \[UIDVALIDITY \d+\].*",
    ):  # fmt: skip
        assert len([line for line in untagged if re.fullmatch(form, line)]) == 1, form
    assert last.startswith(f"OK [{code}]")
    # `[UNSEEN 0]` breaks the grammar: nz-number
    assert not any("UNSEEN" in line for line in untagged)


# --- FETCH, STATUS, LIST ---


def test_fetch_of_an_empty_mailbox(client):
    client.ok("SELECT INBOX")
    assert ask(client, "FETCH 1:* FLAGS") == ["OK FETCH COMPLETED"]


def test_status(client):
    assert ask(client, "STATUS INBOX MESSAGES") == ["BAD Wrong second option"]
    assert ask(client, "STATUS INBOX (MESSAGES)") == ['* STATUS "INBOX" (MESSAGES 0)', "OK STATUS COMPLETED"]
    assert ask(client, "STATUS INBOX (UIDNEXT)") == ['* STATUS "INBOX" (UIDNEXT 1000)', "OK STATUS COMPLETED"]
    assert ask(client, "STATUS INBOX (UNSEEN RECENT)")[0] in (
        '* STATUS "INBOX" (UNSEEN 0 RECENT 0)',
        '* STATUS "INBOX" (RECENT 0 UNSEEN 0)',
    )


def test_list(client, user):
    assert ask(client, 'LIST "" ""') == ['* LIST (\\Noselect) "/" ""', "OK LIST COMPLETED"]
    assert sorted(ask(client, 'LIST "" *')) == [
        '* LIST (\\HasChildren) "/" "INBOX"',
        f'* LIST (\\HasNoChildren) "/" "INBOX/{user}"',
        "OK LIST COMPLETED",
    ]


# --- CREATE, DELETE, RENAME ---


def names(client):
    return {line.split(b'"/" ')[1].decode() for line in client.ok('LIST "" *').untagged}


def test_create(client, user):
    assert ask(client, "CREATE a/b/c") == ["OK CREATE COMPLETED"]
    assert ask(client, "CREATE foo/") == ["OK CREATE COMPLETED"]
    assert names(client) == {'"INBOX"', f'"INBOX/{user}"', '"a"', '"a/b"', '"a/b/c"', '"foo"'}
    for taken in ("foo", "a/b", "INBOX", "inbox", "InBoX"):
        assert ask(client, f"CREATE {taken}") == ["NO Mailbox already exists"]


def test_delete(client):
    client.ok("CREATE foo")
    assert ask(client, "DELETE bar") == ["NO Mailbox doesn't exist"]
    assert ask(client, "DELETE INBOX") == ["NO INBOX cannot be deleted"]
    assert ask(client, "DELETE inbox") == ["NO INBOX cannot be deleted"]
    assert ask(client, "DELETE foo") == ["OK DELETE COMPLETED"]
    assert ask(client, "DELETE foo") == ["NO Mailbox doesn't exist"]


def test_rename(client, user):
    client.ok("CREATE foo/bar")
    client.ok("CREATE taken")
    assert ask(client, "RENAME bogus x") == ["NO Mailbox doesn't exist"]
    assert ask(client, "RENAME foo taken") == ["NO Mailbox already exists"]
    assert ask(client, "RENAME foo INBOX") == ["NO Mailbox already exists"]
    assert ask(client, "RENAME foo x/y/z") == ["OK RENAME COMPLETED"]
    assert names(client) == {'"INBOX"', f'"INBOX/{user}"', '"taken"', '"x"', '"x/y"', '"x/y/z"', '"x/y/z/bar"'}


@pytest.mark.parametrize("command", ["CREATE", "RENAME INBOX"])
def test_bad_names(client, command):
    (answer,) = ask(client, f'{command} "&Jjo"')
    assert answer.startswith("BAD Invalid UTF-7")
    assert ask(client, f"{command} ", "ä".encode()) == ["BAD Mailbox name contains 8-bit data"]
    assert ask(client, f'{command} "ä"') == ["BAD Mailbox name contains 8-bit data"]


# --- lines that are no commands ---


@pytest.mark.parametrize("line", ["", "+ NOOP", "* NOOP", "(a NOOP", '"a" NOOP', " NOOP", "a\\b NOOP"])
def test_a_bad_tag_or_an_empty_line(plain, line):
    plain.send(f"{line}\r\n")
    assert plain.line() == b"* BAD Invalid tag"
    assert plain.unread() == b""


def test_a_tag_alone(plain):
    for line in ("a", "a "):
        plain.send(f"{line}\r\n")
        assert re.fullmatch(rb"\* BAD Null command \(.*\)", plain.line())
        assert plain.unread() == b""


def test_an_unknown_command(plain, client):
    for connection in (plain, client):
        assert ask(connection, "BOGUS") == ["BAD command 'BOGUS' not recognized"]
        assert ask(connection, "bogus with arguments") == ["BAD command 'BOGUS' not recognized"]


LINES = {
    "good": ["a NOOP"] * 10,
    "bad": ["", "a", "a BOGUS", "+", "a SELECT INBOX", "a LIST", "", "a", "x y z", "a NOOP x"],
    "mixed": ["a NOOP", "", "a CAPABILITY", "a BOGUS"] + ["a NOOP"] * 6,
}


@pytest.mark.parametrize("kind", LINES)
def test_ten_lines_before_login(plain, kind):
    *nine, tenth = LINES[kind]
    for line in nine:
        plain.send(f"{line}\r\n")
        answer = plain.line()
        if answer.startswith(b"* CAPABILITY"):
            answer = plain.line()
        assert answer.startswith((b"a ", b"* BAD", b"x BAD"))
    assert plain.unread() == b""
    plain.send(f"{tenth}\r\n")
    answer, bye = plain.rest()
    assert answer.startswith((b"a OK", b"a BAD"))
    assert bye.startswith(b"* BYE")


def test_ten_lines_and_a_login_in_time(tls):
    for _ in range(9):
        tls.ok("NOOP")
    tls.login("somebody")
    for _ in range(20):
        tls.ok("NOOP")
