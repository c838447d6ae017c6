"""netimap.connection: one client's session (PERL-API.md, Connection)."""

import pytest
from serving import (  # noqa: F401
    RAW,
    eventually,
    fill,
    new_user,
    no_errors,
    serve,
    the_connection,
    with_command,
)

from netimap import Bad, Bye, Connection, DefaultAuth, DefaultModel, Mailbox, Message, No
from netimap.command.base import AUTHENTICATED


@pytest.fixture
def server(serve):  # noqa: F811
    return serve()


# --- parse_command ---


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        (b"a1 NOOP", (b"a1", "Noop", b"")),
        (b"a1 login bob secret", (b"a1", "Login", b"bob secret")),
        (b'. x_own.thing-2 "two  spaces" ', (b".", "X_own.thing-2", b'"two  spaces" ')),
        (b"A]} FETCH 1 BODY[]", (b"A]}", "Fetch", b"1 BODY[]")),
    ],
)
def test_parse_command(line, parsed):
    assert Connection().parse_command(line) == parsed


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"", b"* BAD Invalid tag"),
        (b" NOOP", b"* BAD Invalid tag"),
        (b"+ NOOP", b"* BAD Invalid tag"),
        (b"a* NOOP", b"* BAD Invalid tag"),
        (b"\xe9 NOOP", b"* BAD Invalid tag"),
        (b"a", b"* BAD Null command ('a')"),
        (b"a ", b"* BAD Null command ('a ')"),
        (b"a  NOOP", b"* BAD Null command ('a  NOOP')"),
        (b"a \xe9\0\x1b]0;\x07", b"* BAD Null command ('a ???]0;?')"),
        (b"a " + b"1" * 500, b"* BAD Null command ('a " + b"1" * 98 + b"')"),
    ],
)
def test_parse_command_answers_for_what_is_no_command(line, answer):
    class Quiet(Connection):
        lines = ()

        def out(self, string):
            self.lines += (string,)

    connection = Quiet()
    assert connection.parse_command(line) is None
    assert connection.lines == (answer,)


# --- out ---


class Handle:
    def __init__(self):
        self.sent = b""

    def print(self, *chunks):
        self.sent += b"".join(chunks)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("* OK", b"* OK\r\n"),
        (b"* OK\r\n", b"* OK\r\n"),
        (b"* 1 FETCH (X {4}\r\na\r\nb)", b"* 1 FETCH (X {4}\r\na\r\nb)\r\n"),
        (b"* 1 FETCH (X {2}\r\n\r\n Y {1}\r\n\n)", b"* 1 FETCH (X {2}\r\n\r\n Y {1}\r\n\n)\r\n"),
    ],
)
def test_out_ends_the_line(given, sent):
    handle = Handle()
    Connection(io_handle=handle).out(given)
    assert handle.sent == sent


@pytest.mark.parametrize(
    "line",
    [b"* OK\r\n* BYE", b"* OK\n* BYE", b"* OK\r* BYE", b"* X {2}\r\nabc\r\n* BYE", b"* X {3} \r\nabc", b"* X {3}\nabc",
     b"* X {100}\r\nabc\r\n\n"[:-1] + b"\r\n* BYE" * 20, "* OK \r\n"],
)  # fmt: skip
def test_out_refuses_line_breaks_outside_literals(line):
    # FIELD-NOTES 2.8: data cannot make a second line
    handle = Handle()
    if line == "* OK \r\n":
        Connection(io_handle=handle).out(line)
        assert handle.sent == b"* OK \r\n"
        return
    with pytest.raises(ValueError, match="line break"):
        Connection(io_handle=handle).out(line)
    assert handle.sent == b""


def test_untagged_response_takes_text_and_octets():
    handle = Handle()
    Connection(io_handle=handle).untagged_response("OK one", b"OK two")
    assert handle.sent == b"* OK one\r\n* OK two\r\n"


