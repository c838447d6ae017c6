"""netimap.serve and netimap.first_start: the command starts a server, says how to log in, and ends cleanly."""

import contextlib
import imaplib
import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netimap import config, first_start
from netimap.exceptions import ConfigurationError
from netimap.privileges import Privileges

ROOT = Path(__file__).parent.parent
DEADLINE_S = 20


class Command:
    """A running `bin/netimap-server`, in a directory of its own."""

    def __init__(self, directory, *arguments):
        self.directory = Path(directory)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("NETIMAP_")}
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "bin" / "netimap-server"), *arguments],
            cwd=directory,
            env=environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.printed = {self.process.stdout: "", self.process.stderr: ""}

    @property
    def out(self):
        return self.printed[self.process.stdout]

    @property
    def log(self):
        return self.printed[self.process.stderr]

    def wait_for(self, pattern):
        """Read what it prints and logs until the pattern is there; gives the match."""
        deadline = time.monotonic() + DEADLINE_S
        while not (match := re.search(pattern, self.out + self.log)):
            left = deadline - time.monotonic()
            ready, _, _ = select.select(list(self.printed), [], [], max(0, left))
            chunks = [(stream, os.read(stream.fileno(), 65536)) for stream in ready]
            if not any(chunk for _, chunk in chunks):
                raise AssertionError(f"no {pattern!r} in {self.out + self.log!r}")
            for stream, chunk in chunks:
                self.printed[stream] += chunk.decode()
        return match

    def ports(self):
        """The plain port and the TLS port, when it listens."""
        match = self.wait_for(r"listening on 127\.0\.0\.1:(\d+) \(STARTTLS\), 127\.0\.0\.1:(\d+) \(TLS\)\n")
        return int(match[1]), int(match[2])

    def login(self):
        """User and password as it prints them."""
        return self.wait_for(r"user +(\S+)\n +password +(\S+)\n").groups()

    def client(self):
        """imaplib over TLS, which verifies the certificate."""
        port = self.ports()[1]
        context = ssl.create_default_context(cafile=self.directory / "var" / "certs" / "server-cert.pem")
        return imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=context, timeout=DEADLINE_S)

    def stop(self, signal_number=signal.SIGTERM):
        """End it; gives its exit status."""
        self.process.send_signal(signal_number)
        return self.process.wait(DEADLINE_S)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in self.printed:
            stream.close()


@pytest.fixture
def start(tmp_path):
    """Start the command with its data in var/ and free ports."""
    with contextlib.ExitStack() as stack:

        def start(*arguments, directory=tmp_path):
            command = Command(directory, "--data-dir", "var", "--port", "0", "--ssl-port", "0", *arguments)
            stack.callback(command.close)
            return command

        yield start


def test_first_start_and_the_second(start, tmp_path):
    command = start("--store", "memory:")
    login = command.login()
    assert login[0] == "demo"
    assert len(login[1]) >= 16
    assert (tmp_path / "var" / "first-login").stat().st_mode & 0o777 == 0o600
    with command.client() as client:
        assert client.login(*login)[0] == "OK"
        assert client.select("INBOX")[0] == "OK"
    command.wait_for(r'notice login ok user="demo" rip=127\.0\.0\.1 rport=\d+ tls=TLSv1\.3 ')
    assert login[1] not in command.log
    assert command.stop() == 0
    again = start("--store", "memory:")
    assert again.login() == login
    with again.client() as client:
        assert client.login(*login)[0] == "OK"
    assert again.stop(signal.SIGINT) == 0
    assert "Traceback" not in command.log + again.log


def test_plain_port_wants_starttls_unless_told(start, tmp_path):
    command = start("--store", "memory:", "--login-delay", "0")
    login = command.login()
    with imaplib.IMAP4("127.0.0.1", command.ports()[0], timeout=DEADLINE_S) as client:
        with pytest.raises(imaplib.IMAP4.error):
            client.login(*login)
        context = ssl.create_default_context(cafile=tmp_path / "var" / "certs" / "server-cert.pem")
        client.host = "localhost"
        client.starttls(context)
        assert client.login(*login)[0] == "OK"
    assert "allow_plaintext_login" not in command.log
    command.stop()
    command = start("--store", "memory:", "--allow-plaintext-login")
    command.wait_for(r"warning .*allow_plaintext_login")
    with imaplib.IMAP4("127.0.0.1", command.ports()[0], timeout=DEADLINE_S) as client:
        assert client.login(*login)[0] == "OK"


def test_failed_logins_are_logged_for_fail2ban(start):
    command = start("--store", "memory:", "--login-delay", "0")
    with command.client() as client:
        for user in ("demo", "nobody"):
            with pytest.raises(imaplib.IMAP4.error, match="Invalid login"):
                client.login(user, "a wrong password")
    for user in ("demo", "nobody"):
        command.wait_for(rf'warning login failed user="{user}" rip=127\.0\.0\.1')
    assert "a wrong password" not in command.log


