"""The index: rows that last, transactions that are all or nothing, a schema that is older or newer."""

import logging
import os
import sqlite3
import stat

import pytest

from netimap.exceptions import Unavailable
from netimap.storage import index as index_module
from netimap.storage.columns import UNKNOWN_SIZE, Row
from netimap.storage.index import Index
from netimap.storage.schema import VERSION


@pytest.fixture
def index(tmp_path):
    index = Index(str(tmp_path / "index"))
    yield index
    index.close()


def add(index, name="Work", uids=(), flags=frozenset()):
    with index.transaction():
        row = index.add_mailbox(name, b"." + name.encode())
        index.add_messages(row.id, [(Row(uid, flags, 5, 100, -90, UNKNOWN_SIZE), b"cur/%d" % uid) for uid in uids])
    return row.id


def test_settings_that_durability_rests_on(index):
    index.read_body(1, 1)
    for connection in (index._writer, index._reader):
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_the_file_is_private(tmp_path):
    Index(str(tmp_path / "index")).close()
    assert stat.S_IMODE(os.stat(tmp_path / "index").st_mode) == 0o600


def test_everything_lasts(tmp_path):
    index = Index(str(tmp_path / "index"))
    number = add(index, uids=[3], flags=frozenset(["\\Seen", "\\Draft", "$a", "b"]))
    with index.transaction():
        index.save_state(number, 4, 7, 2, "stamp")
        index.subscribe("Work", True)
    index.close()
    index = Index(str(tmp_path / "index"))
    (row,) = index.mailboxes()
    assert row[:3] == (number, "Work", 1)
    assert row[4:] == (4, 7, 2, b".Work", None, "stamp")
    assert index.subscriptions() == {"Work"}
    ((uids, flags, modseqs, epochs, zones, sizes, bodies),) = index.messages(number)
    assert (uids, modseqs, epochs, zones, sizes, bodies) == ((3,), (5,), (100,), (-90,), (UNKNOWN_SIZE,), (b"cur/3",))
    assert flags == [{"\\Seen", "\\Draft", "$a", "b"}]
    index.close()


def test_flag_sets_are_shared(index):
    number = add(index, uids=range(1, 2500), flags=frozenset(["\\Seen", "kw"]))
    chunks = list(index.messages(number))
    assert [len(chunk[0]) for chunk in chunks] == [1000, 1000, 499]
    assert len({id(flags) for chunk in chunks for flags in chunk[1]}) == 1