# --- errors become answers ---


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (No("sorry"), "NO sorry"),
        (No("sorry\n"), "NO sorry"),
        (No("no box", "TRYCREATE"), "NO [TRYCREATE] no box"),
        (No("charset", "BADCHARSET (UTF-8)"), "NO [BADCHARSET (UTF-8)] charset"),
        (Bad("what"), "BAD what"),
        # PERL-API.md: any other exception whose text begins with NO or BAD is relayed
        (Exception("NO my reason\n"), "NO my reason"),
        (RuntimeError("BAD my reason\nsecond line"), "BAD my reason"),
    ],
)
def test_errors_are_answered_with_the_command_s_tag(server, error, answer):
    def run(command):
        raise error

    with_command(server, run)
    assert server.connect().command("XRUN").answer == answer


@pytest.mark.parametrize(
    "error", [ValueError("secret"), KeyError("NO"), Exception("NO"), Exception("NOT me"), AssertionError()]
)
def test_other_errors_are_logged_and_say_nothing(server, error, no_errors):  # noqa: F811
    def run(command):
        raise error

    with_command(server, run)
    client = server.connect()
    assert client.command("XRUN").answer == "NO Server error"
    assert client.ok("NOOP")
    (logged,) = no_errors.take()
    assert "Traceback" in logged
    assert "Xrun failed" in logged


def test_a_bye_ends_the_connection(server):
    def run(command):
        raise Bye("Enough", "UNAVAILABLE")

    with_command(server, run)
    client = server.connect()
    client.send("a XRUN\r\n")
    assert client.rest() == [b"* BYE [UNAVAILABLE] Enough"]


def test_errors_after_a_literal_are_answered_in_the_same_way(server):
    # STYLE.md: not caught on one path and lost on the literal path
    def run(command):
        raise No("sorry", "LIMIT")

    with_command(server, run)
    assert server.connect().command("XRUN ", b"literal").answer == "NO [LIMIT] sorry"


def test_errors_of_a_continuation_have_the_command_s_tag(server):
    def run(command):
        def continued(line):
            command.connection().pending(None)
            raise No(f"got {line.decode()}")

        command.connection().wait_for(command, continued)
        command.out("+ more")

    with_command(server, run)
    client = server.connect()
    client.send("a1 XRUN\r\nwords of mine\r\n")
    assert client.line() == b"+ more"
    assert client.line() == b"a1 NO got words of mine"
    assert client.ok("NOOP")


def test_a_command_that_failed_waits_for_nothing(server):
    def run(command):
        command.connection().wait_for(command, lambda line: command.ok_completed())
        raise No("sorry")

    with_command(server, run)
    client = server.connect()
    assert client.command("XRUN").answer == "NO sorry"
    assert client.ok("NOOP")


def test_pending_gets_lines_without_a_command(server):
    lines = []

    def run(command):
        command.connection().pending(lines.append)
        command.ok_completed()

    with_command(server, run)
    client = server.connect()
    client.ok("XRUN")
    client.send("one\r\ntwo\n")
    eventually(lambda: lines == [b"one", b"two"])
    the_connection(server).pending(None)
    assert client.ok("NOOP")


def test_an_error_without_a_command_is_untagged(server):
    def run(command):
        def continued(line):
            command.connection().pending(None)
            raise Bad("what?")

        command.connection().pending(continued)
        command.ok_completed()

    with_command(server, run)
    client = server.connect()
    client.ok("XRUN")
    client.send("x\r\n")
    assert client.line() == b"* BAD what?"


# --- states ---


def test_commands_are_refused_by_state(server):
    with_command(server, lambda command: command.ok_completed(), states=AUTHENTICATED)
    client = server.connect()
    assert client.command("XRUN").answer == "BAD Log in first"
    client.login(new_user())
    client.ok("XRUN")
    assert client.command("FETCH 1 UID").answer == "BAD Select a mailbox first"
    assert client.command("LOGIN a b").answer == "BAD Already logged in"


