"""netimap.wire.dates: dates and times of the IMAP grammar (RFC 3501 9)."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netimap.exceptions import Bad
from netimap.wire.dates import MONTHS, format_date, format_date_time, parse_date, parse_date_time


def at(minutes):
    return timezone(timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC), b'" 1-Jan-2026 12:00:00 +0000"'),
        (datetime(1996, 7, 17, 2, 44, 25, tzinfo=at(-420)), b'"17-Jul-1996 02:44:25 -0700"'),
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=at(345)), b'"31-Dec-2026 23:59:59 +0545"'),
        (datetime(2026, 1, 1, tzinfo=at(-30)), b'" 1-Jan-2026 00:00:00 -0030"'),
        # a year has four digits
        (datetime(99, 2, 3, tzinfo=UTC), b'" 3-Feb-0099 00:00:00 +0000"'),
        # naive is UTC
        (datetime(2026, 1, 1), b'" 1-Jan-2026 00:00:00 +0000"'),
    ],
)
def test_date_times(when, text):
    assert format_date_time(when) == text
    assert (
        parse_date_time(text[1:-1].decode()).isoformat()
        == (when if when.tzinfo else when.replace(tzinfo=UTC)).isoformat()
    )


@pytest.mark.parametrize(
    "text",
    [
        # date-day-fixed has two characters
        "1-Jan-2026 12:00:00 +0000", "  1-Jan-2026 12:00:00 +0000", "001-Jan-2026 12:00:00 +0000",
        # the form of an e-mail's Date field is another one
        "Thu, 1 Jan 2026 12:00:00 +0000", " 1 Jan 2026 12:00:00 +0000",
        " 1-Jan-2026 12:00:00", " 1-Jan-2026 12:00:00 GMT", " 1-Jan-2026 12:00:00 +00:00",
        " 1-Jan-2026 12:00:00  +0000",
        " 1-Jan-26 12:00:00 +0000", " 1-Foo-2026 12:00:00 +0000", " 0-Jan-2026 12:00:00 +0000",
        "31-Feb-2026 12:00:00 +0000", "29-Feb-2026 12:00:00 +0000", " 1-Jan-0000 12:00:00 +0000",
        " 1-Jan-2026 24:00:00 +0000", " 1-Jan-2026 12:60:00 +0000", " 1-Jan-2026 12:00:61 +0000",
        " 1-Jan-2026 12:00:00 +2400", " 1-Jan-2026 12:00:00 +0060", " 1-Jan-2026 12:00:00 +9999",
        " 1-Jan-2026 12:00:00 +0000\n", " 1-Jan-2026 12:00:00 +000٣", "",
    ],
)  # fmt: skip
def test_what_is_no_date_time_is_bad(text):
    with pytest.raises(Bad):
        parse_date_time(text)


def test_a_date_time_is_read_whatever_its_case():
    # RFC 3501 9 (1): alphabetic characters are case-insensitive
    assert parse_date_time("17-JUL-1996 02:44:25 -0700") == parse_date_time("17-jul-1996 02:44:25 -0700")


def test_the_leap_second_is_the_second_before_it():
    assert parse_date_time("31-Dec-2016 23:59:60 +0000") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@settings(max_examples=200)
@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31)).map(
        lambda when: when.replace(microsecond=0)
    ),
    st.integers(-24 * 60 + 1, 24 * 60 - 1),
)
def test_format_and_parse_are_inverses(when, minutes):
    when = when.replace(tzinfo=at(minutes))
    read = parse_date_time(format_date_time(when)[1:-1].decode())
    assert (read, read.utcoffset()) == (when, when.utcoffset())


@pytest.mark.parametrize(
    ("text", "day"),
    [("1-Jan-2026", date(2026, 1, 1)), ("01-jan-2026", date(2026, 1, 1)), ("29-FEB-2024", date(2024, 2, 29))],
)
def test_dates(text, day):
    assert parse_date(text) == day


@pytest.mark.parametrize(
    "text",
    ["", "1-Jan-26", "1-January-2026", "001-Jan-2026", "0-Jan-2026", "32-Jan-2026", "29-Feb-2023", "1 Jan 2026",
     "1-Jan-0000", " 1-Jan-2026", "1-Jan-2026 ", "1-Jan-2026\n", "-1-Jan-2026", "1-Jän-2026", "٣-Jan-2026"],
)  # fmt: skip
def test_what_is_no_date_is_bad(text):
    with pytest.raises(Bad):
        parse_date(text)


@settings(max_examples=100)
@given(st.dates())
def test_format_and_parse_of_dates_are_inverses(day):
    assert parse_date(format_date(day)) == day


def test_months_do_not_depend_on_the_locale():
    assert MONTHS == ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