def test_a_newer_index_is_refused_with_one_line(tmp_path, caplog):
    path = str(tmp_path / "index")
    Index(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with caplog.at_level(logging.ERROR, "netimap.storage"), pytest.raises(Unavailable):
        Index(path)
    assert len(caplog.records) == 1
    assert "newer" in caplog.text


def test_an_older_index_is_upgraded(tmp_path, monkeypatch):
    path = str(tmp_path / "index")
    Index(path).close()
    monkeypatch.setattr(index_module, "MIGRATIONS", (*index_module.MIGRATIONS, "CREATE TABLE later (x);"))
    monkeypatch.setattr(index_module, "VERSION", VERSION + 1)
    index = Index(path)
    assert index._writer.execute("SELECT count(*) FROM later").fetchone() == (0,)
    index.close()


def test_a_failed_upgrade_changes_nothing(tmp_path, monkeypatch):
    path = str(tmp_path / "index")
    Index(path).close()
    monkeypatch.setattr(index_module, "MIGRATIONS", (*index_module.MIGRATIONS, "CREATE TABLE later (x); nonsense;"))
    monkeypatch.setattr(index_module, "VERSION", VERSION + 1)
    with pytest.raises(sqlite3.Error):
        Index(path)
    monkeypatch.undo()
    index = Index(path)
    with pytest.raises(sqlite3.Error):
        index._writer.execute("SELECT * FROM later")
    index.close()


def test_transactions_are_all_or_nothing(index):
    number = add(index)
    undone = []

    def fail():
        with index.transaction() as undo:
            index.add_messages(number, [(Row(1, frozenset(), 1, 0, 0, 5), b"x")])
            undo.callback(undone.append, 1)
            undo.callback(undone.append, 2)
            raise OSError

    with pytest.raises(OSError):
        fail()
    assert undone == [2, 1]
    assert index.bodies(number) == {}
    with index.transaction() as undo:
        undo.callback(undone.append, 3)
    assert undone == [2, 1]


def test_uidvalidity_is_never_given_twice(index):
    """RFC 3501 2.3.1.1: a mailbox that is deleted and made again has a larger UIDVALIDITY."""
    seen = []
    for _ in range(5):
        number = add(index, "A")
        seen.append(index.mailbox(number).uidvalidity)
        with index.transaction():
            index.remove_mailbox(number)
    assert seen == sorted(set(seen))


def test_a_mere_name_becomes_a_mailbox_again(index):
    number = add(index, "A", uids=[1, 2])
    before = index.mailbox(number)
    with index.transaction():
        index.remove_mailbox(number, keep_name=True)
    assert index.mailbox(number).selectable == 0
    assert index.bodies(number) == {}
    assert add(index, "A") == number
    after = index.mailbox(number)
    assert (after.selectable, after.uidnext, after.place) == (1, 1, b".A")
    assert after.uidvalidity > before.uidvalidity


def test_removing_a_mailbox_removes_all_of_it(index):
    number = add(index, uids=[1, 2])
    with index.transaction():
        index.add_structures(number, ["envelope"], [(1, b"e")])
        index.expunge(number, [2], 9)
    with index.transaction():
        index.remove_mailbox(number)
    for table in ("messages", "structures", "expunged"):
        assert index._writer.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_expunging_leaves_word(index):
    number = add(index, uids=[1, 2, 3])
    with index.transaction():
        index.add_structures(number, ["envelope", "body"], [(2, b"e", b"b"), (7, b"no", b"message")])
        index.expunge(number, [2, 3], 9)
    assert index.bodies(number) == {1: b"cur/1"}
    assert index._writer.execute("SELECT uid, modseq FROM expunged").fetchall() == [(2, 9), (3, 9)]
    assert index._writer.execute("SELECT count(*) FROM structures").fetchone() == (0,)


def test_changes_of_messages(index):
    number = add(index, uids=[1, 2, 3])
    with index.transaction():
        index.set_flags(number, 8, [(1, frozenset(["\\Deleted", "x"]), b"cur/1")])
        index.set_bodies(number, [(2, b"new/2")])
        index.set_sizes(number, [(3, 33)])
        index.set_date(number, 3, -5, 60)
        index.add_structures(number, ["envelope"], [(1, b"e")])
    ((uids, flags, modseqs, epochs, zones, sizes, bodies),) = index.messages(number)
    assert uids == (1, 2, 3)
    assert flags == [{"\\Deleted", "x"}, set(), set()]
    assert modseqs == (8, 5, 5)
    assert (epochs[2], zones[2]) == (-5, 60)
    assert sizes == (UNKNOWN_SIZE, UNKNOWN_SIZE, 33)
    assert bodies == (b"cur/1", b"new/2", b"cur/3")
    assert index.read_body(number, 2) == b"new/2"
    assert index.read_body(number, 9) is None
    assert index.read_bodies(number, [1, 9]) == {1: b"cur/1"}
    with index.transaction():
        index.add_structures(number, ["body", "bodystructure"], [(1, b"b", b"s"), (2, b"b2", b"s2")])
        index.add_structures(number, ["body"], [(2, b"b3")])
    found = index.read_structures(number, [1, 2, 3], ["bodystructure", "envelope", "body"])
    assert found == {1: (b"s", b"e", b"b"), 2: (b"s2", None, b"b3")}
    with pytest.raises(KeyError):
        index.read_structures(number, [1], ["uid; DROP TABLE messages"])


def test_accounts_do_not_meet(tmp_path):
    """Every key leads with the account: several can live in one file."""
    path = str(tmp_path / "index")
    one, other = Index(path, "one"), Index(path, "other")
    add(one, "A", uids=[1])
    assert other.mailboxes() == []
    add(other, "A", uids=[1, 2])
    assert [len(index.bodies(index.mailboxes()[0].id)) for index in (one, other)] == [1, 2]
    one.close()
    other.close()
