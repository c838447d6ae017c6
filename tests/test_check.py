"""netimap.check: what `netimap-server check` says of a configuration, and that it changes nothing."""

import datetime
import os
import resource
import socket

import pytest

from netimap import cli, passwords
from netimap.certificate import make_self_signed
from netimap.users import UsersFile


@pytest.fixture
def data(monkeypatch, tmp_path):
    """A data directory as it is after the first start, and enough open files."""
    for name in list(os.environ):
        if name.startswith("NETIMAP_"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(passwords, "LOG2_ROUNDS", 2)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (100_000, 100_000))
    make_self_signed(str(tmp_path / "certs" / "server-cert.pem"), str(tmp_path / "certs" / "server-key.pem"))
    UsersFile(tmp_path / "users").add("alice", "secret")
    return tmp_path


@pytest.fixture
def check(data, capsys):
    """Run check with free ports; gives (status, its lines without the last two)."""

    def check(*flags, data_dir=None):
        arguments = ["--data-dir", str(data_dir or data), "--port", "0", "--ssl-port", "0", "--store", "memory:"]
        status = cli.main([*arguments, "check", *flags])
        lines = capsys.readouterr().out.splitlines()
        assert lines[-2].startswith("settings: ")
        assert lines[-1] == ("nothing is wrong" if status == 0 else lines[-1])
        return status, lines[:-2]

    return check


def test_nothing_is_wrong(check):
    assert check() == (0, [])


def test_before_the_first_start(check, tmp_path):
    status, lines = check(data_dir=tmp_path / "new" / "data")
    assert status == 0
    assert [line.split(":")[0] for line in lines] == ["note"] * 3
    assert not (tmp_path / "new").exists()


def test_all_problems_at_once(check, tmp_path):
    flags = ["--cidr-deny", "nonsense", "--log-file", "/no/where/log"]
    status, lines = check(*flags, "--server-cert", "/no/cert", "--server-key", "/no/key")
    assert status == 2
    assert lines == [
        "problem: server_cert /no/cert: No such file or directory",
        "problem: cidr_deny: 'nonsense' does not appear to be an IPv4 or IPv6 network",
        "problem: log_file /no/where/log: it cannot be written",
    ]


def test_users(check, data, tmp_path):
    with open(data / "users", "a") as file:
        file.write("bob:secret\n")
    status, lines = check()
    assert (status, lines) == (2, [f"problem: {data}/users, line 2: this is no scrypt hash"])
    status, lines = check("--users", str(tmp_path / "none"), "--host", "0.0.0.0")
    assert (status, lines) == (2, ["problem: there are no users: netimap-server user add NAME"])


def test_users_that_would_share_a_maildir(check, data, capsys):
    flags = ("--store", f"maildir:{data}/Maildir")
    assert check(*flags) == (0, [])
    UsersFile(data / "users").add("bob", "secret")
    status, lines = check(*flags)
    assert (status, lines) == (2, [f"problem: store maildir:{data}/Maildir: without %u all 2 users share one Maildir"])
    assert not (data / "Maildir").exists()


def test_store_that_cannot_be_made(check, data):
    (data / "file").touch()
    status, lines = check("--store", f"maildir:{data}/file/%u")
    assert (status, lines) == (2, [f"problem: store maildir:{data}/file/%u: {data}/file cannot be made"])


def test_store_on_a_file_system_that_takes_nothing(check):
    status, lines = check("--store", "maildir:/proc/nope/%u")
    assert (status, lines) == (2, ["problem: store maildir:/proc/nope/%u: /proc/nope cannot be made"])


def test_store_with_another_percent(data, capsys):
    assert cli.main(["--data-dir", str(data), "--store", "maildir:/tmp/%x", "check"]) == 2
    line = "netimap-server: store is 'maildir:/tmp/%x': the one % that has a meaning is %u\n"
    assert capsys.readouterr().err == line


def test_store_in_directories_that_are_there_already(check, data):
    assert check("--store", "maildir:/home/%u/Maildir") == (0, [])


def test_files_in_directories_that_do_not_exist(check):
    assert check("--pid-file", "/nope/x.pid") == (2, ["problem: pid_file /nope/x.pid: it cannot be written"])
    status, lines = check("--users", "/nope/users")
    assert status == 2
    assert "problem: users /nope/users: there is no directory /nope" in lines


def test_syslog_facility_is_checked_where_syslog_is_off(check):
    status, (line,) = check("--syslog-facility", "xx")
    assert status == 2
    assert line.startswith("problem: syslog_facility is 'xx': it takes one of ")


def test_certificate(check, data, monkeypatch):
    (data / "certs" / "server-key.pem").chmod(0o644)
    status, (line,) = check()
    assert (status, line.split(";")[0]) == (
        2,
        f"problem: server_key {data}/certs/server-key.pem: everybody may read it",
    )


@pytest.mark.parametrize(("days", "status", "words"), [(-3, 2, "it has expired"), (5, 0, "it expires in 4 days")])
def test_certificate_that_ends(check, monkeypatch, days, status, words):
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    monkeypatch.setattr("netimap.check.expires", lambda path: end)
    found, (line,) = check()
    assert found == status
    assert words in line


def test_port_in_use(check):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status, lines = check("--port", str(port))
    assert (status, lines) == (
        2,
        [
            f"problem: port: cannot listen on 127.0.0.1 port {port}: Address already in use"
            " (is the server running already?)"
        ],
    )


def test_host_that_is_not_ours(check):
    status, lines = check("--host", "192.0.2.1")
    assert status == 2
    assert lines[0].startswith("problem: port: cannot listen on 192.0.2.1 port 0: ")


def test_classes_that_do_not_load(check, tmp_path, monkeypatch):
    status, lines = check("--connection-class", "netimap.DefaultAuth")
    assert status == 2
    assert lines[0].startswith("problem: connection_class: ")
    status, lines = check("--connection-class", "no.such.Class")
    assert status == 2
    assert lines[0].startswith("problem: connection_class: ")


def test_notes(check, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1000, 1000))
    status, lines = check("--auth-idle", "60", "--allow-plaintext-login", "--host", "0.0.0.0")
    assert status == 0
    assert lines == [
        "note: max_connections is 20000, and the limit of open files is good for 800: raise it (ulimit -n)",
        "note: auth_idle is 60: RFC 3501 wants 1800 or more",
        "note: allow_plaintext_login is on and other machines can connect: passwords travel in clear text",
    ]


def test_pid_file_and_log_are_not_touched(check, data):
    assert check("--log-file", str(data / "log"), "--pid-file", str(data / "pid")) == (0, [])
    assert sorted(os.listdir(data)) == ["certs", "users", "users.lock"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for chroot")
def test_paths_outside_of_chroot(check, data, tmp_path):
    (data / "jail").mkdir()
    status, lines = check("--chroot", str(data / "jail"))
    assert status == 2
    assert lines == [f"problem: {data}/users is not in the directory of chroot, {data}/jail"]
    assert check("--chroot", str(data)) == (0, [])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_files_that_the_user_of_the_server_may_not_read(check, data):
    flags = ("--user", "nobody", "--store", f"maildir:{data}/mail/%u")
    (data / "mail").mkdir(mode=0o755)
    status, lines = check(*flags)
    assert status == 2
    assert lines == [
        f"problem: data_dir {data}: user nobody may not read it",
        f"problem: users {data}/users: user nobody may not read it",
        f"problem: store maildir:{data}/mail/%u: user nobody may not read and write {data}/mail",
    ]
    for path in (data, data / "users", data / "mail"):
        os.chown(path, 65534, -1)
    assert check(*flags) == (0, [])
