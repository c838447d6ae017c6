"""netimap.command.base: what every command subclasses (PERL-API.md, Command)."""

import pytest

from netimap import Bad, Command, Mailbox, No, Raw
from netimap.command.base import ANY, SELECTED, UNAUTH_LITERALS, State
from netimap.exceptions import ReadOnly, TooBig
from netimap.view import View
from netimap.wire.arguments import astring, atom
from netimap.wire.reader import Literal


class Connection:
    """As much of a connection as a command asks of."""

    def __init__(self, is_auth=True, view=None):
        self.lines, self.told, self.bad = [], [], 0
        self._is_auth, self._view = is_auth, view

    def is_auth(self):
        return self._is_auth

    def view(self):
        return self._view

    def model(self):
        return self

    def lookup(self, name):
        return Mailbox(name=name) if name == "here" else None

    def count_bad(self):
        self.bad += 1

    def out(self, line):
        self.lines.append(line.encode() if isinstance(line, str) else line)

    def untagged_response(self, *strings):
        for string in strings:
            self.out(b"* " + (string.encode() if isinstance(string, str) else string))

    def send_untagged(self, **options):
        self.told.append(options)

    def log(self, severity, message):
        self.logged = (severity, message)


class Server:
    options = {  # noqa: RUF012
        "max_nesting": 3, "max_literal": 100, "max_message": 1000, "max_unauth_literal": 10, "max_literals": 5,
        "max_command": 250,
    }  # fmt: skip

    def option(self, name):
        return self.options[name]


def command(options=b"", cls=Command, name="Mine", uid=False, **connection):
    return cls(server=Server(), connection=Connection(**connection), options_str=options, command_id="a1",
               command=name, uid=uid)  # fmt: skip


def lines(made):
    return made.connection().lines


# --- accessors and arguments ---


def test_is_made_of_what_the_connection_read():
    made = command("one two")
    assert made.command_id() == b"a1"
    assert made.command() == "Mine"
    assert made.options_str() == b"one two"
    assert made.connection("other") == "other"
    assert isinstance(made.server(), Server)


@pytest.mark.parametrize(
    ("options", "tokens"),
    [
        (b"", []),
        (b"a b", ["a", "b"]),
        (b'a "b c" (d (e) NIL "NIL")', ["a", b"b c", ["d", ["e"], "NIL", b"NIL"]]),
        # brackets are ordinary where a command has no sections
        (b"[Gmail]/Trash", ["[Gmail]/Trash"]),
    ],
)
def test_parsed_options(options, tokens):
    assert command(options).parsed_options() == tokens
    assert command().parse_options(options) == tokens


def test_options_are_parsed_once():
    made = command(b"a b")
    assert made.parsed_options() is made.parsed_options()


def test_nesting_is_limited():
    assert command(b"(((a)))").parsed_options() == [[[["a"]]]]
    with pytest.raises(Bad, match="parentheses"):
        command(b"((((a))))").parsed_options()


def test_literals_stand_among_the_options():
    made = command(b"a {5}")
    assert made.has_literal()
    assert made.next_literal() == Literal(5, True, False)
    made.add_literal(b"x y z", b" (b {3+}")
    assert made.next_literal() == Literal(3, False, False)
    made.add_literal(b"\r\n)", b")")
    assert not made.has_literal()
    assert made.parsed_options() == ["a", b"x y z", ["b", b"\r\n)"]]


def test_arguments_are_checked_by_number_and_grammar():
    class Mine(Command):
        arguments = (astring, atom)
        optional_arguments = (atom,)

    for options, args in ((b"a b", [b"a", "b"]), (b'"a" b c', [b"a", "b", "c"])):
        made = command(options, Mine)
        assert made.validate() is True
        assert made.args == args
    for options, says in ((b"a", "Not enough options"), (b"a b c d", "Too many options"), (b'a "b"', "atom")):
        with pytest.raises(Bad, match=says):
            command(options, Mine).validate()


