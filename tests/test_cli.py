"""netimap.cli: the command line without a server: help, users, and what it says of mistakes."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from netimap import cli, passwords
from netimap.users import UsersFile

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch, tmp_path):
    """No settings from outside, cheap hashes, and a data directory for everybody who names none."""
    for name in list(os.environ):
        if name.startswith("NETIMAP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NETIMAP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(passwords, "LOG2_ROUNDS", 2)


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the command in this process; gives (status, standard output, standard error)."""

    def run(*arguments, stdin=None):
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            status = cli.main(arguments)
        except SystemExit as end:  # --help and --version, by argparse
            status = end.code
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def users(tmp_path):
    return UsersFile(tmp_path / "data" / "users")


def netimap_server(*arguments, **options):
    """Run bin/netimap-server as the operator does."""
    return subprocess.run(
        [sys.executable, str(ROOT / "bin" / "netimap-server"), *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        **options,
    )


# The program


def test_the_installed_program_adds_a_user(tmp_path):
    result = netimap_server("user", "add", "alice", "--password-stdin", input="secret\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "alice: added\n", "")
    assert users(tmp_path).verify("alice", "secret")


def test_the_installed_program_refuses_a_bad_configuration_in_one_line():
    result = netimap_server("--port", "http")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("netimap-server: command line: port is 'http': it takes a port number")
    assert result.stderr.count("\n") == 1


def test_help_names_settings_defaults_and_commands(run):
    status, out, err = run("--help")
    assert (status, err) == (0, "")
    for words in ("user ", "check ", "Limits:", "--max-line OCTETS", "Default: 65536.", "%u is", "NETIMAP_PORT=143"):
        assert words in out
    assert "Default: None" not in out
    for arguments in (["user"], ["user", "add"], ["check"]):
        status, out, err = run(*arguments, "--help")
        assert (status, err) == (0, "")
        assert out.startswith(f"usage: netimap-server {' '.join(arguments)}")


def test_version(run):
    assert run("--version") == (0, "netimap-server 0.1.0\n", "")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--prot", "1"], "there is no flag --prot: did you mean --port?"),
        (["--por=1"], "there is no flag --por: did you mean --port?"),
        (["check", "--xyzzy"], "there is no flag --xyzzy: see netimap-server --help"),
        (["-x"], "unrecognized arguments: -x (see netimap-server --help)"),
        (["--port"], "argument --port: expected one argument"),
        (["serve"], "invalid choice: 'serve'"),
        (["user"], "user: say add, passwd, remove or list"),
        (["user", "add"], "the following arguments are required: NAME (see netimap-server user add --help)"),
        (["user", "promote", "x"], "invalid choice: 'promote'"),
        (["user", "add", "x", "--port", "1"], "unrecognized arguments: --port 1"),
        (["--config", "/no/such"], "/no/such: No such file or directory"),
        (["--log-level", "9"], "command line: log_level is '9': the most is 4"),
        (["--port", "none", "--ssl-port", "none"], "port and ssl_port are both off"),
        (["--auth-class", "a.B", "user", "list"], "auth_class is set: the users are not in a file"),
        (["--store", "x", "check"], "store is 'x'"),
    ],
)
def test_mistakes_are_one_line_and_status_2(run, arguments, problem):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("netimap-server: ")
    assert problem in err
    assert err.count("\n") == 1


# Users


def test_life_of_a_user(run, tmp_path):
    assert run("user", "add", "alice", "--password-stdin", stdin="one\n") == (0, "alice: added\n", "")
    assert run("user", "add", "bob", "--password-stdin", stdin="b")[0] == 0
    assert users(tmp_path).verify("alice", "one")
    assert run("user", "list") == (0, "alice\nbob\n", "")
    status, out, _ = run("user", "passwd", "alice", "--password-stdin", stdin="two\r\nignored\n")
    assert (status, out) == (0, "alice: has a new password\n")
    assert users(tmp_path).verify("alice", "two")
    assert run("user", "remove", "alice") == (0, "alice: removed\n", "")
    assert run("user", "list") == (0, "bob\n", "")


def test_flags_may_stand_before_and_behind_the_command(run, tmp_path):
    for arguments in (
        ["--users", str(tmp_path / "u"), "user", "add", "a"],
        ["user", "add", "b", "--users", str(tmp_path / "u")],
    ):
        assert run(*arguments, "--password-stdin", stdin="x\n")[0] == 0
    assert UsersFile(tmp_path / "u").names() == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "problem"),
    [
        (["add", "alice"], "x\n", "there is a user 'alice' already"),
        (["add", "a/b"], "x\n", "user name 'a/b': it may not begin with . or #, nor hold : or /"),
        (["add", "bob"], "\n", "a password may not be empty"),
        (["add", "bob"], "", "a password may not be empty"),
        (["passwd", "bob"], "x\n", "there is no user 'bob'"),
        (["remove", "bob"], None, "there is no user 'bob'"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_1(run, tmp_path, arguments, stdin, problem):
    run("user", "add", "alice", "--password-stdin", stdin="one\n")
    extra = [] if stdin is None else ["--password-stdin"]
    status, out, err = run("user", *arguments, *extra, stdin=stdin)
    assert (status, out) == (1, "")
    assert err.startswith("netimap-server: ")
    assert problem in err
    assert err.count("\n") == 1
    assert users(tmp_path).verify("alice", "one")


def test_a_disk_that_refuses_is_one_line_and_status_1(run, tmp_path):
    status, _, err = run("--users", str(tmp_path / "no" / "u"), "user", "add", "a", "--password-stdin", stdin="x\n")
    assert (status, err) == (1, f"netimap-server: {tmp_path}/no/u.lock: No such file or directory\n")


@pytest.fixture
def terminal(monkeypatch):
    """A terminal on which the operator types these answers."""

    def answers(*lines):
        left = iter(lines)
        monkeypatch.setattr(os, "isatty", lambda fd: True)
        monkeypatch.setattr("getpass.getpass", lambda prompt: next(left))

    return answers


def test_password_is_asked_for_twice(run, tmp_path, terminal):
    terminal("secret", "secret")
    assert run("user", "add", "alice")[0] == 0
    assert users(tmp_path).verify("alice", "secret")
    terminal("one", "two")
    assert run("user", "passwd", "alice")[::2] == (1, "netimap-server: the two passwords differ\n")
    assert users(tmp_path).verify("alice", "secret")


def test_nobody_is_asked_for_a_password_in_vain(run, terminal):
    terminal()
    assert run("user", "passwd", "nobody")[0] == 1
    assert run("user", "add", "..")[0] == 1


def test_without_a_terminal_nothing_waits(run, monkeypatch):
    monkeypatch.setattr(os, "isatty", lambda fd: False)
    status, _, err = run("user", "add", "alice")
    assert (status, err) == (
        1,
        "netimap-server: there is no terminal to ask for the password: use --password-stdin\n",
    )


def test_interruption_is_quiet(run, monkeypatch):
    def interrupt(prompt):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "isatty", lambda fd: True)
    monkeypatch.setattr("getpass.getpass", interrupt)
    assert run("user", "add", "alice") == (130, "", "")


def test_data_directory_is_for_its_owner(run, tmp_path):
    run("user", "add", "alice", "--password-stdin", stdin="x\n")
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
