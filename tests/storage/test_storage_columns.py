"""Columns against a plain list."""

import sys
from array import array
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netimap.flags import intern_flags
from netimap.storage.columns import UNKNOWN_SIZE, Columns, Row, epoch_and_zone, when

FLAGS = st.frozensets(st.sampled_from(["\\Seen", "\\Deleted", "\\Flagged", "kw"])).map(intern_flags)


def rows(uids):
    return [Row(uid, intern_flags(["\\Seen"] if uid % 2 else []), uid, uid * 10, uid % 60, uid * 7) for uid in uids]


def made(uids):
    columns = Columns()
    columns.extend(rows(uids))
    return columns


@given(st.sets(st.integers(1, 200)).map(sorted), st.data())
def test_like_a_list(uids, data):
    columns, model = made(uids), {row.uid: row for row in rows(uids)}
    for _ in range(data.draw(st.integers(0, 5))):
        if not model:
            break
        some = data.draw(st.lists(st.sampled_from(sorted(model)), unique=True, min_size=1).map(sorted))
        action = data.draw(st.sampled_from(["flags", "remove", "size", "extend"]))
        places = [columns.index(uid) for uid in some]
        if action == "flags":
            flags = data.draw(FLAGS)
            for uid, place in zip(some, places, strict=True):
                columns.set_flags(place, flags, 999)
                model[uid] = model[uid]._replace(flags=flags, modseq=999)
        elif action == "remove":
            columns.remove(places)
            for uid in some:
                del model[uid]
        elif action == "size":
            size = data.draw(st.sampled_from([5, UNKNOWN_SIZE]))
            columns.set_size(places[0], size)
            model[some[0]] = model[some[0]]._replace(size=size)
        else:
            more = rows([max(model) + 1, max(model) + 5])
            columns.extend(more)
            model.update((row.uid, row) for row in more)
    expected = [model[uid] for uid in sorted(model)]
    assert [columns.row(index) for index in range(len(columns))] == expected
    assert columns.unseen() == sum("\\Seen" not in row.flags for row in expected)
    first = next((index for index, row in enumerate(expected) if "\\Seen" not in row.flags), None)
    assert columns.first_unseen() == first
    assert columns.deleted() == [row.uid for row in expected if "\\Deleted" in row.flags]
    assert columns.unsized == sum(row.size == UNKNOWN_SIZE for row in expected)


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ([], slice(0, 0)),
        ([3], slice(1, 2)),
        ([1, 3, 5], slice(0, 3)),
        ([1, 5], [0, 2]),
        (array("I", [5, 9]), slice(2, 4)),
    ],
)
def test_locate(wanted, where):
    assert made([1, 3, 5, 9]).locate(wanted) == where


@pytest.mark.parametrize("wanted", [[2], [10], [0], [1, 2], [1, 4, 9], [1, 10], [1, 3, 5, 9, 11]])
def test_locate_what_is_not_there(wanted):
    with pytest.raises(KeyError):
        made([1, 3, 5, 9]).locate(wanted)


def test_the_whole_column_is_a_slice():
    columns = made(range(1, 1000))
    assert columns.locate(columns.uids) == slice(0, 999)
    assert columns.get("flags", columns.locate(columns.uids)) == columns.flags


def test_removing_many_runs():
    columns = made(range(1, 101))
    columns.remove(range(0, 100, 2))
    assert list(columns.uids) == list(range(2, 101, 2))
    assert columns.unseen() == 50


@given(
    st.datetimes(
        min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31, 23, 59, 59),
        timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    )
)  # fmt: skip
def test_dates_come_back(date):
    date = date.replace(microsecond=0)
    epoch, minutes = epoch_and_zone(date)
    try:
        date.astimezone(UTC)
    except OverflowError:
        return
    assert when(epoch, minutes) == date
    assert when(epoch, minutes).utcoffset() == date.utcoffset()


def test_memory():
    columns = Columns()
    seen = intern_flags(["\\Seen"])
    columns.extend([Row(uid, seen, uid, 1_700_000_000, 60, 5000) for uid in range(1, 10_001)])
    size = sum(sys.getsizeof(getattr(columns, name)) for name in Columns.__slots__)
    # DESIGN.md section 4: an open mailbox takes at most 100 octets a message
    assert size / 10_000 < 50
