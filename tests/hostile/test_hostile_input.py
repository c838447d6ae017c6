"""Garbage, NUL, 8-bit octets, and line breaks through every value that is echoed (FIELD-NOTES 2.8, 4)."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving import attempt, eventually, new_user

from netimap.registry import COMMANDS
from netimap.testing import Closed
from netimap.wire.mailbox_name import encode_name

RAW = b"Subject: hello\r\n\r\nbody\r\n"
#: a line as a server may send it: printable US-ASCII; literals are read by the client
CLEAN = re.compile(rb"[\x20-\x7e]*\Z")


@pytest.fixture
def server(serve):
    return serve(max_bad=10_000, max_bad_unauth=10_000, unauth_commands=0, max_failed_logins=10_000)


def send_and_end(client, octets):
    """Send garbage and what follows a broken line, then read to the end; every line has to be clean."""
    client.send(octets + b"\r\n\r\nend LOGOUT\r\n")
    lines = attempt(client.rest).get()
    assert isinstance(lines, list), lines
    for line in lines:
        for part in re.sub(rb"\{(\d+)\}\r\n", b"", line).split(b"\r\n"):
            assert CLEAN.match(part), line
    return lines


GARBAGE = [
    b"\0",
    b"\0" * 1000,
    b"\xff" * 1000,
    bytes(range(256)),
    b"\r",
    b"\n",
    b"\r\r\n\n",
    b"\x16\x03\x01\x02\0\x01\0",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5",
    b"a \0NOOP",
    b"a NOOP\0",
    b"\0a NOOP",
    b"a\0b NOOP",
    b"a NO\xc3\x96P",
    "a LOGIN ü ü".encode(),
    b'a LOGIN "\xff" "\xff"',
    b'a LOGIN "a\0b" "c"',
    b'a LOGIN "a',
    b'a LOGIN "a\\x" b',
    b'a LOGIN "a\rb" c',
    b"\xef\xbb\xbfa NOOP",
    b"a\tNOOP",
    b"a NOOP\t",
    b"* OK hello",
    b"+ go on",
    b"a SELECT {5}x",
    b'a ID ("a" "\xe9")',
    b"a ID (((((",
    b"a ID (NIL NIL)",
    b"a AUTHENTICATE \xff",
    b"a AUTHENTICATE PLAIN \xff",
    b"a AUTHENTICATE PLAIN ====",
    b"a AUTHENTICATE PLAIN " + b"A" * 3000,
    b"DONE",
    b"*",
    b"a IDLE",
    b"a CAPABILITY \xff",
    b"a SELECT &",
    b"a SELECT &AAAA-",
    b"a LIST \xff \xff",
    b'a LIST "" "\xff"',
    b"a FETCH \xd9\xa1 UID",
    b"a UID \xff",
    b"a UID FETCH",
    b"a UID UID FETCH 1 UID",
    b"a uid uid",
    b"a SEARCH \xff",
    b"a SEARCH CHARSET \xff ALL",
    b"a STORE 1 FLAGS (\xff)",
    b"a STORE 1 FLAGS \\",
    b"a STORE 1 FLAGS (\\)",
    b"a APPEND \xff {1+}\r\nx",
    b"a RENAME & &",
    b"a STATUS INBOX (\xff)",
    b"a STATUS INBOX ((MESSAGES))",
    b"a STATUS INBOX (MESSAGES (UNSEEN))",
    b'a FETCH 1 BODY[HEADER.FIELDS ("\xff")]',
    b"a FETCH 1 BODY[]<\xb2.1>",
    b"a FETCH 1 (BODY[1.MIME.2])",
    b"a STARTTLS x",
    b"a FETCH 1:\xb2 UID",
    b"a COPY 1 \xff",
    b"a SEARCH UID \xd9\xa1",
    b"a SEARCH LARGER \xb2",
    b"a SEARCH ON 1-\xb2-2020",
]


@pytest.mark.parametrize("octets", GARBAGE)
def test_garbage_before_login(server, octets):
    send_and_end(server.connect(), octets)


@pytest.mark.parametrize("octets", GARBAGE)
def test_garbage_after_login(server, octets):
    client = server.connect(new_user())
    client.ok("APPEND INBOX ", RAW)
    client.ok("SELECT INBOX")
    send_and_end(client, octets)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.booleans())
def test_any_octets(server, octets, logged_in):
    client = server.connect("octets" if logged_in else None)
    if b"}" in octets:
        # a literal may be announced, and end anywhere
        client.send(octets + b"\r\n")
        client.close()
    else:
        send_and_end(client, octets)
    client.close()
    eventually(lambda: not server.server.connections())


commands = st.sampled_from(sorted(set(COMMANDS) - {"LOGOUT", "STARTTLS", "IDLE"}))
arguments = st.lists(
    st.one_of(
        st.sampled_from(["1:*", "1", "*", "INBOX", "FLAGS", "+FLAGS", "(\\Seen)", "(MESSAGES)", "ALL", "NIL",
                         '""', "FETCH", "BODY[]", "BODY.PEEK[1.2.HEADER]<0.5>", "CHARSET", "UTF-8", "NOT", "OR",
                         "(", ")", "[", "]", "<1.2>", "1-Jan-2020", '"1-Jan-2020"', "%", "*%", "&-", "&AAo-",
                         "a/b", "..", "/", "//", "\\", "{", "{1}"]),
        st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=10),
    ),
    max_size=6,
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(commands, arguments), min_size=1, max_size=5))
def test_any_arguments(server, lines):
    client = server.connect("arguments")
    try:
        client.send(b"s SELECT INBOX\r\n")
        client.result("s", [])
        for name, words in lines:
            text = " ".join([name, *words]).encode()
            if not text.endswith(b"}"):
                client.send(b"t " + text + b"\r\n")
        client.send(b"end NOOP\r\n")
        line = b""
        while not line.startswith((b"end ", b"* BYE")):
            line = client.line()
            if line == b"+ ":
                client.send(b"*\r\n")
            assert CLEAN.match(re.sub(rb"\{\d+\}\r\n(?s:.*)", b"", line)), line
    finally:
        client.close()


# --- line breaks through echoed values ---

#: values that try to make a line of their own
BREAKS = [
    b"a\r\n* BYE injected",
    b"a\n* BYE injected",
    b"a\r* BYE injected",
    b"\r\n",
    b'a"\r\nx OK"',
    b"a\0\r\n* BYE injected",
]


def answers(client, *parts):
    """The lines of an answer; none may be one that was injected."""
    client.send(b"".join(parts) + b"\r\nend NOOP\r\n")
    lines = []
    while not lines or not lines[-1].startswith(b"end "):
        lines.append(client.line())
        assert not re.match(rb"(\* BYE|x OK)", lines[-1]), lines
    return lines


def literal(octets):
    return b"{%d+}\r\n" % len(octets) + octets


@pytest.mark.parametrize("value", BREAKS)
def test_mailbox_names_make_no_lines(server, value):
    client = server.connect(new_user())
    for line in (
        b"SELECT ",
        b"CREATE ",
        b"DELETE ",
        b"SUBSCRIBE ",
        b"UNSUBSCRIBE ",
        b'LIST "" ',
        b'LSUB "" ',
        b"RENAME INBOX ",
    ):
        assert answers(client, b"a " + line, literal(value))[0].startswith(b"a BAD")
    assert answers(client, b"a STATUS ", literal(value), b" (MESSAGES)")[0].startswith(b"a BAD")
    # nor does a name whose decoded form has a line break
    name = encode_name("a\r\n* BYE injected")
    assert (
        answers(client, b'a CREATE "' + name.encode() + b'"')[0] == b"a BAD Mailbox name contains a control character"
    )


@pytest.mark.parametrize("value", BREAKS)
def test_users_and_ids_make_no_lines(server, value, caplog):
    client = server.connect()
    answers(client, b"a LOGIN ", literal(value), b" ", literal(value))
    server_side = server.connect()
    lines = answers(server_side, b"a ID (", literal(b"name"), b" ", literal(value), b")")
    assert lines[0].startswith(b"* ID (")
    assert server_side.ok("NOOP")
    assert not [record for record in caplog.records if "\n" in record.getMessage()]


@pytest.mark.parametrize("value", BREAKS)
def test_header_fields_and_searches_make_no_lines(server, value):
    client = server.connect(new_user())
    client.ok("APPEND INBOX ", RAW)
    client.ok("SELECT INBOX")
    answers(client, b"a FETCH 1 BODY[HEADER.FIELDS (", literal(value), b")]")
    answers(client, b"a SEARCH SUBJECT ", literal(value))
    answers(client, b"a SEARCH HEADER ", literal(value), b" x")
    answers(client, b"a SEARCH CHARSET ", literal(value), b" ALL")
    answers(client, b"a STORE 1 FLAGS (", literal(value), b")")
    answers(client, b"a APPEND INBOX (", literal(value), b") ", literal(RAW))
    answers(client, b"a APPEND INBOX ", literal(value), b" ", literal(RAW))


@pytest.mark.parametrize(
    "value", [*BREAKS, b'"', b"\\", b'\\"', b"\xff\xfe", "ü".encode(), b"NIL", b"{5}", b"a" * 5000]
)
def test_headers_of_messages_make_no_lines(server, value):
    # whatever a sender put into his headers
    client = server.connect(new_user())
    headers = [
        b"Subject: %b",
        b"From: %b <%b@%b>" % (b"%b", value, value),
        b"To: %b",
        b"Message-ID: %b",
        b'Content-Type: text/plain; name="%b"',
        b'Content-Disposition: x; a="%b"',
        b"Date: %b",
    ]
    message = b"\r\n".join(header.replace(b"%b", value) for header in headers) + b"\r\n\r\nbody\r\n"
    client.ok("APPEND INBOX ", message)
    client.ok("SELECT INBOX")
    for items in ("ENVELOPE", "BODYSTRUCTURE", "BODY", "FULL", "BODY[HEADER]"):
        result = client.ok(f"FETCH 1 {items}")
        assert len(result.of("FETCH")) >= 1
        assert not [line for line in result.untagged if line.startswith(b"* BYE")]
        for line in result.untagged:
            for part in re.split(rb"\{\d+\}\r\n", line)[:1]:
                assert CLEAN.match(part), part


@pytest.mark.parametrize("tag", [b"a]", b"\\", b"a\\b", b"NIL", b"BYE", b"OK", b"{5}", b"a" * 1000, b"~", b"'"])
def test_tags_come_back_as_they_were_or_not_at_all(server, tag):
    client = server.connect()
    client.send(tag + b" NOOP\r\n")
    assert client.line() in (tag + b" OK NOOP COMPLETED", b"* BAD Invalid tag")


def test_keywords_come_back_quoted_nowhere(server):
    client = server.connect(new_user())
    client.ok("APPEND INBOX ", RAW)
    client.ok("SELECT INBOX")
    for flag in ('"x"', "(x)", "x{5}", "x%", "x*", "\\\\x", "x]", "é", "\\Recent", "[x", "x\\y"):
        result = client.command(f"STORE 1 +FLAGS ({flag})")
        assert result.status in ("OK", "NO", "BAD")
    assert client.ok("FETCH 1 FLAGS").fetched()[1]["FLAGS"]
    assert all(CLEAN.match(line) for line in client.ok("SELECT INBOX").untagged)


@pytest.mark.parametrize(
    "user", ["%u", "'", "*)(", "..", "../root", "NIL", "a/b", "\\", '"', "a b", "ü", "x" * 1000, "{5}"]
)
def test_odd_user_names_are_names(server, user):
    client = server.connect(user)
    for line in client.ok('LIST "" *').untagged:
        assert CLEAN.match(line)
    client.ok("SELECT INBOX")
    assert len(server.server.concurrent_user_connections(user)) == 1


def test_mailboxes_named_like_other_things(server):
    # FIELD-NOTES 4: a mailbox named NIL
    client = server.connect(new_user())
    for name in (
        "NIL",
        '"NIL2"',
        '"a \\"b\\""',
        '"back\\\\slash"',
        "&-",
        '"{5"',
        "..",
        ".",
        "a..b",
        "~",
        "#news",
        '"(x)"',
        '"%"',
        '"*"',
    ):
        result = client.command(f"CREATE {name}")
        assert result.status == "OK", (name, result)
        client.ok(f"SELECT {name}")
        client.ok(f"STATUS {name} (MESSAGES)")
    lines = client.ok('LIST "" *').of("LIST")
    assert b'* LIST (\\HasNoChildren) "/" "NIL"' in lines
    assert b'* LIST (\\HasNoChildren) "/" "a \\"b\\""' in lines
    assert b'* LIST (\\HasNoChildren) "/" "back\\\\slash"' in lines


def test_closing_is_closing(server):
    client = server.connect()
    client.command("LOGOUT")
    with pytest.raises(Closed):
        client.line()
