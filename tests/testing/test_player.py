"""netimap.testing.run_dialogue: what it lets pass, and what it finds."""

import unittest

import pytest

from netimap import Command, DefaultAuth, DefaultModel, Mailbox, Message
from netimap.testing import DialogueError, DialogueSkipped, RunningServer, run_dialogue


class Say(Command):
    """Answers with the lines of its argument, which `|` separates, and then OK."""

    def run(self):
        lines = self.options_str().decode().split("|")
        for line in filter(None, lines):
            self.out(line.replace("~", "\r\n"))
        self.ok_completed()


class Twice(Command):
    """Says something once more behind its tagged line."""

    def run(self):
        self.ok_completed()
        self.out("* 7 EXISTS")


@pytest.fixture(scope="module")
def server():
    """A server with commands that say what they are told."""
    with RunningServer(log_level=0) as server:
        server.server.add_command("SAY", Say)
        server.server.add_command("TWICE", Twice)
        yield server


@pytest.fixture
def play(server, tmp_path):
    """Plays the dialogue(s) of a text."""

    def play(text, **options):
        path = tmp_path / "some.imap"
        path.write_text(text, "utf-8")
        run_dialogue(path, server, **options)

    return play


@pytest.mark.parametrize(
    "text",
    [
        "1 C: a NOOP\n1 S: a OK ...\n",
        # untagged lines in any order
        "1 C: a SAY * X|* Y\n1 S: * Y\n1 S: * X\n1 S: a OK SAY COMPLETED\n",
        # the same line twice
        "1 C: a SAY * X|* X\n1 S: * X\n1 S: * X\n1 S: a OK ...\n",
        # optional ones: there, several times, not there
        "1 C: a SAY * X|* Y|* X\n1 S? * X\n1 S: * Y\n1 S? * Z\n1 S: a OK ...\n",
        # the particular line has its match before the optional wildcard
        "1 C: a SAY * OK [X] a|* OK [Y] b\n1 S? * OK ...\n1 S: * OK [Y] ...\n1 S: a OK ...\n",
        # numbered lines around an EXPUNGE keep their order
        "1 C: a SAY * 3 EXISTS|* 2 EXPUNGE|* 2 FETCH (UID 5)\n"
        "1 S: * 3 EXISTS\n1 S: * 2 EXPUNGE\n1 S: * 2 FETCH (UID 5)\n1 S: a OK ...\n",
        # a literal and a quoted string are the same string
        '1 C: a SAY * 1 FETCH (X {3}~a.b UID 5)\n1 S: * 1 FETCH (UID 5 X "a.b")\n1 S: a OK ...\n',
        '1 C: a SAY * 1 FETCH (X "a$X...")\n1 S: * 1 FETCH (X {6}\n1 S| a$X...\n1 S: )\n1 S: a OK ...\n',
        # names mean nothing in a literal
        '1 C: a SAY * 1 FETCH (X "$user")\n1 S: * 1 FETCH (X "$user")\n1 S: a OK ...\n',
        "1 C: a NOOP {5+}\n1 C| $user\n1 C:\n1 S: a BAD ...\n",
        # names: learnt, compared, sent; in quotes all of the string
        '1 C: a SAY * X 5 "a (b) \\" c" 5\n1 S: * X $n "$text" $n\n1 S: a OK ...\n'
        '1 C: b SAY * Y $n "$text"\n1 S: * Y 5 "a (b) \\" c"\n1 S: b OK ...\n',
        # upper case and lone dollars are themselves
        "1 C: a SAY * X $Forwarded $ $1\n1 S: * X $Forwarded $ $1\n1 S: a OK ...\n",
        # user and password are known
        "connection 1: not logged in\n1 C: a LOGIN $user $password\n1 S: a OK ...\n",
        # several commands in one go, two connections at a time
        "1 C: a NOOP\n2 C: x NOOP\n1 C: b NOOP\n1 S: a OK ...\n1 S: b OK ...\n2 S: x OK ...\n",
        # without a final line as many as are expected are read
        "1 C: a SAY * X|* Y\n1 S: * Y\n1 S: * X\n1 C: b NOOP\n1 S: a OK ...\n1 S: b OK ...\n",
        "1 C: a LOGOUT\n1 S: * BYE ...\n1 S: a OK ...\n1 S: <closed>\n",
        "connection 1: not logged in\n1 C: a STARTTLS\n1 S: a OK ...\n1 C: <tls>\n1 C: b NOOP\n1 S: b OK ...\n",
        "1 C: <close>\n2 C: a NOOP\n2 S: a OK ...\n",
    ],
)  # fmt: skip
def test_what_is_as_expected(play, text):
    play(text)
    play(text, piece=1)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        # line, expected and got
        ("1 C: a NOOP\n1 S: a NO ...\n", 2, r"expected\n  a NO \.\.\.\nand got\n  a OK NOOP COMPLETED"),
        ("1 C: a NOOP\n1 S: b OK ...\n", 2, r"expected\n  b OK"),
        ("1 C: a NOOP\n1 S: * X\n1 S: a OK ...\n", 2, r"expected\n  \* X\nand got\n  a OK"),
        # left over
        ("1 C: a SAY * X|* Y\n1 S: * X\n1 S: a OK ...\n", 3, r"nobody expects\n  \* Y"),
        ("1 C: a SAY * X|* X\n1 S: * X\n1 S: a OK ...\n", 3, r"nobody expects\n  \* X"),
        ("1 C: a TWICE\n1 S: a OK ...\n", 2, r"lines left over\n  b'\* 7 EXISTS"),
        ("1 C: a TWICE\n1 S: a OK ...\n1 C: b NOOP\n1 S: b OK ...\n", 4, r"nobody expects\n  \* 7 EXISTS"),
        # the order of numbered lines around an EXPUNGE
        ("1 C: a SAY * 3 EXISTS|* 2 EXPUNGE\n1 S: * 2 EXPUNGE\n1 S: * 3 EXISTS\n1 S: a OK ...\n", 3, "expected"),
        ("1 C: a SAY * 1 EXPUNGE|* 2 EXPUNGE\n1 S: * 2 EXPUNGE\n1 S: * 1 EXPUNGE\n1 S: a OK ...\n", 2, "expected"),
        # order where it means something, spaces
        ("1 C: a SAY * 1 FETCH (X (a b))\n1 S: * 1 FETCH (X (b a))\n1 S: a OK ...\n", 2, "expected"),
        ("1 C: a SAY * 1 FETCH (X ((a) (b)))\n1 S: * 1 FETCH (X ((a)(b)))\n1 S: a OK ...\n", 2, "expected"),
        # names
        ("1 C: a SAY * X 5 6\n1 S: * X $n $n\n1 S: a OK ...\n", 2, "expected"),
        ("1 C: a SAY * X 5|* Y 6\n1 S: * X $n\n1 S: * Y $n\n1 S: a OK ...\n", 3, r"\n  \* Y \$n   with \$n = 5"),
        ("1 C: a SAY $nothing\n1 S: a OK ...\n", 1, r"\$nothing has no value yet"),
        # in a literal nothing is a wildcard
        ("1 C: a SAY * 1 FETCH (X \"abc\")\n1 S: * 1 FETCH (X {3}\n1 S| ...\n1 S: )\n1 S: a OK ...\n", 2, "expected"),
        # the end of the connection
        ("1 C: a LOGOUT\n1 S: * BYE ...\n1 S: a OK ...\n1 S: b OK ...\n", 4, "is closed"),
        # the title
        ("== a title\n1 C: a NOOP\n1 S: a NO\n", 3, r"\(a title\) connection 1"),
    ],
)  # fmt: skip
def test_what_is_not(play, text, line, problem):
    with pytest.raises(DialogueError, match=rf"some\.imap:{line}: .*{problem}"):
        play(text)


