"""The limits of a server (issue 2, section 4; FIELD-NOTES 3): each is a setting, and each has a clear answer."""

import time

import pytest
from serving import PATIENCE_S, attempt, eventually, new_user, no_errors, serve  # noqa: F401

from netimap import DefaultAuth, Server
from netimap.settings import SERVER_SETTINGS

RAW = b"Subject: hello\r\n\r\nbody\r\n"


def test_every_limit_has_a_sane_default():
    server = Server()
    limits = {
        setting.name: server.option(setting.name)
        for setting in SERVER_SETTINGS
        if setting.section in ("Limits", "Times")
    }
    assert limits["max_line"] == 65536
    assert limits["max_unauth_literal"] <= 4096 < limits["max_literal"] <= limits["max_command"] < limits["max_message"]
    assert limits["max_literals"] == 100
    assert limits["max_nesting"] == 100
    assert 30 <= limits["login_timeout"] <= 60
    # RFC 3501 5.4: at least 30 minutes
    assert limits["auth_idle"] >= 1800
    assert limits["write_timeout"] == 30
    assert 0 < limits["max_failed_logins"] <= limits["max_bad_unauth"] <= limits["max_bad"]
    assert 0 < limits["max_connections_per_user"] <= limits["max_connections_per_address"] < limits["max_connections"]


# --- lines ---


@pytest.mark.parametrize("user", [None, "logged-in"])
def test_a_long_line_is_answered_and_the_next_one_read(serve, user):  # noqa: F811
    client = serve(max_line=100).connect(user)
    client.send("a1 NOOP " + "x" * 200 + "\r\nb NOOP\r\n")
    assert client.line() == b"a1 BAD [LIMIT] A line has 100 octets at most"
    assert client.line() == b"b OK NOOP COMPLETED"


def test_a_long_line_without_a_tag_is_answered_too(serve):  # noqa: F811
    client = serve(max_line=100).connect()
    client.send("(" * 200 + "\r\nb NOOP\r\n")
    assert client.line() == b"* BAD [LIMIT] A line has 100 octets at most"
    assert client.line() == b"b OK NOOP COMPLETED"


def test_a_line_of_the_limit_is_fine(serve):  # noqa: F811
    client = serve(max_line=100).connect()
    client.send(b"a " + b"x" * 97 + b"\r\n")
    assert b"not recognized" in client.line()
    client.send(b"a " + b"x" * 98 + b"\r\n")
    assert b"[LIMIT]" in client.line()


def test_a_line_without_end_ends_the_connection(serve):  # noqa: F811
    client = serve(max_line=100).connect()
    client.send(b"a " + b"x" * 5000)
    assert client.rest() == [b"* BYE [LIMIT] A line has 100 octets at most"]


@pytest.mark.parametrize(
    "announced", [b"{5}", b"{5+}", b"~{5}", b"{99999999999999999999999+}", b"{" + b"0" * 100 + b"5+}"]
)
def test_a_long_line_that_announces_a_literal_ends_the_connection(serve, announced):  # noqa: F811
    # what follows might be taken for commands
    client = serve(max_line=100).connect()
    client.send(b"a NOOP " + b"x" * 200 + announced + b"\r\nb NOOP\r\n")
    assert client.rest() == [b"* BYE [LIMIT] A line has 100 octets at most"]


@pytest.mark.parametrize("user", [None, "logged-in"])
def test_a_long_line_behind_a_literal(serve, user):  # noqa: F811
    client = serve(max_line=100).connect(user)
    client.send(b"a NOOP {3+}\r\nabc " + b"x" * 200 + b"\r\nb NOOP\r\n")
    assert client.line() == b"a BAD [LIMIT] A line has 100 octets at most"
    assert client.line() == b"b OK NOOP COMPLETED"
    client.send(b"c NOOP {3+}\r\nabc " + b"x" * 200 + b"{5+}\r\nd NOOP\r\n")
    assert client.rest() == [b"* BYE [LIMIT] A line has 100 octets at most"]


