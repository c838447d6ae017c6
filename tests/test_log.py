"""netimap.log: where records go, and that no client can forge one."""

import logging
import re
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netimap import log, settings
from netimap.exceptions import ConfigurationError

DOCUMENTATION = Path(__file__).parent.parent / "docs" / "configuration.rst"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}"


def options(**given):
    return settings.defaults() | given


@pytest.fixture(autouse=True)
def _closed():
    yield
    log.close()


@pytest.fixture
def logged(tmp_path):
    """Log to a file; calling the fixture gives its lines."""
    path = tmp_path / "log"
    logged.logger = log.configure(options(log_file=str(path), log_level=4))
    return lambda: path.read_text().splitlines()


def logger():
    return logging.getLogger("netimap")


def test_record_is_time_level_and_message(logged):
    log.log(logger(), 2, "listening on 127.0.0.1:1430")
    assert re.fullmatch(TIME + r" notice listening on 127\.0\.0\.1:1430", logged()[0])


@pytest.mark.parametrize(
    ("severity", "word"),
    [(-1, "error"), (0, "error"), (1, "warning"), (2, "notice"), (3, "info"), (4, "debug"), (9, "debug")],
)
def test_severities_are_those_of_perl(logged, severity, word):
    log.log(logger(), severity, "x")
    assert logged()[0].endswith(f" {word} x")


def test_log_level_leaves_out_what_is_above_it(tmp_path):
    log.configure(options(log_file=str(tmp_path / "log"), log_level=1))
    for severity in range(5):
        log.log(logger(), severity, f"severity {severity}")
    assert [line[-1] for line in (tmp_path / "log").read_text().splitlines()] == ["0", "1"]


def test_a_percent_sign_is_only_a_percent_sign(logged):
    log.log(logger(), 2, "user %s %d")
    assert logged()[0].endswith("user %s %d")


def test_controls_cannot_forge_a_record(logged):
    log.log(logger(), 2, 'x\r\n2026 notice login ok user="root"\x1b[2J\x00\u2028\ud800')
    (line,) = logged()
    assert line.endswith(r'x\r\n2026 notice login ok user="root"\x1b[2J\x00\u2028\ud800')


def test_lines_of_a_traceback_are_marked(logged):
    try:
        raise ValueError("first\n2026-01-01 notice forged\x1b")
    except ValueError as error:
        log.log(logger(), 0, "failed", exc_info=error)
    first, *others = logged()
    assert first.endswith(" error failed")
    assert len(others) >= 3
    assert all(line.startswith("    | ") for line in others)
    assert "\x1b" not in "".join(others)


def test_a_record_has_a_largest_size(logged):
    log.log(logger(), 2, "x" * 100_000)
    assert len(logged()[0]) < 5000


def test_file_is_not_for_everybody(logged, tmp_path):
    assert (tmp_path / "log").stat().st_mode & 0o027 == 0


def test_file_is_opened_anew_after_rotation(logged, tmp_path):
    log.log(logger(), 2, "one")
    (tmp_path / "log").rename(tmp_path / "log.1")
    log.log(logger(), 2, "two")
    assert logged()[0].endswith("two")
    assert (tmp_path / "log.1").read_text().endswith("one\n")


def test_file_is_kept_when_it_cannot_be_opened_anew(tmp_path):
    (tmp_path / "dir").mkdir()
    log.configure(options(log_file=str(tmp_path / "dir" / "log")))
    (tmp_path / "dir").rename(tmp_path / "moved")  # as after a chroot
    log.log(logger(), 2, "still here")
    assert "still here" in (tmp_path / "moved" / "log").read_text()


def test_a_file_that_cannot_be_opened_is_one_line(tmp_path):
    with pytest.raises(ConfigurationError, match=r"^log_file .*/missing/log: No such file or directory$"):
        log.configure(options(log_file=str(tmp_path / "missing" / "log")))