def test_silence(server, tmp_path, monkeypatch):
    path = tmp_path / "silent.imap"
    path.write_text("1 C: a SAY * X\n1 S: * X\n1 S: a OK ...\n1 S: * Y\n")
    connect = server.connect
    monkeypatch.setattr(server, "connect", lambda *a, **options: connect(*a, **options | {"timeout_s": 0.1}))
    with pytest.raises(
        DialogueError, match=r"(?s)silent.imap:4: connection 1 waited for\n  \* Y\nand got\n  \(nothing\)"
    ):
        run_dialogue(path, server)


def test_a_capability_that_is_missing_skips(play):
    play("needs: IMAP4rev1 starttls\n1 C: a NOOP\n1 S: a OK ...\n")
    with pytest.raises(DialogueSkipped, match="does not announce TELEPATHY"):
        play("needs: IMAP4rev1 TELEPATHY\n1 C: a BOGUS\n1 S: a OK ...\n")
    assert issubclass(DialogueSkipped, unittest.SkipTest)


def test_the_mailboxes_that_are_given(play):
    play(
        'mailbox: "a b" with messages (\\Seen) ()\n'
        "mailbox: INBOX with 1 message\n"
        "connection 1: select INBOX\n"
        'connection 2: examine "a b"\n'
        '2 C: a FETCH 1:* (UID FLAGS)\n2 S: * 1 FETCH (UID $uid1 FLAGS (\\Seen))\n2 S: * 2 FETCH (UID $uid2 FLAGS ())\n'
        "2 S: a OK ...\n"
        "1 C: b FETCH 1 (FLAGS BODY[HEADER.FIELDS (Subject)])\n"
        '1 S: * 1 FETCH (FLAGS (\\Seen) BODY[HEADER.FIELDS (Subject)] {22}\n1 S| Subject: Message 1\n1 S|\n1 S: )\n'
        "1 S: b OK ...\n"
    )  # fmt: skip


