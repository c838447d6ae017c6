"""netimap.wire.sequence_set (RFC 3501 9: sequence-set), against a plain set of numbers."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netimap.exceptions import Bad
from netimap.wire.reader import MAX_NUMBER
from netimap.wire.sequence_set import STAR, SequenceSet


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("1", ((1, 1),)),
        ("*", ((STAR, STAR),)),
        ("1:*", ((1, STAR),)),
        # 2:4 and 4:2 are equivalent
        ("4:2", ((2, 4),)),
        ("*:5", ((5, STAR),)),
        ("2,4:7,9,12:*", ((2, 2), (4, 7), (9, 9), (12, STAR))),
        ("4294967295", ((MAX_NUMBER, MAX_NUMBER),)),
    ],
)
def test_parse(text, ranges):
    assert SequenceSet.parse(text).ranges == ranges


@pytest.mark.parametrize(
    "text",
    ["", "0", "01", "0:1", "1:0", "-1", "+1", "1-2", "1,", ",1", "1,,2", "1:", ":1", "1:2:3", "**", "1 2", "a", "1:a",
     "4294967296", "1:4294967296", "99999999999", "1\n", "1,2 ", "٣", "1;2", "$"],
)  # fmt: skip
def test_what_is_no_set_is_bad(text):
    with pytest.raises(Bad):
        SequenceSet.parse(text)


# the examples of RFC 3501 9
@pytest.mark.parametrize(
    ("text", "count", "members"),
    [
        ("2,4:7,9,12:*", 15, [2, 4, 5, 6, 7, 9, 12, 13, 14, 15]),
        ("*:4,5:7", 10, [4, 5, 6, 7, 8, 9, 10]),
        # a range with * includes the last message even when its other end is past it (RFC 3501 6.4.8)
        ("3291:*", 10, [10]),
        ("*:3291", 10, [10]),
        ("*", 10, [10]),
        # numbers past the end are dropped
        ("11", 10, []),
        ("9:4294967295", 10, [9, 10]),
        ("1:4294967295", 3, [1, 2, 3]),
        # nothing is in use: not even * names a message
        ("*", 0, []),
        ("1:*", 0, []),
        ("1:5", 0, []),
    ],
)
def test_members(text, count, members):
    slices = SequenceSet.parse(text).slices(range(1, count + 1))
    assert [number + 1 for start, stop in slices for number in range(start, stop)] == members


ends = st.integers(1, 40) | st.just(STAR) | st.integers(1, MAX_NUMBER)
pairs = st.lists(st.tuples(ends, ends), min_size=1, max_size=8)
uid_columns = st.lists(st.integers(1, 60), unique=True, max_size=30).map(sorted)


def write(pairs):
    star = {STAR: "*"}
    return ",".join(f"{star.get(a, a)}:{star.get(b, b)}" if a != b else f"{star.get(a, a)}" for a, b in pairs)


@settings(max_examples=200)
@given(pairs, uid_columns)
def test_slices_are_the_members_each_once_in_order(given_pairs, column):
    parsed = SequenceSet.parse(write(given_pairs))
    found = [column[index] for start, stop in parsed.slices(column) for index in range(start, stop)]
    largest = column[-1] if column else 0
    concrete = [sorted((largest if a == STAR else a, largest if b == STAR else b)) for a, b in given_pairs]
    assert found == [uid for uid in column if any(low <= uid <= high for low, high in concrete)]


@settings(max_examples=200)
@given(pairs, st.integers(0, 100))
def test_resolved_ranges_are_sorted_and_apart(given_pairs, maximum):
    resolved = SequenceSet.parse(write(given_pairs)).resolved(maximum)
    assert all(low <= high for low, high in resolved)
    assert all(high + 1 < low for (_, high), (low, _) in zip(resolved, resolved[1:], strict=False))
    assert STAR not in {end for ends in resolved for end in ends}
    assert bool(resolved) is bool(maximum)


@settings(max_examples=100)
@given(pairs)
def test_text_and_set_are_inverses(given_pairs):
    parsed = SequenceSet.parse(write(given_pairs))
    again = SequenceSet.parse(str(parsed))
    assert again == parsed
    assert hash(again) == hash(parsed)
    assert eval(repr(parsed)) == parsed
    assert parsed != str(parsed)


@settings(max_examples=100)
@given(st.sets(st.integers(1, 50)).map(sorted))
def test_of_joins_neighbours(numbers):
    made = SequenceSet.of(numbers)
    assert [n for low, high in made.ranges for n in range(low, high + 1)] == numbers
    assert all(high + 1 < low for (_, high), (low, _) in zip(made.ranges, made.ranges[1:], strict=False))


def test_hostile_sets_cost_little():
    started = time.perf_counter()
    huge = SequenceSet.parse("1:4294967295")
    assert huge.slices(range(1, 4)) == [(0, 3)]
    many = SequenceSet.parse(",".join(f"{n}:*" for n in range(1, 20_001)))
    assert many.slices(range(1, 100_001)) == [(0, 100_000)]
    with pytest.raises(Bad):
        SequenceSet.parse("1:1," * 50_000)
    assert time.perf_counter() - started < 2
