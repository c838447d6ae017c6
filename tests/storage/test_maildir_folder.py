"""Folder: files written, renamed and hidden, and what is left of it after a crash."""

import errno
import os
import stat
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netimap.message import with_crlf
from netimap.storage.bodies import Flagging, Wanted
from netimap.storage.columns import UNKNOWN_SIZE
from netimap.storage.errors import BodyMissing
from netimap.storage.maildir import disk
from netimap.storage.maildir.folder import Folder

DATE = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
SEEN = frozenset(["\\Seen"])


@pytest.fixture
def folder(tmp_path):
    folder = Folder(os.fsencode(tmp_path / "folder"))
    folder.make()
    return folder


def put(folder, content=b"a: b\r\n\r\nc\r\n", flags=SEEN):
    with ExitStack() as undo:
        body = folder.put(content, flags, DATE, undo)
        folder.sync()
        undo.pop_all()
    return body


def path_of(folder, body):
    return os.path.join(folder.path, body)


def names(folder):
    return {name: os.listdir(os.path.join(folder.path, name)) for name in (b"cur", b"new", b"tmp")}


def test_directories_are_private(folder):
    for name in (b"", b"cur", b"new", b"tmp"):
        assert stat.S_IMODE(os.stat(path_of(folder, name)).st_mode) == 0o700


def test_files_have_lf_and_messages_crlf(folder):
    body = put(folder, b"a: b\r\n\r\nc\r\n")
    with open(path_of(folder, body), "rb") as file:
        assert file.read() == b"a: b\n\nc\n"
    assert body.endswith(b",S=8,W=11:2,S")
    assert folder.read(body) == b"a: b\r\n\r\nc\r\n"
    status = os.stat(path_of(folder, body))
    assert status.st_mtime == DATE.timestamp()
    assert stat.S_IMODE(status.st_mode) == 0o600


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([b"\r\n", b"\r", b"x", b"\0", b"\xff", b"\r\r\n"])).map(b"".join))
def test_what_goes_in_comes_out(tmp_path_factory, content):
    content = with_crlf(content)
    folder = Folder(os.fsencode(tmp_path_factory.mktemp("folder")))
    folder.make()
    assert folder.read(put(folder, content)) == content


def test_dates_that_the_disk_cannot_hold(folder):
    with ExitStack() as undo:
        body = folder.put(b"", SEEN, datetime(1, 1, 1, tzinfo=UTC), undo)
        undo.pop_all()
    assert folder.read(body) == b""


def test_flags_are_a_rename(folder):
    body = put(folder)
    with ExitStack() as undo:
        assert folder.flag([Flagging(body, SEEN, SEEN | {"keyword"})], undo) == [body]
        (flagged,) = folder.flag([Flagging(body, SEEN, SEEN | {"\\Deleted"})], undo)
        # one file and nothing but its name: that is done or not done
        assert names(folder)[b"tmp"] == []
        assert flagged == body + b"T"
        assert folder.read(flagged)
        with pytest.raises(BodyMissing):
            folder.read(body)
    # undone
    assert folder.read(body)


def test_flagging_moves_from_new_to_cur(folder):
    with open(path_of(folder, b"new/1.x"), "wb"):
        pass
    with ExitStack() as undo:
        assert folder.flag([Flagging(b"new/1.x", frozenset(), frozenset())], undo) == [b"cur/1.x:2,"]
        undo.pop_all()
    assert names(folder) == {b"new": [], b"cur": [b"1.x:2,"], b"tmp": []}


def test_hidden_until_dropped(folder):
    body = put(folder)
    with ExitStack() as undo:
        (hidden,) = folder.hide([body], undo)
        undo.pop_all()
    assert names(folder)[b"cur"] == []
    assert folder.read(hidden) == b"a: b\r\n\r\nc\r\n"
    folder.drop([hidden, hidden])
    assert names(folder)[b"tmp"] == []


@pytest.mark.parametrize("method", ["flag", "hide", "copy"])
def test_a_body_that_is_gone(folder, method):
    arguments = {
        "flag": ([Flagging(put(folder), SEEN, frozenset()), Flagging(b"cur/gone:2,S", SEEN, frozenset())],),
        "hide": ([put(folder), b"cur/gone"],),
        "copy": (folder, [Wanted(put(folder), SEEN, 5), Wanted(b"cur/gone", SEEN, 5)]),
    }[method]
    before = names(folder)
    with pytest.raises(BodyMissing), ExitStack() as undo:
        getattr(folder, method)(*arguments, undo)
    assert names(folder) == before


def test_a_copy_is_another_name_of_the_file(folder, tmp_path):
    target = Folder(os.fsencode(tmp_path / "target"))
    target.make()
    body = put(folder)
    with ExitStack() as undo:
        (copied,) = target.copy(folder, [Wanted(body, frozenset(["\\Flagged"]), 11)], undo)
        undo.pop_all()
    target.committed()
    assert names(target)[b"tmp"] == []
    assert copied.endswith(b",S=8,W=11:2,F")
    assert os.path.samefile(path_of(folder, body), path_of(target, copied))
    with ExitStack() as undo:
        (unknown,) = target.copy(folder, [Wanted(body, SEEN, UNKNOWN_SIZE)], undo)
        assert b",W=" not in unknown
    assert names(target)[b"cur"] == [copied[4:]]