@pytest.mark.parametrize("begin", [b"a SELECT {3+}\r\nabc", b"a* NOOP {3+}\r\nabc"])
def test_a_long_line_behind_a_refused_literal(serve, begin):  # noqa: F811
    server = serve(max_line=100)
    client = server.connect()
    client.send(begin + b"x" * 200 + b"\r\nb NOOP\r\n")
    assert client.line() in (b"a BAD Log in first", b"* BAD Invalid tag")
    assert client.line() == b"b OK NOOP COMPLETED"
    for behind in (b"x" * 200 + b"{5+}", b"{99999999999+}"):
        client = server.connect()
        client.send(begin + behind + b"\r\nb NOOP\r\n")
        assert client.rest()[-1].startswith(b"* BYE")


def test_an_impossible_literal_behind_a_bad_tag_ends_the_connection(serve):  # noqa: F811
    client = serve().connect()
    client.send(b"a* NOOP {99999999999+}\r\nb NOOP\r\n")
    assert client.rest() == [b"* BAD Invalid tag", b"* BYE [TOOBIG] Literal size is no 32-bit number"]


@pytest.mark.parametrize("begin", [b"a AUTHENTICATE PLAIN\r\n", b"a IDLE\r\n"])
def test_a_long_line_in_a_continuation_ends_the_connection(serve, begin):  # noqa: F811
    client = serve(max_line=100).connect("x" if b"IDLE" in begin else None)
    client.send(begin)
    assert client.line().startswith(b"+")
    client.send(b"x" * 200 + b"\r\n")
    assert client.rest() == [b"* BYE [LIMIT] A line has 100 octets at most"]


# --- literals ---


@pytest.mark.parametrize(
    ("user", "size", "is_allowed"), [(None, 64, True), (None, 65, False), ("x", 128, True), ("x", 129, False)]
)
def test_a_literal_is_limited_more_before_login(serve, user, size, is_allowed):  # noqa: F811
    client = serve(max_unauth_literal=64, max_literal=128).connect(user)
    client.send(f"a NOOP {{{size}}}\r\n")
    if is_allowed:
        assert client.line() == b"+ Continue"
        client.send(b"x" * size + b"\r\n")
        assert client.line() == b"a BAD Too many options"
    else:
        assert client.line() == b"a NO [TOOBIG] A literal here has %d octets at most" % (size - 1)
    # the same without waiting: it is dropped, and never run
    payload = b"c NOOP\r\n" * 20
    client.send(f"b NOOP {{{size}+}}\r\n".encode() + payload[: size - 2] + b"\r\n" + b" rest\r\nd NOOP\r\n")
    assert client.line().startswith(b"b BAD Too many" if is_allowed else b"b NO [TOOBIG]")
    assert client.line() == b"d OK NOOP COMPLETED"


def test_append_has_a_limit_of_its_own(serve):  # noqa: F811
    client = serve(max_message=1000).connect(new_user())
    client.ok("APPEND INBOX ", b"x" * 1000)
    assert client.command("APPEND INBOX ", b"x" * 1001).answer == "NO [TOOBIG] A literal here has 1000 octets at most"
    client.send(b"a APPEND INBOX {1001+}\r\n" + b"b NOOP\r\n" * 125 + b"x\r\nc NOOP\r\n")
    assert client.line().startswith(b"a NO [TOOBIG]")
    assert client.line() == b"c OK NOOP COMPLETED"


def test_append_is_refused_before_login_whatever_its_size(serve):  # noqa: F811
    client = serve().connect()
    client.send(b"a APPEND INBOX {1000000}\r\n")
    assert client.line() == b"a BAD Log in first"


@pytest.mark.parametrize(("user", "most"), [(None, 4), ("x", 7)])
def test_literals_of_a_command_are_counted(serve, user, most):  # noqa: F811
    client = serve(max_literals=7).connect(user)
    client.send(b"a NOOP" + b" {1+}\r\nx" * most + b"\r\n")
    assert client.line() == b"a BAD Too many options"
    client.send(b"b NOOP" + b" {1+}\r\nx" * 1001 + b"\r\n")
    assert client.line() == b"b BAD [LIMIT] More than %d literals in a command" % most
    assert client.command("NOOP").status == "OK"