def test_says_in_which_state_it_is(server):
    client = server.connect()
    connection = the_connection(server)
    assert (connection.is_unauth(), connection.is_auth(), connection.is_selected()) == (True, False, False)
    assert (connection.auth(), connection.model(), connection.user(), connection.view()) == (None, None, None, None)
    client.login("states")
    assert (connection.is_unauth(), connection.is_auth(), connection.is_selected()) == (False, True, False)
    assert (connection.user(), connection.model().auth()) == ("states", connection.auth())
    client.ok("SELECT INBOX")
    assert connection.is_selected()
    assert connection.selected().is_inbox()
    assert not connection.is_encrypted()
    with server.connect(tls=True):
        assert [one.is_encrypted() for one in server.server.connections() if one is not connection] == [True]


def test_nobody_is_logged_in_without_a_model(serve, no_errors):  # noqa: F811
    class Broken(DefaultModel):
        def init(self):
            raise RuntimeError("no database")

    client = serve(model_class=Broken).connect()
    assert client.command("LOGIN a b").answer == "NO Server error"
    assert client.command('LIST "" *').answer == "BAD Log in first"
    assert len(no_errors.take()) == 1


# --- selected ---


class Hooked(Mailbox):
    """Notes when it is selected and closed."""

    events = ()

    def select(self):
        self.events += ("select",)

    def close(self):
        self.events += ("close",)


class HookedModel(DefaultModel):
    def init(self):
        self.root(Hooked())
        for name in ("INBOX", "other"):
            self.root().add_child(name=name)


def test_selected_calls_the_hooks(serve):  # noqa: F811
    server = serve(model_class=HookedModel)
    client = server.connect("x")
    connection = the_connection(server)
    inbox, other = connection.model().root().children()
    client.ok("SELECT INBOX")
    client.ok("SELECT other")
    assert (inbox.events, other.events) == (("select", "close"), ("select",))
    # nothing changes
    assert connection.selected(other, False) is other
    assert other.events == ("select",)
    connection.selected(other, True)
    assert other.events == ("select", "close", "select")
    assert connection.selected_read_only() is True
    assert connection.selected(None) is None
    assert connection.selected() is None
    client.ok("EXAMINE INBOX")
    client.command("LOGOUT")
    assert inbox.events == ("select", "close") * 2


def test_leaving_a_mailbox_tells_what_is_new_first(server):
    user = new_user()
    one, two = server.connect(user), server.connect(user)
    one.ok("SELECT INBOX")
    fill(two, 1)
    result = one.ok("SELECT INBOX/" + user)
    assert result.untagged[0] == b"* 1 EXISTS"
    assert b"* 0 EXISTS" in result.untagged


def test_nothing_is_selected_when_select_fails(serve, no_errors):  # noqa: F811
    class Sick(Hooked):
        def select(self):
            raise RuntimeError("sick")

    class Model(HookedModel):
        def init(self):
            self.root(Sick())
            self.root().add_child(name="INBOX")

    server = serve(model_class=Model)
    client = server.connect("x")
    assert client.command("SELECT INBOX").answer == "NO Server error"
    assert the_connection(server).selected() is None
    assert client.command("CLOSE").answer == "BAD Select a mailbox first"
    assert len(no_errors.take()) == 1


def test_read_only_can_be_forced(server):
    client = server.connect(new_user())
    fill(client, 1)
    client.ok("SELECT INBOX")
    connection = the_connection(server)
    assert connection.selected_read_only() is False
    assert connection.selected_read_only(True) is True
    assert client.command("STORE 1 +FLAGS (\\Seen)").status == "NO"


def test_a_deleted_mailbox_ends_the_session(server):
    user = new_user()
    one, two, idling = (server.connect(user) for _ in range(3))
    one.ok("CREATE box")
    two.ok("SELECT box")
    idling.ok("SELECT box")
    idling.idle()
    one.ok("DELETE box")
    assert idling.rest() == [b"* BYE The selected mailbox was deleted"]
    two.send("a NOOP\r\n")
    assert two.rest() == [b"* BYE The selected mailbox was deleted"]