def test_a_command_without_arguments_takes_none():
    class Mine(Command):
        arguments = ()

    assert command(b"", Mine).validate() is True
    with pytest.raises(Bad, match="Too many options"):
        command(b"x", Mine).validate()


# --- literals ---


@pytest.mark.parametrize(
    ("literal", "is_auth", "error"),
    [
        (Literal(100, True, False), True, None),
        (Literal(101, True, False), True, TooBig),
        (Literal(10, False, False), False, None),
        (Literal(11, False, False), False, TooBig),
        (Literal(1, True, True), True, Bad),
    ],
)
def test_a_literal_is_checked_before_it_is_read(literal, is_auth, error):
    made = command(b"{1}", is_auth=is_auth)
    if error is None:
        made.check_literal(literal)
    else:
        with pytest.raises(error):
            made.check_literal(literal)


@pytest.mark.parametrize(("is_auth", "most"), [(True, 5), (False, UNAUTH_LITERALS)])
def test_literals_are_counted(is_auth, most):
    made = command(b"{1}", is_auth=is_auth)
    for _ in range(most):
        made.check_literal(Literal(1, True, False))
        made.add_literal(b"x", b" {1}")
    with pytest.raises(Bad, match="literals"):
        made.check_literal(Literal(1, True, False))


def test_literals_are_limited_together():
    made = command(b"{100}")
    for _ in range(2):
        made.check_literal(Literal(100, True, False))
        made.add_literal(b"x" * 100, b" {100}")
    made.check_literal(Literal(50, True, False))
    with pytest.raises(TooBig):
        made.check_literal(Literal(51, True, False))


def test_a_message_is_limited_too_and_not_a_hundred_of_them():
    class Append(Command):
        literal_limit = "max_message"

    made = command(b"{5}", Append)
    made.add_literal(b"INBOX", b" {1000}")
    made.check_literal(Literal(1000, True, False))
    made.add_literal(b"x" * 1000, b" {1000}")
    with pytest.raises(TooBig):
        made.check_literal(Literal(1000, True, False))


# --- answers ---


def test_an_unknown_command_is_answered_in_the_original_s_words():
    made = command(b"x", name="Bogus")
    made.run()
    assert lines(made) == [b"a1 BAD command 'BOGUS' not recognized"]
    assert made.connection().bad == 1


@pytest.mark.parametrize(
    ("codes", "line"),
    [
        ({}, b"a1 OK done"),
        ({"READ-WRITE": None}, b"a1 OK [READ-WRITE] done"),
        ({"READ_ONLY": None}, b"a1 OK [READ-ONLY] done"),
        ({"UIDNEXT": 5}, b"a1 OK [UIDNEXT 5] done"),
        ({"BADCHARSET": ["UTF-8", "US-ASCII"]}, b"a1 OK [BADCHARSET (UTF-8 US-ASCII)] done"),
        ({"APPENDUID": "1 2"}, b"a1 OK [APPENDUID 1 2] done"),
        ({"A": None, "B": b"c"}, b"a1 OK [A] [B c] done"),
    ],
)
def test_ok_command_has_codes(codes, line):
    made = command()
    assert made.ok_command("done", **codes) is True
    assert lines(made) == [line]


def test_ok_completed_says_the_command_s_name():
    made, by_uid = command(name="Fetch"), command(name="Fetch", uid=True)
    made.ok_completed()
    by_uid.ok_completed()
    assert lines(made) == [b"a1 OK FETCH COMPLETED"]
    assert lines(by_uid) == [b"a1 OK UID FETCH COMPLETED"]