def test_bad_configuration_ends_with_one_line_and_status_2(start):
    command = start("--server-cert", "/no/cert", "--server-key", "/no/key", "--store", "memory:")
    assert command.process.wait(DEADLINE_S) == 2
    assert command.process.stderr.read() == b"netimap-server: server_cert /no/cert: No such file or directory\n"


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (("--store", "maildir:/proc/nope/%u"), "store maildir:/proc/nope/%u: /proc/nope: No such file or directory"),
        (("--users", "/nope/users"), "users /nope/users: there is no directory /nope"),
    ],
)
def test_where_nobody_could_log_in_the_server_does_not_start(start, flags, line):
    command = start(*flags)
    assert command.process.wait(DEADLINE_S) == 2
    assert command.process.stderr.read().decode() == f"netimap-server: {line}\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_who_may_not_read_the_users_is_refused_at_start(start):
    command = start("--user", "nobody")
    # what root has made before, by `user add` for instance
    command.wait_for("listening on")
    command.stop()
    data = command.directory / "var"
    for name in (data, data / "users"):
        os.chown(name, 0, 0)
    command = start("--user", "nobody")
    assert command.process.wait(DEADLINE_S) == 2
    assert b"user nobody may not read it" in command.process.stderr.read()


def test_a_handshake_that_hangs_does_not_hold_up_the_end(start):
    command = start("--store", "memory:")
    with socket.create_connection(("127.0.0.1", command.ports()[1])):
        begun = time.monotonic()
        command.stop()
        assert time.monotonic() - begun < 5


def test_port_in_use_ends_with_one_line_and_status_2(start):
    port = start("--store", "memory:").ports()[0]
    second = start("--store", "memory:", "--port", str(port))
    assert second.process.wait(DEADLINE_S) == 2
    line = f"netimap-server: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert second.process.stderr.read().decode() == line


def test_plugin_in_the_working_directory(start, tmp_path):
    (tmp_path / "plugin.py").write_text(
        "import netimap\n"
        "class Auth(netimap.DefaultAuth):\n"
        "    def auth_plain(self, user, password):\n"
        "        self.user(user)\n"
        "        return password == 'open sesame'\n"
    )
    command = start("--auth-class", "plugin.Auth", "--model-class", "netimap.DefaultModel")
    with command.client() as client:
        assert client.login("ali", "open sesame")[0] == "OK"
    assert command.out == ""


