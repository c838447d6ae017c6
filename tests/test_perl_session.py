"""Overriding Connection, Command, Server and DefaultAuth as PERL-API.md says: the server heeds the plugin."""

from base64 import b64decode, b64encode

import pytest
from serving import new_user, no_errors, serve  # noqa: F401

from netimap import Challenge, Command, Connection, DefaultAuth, Server
from netimap.command.noop import Noop
from netimap.testing import Client

# --- Connection ---


def test_connection_greeting_and_capability(serve):  # noqa: F811
    class Mine(Connection):
        def greeting(self):
            self.untagged_response("OK at your service")

        def capability(self):
            return super().capability() + " XMINE"

    client = serve(connection_class=Mine).connect()
    assert client.greeting == b"* OK at your service"
    assert client.ok("CAPABILITY").of("CAPABILITY")[0].endswith(b" XMINE")
    assert client.login(new_user()).code.endswith(" XMINE")


def test_connection_class_for(serve):  # noqa: F811
    class Hello(Command):
        def run(self):
            self.ok_command(f"hello, {self.options_str().decode()}")

    class Mine(Connection):
        def class_for(self, command):
            return Hello if command == "Xhello" else super().class_for(command)

    client = serve(connection_class=Mine).connect()
    assert client.ok("xhello world").text == "hello, world"
    assert client.command("xother").answer == "BAD command 'XOTHER' not recognized"
    client.ok("NOOP")


def test_connection_handle_command_and_parse_command(serve):  # noqa: F811
    handled = []

    class Mine(Connection):
        def parse_command(self, line):
            return super().parse_command(line.replace(b"NOPE", b"NOOP"))

        def handle_command(self, line):
            command = super().handle_command(line)
            handled.append(command.command() if command else None)
            return command

    client = serve(connection_class=Mine).connect()
    client.ok("NOPE")
    client.send("\r\n")
    client.line()
    client.send("x AUTHENTICATE PLAIN\r\n*\r\n")
    client.result("x", None) if client.line() else None
    assert handled == ["Noop", None, "Authenticate", None]


def test_connection_out_poll_and_update_timer(serve):  # noqa: F811
    calls = []

    class Mine(Connection):
        def out(self, string):
            super().out(string.replace(b"COMPLETED", b"DONE") if isinstance(string, bytes) else string)

        def poll(self):
            calls.append("poll")
            super().poll()

        def update_timer(self):
            calls.append("timer")
            super().update_timer()

    client = serve(connection_class=Mine).connect(new_user())
    client.ok("SELECT INBOX")
    calls.clear()
    assert client.ok("NOOP").text == "NOOP DONE"
    client.ok("NOOP")
    assert calls[0] == "poll"
    assert calls.count("timer") >= 1


# --- Command ---


def test_a_command_may_override_all_of_its_base(serve):  # noqa: F811
    class Mine(Command):
        def validate(self):
            if self.parsed_options() == ["ok"]:
                return True
            return self.no_command("Say ok", CANNOT=None)

        def run(self):
            self.tagged_response(self.data_out([1, "two", None]))
            self.ok_completed(XCODE=7)

        def poll_after(self):
            return False

    server = serve()
    server.server.add_command("xmine", Mine)
    client = server.connect()
    result = client.command("XMINE ok")
    assert result.untagged == [b'* XMINE (1 "two" NIL)']
    assert result.answer == "OK [XCODE 7] XMINE COMPLETED"
    assert client.command("XMINE {2+}\r\nno").answer == "NO [CANNOT] Say ok"


def test_added_commands_win_over_built_in_ones(serve):  # noqa: F811
    class Noop2(Noop):
        def run(self):
            self.ok_command("mine")

    server = serve()
    server.server.add_command("Noop", Noop2)
    assert server.connect().ok("nOOp").text == "mine"


def test_a_broken_module_of_a_command_answers_with_an_error(serve, monkeypatch, no_errors):  # noqa: F811
    from netimap.registry import COMMANDS

    monkeypatch.setitem(COMMANDS, "NAMESPACE", "netimap.command.no_such_module")
    server = serve()
    (logged,) = no_errors.take()
    assert "command NAMESPACE cannot be loaded" in logged
    client = server.connect(new_user())
    assert client.command("NAMESPACE").answer == "NO [SERVERBUG] Server error"
    assert "NAMESPACE" not in client.ok("CAPABILITY").untagged[0].decode()