def test_literals_of_a_command_are_limited_together(serve):  # noqa: F811
    client = serve(max_unauth_literal=100, max_literal=100, max_command=250).connect("x")
    client.send(b"a NOOP" + (b" {100+}\r\n" + b"x" * 100) * 3 + b"\r\n")
    assert client.line() == b"a NO [TOOBIG] The literals of a command have 250 octets at most"
    assert client.command("NOOP").status == "OK"


def test_a_hundred_messages_in_one_command_are_refused(serve):  # noqa: F811
    client = serve(max_message=1000, max_unauth_literal=100, max_literal=100, max_command=100).connect("x")
    client.send(b"a APPEND" + (b" {1000+}\r\n" + b"x" * 1000) * 3 + b"\r\n")
    assert client.line() == b"a NO [TOOBIG] The literals of a command have 1100 octets at most"
    assert client.command("NOOP").status == "OK"


@pytest.mark.parametrize("size", [b"99999999999", b"4294967296", b"18446744073709551616", b"1" * 60_000])
def test_an_impossible_size_that_is_on_its_way_ends_the_connection(serve, size):  # noqa: F811
    server = serve()
    for command in (b"NOOP", b"BOGUS", b"APPEND INBOX", b"LOGIN a"):
        client = server.connect()
        client.send(b"a " + command + b" {" + size + b"+}\r\nb LOGOUT\r\n")
        assert client.rest() == [b"* BYE [TOOBIG] Literal size is no 32-bit number"]
    client = server.connect()
    # a client that waits has sent nothing yet
    client.send(b"a NOOP {" + size + b"}\r\nb NOOP\r\n")
    assert client.line() == b"a BAD [TOOBIG] Literal size is no 32-bit number"
    assert client.line() == b"b OK NOOP COMPLETED"


def test_more_than_can_be_dropped_ends_the_connection(serve):  # noqa: F811
    client = serve().connect()
    client.send(b"a NOOP {1048577+}\r\nb NOOP\r\n")
    assert client.rest() == [b"* BYE [TOOBIG] Too much to drop"]


@pytest.mark.parametrize("size", [b"00005", b"5"])
def test_leading_zeros_are_digits(serve, size):  # noqa: F811
    client = serve().connect()
    client.send(b"a NOOP {" + size + b"+}\r\nb NOO\r\nc NOOP\r\n")
    assert client.line() == b"a BAD Too many options"
    assert client.line() == b"c OK NOOP COMPLETED"


# --- nesting ---


@pytest.mark.parametrize(
    "command", ["NOOP", "FETCH 1", "SEARCH", "STATUS INBOX", "ID", "BOGUS", "LOGIN", "APPEND INBOX"]
)
@pytest.mark.parametrize("text", ["(" * 60_000, "(" * 30_000 + ")" * 30_000])
def test_nesting_is_limited(serve, command, text):  # noqa: F811
    client = serve().connect(new_user())
    client.ok("SELECT INBOX")
    begun = time.process_time()
    assert client.command(f"{command} {text}").status == "BAD"
    assert time.process_time() - begun < 0.2
    client.ok("NOOP")


def test_brackets_nest_too(serve):  # noqa: F811
    client = serve().connect(new_user())
    client.ok("SELECT INBOX")
    assert client.command("FETCH 1 " + "BODY[" * 10_000).status == "BAD"
    assert client.command("SEARCH " + "NOT " * 15_000 + "ALL").status == "BAD"
    assert client.command("SEARCH " + "OR ALL " * 8_000 + "ALL").status == "BAD"


# --- bad commands and failed logins ---


def test_lines_before_login_are_counted_bad_ones_too(serve):  # noqa: F811
    # PERL-API.md: the tenth line is answered, then BYE
    client = serve().connect()
    client.send("".join("a NOOP\r\n" if number % 2 else "\r\n" for number in range(12)))
    lines = client.rest()
    assert len(lines) == 11
    assert lines[-1] == b"* BYE Too many commands before login"


@pytest.mark.parametrize("line", ["\r\n", "a\r\n", "a BOGUS\r\n", "a FETCH 1 UID\r\n", "a LOGIN\r\n"])
def test_bad_commands_are_counted(serve, line):  # noqa: F811
    server = serve(max_bad_unauth=3, max_bad=5, unauth_commands=0)
    client = server.connect()
    client.send(line * 10)
    assert [line.split(b" ", 2)[1] for line in client.rest()] == [b"BAD"] * 3 + [b"BYE"]
    client = server.connect("x")
    client.send(line * 10)
    assert [line.split(b" ", 2)[1] for line in client.rest()] == [b"BAD"] * 5 + [b"BYE"]


