"""netimap.wire.list_pattern: the wildcards of LIST (RFC 3501 6.3.8)."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netimap.wire.list_pattern import ListPattern


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*", "a/b/c", True),
        ("*", "", True),
        ("%", "a", True),
        ("%", "a/b", False),
        ("a/%", "a/b", True),
        ("a/%", "a/b/c", False),
        ("a/%", "a", False),
        ("%/c", "a/b/c", False),
        ("*/c", "a/b/c", True),
        ("a*c", "abc", True),
        ("a*c", "a/b/c", True),
        ("a%c", "abbc", True),
        ("a%c", "a/c", False),
        ("%/%", "a/b", True),
        ("a%*", "a/b", True),
        ("a", "a", True),
        ("a", "A", False),
        ("a", "ab", False),
        ("", "", True),
        ("", "a", False),
        # no regular expression is made of it
        ("a.c", "abc", False),
        ("[a-z]", "a", False),
        ("(a+)+", "aaa", False),
        ("a\\", "a\\", True),
        # RFC 3501 5.1: INBOX in any case
        ("inbox", "INBOX", True),
        ("InBoX/%", "INBOX/a", True),
        ("inbox*", "INBOX/a/b", True),
        ("inbox%", "INBOX", True),
        ("inboxes", "INBOX", False),
        ("inboxes", "INBOXES", False),
        ("a/inbox", "a/INBOX", False),
        ("INBOX/a", "INBOX/A", False),
    ],
)
def test_matches(pattern, name, matches):
    assert ListPattern(pattern, "/").matches(name) is matches


def test_without_hierarchy_percent_matches_everything():
    assert ListPattern("%", None).matches("a/b")
    assert ListPattern("inbox", None).matches("INBOX")


alphabet = st.text("ab/*%", max_size=8)


@given(alphabet, st.text("ab/", max_size=8))
def test_means_what_a_regular_expression_means(pattern, name):
    words = {"*": ".*", "%": "[^/]*"}
    expected = re.fullmatch("".join(words.get(character, re.escape(character)) for character in pattern), name)
    assert ListPattern(pattern, "/").matches(name) is (expected is not None)


@pytest.mark.parametrize("pattern", ["*%" * 450 + "a", "*a" * 500, "%" * 1000, "%a" * 499 + "b", "*/%" * 330])
def test_costs_the_same_whatever_the_wildcards(pattern):
    # FIELD-NOTES 4: `LIST "" "*%*%*%…a"`
    begun = time.process_time()
    compiled = ListPattern(pattern, "/")
    for name in ("a" * 1000, "a/" * 500, "INBOX/" + "a" * 990):
        compiled.matches(name)
    assert time.process_time() - begun < 0.1