# --- numbers ---


def test_messages_have_the_session_s_numbers(server):
    user = new_user()
    one, two = server.connect(user), server.connect(user)
    fill(one, 3)
    one.ok("SELECT INBOX")
    first, second = sorted(server.server.connections(), key=lambda connection: connection.selected() is None)
    two.ok("SELECT INBOX")
    inbox = first.selected()
    messages = list(inbox.messages())
    one.ok("STORE 1 +FLAGS (\\Deleted)")
    one.ok("EXPUNGE")
    assert [first.sequence(message) for message in messages] == [None, 1, 2]
    assert [second.sequence(message) for message in messages] == [1, 2, 3]
    assert second.get_messages("1,3:9") == [messages[0], messages[2]]
    assert first.get_messages("*") == [messages[2]]
    assert (first.previous_exists(), second.previous_exists()) == (2, 3)
    stranger = Mailbox(name="other").add_message(Message(RAW))
    assert first.sequence(stranger) is None
    assert first.sequence(Message(RAW)) is None


def test_numbers_without_a_mailbox():
    connection = Connection()
    assert connection.get_messages("1:*") == []
    assert connection.sequence(Message(RAW)) is None
    assert connection.previous_exists() == 0


def test_flags_set_on_a_message_that_others_know_to_be_gone_are_no_news_to_them(server):
    # they would take the line for one about another message
    user = new_user()
    one, two = server.connect(user), server.connect(user)
    fill(one, 3)
    one.ok("SELECT INBOX")
    two.ok("SELECT INBOX")
    one.ok("STORE 1 +FLAGS (\\Deleted)")
    one.ok("EXPUNGE")
    assert two.ok("STORE 1 +FLAGS (\\Flagged)").fetched()[1]["FLAGS"]
    assert one.ok("NOOP").untagged == []
    assert two.ok("FETCH 1 BODY.PEEK[TEXT]").fetched()[1]["BODY[TEXT]"] == b"body\r\n"
    assert two.ok("NOOP").untagged == [b"* 1 EXPUNGE"]


# --- capability, id, log ---


def test_capability_depends_on_the_connection(serve):  # noqa: F811
    server = serve(allow_plaintext_login=False)

    def capability(client):
        (line,) = client.ok("CAPABILITY").of("CAPABILITY")
        return set(line.decode().split()[2:])

    plain, tls = server.connect(), server.connect(tls=True)
    assert {"STARTTLS", "LOGINDISABLED", "IMAP4rev1"} <= capability(plain)
    assert "AUTH=PLAIN" not in capability(plain)
    assert "AUTH=PLAIN" in capability(tls)
    assert not {"STARTTLS", "LOGINDISABLED"} & capability(tls)
    tls.login("x")
    assert not {"STARTTLS", "LOGINDISABLED", "AUTH=PLAIN"} & capability(tls)


def test_mechanisms_without_passwords_need_no_tls(serve):  # noqa: F811
    class Auth(DefaultAuth):
        def sasl_provides(self):
            return ["X-TOKEN", "PLAIN"]

    client = serve(auth_class=Auth, allow_plaintext_login=False).connect()
    (line,) = client.ok("CAPABILITY").of("CAPABILITY")
    assert b"AUTH=X-TOKEN" in line
    assert b"AUTH=PLAIN" not in line


def test_client_id_is_merged(server):
    client = server.connect()
    client.ok('ID ("Name" "mutt" "self" "x")')
    client.ok('ID ("version" NIL "" "empty")')
    connection = the_connection(server)
    assert connection.client_id() == {"name": "mutt", "self": "x", "version": None, "": "empty"}
    assert connection.client_id(os="linux")["os"] == "linux"


def test_counts_commands(server):
    client = server.connect()
    client.send("a NOOP\r\nb CAPABILITY\r\n\r\nc BOGUS\r\n")
    eventually(lambda: the_connection(server).commands() == 4)