def test_standard_error_is_the_default(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    log.configure(options())
    log.log(logger(), 2, "hello")
    assert capsys.readouterr().err.endswith(" notice hello\n")
    assert not logger().propagate


def test_logging_set_up_by_the_program_is_used(caplog):
    log.configure(options())  # pytest has handlers on the root logger
    log.log(logger(), 1, "hello")
    assert caplog.messages == ["hello"]


def test_a_second_configuration_replaces_the_first(tmp_path):
    for name in ("a", "b"):
        log.configure(options(log_file=str(tmp_path / name)))
    log.log(logger(), 2, "hello")
    assert (tmp_path / "a").read_text() == ""
    assert "hello" in (tmp_path / "b").read_text()


def test_syslog_by_socket(tmp_path):
    path = str(tmp_path / "syslog")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path)
        server.settimeout(5)
        log.configure(options(syslog_logsock=path, syslog_ident="imap", syslog_facility="local3"))
        log.log(logger(), 2, "hello\nworld")
        record = server.recv(1000)
        # RFC 3164 4.1.1: facility 19 (local3) * 8 + severity 5 (notice)
        assert re.fullmatch(rb"<157>imap\[\d+\]: hello\\nworld\0", record)
        log.log(logger(), 0, "bad")
        assert server.recv(1000).startswith(b"<155>")


def test_syslog_by_udp_without_pid():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        address = f"127.0.0.1:{server.getsockname()[1]}"
        log.configure(options(syslog_logsock=address, syslog_logopt="cons", log_file="Sys::Syslog"))
        log.log(logger(), 2, "hello")
        assert server.recv(1000) == b"<21>netimap: hello\0"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"syslog_logsock": "/nowhere/log"}, "no syslog at /nowhere/log"),
        ({"syslog_logsock": "nonsense"}, "takes"),
        ({"syslog_logsock": "host:99999"}, "takes"),
        ({"syslog_logsock": "udp", "syslog_facility": "post office"}, "syslog_facility is 'post office'"),
    ],
)
def test_bad_syslog_settings_are_one_line(given, problem):
    with pytest.raises(ConfigurationError, match=problem) as error:
        log.configure(options(**given))
    assert "\n" not in str(error.value)


def test_lines_for_the_operator():
    assert log.connect("::1", 5, None) == "connect rip=::1 rport=5 tls=no"
    assert log.connect("::1", 5, True) == "connect rip=::1 rport=5 tls=yes"
    assert log.refused("::1", "too many connections") == 'refused rip=::1 reason="too many connections"'
    assert (
        log.login_ok("alice", "10.0.0.7", 4711, "TLSv1.3", "PLAIN", 0.0414)
        == 'login ok user="alice" rip=10.0.0.7 rport=4711 tls=TLSv1.3 mechanism=PLAIN seconds=0.041'
    )
    assert log.login_failed("bob", "10.0.0.7", "LOGIN") == 'login failed user="bob" rip=10.0.0.7 mechanism=LOGIN'
    assert (
        log.disconnect("alice", "10.0.0.7", 12.3456, 7, 800, 9000, "LOGOUT")
        == 'disconnect user="alice" rip=10.0.0.7 seconds=12.346 commands=7 bytes_in=800 bytes_out=9000 '
        'reason="LOGOUT"'
    )
    assert log.disconnect(None, "::1", 0.0, 0, 0, 0, "EOF").startswith("disconnect user=- rip=::1 ")


def test_a_mechanism_that_is_no_word_is_quoted():
    assert log.login_failed("a", "::1", "PLAIN rip=9.9.9.9").endswith('mechanism="PLAIN rip=9.9.9.9"')


def failregex():
    """The expression that docs/configuration.rst gives to fail2ban, as fail2ban compiles it."""
    (text,) = re.findall(r"failregex = (.*)", DOCUMENTATION.read_text())
    return re.compile(text.replace("<ADDR>", r"(?P<host>[0-9a-fA-F:.]+)"))


@given(st.text())
def test_fail2ban_finds_the_address_whatever_the_user_name(user):
    line = "notice " + log.escape(log.login_failed(user, "192.0.2.7", "PLAIN"))
    assert len(line.splitlines()) == 1
    assert failregex().match(line)["host"] == "192.0.2.7"


@given(st.text())
def test_fail2ban_takes_nothing_else_for_a_failed_login(text):
    for line in (
        log.login_ok(text, "192.0.2.7", 1, None, text, 0.0),
        log.disconnect(text, "192.0.2.7", 1.0, 1, 1, 1, text),
        log.refused("192.0.2.7", text),
    ):
        assert not failregex().match("notice " + log.escape(line))


def test_fail2ban_is_not_led_astray():
    line = "notice " + log.login_failed('x" rip=9.9.9.9 y="', "192.0.2.7", "PLAIN")
    assert failregex().match(line)["host"] == "192.0.2.7"