@pytest.mark.parametrize("error", [errno.EXDEV, errno.EMLINK, errno.EPERM])
def test_a_copy_where_links_are_not_possible(folder, monkeypatch, error):
    def link(*_, **__):
        raise OSError(error, "no link")

    body = put(folder)
    monkeypatch.setattr(os, "link", link)
    with ExitStack() as undo:
        (copied,) = folder.copy(folder, [Wanted(body, SEEN, 11)], undo)
        undo.pop_all()
    assert not os.path.samefile(path_of(folder, body), path_of(folder, copied))
    assert folder.read(copied) == folder.read(body)
    assert os.stat(path_of(folder, copied)).st_mtime == DATE.timestamp()


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_a_full_disk_leaves_nothing(folder, monkeypatch, call):
    def fail(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(disk.os, call, fail)
    with ExitStack() as undo, pytest.raises(OSError):
        folder.put(b"x" * 100, SEEN, DATE, undo)
    monkeypatch.undo()
    assert names(folder) == {b"new": [], b"cur": [], b"tmp": []}


def test_the_file_is_synced_before_it_is_in_its_place(folder, monkeypatch):
    calls = []
    for name in ("fsync", "rename"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, name=name, real=real: (calls.append(name), real(*args)))
    put(folder)
    assert calls == ["fsync", "rename", "fsync"]


def test_a_link_is_no_message(folder, tmp_path):
    (tmp_path / "secret").write_text("secret")
    os.symlink(tmp_path / "secret", path_of(folder, b"cur/1.x:2,"))
    os.mkfifo(path_of(folder, b"cur/2.x:2,"))
    os.mkdir(path_of(folder, b"cur/3.x:2,"))
    for name in (b"1", b"2", b"3"):
        with pytest.raises(BodyMissing):
            folder.read(b"cur/%b.x:2," % name)


def test_sweep_removes_what_was_not_finished(folder):
    committed = put(folder)
    for name in (b"netimap-append.1.x", b"netimap-expunged.2.x:2,ST", b"1.of-another-program"):
        with open(path_of(folder, b"tmp/" + name), "wb"):
            pass
    folder.sweep(lambda: [committed])
    assert names(folder) == {b"new": [], b"cur": [committed[4:]], b"tmp": [b"1.of-another-program"]}


@pytest.mark.parametrize("body", [b"cur/1.x:2,S", b"new/1.x", b"cur/" + b"x" * 255])
def test_sweep_takes_back_an_expunge_that_was_not_committed(folder, body):
    with open(path_of(folder, body), "wb") as file:
        file.write(b"text\n")
    with ExitStack() as undo:
        (hidden,) = folder.hide([body], undo)
        undo.pop_all()
    assert folder.read(hidden) == b"text\r\n"
    folder.sweep(lambda: [b"cur/2.x:2,", body])
    assert folder.read(body) == b"text\r\n"
    assert names(folder)[b"tmp"] == []


@pytest.mark.parametrize("committed", [False, True])
def test_sweep_takes_back_copies_that_were_not_committed(folder, committed):
    """RFC 3501 6.4.7: all of a COPY or nothing."""
    body = put(folder)
    with ExitStack() as undo:
        copies = folder.copy(folder, [Wanted(body, SEEN, 11)] * 3, undo)
        undo.pop_all()
    others = [body, put(folder), *(copies if committed else [])]
    # another program has set a flag since
    os.rename(path_of(folder, copies[0]), path_of(folder, copies[0] + b"T"))
    folder.sweep(lambda: others)
    bases = {name.partition(b":")[0] for name in names(folder)[b"cur"]}
    assert bases == {name[4:].partition(b":")[0] for name in others}
    assert names(folder)[b"tmp"] == []


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("keyword", [False, True])
def test_sweep_takes_back_flags_that_were_not_committed(folder, committed, keyword):
    """A STORE that was not acknowledged is done as a whole or not at all."""
    new = frozenset(["\\Flagged", *(["keyword"] if keyword else [])])
    before = [put(folder) for _ in range(1 if keyword else 3)]
    with ExitStack() as undo:
        after = folder.flag([Flagging(body, SEEN, new) for body in before], undo)
        undo.pop_all()
    assert len(names(folder)[b"tmp"]) == 1
    if not keyword:
        # another program was faster than the sweep
        os.rename(path_of(folder, after[2]), path_of(folder, after[2] + b"T"))
    folder.sweep(lambda: after if committed else before)
    expected = [*(after if committed else before)[:2], *([] if keyword else [after[2] + b"T"])]
    assert sorted(names(folder)[b"cur"]) == sorted(body[4:] for body in expected)
    assert names(folder)[b"tmp"] == []


def test_sweep_does_not_ask_for_what_it_does_not_need(folder):
    folder.sweep(lambda: pytest.fail("asked"))


def test_large_files(folder):
    content = b"line\r\n" * 1_000_000
    assert folder.read(put(folder, content)) == content


def test_a_file_that_grows_while_it_is_read(folder, monkeypatch):
    body = put(folder)
    real = os.fstat
    monkeypatch.setattr(disk.os, "fstat", lambda fd: os.stat_result([*real(fd)[:6], 1, *real(fd)[7:]]))
    assert folder.read(body) == b"a: b\r\n\r\nc\r\n"
