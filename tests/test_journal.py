"""netimap.journal: what happened to a mailbox, by mod-sequence."""

from hypothesis import given
from hypothesis import strategies as st

from netimap.journal import Change, Changes, Journal


def test_a_new_journal_has_seen_something():
    # RFC 7162 3.1.1: a mod-sequence is never 0
    assert Journal().highest == 1
    assert Journal(7).highest == 7


def test_one_change_has_one_modseq_larger_than_all_before():
    journal = Journal()
    assert journal.note(Change.NEW, [1, 2, 3]) == 2
    assert journal.note(Change.FLAGS, [1]) == 3
    assert journal.highest == 3


def test_says_what_came_after_a_modseq_in_order_of_events():
    journal = Journal()
    first = journal.note(Change.NEW, [1, 2])
    journal.note(Change.FLAGS, [2])
    journal.note(Change.FLAGS, [1])
    journal.note(Change.EXPUNGED, [2])
    assert journal.since(0) == Changes([1, 2], [2, 1], [2])
    assert journal.since(first) == Changes([], [2, 1], [2])
    assert journal.since(journal.highest) == Changes([], [], [])


def test_counts_on_where_nobody_has_to_be_told():
    journal = Journal()
    assert journal.note(Change.NEW, range(1000), keep=False) == 2
    assert len(journal) == 0
    assert journal.since(0) == Changes([], [], [])


def test_forgets_what_everybody_knows():
    journal = Journal()
    first = journal.note(Change.NEW, [1, 2])
    journal.note(Change.FLAGS, [1])
    journal.forget(first - 1)
    assert len(journal) == 3
    journal.forget(first)
    assert len(journal) == 1
    assert journal.since(0) == Changes([], [1], [])
    journal.forget(journal.highest)
    assert len(journal) == 0


def test_tells_the_flags_that_others_changed():
    journal = Journal()
    begun = journal.note(Change.FLAGS, [1])
    journal.note(Change.FLAGS, [2])
    own = journal.note(Change.FLAGS, [2, 3])
    journal.note(Change.NEW, [9])
    journal.note(Change.FLAGS, [4])
    assert journal.others(begun, range(own, own + 1)) == {2, 4}
    assert journal.others(begun, range(begun + 1, journal.highest + 1)) == set()


def test_forgets_nothing_of_nothing():
    journal = Journal()
    journal.forget(100)
    assert journal.highest == 1


events = st.lists(st.tuples(st.sampled_from(Change), st.lists(st.integers(1, 20), min_size=1, max_size=4)), max_size=12)


@given(events, st.integers(0, 14), st.integers(0, 14))
def test_forgetting_changes_nothing_for_those_who_know_more(events, told, forgotten):
    journal, everything = Journal(), Journal()
    for kind, uids in events:
        journal.note(kind, uids)
        everything.note(kind, uids)
    journal.forget(min(told, forgotten))
    assert journal.since(told) == everything.since(told)


def test_flags_changed_by_others_are_told_from_ones_own():
    journal = Journal()
    before = journal.highest
    journal.note(Change.FLAGS, [1, 2])
    own = journal.note(Change.FLAGS, [2, 3])
    journal.note(Change.NEW, [4])
    journal.note(Change.FLAGS, [3])
    assert journal.others(before, range(own, own + 1)) == {1, 2, 3}
    assert journal.others(own, range(0)) == {3}
