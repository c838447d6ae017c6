"""Scan: who is new, who moved, who went."""

import os

import pytest

from netimap.storage.maildir.folder import Folder
from netimap.storage.maildir.scan import compare, scan, scan_new
from netimap.storage.maildir.watch import State


@pytest.fixture
def folder(tmp_path):
    folder = Folder(os.fsencode(tmp_path))
    folder.make()
    return folder


def touch(folder, *bodies, mtime=None):
    for body in bodies:
        path = os.path.join(folder.path, body)
        with open(path, "wb"):
            pass
        if mtime is not None:
            os.utime(path, (mtime, mtime))


def test_compare():
    known = {b"cur/1.a:2,": 1, b"cur/2.a:2,S": 2, b"new/3.a": 3, b"cur/4.a:2,": 4}
    files = {b"cur/1.a:2,", b"cur/2.a:2,FS", b"cur/3.a:2,", b"new/5.a", b"cur/6.a"}
    moved, arrived, missing = compare(known, files)
    assert sorted(moved) == [(2, b"cur/2.a:2,FS"), (3, b"cur/3.a:2,")]
    assert sorted(arrived) == [b"cur/6.a", b"new/5.a"]
    assert missing == {b"cur/4.a:2,"}


@pytest.mark.parametrize(
    ("known", "files", "moved", "arrived"),
    [
        # on its way from new/ to cur/, seen in both
        ({b"new/1.a": 1}, {b"new/1.a", b"cur/1.a:2,"}, [], []),
        ({}, {b"new/1.a", b"cur/1.a:2,S"}, [], [b"cur/1.a:2,S"]),
        # renamed while the directory was read
        ({b"cur/1.a:2,": 1}, {b"cur/1.a:2,S", b"cur/1.a:2,F"}, [(1, b"cur/1.a:2,F")], []),
        ({b"cur/1.a:2,": 1}, {b"cur/1.a:2,S", b"cur/1.a:2,"}, [], []),
    ],
)
def test_a_message_is_one_message_whatever_its_names(known, files, moved, arrived):
    assert compare(known, files)[:2] == (moved, arrived)


def test_order_of_delivery(folder):
    touch(folder, b"new/1500000009.M1P1.h", b"new/1500000003.M7P1.h", b"new/1500000003.M10P1.h", mtime=5)
    touch(folder, b"cur/1500000012.M1P1.h:2,", mtime=1)
    touch(folder, b"new/odd", mtime=1500000005)
    findings = scan(folder, {})
    assert [arrival.body for arrival in findings.arrived] == [
        b"cur/1500000012.M1P1.h:2,",
        b"new/1500000003.M7P1.h",
        b"new/1500000003.M10P1.h",
        b"new/odd",
        b"new/1500000009.M1P1.h",
    ]


def test_what_is_no_message(folder, tmp_path):
    touch(folder, b"cur/.hidden", b"new/1.a")
    os.mkdir(os.path.join(folder.path, b"new/2.dir"))
    os.symlink("/etc/passwd", os.path.join(folder.path, b"new/3.link"))
    assert [arrival.body for arrival in scan(folder, {}).arrived] == [b"new/1.a"]


def test_names_that_are_no_text(folder):
    touch(folder, b"new/1.\xff\xfe")
    assert [arrival.body for arrival in scan(folder, {}).arrived] == [b"new/1.\xff\xfe"]


def test_a_file_that_one_reading_misses_is_not_gone(folder, monkeypatch):
    """A directory that is changed while it is read may show neither name of a file that is being renamed."""
    touch(folder, b"cur/1.a:2,S", b"cur/2.a:2,")
    real, calls = Folder.names, []

    def names(self, subdirectory):
        calls.append(subdirectory)
        found = real(self, subdirectory)
        return found if calls.count(b"cur") > 1 else [name for name in found if not name.startswith(b"1.")]

    monkeypatch.setattr(Folder, "names", names)
    findings = scan(folder, {b"cur/1.a:2,": 1, b"cur/2.a:2,": 2})
    assert findings.moved == [(1, b"cur/1.a:2,S")]
    assert findings.gone == []


def test_nothing_is_gone_from_a_directory_that_does_not_stand_still(folder, monkeypatch):
    touch(folder, b"cur/2.a:2,")
    real, times = Folder.names, iter(range(1, 1000))

    def names(self, subdirectory):
        moment = next(times)
        os.utime(self.cur.path, (moment, moment))
        return real(self, subdirectory)

    monkeypatch.setattr(Folder, "names", names)
    findings = scan(folder, {b"cur/1.a:2,": 1})
    assert findings.gone == []
    assert [arrival.body for arrival in findings.arrived] == [b"cur/2.a:2,"]
    monkeypatch.undo()
    # and it is read again
    assert folder.cur.state() is State.CHANGED
    assert scan(folder, {b"cur/1.a:2,": 1, b"cur/2.a:2,": 2}).gone == [1]


def test_a_file_that_vanishes_before_it_is_looked_at(folder, monkeypatch):
    touch(folder, b"new/1.a", b"new/2.a")
    real = os.lstat

    def lstat(path):
        if path.endswith(b"new/1.a"):
            raise FileNotFoundError
        return real(path)

    monkeypatch.setattr(os, "lstat", lstat)
    assert [arrival.body for arrival in scan(folder, {}).arrived] == [b"new/2.a"]


def test_new_alone(folder):
    touch(folder, b"new/1.a", b"new/2.a", b"cur/3.a:2,")
    findings = scan_new(folder, {b"new/1.a": 1})
    assert [arrival.body for arrival in findings.arrived] == [b"new/2.a"]
    # where one left new/, only cur/ can tell where it is
    assert scan_new(folder, {b"new/0.a": 1}) is None
