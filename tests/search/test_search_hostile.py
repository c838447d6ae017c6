"""Searches and mail that are meant to hurt: refused in clear words, or answered in linear time."""

from __future__ import annotations

import time

import pytest
from search_mailbox import make_view, never, program, search

from netimap.exceptions import Bad
from netimap.search import compile_search
from netimap.search.compile import MAX_DEPTH, MAX_KEYS

#: seconds: some ten times what is needed on a slow machine, a hundredth of what quadratic time would take
BOUND_S = 2.0


@pytest.fixture(autouse=True)
def in_time():
    """Every test here is over soon."""
    started = time.perf_counter()
    yield
    assert time.perf_counter() - started < BOUND_S


@pytest.mark.parametrize(
    "query",
    [
        b"NOT " * 100_000 + b"SEEN",
        b"NOT " * 100_000,
        b"OR " * 100_000,
        b"OR SEEN " * 100_000 + b"SEEN",
        b"OR " * 50_000 + b"SEEN" + b" SEEN" * 50_000,
        b"SEEN " * 99_999 + b"SEEN",
        b"OR NOT OR SEEN SEEN " * 20_000 + b"SEEN SEEN",
    ],
)
def test_too_many_keys(query):
    """FIELD-NOTES 4: NOT NOT NOT … × 10^5."""
    with pytest.raises(Bad) as caught:
        program(query)
    assert caught.value.code == "LIMIT"


@pytest.mark.parametrize("query", [b"(" * 60_000, b"(" * 60_000 + b"SEEN" + b")" * 60_000, b"NOT (" * 60_000])
def test_too_many_parentheses(query):
    with pytest.raises(Bad) as caught:
        program(query)
    assert caught.value.code == "LIMIT"


def test_nested_lists_of_any_depth():
    """The compiler does not rely on the reader's limit."""
    tokens: list = ["SEEN"]
    for _ in range(MAX_KEYS * 2):
        tokens = [tokens]
    with pytest.raises(Bad) as caught:
        compile_search(tokens)
    assert caught.value.code == "LIMIT"


def test_nots_and_ors_side_by_side_are_no_depth():
    view = make_view(b"Subject: x\r\n\r\n", b"Subject: y\r\n\r\n")
    assert search(view, b"NOT " * (MAX_KEYS - 2) + b"SUBJECT x") == [1]
    assert search(view, b"NOT " * (MAX_KEYS - 1) + b"SUBJECT x") == [2]
    ors = MAX_KEYS // 2 - 1
    assert search(view, b"OR SUBJECT y " * ors + b"SUBJECT z") == [2]
    assert search(view, b"OR " * ors + b"SUBJECT z" + b" SUBJECT y" * ors) == [2]
    assert search(view, b"(" * 100 + b"SUBJECT x" + b")" * 100) == [1]


def test_depth():
    """What cannot be made flat has a limit."""
    assert search(make_view(b""), b"NOT OR SEEN " * (MAX_DEPTH // 2) + b"DRAFT") == []
    for query in (b"NOT OR SEEN " * MAX_DEPTH + b"SEEN", b"OR SEEN NOT " * MAX_DEPTH + b"SEEN"):
        with pytest.raises(Bad) as caught:
            program(query)
        assert caught.value.code == "LIMIT"


def test_the_largest_search_on_a_chunk_of_messages():
    """Every key that there may be, on flags alone and on text."""
    view = make_view(*[b"Subject: lunch\r\n\r\nsoup\r\n"] * 500)
    ors = MAX_KEYS // 2 - 1
    assert len(search(view, b"OR KEYWORD a " * ors + b"UNSEEN")) == 500
    one = make_view(b"Subject: lunch\r\nFrom: " + b'"a" <a@b>,' * 2000 + b"\r\n\r\n" + "süp ".encode() * 20_000)
    # each text is decoded and folded once, whatever the number of keys that look at it
    assert search(one, b"OR HEADER Subject =?x " * (ors // 2) + b"OR FROM xyz " * (ors // 2) + b"SEEN") == []
    assert search(one, b"OR BODY xyz " * 100 + b"SEEN") == []


def test_sequence_sets():
    """Never expanded (RFC 3501 9: numbers have 32 bits); 10^4 ranges on a thousand messages."""
    view = make_view(*[b""] * 1000)
    assert len(search(view, "1:4294967295 UID 1:4294967295 NOT UID 4294967295:1")) == 0
    ranges = ",".join(f"{number}:{number + 1}" for number in range(1, 40_000, 4))
    assert len(search(view, f"UID {ranges}")) == 500
    assert len(search(view, f"NOT UID {ranges} NOT {ranges}")) == 500
    assert len(search(view, f"OR {ranges} NOT UID {ranges}")) == 1000


def test_cheap_keys_on_many_messages():
    """A chunk of columns costs microseconds, whatever is asked of it."""
    view = make_view(*[b""] * 5000)
    wanted = program(b"OR (UNSEEN NOT KEYWORD foo 1:*) OR (SINCE 1-Jan-2000 SMALLER 10) NOT UID 5:9,77")
    assert len(wanted.run(view, never)[0]) == 5000


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: " + b"x\r\n " * 500_000 + b"\r\n\r\n",
        b"Subject: " + b"=?utf-8?Q?x?= " * 20_000 + b"\r\n\r\n",
        b"To: " + b"a@b, " * 100_000 + b"\r\n\r\n",
        b'To: "' * 50_000 + b"\r\n\r\n",
        b"a:\r\n" * 50_000 + b"\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 20_000,
        b"Content-Type: message/rfc822\r\n\r\n" * 1000,
        b"Date: " + b"(" * 100_000 + b"\r\n\r\n",
    ],
    ids=["folds", "words", "addresses", "quotes", "fields", "parts", "messages", "comments"],
)
def test_mail(raw):
    view = make_view(raw)
    assert search(view, "TEXT needle") == []
    assert search(view, "OR TO needle OR SUBJECT needle OR HEADER to needle SENTON 1-Jan-2026") == []
