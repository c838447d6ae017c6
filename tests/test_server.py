"""netimap.server: listeners, live connections, limits, tables (PERL-API.md, Server)."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import gevent
import pytest
from gevent import socket
from serving import eventually, new_user, no_errors, serve  # noqa: F401

import netimap
from netimap import Command, Connection, DefaultAuth, DefaultModel, Server
from netimap.exceptions import ConfigurationError
from netimap.testing import RunningServer, server_certificate


def quiet(**options):
    return Server(**{"port": 0, "server_cert": None, "server_key": None} | options)


# --- options ---


def test_defaults_are_the_original_s():
    server = Server()
    assert (server.port(), server.ssl_port(), server.poll_every(), server.unauth_commands()) == (1430, None, 0, 10)
    assert (server.unauth_idle(), server.auth_idle()) == (300, 3600)
    assert server.option("server_cert") == "certs/server-cert.pem"
    assert server.option("server_key") == "certs/server-key.pem"
    assert server.auth_class() is DefaultAuth
    assert server.model_class() is DefaultModel
    assert server.connection_class() is Connection


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"auth_class": DefaultModel}, "auth_class: DefaultModel is no subclass of netimap.DefaultAuth"),
        ({"model_class": "netimap.DefaultAuth"}, "model_class: netimap.DefaultAuth is no subclass"),
        ({"connection_class": "no.such.Thing"}, "connection_class: cannot load no.such.Thing"),
        ({"prot": 1430}, "did you mean 'port'"),
        ({"poll_every": -1}, "poll_every"),
        ({"port": None}, "nothing to listen on"),
        ({"cidr_deny": ["10.0.0.0/99"]}, "cidr_deny"),
        ({"allow": ["("]}, "allow"),
    ],
)
def test_wrong_options_are_refused_at_construction(options, says):
    with pytest.raises(ConfigurationError, match=says):
        Server(**options)


def test_classes_may_be_given_by_name():
    assert Server(auth_class="netimap.DefaultAuth").auth_class() is DefaultAuth


def test_option_accessors_set_and_check():
    server = quiet()
    assert server.poll_every(5) == 5
    assert server.poll_every() == 5
    assert server.model_class("netimap.DefaultModel") is DefaultModel
    with pytest.raises(ConfigurationError):
        server.auth_idle("long")
    with pytest.raises(ConfigurationError):
        server.auth_class(dict)
    assert (server.auth_idle(), server.auth_class()) == (3600, DefaultAuth)


def test_a_missing_certificate_stops_the_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="certs/server-cert.pem"):
        Server(port=0).start()
    with pytest.raises(ConfigurationError, match="ssl_port needs server_cert"):
        quiet(ssl_port=0).start()


def test_a_port_in_use_stops_the_start(serve):  # noqa: F811
    running = serve()
    server = quiet(port=running.port)
    with pytest.raises(ConfigurationError, match=f"127.0.0.1:{running.port}: Address already in use"):
        server.start()


def test_the_second_port_in_use_frees_the_first(serve):  # noqa: F811
    running = serve()
    server = RunningServer(ssl_port=running.port)
    with pytest.raises(ConfigurationError):
        server.start()
    assert server.server.addresses() == []


# --- tables ---


def test_capability_and_id():
    server = quiet()
    assert server.capability().split()[0] == "IMAP4rev1"
    assert server.id() == {"name": "netimap", "version": netimap.__version__}


def test_command_class():
    server = quiet()
    assert server.command_class("noop").__name__ == "Noop"
    assert server.command_class("BOGUS") is Command
    assert server.command_class()["NOOP"] is server.command_class("Noop")


def test_add_command_takes_a_class_or_its_name(serve):  # noqa: F811
    server = serve()
    server.server.add_command("xnoop", "netimap.command.noop.Noop")
    server.server.add_command("X_Noop", "netimap.command.noop:Noop")
    client = server.connect()
    assert client.ok("XNOOP").text == "XNOOP COMPLETED"
    assert client.ok("x_noop").text == "X_NOOP COMPLETED"


@pytest.mark.parametrize("cls", ["no.such.Command", "netimap.Message", dict, 5])
def test_what_is_no_command_is_logged_and_left_out(cls):
    class Logging(Server):
        lines = ()

        def write_to_log_hook(self, level, message):
            self.lines += ((level, message),)

    server = Logging(server_cert=None, server_key=None)
    server.add_command("NOOP", cls)
    ((level, message),) = server.lines
    assert level == 1
    assert message.startswith("command NOOP not added: ")
    assert server.command_class("NOOP").__name__ == "Noop"


# --- connections ---


def test_knows_its_connections(serve):  # noqa: F811
    server = serve()
    user, other = new_user(), new_user()
    one, two, three = server.connect(user), server.connect(user), server.connect(other)
    server.connect()
    core = server.server
    assert len(core.connections()) == 4
    assert len(core.concurrent_user_connections(user)) == 2
    assert core.concurrent_user_connections("nobody") == []
    one.ok("SELECT INBOX")
    two.ok("EXAMINE INBOX")
    three.ok("SELECT INBOX")
    (mailbox, _) = {connection.selected() for connection in core.connections()} - {None}
    assert len(core.concurrent_mailbox_connections(mailbox)) in (1, 2)
    theirs = {connection.selected() for connection in core.concurrent_user_connections(user)}
    assert len(theirs) == 1
    assert len(core.concurrent_mailbox_connections(theirs.pop())) == 2


def test_class_calls_find_the_running_server_and_the_greenlet_s_connection(serve):  # noqa: F811
    first, second = serve(), serve()
    found = {}

    class Who(Command):
        def run(self):
            found["connection"] = Server.connection()
            found["instance"] = self.server().connection()
            found["user"] = Server.concurrent_user_connections()
            found["mailbox"] = Server.concurrent_mailbox_connections()
            self.ok_completed()

    second.server.add_command("XWHO", Who)
    user = new_user()
    client = second.connect(user)
    first.connect(user)
    client.ok("SELECT INBOX")
    client.ok("XWHO")
    (connection,) = second.server.connections()
    assert found == {"connection": connection, "instance": connection, "user": [connection], "mailbox": [connection]}
    # an instance means itself, whatever runs beside it
    assert first.server.concurrent_user_connections(user) == first.server.connections()
    assert Server.concurrent_user_connections(user) == second.server.connections()
    assert Server.connection() is None
    assert Server.concurrent_user_connections() == []
    assert Server.concurrent_mailbox_connections() == []


def test_connection_can_be_set():
    def work():
        Server.connection("mine")
        Server.connection("another")
        return Server.connection(), Server.connection(None), Server.connection()

    assert gevent.spawn(work).get() == ("another", None, None)


def test_each_connection_has_its_greenlet(serve):  # noqa: F811
    server = serve()
    server.connect()
    (connection,) = server.server.connections()
    assert isinstance(connection.coro(), gevent.Greenlet)
    assert connection.server() is server.server
    assert connection.io_handle().peerhost() == "127.0.0.1"
    assert connection.io_handle().peerport() > 0


def test_access_rules_close_before_a_byte_is_said(serve):  # noqa: F811
    for rules in ({"cidr_deny": ["127.0.0.0/8"]}, {"allow": ["10\\..*"]}, {"cidr_allow": ["10.0.0.0/8"]}):
        server = serve(**rules)
        client = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        assert client.recv(100) == b""
        client.close()


def test_rules_may_be_changed_while_it_runs(serve):  # noqa: F811
    server = serve()
    server.connect().close()
    server.server._configure({**server.server._options, "cidr_deny": ["127.0.0.0/8"]})
    client = socket.create_connection(("127.0.0.1", server.port), timeout=5)
    assert client.recv(100) == b""
    client.close()


# --- stop ---


def test_stop_says_bye_to_everyone(serve):  # noqa: F811
    server = serve()
    clients = [server.connect(), server.connect("x"), server.connect(tls=True)]
    clients[1].ok("SELECT INBOX")
    clients[1].idle()
    server.server.stop()
    for client in clients:
        assert client.rest() == [b"* BYE [UNAVAILABLE] Server is shutting down"]
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)


def test_stop_does_not_wait_for_ever(serve):  # noqa: F811
    class Hang(Command):
        def run(self):
            gevent.sleep(1000)

    server = serve()
    server.server.add_command("XHANG", Hang)
    client = server.connect()
    client.send("a XHANG\r\n")
    gevent.sleep(0.005)
    server.server.stop(grace_s=0.02)
    client.rest()
    assert server.server.connections() == []


def test_stop_reaches_what_was_accepted_a_moment_ago(serve):  # noqa: F811
    server = serve()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = socket.create_connection(listener.getsockname(), timeout=5)
        accepted, peer = listener.accept()
    # as the listener does: the greenlet has not begun yet
    gevent.spawn(server.server.process_request, accepted, peer)
    server.server.stop()
    assert server.server.connections() == []
    octets = b""
    while more := client.recv(1000):
        octets += more
    assert octets.endswith(b"* BYE [UNAVAILABLE] Server is shutting down\r\n")
    client.close()
    accepted.close()


# --- logging ---


def test_everything_logged_passes_the_hook(serve):  # noqa: F811
    lines = []

    class Logging(Server):
        def write_to_log_hook(self, level, message):
            lines.append((level, message))

    class Broken(Command):
        def run(self):
            raise RuntimeError("bug")

    server = Logging(port=0, server_cert=None, server_key=None, allow_plaintext_login=True)
    server.add_command("XBUG", Broken)
    server.start()
    ((_, port, _),) = server.addresses()
    client = socket.create_connection(("127.0.0.1", port), timeout=5)
    client.sendall(b"a XBUG\r\nb LOGOUT\r\n")
    while client.recv(1000):
        pass
    client.close()
    eventually(lambda: not server.connections())
    server.stop()
    (bug,) = [message for level, message in lines if level == 0]
    assert "RuntimeError: bug" in bug
    assert "Traceback" in bug
    assert any(message.startswith("disconnect user=- rip=127.0.0.1") for _, message in lines)


def test_a_certificate_can_be_read_again(serve, tmp_path, no_errors):  # noqa: F811
    from netimap.certificate import make_self_signed

    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    make_self_signed(cert, key)
    server = serve(server_cert=cert, server_key=key)
    server.connect(tls=True).close()
    make_self_signed(cert, key)
    server.server.reload_certificate()
    server.connect(tls=True).close()
    Path(cert).write_text("garbage")
    server.server.reload_certificate()
    assert "certificate not reloaded" in no_errors.take()[0]
    before = server.server.tls_context()
    assert before is server.server.tls_context() is not None


# --- run ---

SCRIPT = """
    import sys, gevent, netimap
    class Mine(netimap.Server):
        def start(self):
            super().start()
            print(self.addresses()[0][1], flush=True)
    server = Mine(port=0, server_cert=None, server_key=None, log_level=0)
    server.run(poll_every=5, unauth_commands=3)
    print("ended", server.poll_every(), server.connections())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_serves_until_a_signal_ends_it(number):
    root = Path(netimap.__file__).parent.parent
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)],
        env=os.environ | {"PYTHONPATH": str(root)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        port = int(process.stdout.readline())
        client = socket.create_connection(("127.0.0.1", port), timeout=10)
        octets = client.recv(1000)
        process.send_signal(number)
        while more := client.recv(1000):
            octets += more
        client.close()
        assert octets.endswith(b"* BYE [UNAVAILABLE] Server is shutting down\r\n")
        assert process.stdout.read() == "ended 5 []\n"
    assert process.returncode == 0


def test_options_of_run_count_for_the_classes_and_rules_too():
    class Auth(DefaultAuth):
        pass

    server = quiet()
    server.start = server._stopped.set
    server.run(auth_class=Auth, cidr_deny=["10.0.0.0/8"])
    assert server.auth_class() is Auth
    assert not server._access.permits("10.1.2.3")


def test_the_test_server_has_a_certificate():
    assert all(Path(path).exists() for path in server_certificate())