# --- Server ---


def test_server_capability_id_and_log(serve):  # noqa: F811
    lines = []

    class Mine(Server):
        def capability(self):
            return super().capability().replace(" IDLE", "") + " XSERVER"

        def id(self):
            return {"name": "mine", "version": None}

        def write_to_log_hook(self, level, message):
            lines.append((level, message))

    server = Mine(port=0, server_cert=None, server_key=None, allow_plaintext_login=True)
    server.start()
    ((host, port, _),) = server.addresses()
    with Client(host, port) as client:
        words = client.ok("CAPABILITY").untagged[0].split()
        assert b"XSERVER" in words
        assert b"IDLE" not in words
        assert client.ok("ID NIL").untagged == [b'* ID ("name" "mine" "version" NIL)']
        client.login("someone")
        client.command("LOGOUT")
    server.stop()
    assert any(level == 2 and message.startswith('login ok user="someone"') for level, message in lines)


# --- DefaultAuth ---


def test_auth_plain_checks_login_and_authenticate(serve):  # noqa: F811
    class Auth(DefaultAuth):
        def auth_plain(self, user, password):
            if password != "secret":
                return False
            self.user(user.lower())
            return True

    server = serve(auth_class=Auth)
    client = server.connect()
    assert client.command("LOGIN Bob wrong").answer == "NO Invalid login"
    assert client.command("AUTHENTICATE PLAIN " + b64encode(b"\0Bob\0wrong").decode()).answer == "NO Invalid login"
    client.ok("LOGIN Bob secret")
    assert [connection.user() for connection in server.server.connections()] == ["bob"]
    other = server.connect()
    other.ok("AUTHENTICATE PLAIN " + b64encode(b"\0Bob\0secret").decode())
    assert len(server.server.concurrent_user_connections("bob")) == 2


def test_an_auth_class_without_passwords(serve):  # noqa: F811
    class Auth(DefaultAuth):
        def provides_plain(self):
            return False

    client = serve(auth_class=Auth).connect()
    assert client.command("LOGIN a b").status == "NO"
    assert client.command("AUTHENTICATE PLAIN").answer == "NO Authentication type not supported"
    assert b"AUTH=PLAIN" not in client.ok("CAPABILITY").untagged[0]


class FooBar(DefaultAuth):
    """A mechanism of two steps."""

    def sasl_provides(self):
        return [*super().sasl_provides(), "FOO-BAR"]

    def sasl_foo_bar(self):
        messages = []

        def exchange(message):
            messages.append(message)
            if len(messages) == 1:
                return Challenge(b"first of " + message)
            if len(messages) == 2:
                return Challenge(b"second")
            self.user(messages[1].decode())
            return {b"yes": True, b"one": 1, b"no": False, b"bad": -1}.get(message)

        return exchange


@pytest.mark.parametrize(
    ("last", "answer"),
    [(b"yes", "OK"), (b"one", "OK"), (b"no", "NO Invalid login"), (b"?", "NO Invalid login"),
     (b"bad", "BAD Protocol failure")],
)  # fmt: skip
@pytest.mark.parametrize("initial", [None, b"early"])
def test_a_mechanism_of_one_s_own(serve, last, answer, initial):  # noqa: F811
    client = serve(auth_class=FooBar, allow_plaintext_login=False).connect()
    # RFC 4959: a response may come with the command
    client.send(b"a AUTHENTICATE foo-bar" + (b" " + b64encode(initial) if initial else b"") + b"\r\n")
    line = client.line()
    assert line[:2] == b"+ "
    assert b64decode(line[2:]) == b"first of " + (initial or b"")
    client.send(b64encode(b"carol") + b"\r\n")
    assert b64decode(client.line()[2:]) == b"second"
    client.send(b64encode(last) + b"\r\n")
    assert client.result("a").answer.startswith(answer)
    assert client.command('LIST "" ""').status == ("OK" if answer == "OK" else "BAD")


def test_only_offered_mechanisms_can_be_used(serve):  # noqa: F811
    class Auth(FooBar):
        def sasl_provides(self):
            return ["X-NOT-THERE"]

    client = serve(auth_class=Auth).connect()
    for name in ("FOO-BAR", "X-NOT-THERE", "PROVIDES", "PLAIN"):
        assert client.command(f"AUTHENTICATE {name}").answer == "NO Authentication type not supported"