def test_recent_belongs_to_the_first_connection(play):
    fetch = "1 C: a FETCH 1 FLAGS\n1 S: * 1 FETCH (FLAGS ({0}))\n1 S: a OK ...\n"
    play("mailbox: INBOX with 1 message\nconnection 1: select INBOX\n" + fetch.format(""))
    play("mailbox: INBOX with 1 message\nrecent: INBOX\nconnection 1: select INBOX\n" + fetch.format("\\Recent"))


def test_each_dialogue_has_a_user_of_its_own(play):
    play("== a\n1 C: a CREATE x\n1 S: a OK ...\n== b\n1 C: a CREATE x\n1 S: a OK ...\n")
    with pytest.raises(DialogueError, match=r"some\.imap:6: "):
        play("== a\n1 C: a CREATE y\n1 S: a OK ...\n== b\n1 C: a CREATE y\n1 S: a OK ...\n", user="the-same")


class OneLetter(Mailbox):
    """A plugin's mailbox: one message for everybody, and nothing can be changed."""

    def load_data(self):
        self.add_message(Message("Subject: hello\r\n\r\nworld\r\n"))

    def read_only(self):
        return True


class OneLetterModel(DefaultModel):
    """A plugin's model."""

    def init(self):
        root = Mailbox()
        root.add_child(OneLetter(name="INBOX", is_inbox=True))
        self.root(root)


class FriendsOnly(DefaultAuth):
    """A plugin's auth: the password is the user's name backwards."""

    def auth_plain(self, user, password):
        self.user(user)
        return password == user[::-1]


def test_a_plugins_model_and_auth(tmp_path):
    path = tmp_path / "plugin.imap"
    path.write_text(
        "mailbox: INBOX with 1 message\n"
        "connection 1: select INBOX\n"
        "1 C: a FETCH 1 (UID BODY[TEXT])\n"
        '1 S: * 1 FETCH (UID $uid1 BODY[TEXT] {7}\n1 S| world\n1 S: )\n'
        "1 S: a OK ...\n"
    )  # fmt: skip
    prepared = []
    run_dialogue(
        path,
        user="anna",
        password="anna",
        prepare=lambda dialogue, user: prepared.append((str(dialogue), user)),
        model_class=OneLetterModel,
        auth_class=FriendsOnly,
    )
    assert prepared == [("plugin", "anna")]
    with pytest.raises(TypeError, match="server_options"), RunningServer() as server:
        run_dialogue(path, server, model_class=OneLetterModel)
