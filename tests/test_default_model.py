"""netimap.default_model: one user's mailboxes (PERL-API.md, DefaultModel)."""

from collections import Counter

import pytest

from netimap import DefaultAuth, DefaultModel, Mailbox
from netimap.exceptions import Bad


class Auth(DefaultAuth):
    def __init__(self, user):
        self.user(user)


class OwnTrees(DefaultModel):
    """So that tests do not share the trees of the process."""

    _trees = {}  # noqa: RUF012


@pytest.fixture(autouse=True)
def no_trees():
    OwnTrees._trees, OwnTrees._built, OwnTrees._uses = {}, {}, Counter()


def paths(mailbox):
    return [path for child in mailbox.children() for path in (child.full_path(), *paths(child))]


def test_a_new_user_has_two_mailboxes():
    model = OwnTrees(auth=Auth("bob"))
    assert paths(model.root()) == ["INBOX", "INBOX/bob"]
    assert model.auth().user() == "bob"


def test_a_user_has_one_tree_and_others_have_others():
    first, second, other = OwnTrees(auth=Auth("bob")), OwnTrees(auth=Auth("bob")), OwnTrees(auth=Auth("ann"))
    assert first.root() is second.root()
    assert first.root() is not other.root()


@pytest.mark.parametrize("user", ["a/b", "..", "NIL", "*", "é", "a\nb", "%u"])
def test_odd_user_names_make_no_odd_tree(user):
    model = OwnTrees(auth=Auth(user))
    assert len(paths(model.root())) in (1, 2)
    assert all(path == "INBOX" or path.startswith("INBOX/") for path in paths(model.root()))
    assert all(path.count("/") <= 1 and "\n" not in path for path in paths(model.root()))


def test_lookup():
    model = OwnTrees(auth=Auth("bob"))
    inbox = model.lookup("INBOX")
    assert inbox.is_inbox()
    # RFC 3501 5.1: in any case, as a parent too
    assert model.lookup("inBox") is inbox
    assert model.lookup("inbox/bob").name() == "bob"
    assert model.lookup("INBOX/BOB") is None
    assert model.lookup("nothing") is None
    assert model.lookup("nothing/below") is None
    assert model.lookup("") is None
    assert model.lookup("/") is None
    # only the first part can be INBOX
    assert model.lookup("INBOX/INBOX") is None


def test_split_decodes_and_drops_empty_parts():
    model = OwnTrees(auth=Auth("bob"))
    assert model.split("a/b") == ["a", "b"]
    assert model.split("/a//b/") == ["a", "b"]
    assert model.split("Entw&APw-rfe/x&-y") == ["Entwürfe", "x&y"]
    assert model.split("..") == [".."]


@pytest.mark.parametrize("name", ["&", "a&b", "&AC8-", "&Jjo", "&2D0-", "é"])
def test_a_name_in_no_encoding_is_the_client_s_fault(name):
    # RFC 3501 5.1.3
    with pytest.raises(Bad, match="UTF-7"):
        OwnTrees(auth=Auth("bob")).lookup(name)


def test_a_subclass_builds_its_tree_in_init():
    class Mine(DefaultModel):
        def init(self):
            self.root(Mailbox())
            self.root().add_child(name="Only")

    assert paths(Mine(auth=Auth("bob")).root()) == ["Only"]


def test_a_model_without_hierarchy():
    class Flat(Mailbox):
        def separator(self):
            return None

    class Mine(DefaultModel):
        def init(self):
            self.root(Flat())
            self.root().add_child(name="a/b")

    model = Mine(auth=Auth("bob"))
    assert model.lookup("a/b").name() == "a/b"
    assert model.namespaces() == ([["", None]], None, None)


def test_namespaces():
    # RFC 2342
    assert OwnTrees(auth=Auth("bob")).namespaces() == ([["", "/"]], None, None)


def test_lost_subscriptions_are_the_tree_s():
    first, second = OwnTrees(auth=Auth("bob")), OwnTrees(auth=Auth("bob"))
    first.lost_subscriptions({"gone"})
    assert second.lost_subscriptions() == {"gone"}


def test_can_be_closed_and_made_without_a_user():
    model = OwnTrees()
    assert paths(model.root()) == ["INBOX"]
    model.close()


def test_a_tree_that_nobody_touched_goes_with_its_last_connection():
    first, second = OwnTrees(auth=Auth("bob")), OwnTrees(auth=Auth("bob"))
    first.close()
    assert len(OwnTrees._trees) == 1
    second.close()
    second.close()
    assert OwnTrees._trees == {}


@pytest.mark.parametrize(
    "touch",
    [
        lambda model: model.lookup("INBOX").append(b"Subject: hi\r\n\r\n"),
        lambda model: model.make_path(["new"]),
        lambda model: model.lookup("INBOX/bob").delete(),
        lambda model: model.lookup("INBOX/bob").subscribed(False),
        lambda model: model.lookup("INBOX/bob").reparent(model.root(), "bob"),
    ],
)
def test_a_tree_with_something_in_it_stays(touch):
    model = OwnTrees(auth=Auth("bob"))
    touch(model)
    model.close()
    again = OwnTrees(auth=Auth("bob"))
    assert again.root() is model.root()
