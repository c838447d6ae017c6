"""Watch: which changes of a directory show, and when it is read again for those that do not."""

import os
import time

import pytest

from netimap.storage.maildir import watch as module
from netimap.storage.maildir.watch import State, Watch

HOUR = 3600 * 10**9


@pytest.fixture
def clock(monkeypatch):
    """A clock for what is measured in elapsed seconds."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr(module.time, "monotonic", lambda: Clock.now)
    return Clock


@pytest.fixture
def watch(tmp_path):
    return Watch(os.fsencode(tmp_path))


def read(watch):
    began = time.time_ns()
    watch.was_read(watch.mtime(), began)


def change(watch, name="x"):
    with open(os.path.join(watch.path, name.encode()), "wb"):
        pass


def set_time(watch, ns):
    os.utime(watch.path, ns=(ns, ns))


def test_what_was_never_read_has_changed(watch):
    assert watch.state() is State.CHANGED
    assert watch.settled() is None


def test_an_old_directory_is_quiet_until_it_changes(watch):
    set_time(watch, time.time_ns() - HOUR)
    read(watch)
    assert watch.state() is State.QUIET
    change(watch)
    assert watch.state() is State.CHANGED


def test_a_directory_that_had_just_changed_is_read_again(watch, clock):
    """What happens in the same tick of the clock does not show in the directory's time."""
    change(watch)
    read(watch)
    assert watch.settled() is None
    clock.now += 1
    assert watch.state() is State.CHANGED
    # until its time lies far enough back
    mtime = watch.mtime() | 1
    set_time(watch, mtime)
    watch.was_read(mtime, mtime + module.TICK_NS + 1)
    clock.now += 10**6
    assert watch.state() is State.QUIET
    assert watch.settled() == mtime


def test_a_file_system_that_keeps_seconds_only(watch, clock):
    now = time.time_ns()
    mtime = now - now % 10**9 - 10**9
    set_time(watch, mtime)
    watch.was_read(mtime, mtime + 1_900_000_000)
    clock.now += 10
    assert watch.state() is State.CHANGED
    watch.was_read(mtime, mtime + 2_100_000_000)
    assert watch.state() is State.QUIET


def test_reading_again_takes_a_tenth_of_the_time(watch, clock, monkeypatch):
    change(watch)
    mtime = watch.mtime()
    monkeypatch.setattr(module.time, "time_ns", lambda: mtime + 500_000_000)
    watch.was_read(mtime, mtime)
    clock.now += 4.9
    assert watch.state() is State.QUIET
    clock.now += 0.2
    assert watch.state() is State.CHANGED


def test_our_own_changes_do_not_count(watch, clock):
    set_time(watch, time.time_ns() - HOUR)
    read(watch)
    for name in "ab":
        before = watch.mtime()
        change(watch, name)
        watch.changed_by_us(before)
        assert watch.state() is State.QUIET
    # but are no proof that nobody else was there
    assert watch.settled() is None
    clock.now += module.VERIFY_AFTER_S
    assert watch.state() is State.DOUBTFUL
    watch.postpone()
    assert watch.state() is State.QUIET
    clock.now += module.VERIFY_AFTER_S
    assert watch.state() is State.DOUBTFUL
    read(watch)
    assert watch.state() is State.QUIET


def test_our_own_changes_do_not_hide_those_of_others(watch):
    set_time(watch, time.time_ns() - HOUR)
    read(watch)
    set_time(watch, time.time_ns() - HOUR // 2)
    before = watch.mtime()
    change(watch)
    watch.changed_by_us(before)
    assert watch.state() is State.CHANGED


def test_reading_soon_after_our_own_change_does_not_go_on_for_ever(watch, clock):
    read(watch)
    before = watch.mtime()
    change(watch)
    watch.changed_by_us(before)
    read(watch)
    clock.now += 5
    assert watch.state() is State.QUIET


def test_a_time_in_the_future(watch, clock):
    """A file server's clock that is fast does not make us read for ever."""
    set_time(watch, time.time_ns() + HOUR)
    read(watch)
    clock.now += 100
    assert watch.state() is State.QUIET


def test_going_on_from_an_earlier_run(watch):
    set_time(watch, time.time_ns() - HOUR)
    read(watch)
    later = Watch(watch.path)
    later.resume(watch.settled())
    assert later.state() is State.QUIET
    change(watch)
    assert later.state() is State.CHANGED


def test_a_directory_that_is_gone(watch):
    read(watch)
    os.rmdir(watch.path)
    with pytest.raises(FileNotFoundError):
        watch.state()
    os.mkdir(watch.path)