def test_maildir_is_the_default_and_the_printed_line_works(start, tmp_path):
    command = start()
    command.login()
    command.ports()
    command.wait_for(r"Try it:\n +(.*)\n")
    line = re.search(r"Try it:\n +(.*)\n", command.out)[1]
    with command.client() as client:
        client.login(*command.login())
        assert client.select("INBOX") == ("OK", [b"1"])
        assert b"Subject: Welcome to netimap\r\n" in client.fetch("1", "(BODY.PEEK[])")[1][0][1]
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    result = subprocess.run(
        line, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "Welcome to netimap" in result.stdout
    assert command.stop() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change root directory and user")
def test_chroot_and_user(start, tmp_path):
    for directory in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        directory.chmod(0o755)
    arguments = ["--chroot", str(tmp_path), "--user", "nobody"]
    command = start(*arguments, "--pid-file", str(tmp_path / "pid"), "--log-file", str(tmp_path / "log"))
    login = command.login()
    pid = int((tmp_path / "pid").read_text())
    assert os.readlink(f"/proc/{pid}/root") == str(tmp_path)
    assert re.search(r"Uid:\t65534\t65534\t65534", Path(f"/proc/{pid}/status").read_text())
    match = re.search(r"127\.0\.0\.1:(\d+) \(TLS\)", (tmp_path / "log").read_text())
    context = ssl.create_default_context(cafile=tmp_path / "var" / "certs" / "server-cert.pem")
    with imaplib.IMAP4_SSL("127.0.0.1", int(match[1]), ssl_context=context, timeout=DEADLINE_S) as client:
        assert client.login(*login)[0] == "OK"
        assert client.select("INBOX") == ("OK", [b"1"])
    # a new user is seen, though root has written the file
    result = subprocess.run(
        [sys.executable, str(ROOT / "bin" / "netimap-server"), "user", "add", "new", "--password-stdin"],
        env=os.environ | {"PYTHONPATH": str(ROOT), "NETIMAP_DATA_DIR": str(tmp_path / "var")},
        input=b"secret\n",
        check=False,
    )
    assert result.returncode == 0
    with imaplib.IMAP4_SSL("127.0.0.1", int(match[1]), ssl_context=context, timeout=DEADLINE_S) as client:
        assert client.login("new", "secret")[0] == "OK"
        assert client.append("INBOX", None, None, b"Subject: hello\r\n\r\nhello\r\n")[0] == "OK"
    assert (tmp_path / "var" / "mail" / "new").stat().st_uid == 65534
    assert command.stop() == 0
    assert not (tmp_path / "pid").exists() or (tmp_path / "pid").read_text() == ""


# first_start, without a server


@pytest.fixture
def load(tmp_path):
    """Load a configuration with its data in var/ and run the preparation of the first user."""

    def load(**flags):
        loaded = config.load({"data_dir": str(tmp_path / "var")} | flags, {})
        first_start.make_data_dir(loaded)
        return loaded

    return load


def first_login(loaded):
    return first_start.first_login(loaded, Privileges(loaded.values))


def test_first_user_is_made_once_and_gets_mail(load, tmp_path):
    login = first_login(load())
    assert first_login(load()) == login
    (message,) = (tmp_path / "var" / "mail" / "demo" / "new").iterdir()
    assert message.read_text().startswith("From: netimap <")
    assert (tmp_path / "var" / "mail" / "demo").stat().st_mode & 0o777 == 0o700
    assert os.listdir(tmp_path / "var" / "mail" / "demo" / "tmp") == []


def test_store_may_be_anywhere(load, tmp_path):
    first_login(load(store=f"maildir:{tmp_path}/a/b/%u/Maildir"))
    assert len(os.listdir(tmp_path / "a" / "b" / "demo" / "Maildir" / "new")) == 1


def test_store_that_cannot_be_made_is_one_line(load, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=f"^{tmp_path}/file/demo: Not a directory$"):
        first_login(load(store=f"maildir:{tmp_path}/file/%u"))


def test_two_first_starts_have_two_passwords(tmp_path):
    found = []
    for name in "ab":
        loaded = config.load({"data_dir": str(tmp_path / name)}, {})
        first_start.make_data_dir(loaded)
        found.append(first_login(loaded))
    assert found[0][1] != found[1][1]


def test_a_mailbox_that_is_there_is_left_alone(load, tmp_path):
    (tmp_path / "Maildir").mkdir()
    first_login(load(store=f"maildir:{tmp_path}/Maildir"))
    assert os.listdir(tmp_path / "Maildir") == []


@pytest.mark.parametrize("flags", [{"host": "0.0.0.0"}, {"port": "192.0.2.1:143"}, {"ssl_port": "[::]:993"}])
def test_no_user_is_made_where_other_machines_can_connect(load, tmp_path, flags):
    loaded = load(**flags)
    assert first_login(loaded) is None
    assert not (tmp_path / "var" / "users").exists()


@pytest.mark.parametrize("flags", [{"host": "localhost"}, {"host": "::1"}, {"port": "none", "host": "127.9.9.9"}])
def test_a_user_is_made_on_loopback(load, flags):
    assert first_login(load(**flags)) is not None


def test_no_user_is_made_where_there_are_users(load, tmp_path):
    loaded = load()
    first_start.UsersFile(loaded["users"]).add("alice", "secret")
    assert first_login(loaded) is None
    assert first_start.UsersFile(loaded["users"]).names() == ["alice"]


def test_password_is_not_said_when_it_is_not_right_any_more(load, tmp_path):
    loaded = load()
    name, _ = first_login(loaded)
    first_start.UsersFile(loaded["users"]).passwd(name, "mine")
    assert first_login(loaded) is None
    first_start.forget_first_login(loaded, "other")
    assert (tmp_path / "var" / "first-login").exists()
    first_start.forget_first_login(loaded, name)
    assert not (tmp_path / "var" / "first-login").exists()
    first_start.forget_first_login(loaded, name)


def test_command_for_the_same_data(load, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "bin" / "netimap-server")])
    assert first_start.command(load()) == "bin/netimap-server --data-dir var"
    (tmp_path / "var" / "netimap.toml").write_text("port = 143")
    assert first_start.command(load(users="u 1")) == "bin/netimap-server --data-dir var --users 'u 1'"
    (tmp_path / "a.toml").write_text('data_dir = "var"')
    loaded = config.load({"config": "a.toml"}, {})
    assert first_start.command(loaded) == "bin/netimap-server --config a.toml"


def test_invitation(load):
    loaded = load(store="memory:")
    text = first_start.invitation(loaded, [("::1", 143, False), ("127.0.0.1", 993, True)], ("demo", "pa'ss"))
    assert "IMAP with STARTTLS  [::1]:143\n" in text
    assert "IMAP over TLS       127.0.0.1:993\n" in text
    assert "user passwd demo\n" in text
    assert "--user 'demo:pa'\"'\"'ss' imaps://127.0.0.1:993/\n" in text
    text = first_start.invitation(loaded, [("::1", 143, False)], ("demo", "secret"))
    assert "--ssl-reqd --user demo:secret 'imap://[::1]:143/'" in text or "imap://[::1]:143/" in text
    own = load(server_cert="/c", server_key="/k", store="memory:")
    assert "curl --insecure --user" in first_start.invitation(own, [("::1", 993, True)], ("demo", "secret"))