def test_no_and_bad_return_false():
    made = command()
    assert made.no_command("sorry", TRYCREATE=None) is False
    assert made.connection().bad == 0
    assert made.bad_command("what?") is False
    assert made.connection().bad == 1
    assert lines(made) == [b"a1 NO [TRYCREATE] sorry", b"a1 BAD what?"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("two\r\nlines", b"two??lines"), ("nul\0", b"nul?"), ("é", b"?"), ("\ud800", b"?"), ("tab\t", b"tab?")],
)
def test_answers_are_one_line_of_ascii(text, shown):
    # RFC 3501 9, resp-text; FIELD-NOTES 2.8
    made = command()
    made.no_command(text)
    assert lines(made) == [b"a1 NO " + shown]


def test_untagged_and_tagged_responses():
    made = command(name="List")
    made.untagged_response("one", b"two")
    made.tagged_response("(\\Noselect) NIL", b'""', "")
    assert lines(made) == [b"* one", b"* two", b"* LIST (\\Noselect) NIL", b'* LIST ""', b"* LIST"]


@pytest.mark.parametrize(
    ("data", "wire"),
    [
        (None, b"NIL"), (5, b"5"), ("a b", b'"a b"'), (b"NIL", b'"NIL"'), (Raw(b"a b"), b"a b"),
        (["a", [1, None]], b'("a" (1 NIL))'),
        ('say "x"', b'"say \\"x\\""'), ("é", b"{2}\r\n\xc3\xa9"), ("a\r\nb", b"{4}\r\na\r\nb"), ([], b"()"),
    ],
)  # fmt: skip
def test_data_out(data, wire):
    assert command().data_out(data) == wire


def test_changes_are_told_before_the_ok():
    class Quiet(Command):
        def poll_after(self):
            return False

    for made in (command(), command(cls=Quiet)):
        made.ok_completed()
        made.no_command("x")
        assert made.connection().told == ([] if isinstance(made, Quiet) else [{}])


@pytest.mark.parametrize(("uid", "told"), [(False, {"expunged": False}), (True, {})])
def test_no_expunge_while_numbers_are_in_use(uid, told):
    # RFC 3501 7.4.1
    class Mine(Command):
        holds_expunges = True

    made = command(cls=Mine, uid=uid)
    made.ok_completed()
    assert made.connection().told == [told]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("a&b", b"Invalid UTF-7"),
        ("é", b"8-bit data"),
        (b"\xe9", b"8-bit data"),
        # RFC 9051 5.1: NUL, LF, a C1 control and a line separator, in their encoding
        ("a&AAA-", b"control character"),
        ("&AAo-/b", b"control character"),
        ("&AIU-", b"control character"),
        ("&ICg-", b"control character"),
    ],
)
def test_valid_mailbox_answers_for_bad_names(name, answer):
    made = command()
    assert made.valid_mailbox(name) is False
    assert answer in lines(made)[0]


def test_valid_mailbox_takes_good_names():
    made = command()
    assert made.valid_mailbox("Entw&APw-rfe/x")
    assert made.valid_mailbox(b"INBOX")
    assert lines(made) == []


# --- the mailbox at hand ---


def test_view():
    with pytest.raises(Bad, match="Select a mailbox first"):
        command().view()
    view = View(Mailbox(name="x"))
    assert command(view=view).view() is view
    assert command(view=view).writable_view() is view
    with pytest.raises(ReadOnly):
        command(view=View(Mailbox(name="x"), read_only=True)).writable_view()

    class Frozen(Mailbox):
        def read_only(self):
            return True

    with pytest.raises(ReadOnly):
        command(view=View(Frozen(name="x"))).writable_view()


def test_lookup_raises_what_it_was_given():
    assert command().lookup("here", lambda: No("x")).name() == "here"
    with pytest.raises(No, match="TRYCREATE"):
        command().lookup("gone", lambda: No("gone", "TRYCREATE"))


def test_log_goes_through_the_connection():
    made = command()
    made.log(3, "hello")
    assert made.connection().logged == (3, "hello")


def test_facts_have_defaults():
    assert Command.states == ANY
    assert (Command.accepts_uid, Command.holds_expunges, Command.capabilities) == (False, False, ())
    assert State.SELECTED in SELECTED
    assert State.AUTHENTICATED not in SELECTED
