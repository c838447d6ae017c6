"""Sets, patterns and partials that would be huge if anybody expanded them (FIELD-NOTES 4)."""

import time

import pytest
from serving import Neighbour, new_user

from netimap import DefaultModel, Message
from netimap.wire.sequence_set import SequenceSet

RAW = b"Subject: hello\r\n\r\nbody\r\n"
#: seconds of processor time that any of these may cost
CHEAP_S = 0.1


class Model(DefaultModel):
    """Three messages and a thousand mailboxes."""

    def build(self, root):
        inbox = root.add_child(name="INBOX")
        for _ in range(3):
            inbox.add_message(Message(RAW))
        for number in range(10):
            top = root.add_child(name=f"{'a' * 200}{number}")
            for below in range(100):
                top.children().append(type(top)(name=f"{'a' * 200}{below}", parent=top))


@pytest.fixture
def client(serve):
    client = serve(model_class=Model).connect(new_user())
    client.ok("SELECT INBOX")
    return client


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("1:4294967295", 3),
        ("4294967295:1", 3),
        ("1:*", 3),
        ("*:1", 3),
        ("*", 1),
        ("*:*", 1),
        ("*:4294967295", 1),
        ("4294967295", 0),
        ("2:4294967294,4294967295", 2),
        (",".join(str(number) for number in range(1, 11_000)), 3),
        (",".join(f"{number}:{number + 1}" for number in range(1, 11_000, 2)), 3),
        (",".join(["1:4294967295"] * 4_000), 3),
        (",".join(["*"] * 30_000), 1),
        (",".join(f"{number}:1" for number in range(8_000, 1, -1)), 3),
    ],
    ids=lambda value: str(value)[:20],
)
def test_sets_cost_what_they_find(client, wanted, found):
    begun = time.process_time()
    assert len(client.ok(f"FETCH {wanted} UID").of("FETCH")) == found
    for command in (f"UID FETCH {wanted} UID", f"SEARCH {wanted}", f"SEARCH UID {wanted}", f"SEARCH NOT {wanted}",
                    f"COPY {wanted} {'a' * 200}0", f"STORE {wanted} +FLAGS (x)"):  # fmt: skip
        assert client.command(command).status == "OK"
    assert time.process_time() - begun < 10 * CHEAP_S


@pytest.mark.parametrize(
    "wanted", ["0", "1:0", "4294967296", "1:4294967296", "99999999999999999999", "-1", "1-2", "1:", ":1", "1,,2", "1,",
               "", "1:2:3", "+1", "1e3", "**", "$", "9" * 60_000, "1," * 30_000],
    ids=lambda value: value[:20],
)  # fmt: skip
def test_what_is_no_set_is_refused(client, wanted):
    begun = time.process_time()
    for command in ("FETCH {} UID", "UID FETCH {} UID", "STORE {} FLAGS ()", "COPY {} INBOX", "SEARCH UID {}"):
        assert client.command(command.format(wanted)).status == "BAD"
    assert time.process_time() - begun < 5 * CHEAP_S


def test_a_set_is_never_expanded():
    wanted = SequenceSet.parse("1:4294967295,5:*")
    assert len(wanted.ranges) == 2
    assert wanted.slices(range(1, 4)) == [(0, 3)]


@pytest.mark.parametrize("partial", ["<4294967295.4294967295>", "<0.4294967295>", "<23.4294967295>", "<4294967295.1>"])
def test_partials_end_where_the_message_does(client, partial):
    # FIELD-NOTES 4
    for section in ("", "1", "TEXT", "HEADER", "1.MIME", "HEADER.FIELDS (Subject)"):
        result = client.ok(f"FETCH 1 BODY.PEEK[{section}]{partial}")
        assert all(len(line) < 200 for line in result.untagged)


@pytest.mark.parametrize(
    "pattern",
    ["*%" * 450 + "a", "*a" * 490, "%a" * 490, "*%*%" * 200 + "x", "%" * 1000, "*" * 1000, "a*" * 200 + "b",
     "*/%" * 300, "%/" * 400, "(" * 500, "[a-z]*" * 100, "\\\\" * 400, "?" * 500, "." * 900],
)  # fmt: skip
def test_wildcards_over_long_names_are_cheap(client, pattern):
    begun = time.process_time()
    for command in ("LIST", "LSUB"):
        client.ok(f'{command} "" "{pattern}"')
        client.ok(f'{command} "{"a" * 900}" "*%a"')
    assert time.process_time() - begun < 10 * CHEAP_S


def test_others_are_served_while_a_thousand_mailboxes_are_matched(serve):
    server = serve(model_class=Model)
    client = server.connect(new_user())
    with Neighbour(server) as neighbour:
        for _ in range(3):
            client.send(f'a LIST "" "{"*a" * 490}"\r\n')
            client.result("a")
    assert neighbour.stall_s < CHEAP_S
    assert neighbour.answers > 1


def test_lists_of_names_and_items_are_limited(client):
    assert client.command(f"FETCH 1 ({'FLAGS ' * 5000}UID)").code == "LIMIT"
    assert client.command(f"FETCH 1 BODY[HEADER.FIELDS ({'a ' * 5000}b)]").code == "LIMIT"
    assert client.command(f"STATUS INBOX ({'MESSAGES ' * 5000}UNSEEN)").status == "OK"
    assert client.command(f"SEARCH {'ALL ' * 15_000}ALL").status in ("OK", "BAD")
    assert client.command(f"SEARCH {'SUBJECT x ' * 6_000}ALL").status in ("OK", "BAD")
    client.ok("NOOP")
