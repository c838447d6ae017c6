"""netimap.testing.dialogue: the file format (docs/testing.rst)."""

import pytest

from netimap.testing import DialogueError, load_dialogues
from netimap.testing.dialogue import ConnectionState, Expect, Send, generic_message


@pytest.fixture
def load(tmp_path):
    """The dialogues of a text."""

    def load(text):
        path = tmp_path / "some.imap"
        path.write_text(text, "utf-8")
        return load_dialogues(path)

    return load


def test_the_example_of_the_documentation(load):
    (dialogue,) = load(
        "needs: MOVE\n"
        "mailbox: INBOX with 3 messages\n"
        "mailbox: Archive empty\n"
        "both connections: select INBOX\n"
        "\n"
        "1 C: a UID MOVE $uid1 Archive\n"
        "1 S: * OK [COPYUID $validity $uid1 $copy] ...\n"
        "1 S: * 1 EXPUNGE\n"
        "1 S: a OK ...\n"
        "2 C: b FETCH 1 UID\n"
        "2 S: * 1 FETCH (UID $uid1)          # may not be renumbered yet\n"
        "2 S: b OK ...\n"
    )
    assert dialogue.needs == ["MOVE"]
    assert [(mailbox.name, len(mailbox.messages)) for mailbox in dialogue.mailboxes] == [("INBOX", 3), ("Archive", 0)]
    assert dialogue.connections == {
        1: ConnectionState(command="SELECT INBOX"),
        2: ConnectionState(command="SELECT INBOX"),
    }
    first, answer, second, other = dialogue.steps
    assert first == Send(1, 6, "a UID MOVE $uid1 Archive")
    assert isinstance(answer, Expect)
    assert [response.line for response in answer.responses] == [7, 8, 9]
    assert [response.is_final for response in answer.responses] == [False, False, True]
    assert second.connection == 2
    assert other.responses[0].parts == ("* 1 FETCH (UID $uid1)",)
    assert str(dialogue) == "some"
    assert dialogue.last_line == 12


def test_several_dialogues_in_a_file(load):
    one, two = load("# comment\n== first one\n1 C: a\n=== second ===\nneeds: X\n1 C: b\n")
    assert (str(one), one.line, one.needs) == ("some: first one", 2, [])
    assert (str(two), two.line, two.needs) == ("some: second", 4, ["X"])


def test_what_is_given(load):
    (dialogue,) = load(
        'mailbox: "with space" with messages (\\Seen) () ($a \\Draft)\n'
        'message: INBOX (\\Flagged) " 1-Jan-2026 00:00:00 +0000"\n'
        "| From: a\n"
        "|  folded # no comment\n"
        "|\n"
        "| text\n"
        "message: INBOX\n"
        "recent: INBOX\n"
        "connection 3: TLS, not logged in\n"
        'connection 2: TLS, examine "with space"\n'
        "1 C: a\n"
    )
    quoted, inbox = dialogue.mailboxes
    assert quoted.name == '"with space"'
    assert [message.flags for message in quoted.messages] == ["\\Seen", "", "$a \\Draft"]
    assert quoted.messages[2].octets == generic_message(3).octets
    assert not quoted.recent
    given, empty = inbox.messages
    assert given.octets == b"From: a\r\n folded # no comment\r\n\r\ntext\r\n"
    assert (given.flags, given.date) == ("\\Flagged", '" 1-Jan-2026 00:00:00 +0000"')
    assert (empty.octets, empty.flags, empty.date) == (b"", "", None)
    assert inbox.recent
    assert dialogue.connections == {
        1: ConnectionState(),
        2: ConnectionState(tls=True, command='EXAMINE "with space"'),
        3: ConnectionState(tls=True, logged_in=False),
    }


def test_generic_messages_are_told_apart():
    messages = [generic_message(number) for number in (1, 2, 61)]
    assert len({message.octets for message in messages}) == 3
    assert messages[2].date == '" 1-Jan-2026 12:01:01 +0000"'
    assert b"\r\n\r\nThis is message 61.\r\n" in messages[2].octets
    assert b"\n" not in messages[0].octets.replace(b"\r\n", b"")


def test_groups_end_with_the_final_line_or_another_speaker(load):
    (dialogue,) = load("1 S: * 1\n1 S: a OK\n1 S: * 2\n1 S: + x\n1 S? * 3\n2 S: * 4\n1 S: <closed>\n")
    groups = [(step.connection, [response.parts[0] for response in step.responses]) for step in dialogue.steps]
    assert groups == [(1, ["* 1", "a OK"]), (1, ["* 2", "+ x"]), (1, ["* 3"]), (2, ["* 4"]), (1, ["<closed>"])]
    assert [step.responses[0].optional for step in dialogue.steps] == [False, False, True, False, False]


def test_literals_of_the_client(load):
    # with a line end at the end, without, the continuation in between; and one whose octets are just the next line
    (dialogue,) = load(
        "1 C: a APPEND x {8}\n1 S: + ...\n1 C| ä\n1 C|\n1 C| \n1 C: (more) {1+}\n1 C| b\n1 C:\n"
        "1 C: c LOGIN {4}\n1 C: user x\n"
    )
    sent = [step.text for step in dialogue.steps if isinstance(step, Send)]
    assert sent == ["a APPEND x {8}", b"\xc3\xa4\r\n\r\n\r\n", "(more) {1+}", b"b", "", "c LOGIN {4}", "user x"]


def test_literals_of_the_server(load):
    (dialogue,) = load("1 S: * 1 FETCH (A {4}\n1 S| ab\n1 S:  B {2}\n1 S| cd\n1 S: )\n1 S: a OK\n")
    (group,) = dialogue.steps
    assert [response.parts for response in group.responses] == [
        ("* 1 FETCH (A ", b"ab\r\n", " B ", b"cd", ")"),
        ("a OK",),
    ]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "no dialogue in this file"),
        ("== x\nmailbox: INBOX empty\n", 1, "this dialogue has no lines"),
        ("bogus: x\n1 C: a\n", 1, "this is no header"),
        ("1 C: a\nneeds: X\n", 2, "headers come before"),
        ("1 C: a\n1 X: b\n", 2, "this is no header"),
        ("mailbox: INBOX with three messages\n1 C: a\n", 1, "a mailbox is"),
        ("message: INBOX no\n1 C: a\n", 1, "a message is"),
        ("\nconnection 1: selects INBOX\n1 C: a\n", 2, "a connection can"),
        ("1 C: a {3}\n1 C| abcd\n", 1, "the literal has 4 octets, or 6 with a line end at its end, not 3"),
        ("1 C: a\n1 C| abcd\n", 1, r"does not end in \{4\}"),
        ("1 C| abcd\n", 1, "a literal follows a line"),
        ("2 C: {4}\n1 C| abcd\n", 2, "a literal follows a line"),
        ("1 S| abcd\n", 1, "a literal follows a line"),
        ("1 S: x\n1 S| abcd\n1 S: )\n", 1, r"does not end in \{4\}"),
        ("1 S: {4}\n1 S| abcd\n2 S: )\n", 3, "the rest of the response has to follow"),
        ("1 S: {4}\n1 S| abcd", 3, "the rest of the response has to follow"),
        ("1 C? a\n", 1, "only `S\\?` can be optional"),
    ],
)
def test_what_breaks_the_format_is_told_with_its_place(load, text, line, problem):
    with pytest.raises(DialogueError, match=rf"some\.imap:{line}: .*{problem}"):
        load(text)
