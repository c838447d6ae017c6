"""Whatever a client sends: each answer is one of the grammar, no error is logged, nobody else is bothered."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from response_grammar import check

from netimap.registry import COMMANDS

#: a message that is no pleasure to read
NASTY = (
    b'From: "a\\" <b@c>, =?x?y?z, (((, <>, ;:, g: a,b;\r\nSubject: \xff\xfe =?utf-8?b?!!?=\r\n {9}\r\nDate: never\r\n'
    b'Content-Type: multipart/mixed; boundary=b; x*0*=%%; y="\r\nContent-Disposition: (\r\nTo:\r\n\r\n--b\r\n\r\n'
    b"--b\r\nContent-Type: message/rfc822\r\n\r\n--b\r\nContent-Type: multipart/b; boundary=\r\n\r\n--b--\r\n"
)

WORDS = """
INBOX inbox Work "" "a b" "a\\\\b" NIL ( ) (( )) () [ ] < > * % 0 1 1:* *:1 1,2 4294967295 4294967296 1:4294967295 -1
\\Seen \\Deleted \\Recent \\* (\\Seen) ($x \\Flagged) FLAGS +FLAGS -FLAGS.SILENT ALL FAST FULL UID RFC822 RFC822.TEXT
BODY BODY[] BODY[1] BODY.PEEK[HEADER] BODY[HEADER.FIELDS (From Subject)]<0.5> BODY[TEXT]<5.4294967295> BODY[1.MIME]
BODY[ BODY[1.1.1.HEADER] BODYSTRUCTURE ENVELOPE INTERNALDATE RFC822.SIZE (FLAGS UID ENVELOPE BODYSTRUCTURE) (MESSAGES
UNSEEN) NOT OR SEEN TEXT x SUBJECT FROM HEADER To BEFORE 1-Jan-2026 SINCE LARGER 5 KEYWORD CHARSET UTF-8 KOI-9 FETCH
STORE COPY SEARCH EXPUNGE PLAIN = AGEAYg== " 1-Jan-2026 00:00:00 +0000" &U,BTFw- &AC8- a/../b . .. ../x a//b / é "
\\ {0+} ~{1+} {} {-1} {99999999999999999999+} {3} {99999}
"""
words = st.sampled_from(WORDS.split()) | st.text(max_size=5)
names = st.sampled_from([*COMMANDS, "UID FETCH", "UID STORE", "UID COPY", "BOGUS", "DONE", ""])
tags = st.sampled_from(["a", "b2", "", "+", "*", "a+b", "é", "\x00"])
separators = st.sampled_from([" "] * 8 + ["", "  ", "\t"])
# the backslash of a str becomes the one octet, what is no US-ASCII becomes UTF-8
lines = st.builds(
    lambda tag, name, arguments: " ".join([tag, name]) + "".join(map("".join, arguments)),
    st.just("a") | tags,
    names,
    st.lists(st.tuples(separators, words), max_size=5),
).map(lambda line: line.encode("utf-8", "replace"))

# commands that get further than the parser
UID = st.sampled_from(["", "UID "])
SETS = st.sampled_from(["1", "2", "1:*", "*", "2:1,1", "4294967295:*", "7"])
ITEMS = st.sampled_from(
    ["FULL", "(UID FLAGS)", "BODYSTRUCTURE", "BODY[]", "BODY[1]", "BODY.PEEK[1.MIME]", "BODY[2.HEADER]", "BODY[2.TEXT]",
     "BODY[HEADER.FIELDS (Subject TO)]", "BODY[HEADER.FIELDS.NOT (From)]<3.9>", "(RFC822.HEADER RFC822.TEXT RFC822)"]
)  # fmt: skip
MAILBOXES = st.sampled_from(
    ["INBOX", "inbox", "Work", "Work/x", '"a b"', "&AOQ-", "x/y/z", '"q\\"q"', "{4+}\r\nWork"]
)  # fmt: skip
PATTERNS = st.text("%*/INBOXWorka", max_size=8).map('"{}"'.format)
KEYS = st.recursive(
    st.sampled_from(
        ["ALL", "SEEN", "NEW", "2", "UID 1:*", "FROM b", 'SUBJECT ""', "BODY y", "SENTSINCE 1-Jan-2020", "LARGER 50",
         "HEADER To {1+}\r\nx", "KEYWORD $x", "ON 1-Jan-2026", 'TEXT "=?"']
    ),
    lambda key: st.one_of(
        key.map("NOT {}".format), st.builds("OR {} {}".format, key, key), st.builds("({} {})".format, key, key)
    ),
    max_leaves=4,
)  # fmt: skip
HOW = st.sampled_from(["FLAGS", "+FLAGS", "-FLAGS", "FLAGS.SILENT", "+FLAGS.SILENT"])
FLAGS = st.sampled_from(["\\Seen", "\\Deleted $x", "", "\\Recent"])
ON_MAILBOXES = st.sampled_from(["SELECT", "EXAMINE", "CREATE", "DELETE", "SUBSCRIBE", "UNSUBSCRIBE"])
good = st.one_of(
    st.builds("a {}FETCH {} {}".format, UID, SETS, ITEMS),
    st.builds("a {}STORE {} {} ({})".format, UID, SETS, HOW, FLAGS),
    st.builds("a {}SEARCH {}".format, UID, KEYS),
    st.builds("a {}COPY {} {}".format, UID, SETS, MAILBOXES),
    st.builds('a {} "" {}'.format, st.sampled_from(["LIST", "LSUB"]), PATTERNS),
    st.builds("a {} {}".format, ON_MAILBOXES, MAILBOXES),
    st.builds("a RENAME {} {}".format, MAILBOXES, MAILBOXES),
    st.builds("a STATUS {} (MESSAGES RECENT UNSEEN UIDNEXT UIDVALIDITY)".format, MAILBOXES),
    st.builds("a APPEND {} (\\Seen $y) {{9+}}\r\na: b\r\n\r\nc".format, MAILBOXES),
    st.sampled_from(
        ["a IDLE\r\nDONE", "a EXPUNGE", "a CLOSE", "a UNSELECT", "a CHECK", 'a ID ("x" NIL)', "a NAMESPACE"]
    ),
).map(str.encode)
conversations = (
    st.lists(good | good | lines | st.binary(max_size=20), min_size=1, max_size=8)
    .map(b"\r\n".join)
    # what follows STARTTLS is no line any more
    .filter(lambda octets: b"STARTTLS" not in octets.upper())
)
_users = itertools.count()


@pytest.mark.parametrize("state", ["not logged in", "selected"])
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(conversation=conversations)
def test_noise(shared_server, caplog, state, conversation):
    caplog.clear()
    user = None if state == "not logged in" else f"noise-{next(_users)}"
    with shared_server.connect(user) as client:
        if user is not None:
            client.ok("APPEND INBOX (\\Seen) ", NASTY)
            client.ok("APPEND INBOX ", b"Subject: x\r\n\r\ny\r\n")
            client.ok("CREATE Work")
            client.ok("SELECT INBOX")
        client.send(conversation + b"\r\n")
        client.shutdown()
        for line in client.rest():
            check(line)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
    with shared_server.connect("somebody-else") as other:
        other.ok("NOOP")