def test_long_lines_and_refused_literals_count_as_bad(serve):  # noqa: F811
    client = serve(max_line=64, max_bad=3).connect("x")
    client.send(b"a " + b"x" * 100 + b"\r\nb {1+}\r\nx\r\nc NOOP {1+}\r\nx\r\nd NOOP\r\n")
    assert [line.split(b" ", 2)[1] for line in client.rest()] == [b"BAD"] * 3 + [b"BYE"]


class Auth(DefaultAuth):
    """Knows one user."""

    def auth_plain(self, user, password):
        if user != "bob" or password != "secret":
            return False
        self.user(user)
        return True


def test_failed_logins_are_counted(serve):  # noqa: F811
    client = serve(auth_class=Auth, max_failed_logins=3).connect()
    client.send(
        b"a LOGIN bob wrong\r\nb LOGIN nobody secret\r\nc AUTHENTICATE PLAIN AGJvYgB4\r\nd LOGIN bob secret\r\n"
    )
    assert client.rest() == [
        b"a NO Invalid login", b"b NO Invalid login", b"c NO Invalid login", b"* BYE Too many failed logins",
    ]  # fmt: skip


def test_a_failed_login_is_held_back_and_others_are_not(serve):  # noqa: F811
    server = serve(auth_class=Auth, login_delay=0.3)
    for user in ("bob", "nobody"):
        client, other = server.connect(), server.connect()
        begun = time.monotonic()
        client.send(f"a LOGIN {user} wrong\r\n")
        other.ok("NOOP")
        assert client.unread() == b""
        # the same text for an unknown user and a wrong password
        assert client.result("a").answer == "NO Invalid login"
        assert time.monotonic() - begun >= 0.3


def test_a_failed_login_is_logged_with_user_and_address(serve, caplog):  # noqa: F811
    client = serve(auth_class=Auth).connect()
    client.command('LOGIN "eve\\"l" wrong')
    client.command("AUTHENTICATE PLAIN AGNhcm9sAHg=")
    failed = [record.getMessage() for record in caplog.records if "login failed" in record.getMessage()]
    assert failed == [
        'login failed user="eve\\"l" rip=127.0.0.1 mechanism=LOGIN',
        'login failed user="carol" rip=127.0.0.1 mechanism=PLAIN',
    ]
    assert "wrong" not in caplog.text


# --- mailboxes ---


def test_names_and_depth_are_limited(serve):  # noqa: F811
    client = serve().connect(new_user())
    assert client.command(f"CREATE {'x' * 1001}").code == "LIMIT"
    assert client.command("CREATE " + "a/" * 40 + "a").code == "LIMIT"
    assert client.command("RENAME INBOX " + "b/" * 40 + "a").code == "LIMIT"
    for turn in range(3):
        client.command("CREATE " + "/".join(f"{turn}{number}" for number in range(20)))
    # nor by moving one below the other
    assert client.command("RENAME 00 " + "/".join(f"1{number}" for number in range(20)) + "/x").code == "LIMIT"
    client.ok('LIST "" *')


def test_keywords_of_a_mailbox_are_limited(serve):  # noqa: F811
    client = serve().connect(new_user())
    client.ok("APPEND INBOX ", RAW)
    client.ok("SELECT INBOX")
    client.ok(f"STORE 1 +FLAGS ({' '.join(f'k{number}' for number in range(200))})")
    assert client.command(f"STORE 1 +FLAGS ({' '.join(f'l{number}' for number in range(200))})").code == "LIMIT"
    assert client.command(f"STORE 1 +FLAGS ({'k' * 256})").code == "LIMIT"


def test_id_is_limited(serve):  # noqa: F811
    client = serve().connect("x")
    many = " ".join(f'"k{number}" "v"' for number in range(31))
    for text in (f"({many})", f'("{"k" * 31}" "v")', f'("k" "{"v" * 1025}")'):
        assert client.command(f"ID {text}").code == "LIMIT"
