"""The Date field (RFC 5322 3.3 and 4.3)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mime_samples import mail_octets

from netimap.mime import parse_date


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T09:55:06-06:00"),
        (b" 1 Jan 2026 00:00:00 +0000\r\n", "2026-01-01T00:00:00+00:00"),
        (b"1 Jan 2026 00:00 +0530", "2026-01-01T00:00:00+05:30"),
        (b"1 Jan 2026 00:00:00 -0000", "2026-01-01T00:00:00+00:00"),
        (b"Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland Time)", "1969-02-13T23:32:00-03:30"),
        # RFC 5322 4.3 and appendix A.6.2: obsolete years, zones, comments everywhere
        (b"21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06+00:00"),
        (b"21 Nov 49 09:55:06 GMT", "2049-11-21T09:55:06+00:00"),
        (b"21 Nov 50 09:55:06 GMT", "1950-11-21T09:55:06+00:00"),
        (b"21 Nov 103 09:55:06 UT", "2003-11-21T09:55:06+00:00"),
        (b"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "1997-11-21T09:55:06-06:00"),
        (b"Fri, 21 Nov 1997 09:55:06 EST", "1997-11-21T09:55:06-05:00"),
        (b"Fri, 21 Nov 1997 09:55:06 pdt (summer)", "1997-11-21T09:55:06-07:00"),
        (b"Fri, 21 Nov 1997 09:55:06 A", "1997-11-21T09:55:06+00:00"),
        (b"Fri, 21 Nov 1997 09:55:06 CEST", "1997-11-21T09:55:06+00:00"),
        (b"Fri, 21 Nov 1997 09:55:06 +2400", "1997-11-21T09:55:06+00:00"),
        (b"Fri, 21 Nov 1997 09:55:06", "1997-11-21T09:55:06+00:00"),
        # forms of real mail
        (b"Fri 21 Nov 1997 09:55:06 +0100", "1997-11-21T09:55:06+01:00"),
        (b"Friday, 21 November 1997 9:55:6 +0100", "1997-11-21T09:55:06+01:00"),
        (b"21-Nov-1997 09:55:06 +0100", "1997-11-21T09:55:06+01:00"),
        (b"Fri, 21 Nov 1997 09.55.06 +0100", "1997-11-21T09:55:06+01:00"),
        (b"Fri, 21 Nov 1997 23:59:60 +0000", "1997-11-21T23:59:59+00:00"),
        (b"21 Nov 1997", "1997-11-21T00:00:00+00:00"),
        (b"Fri Nov 21 09:55:06 1997", "1997-11-21T09:55:06+00:00"),
        (b"Fri Nov 21 09:55:06 EST 1997", "1997-11-21T09:55:06-05:00"),
        (b"Fri, 21 nov 1997 09:55:06 +0100 (\xe4)", "1997-11-21T09:55:06+01:00"),
    ],
)
def test_dates(value: bytes, expected: str) -> None:
    assert parse_date(value) == datetime.fromisoformat(expected)
    # the same moment is not enough: SENTON asks for the day in the field's own zone
    assert str(parse_date(value)) == str(datetime.fromisoformat(expected))


@pytest.mark.parametrize(
    "value",
    [
        *[
            b"",
            b" ",
            b"yesterday",
            b"31 Feb 2026 00:00:00 +0000",
            b"1 Foo 2026 00:00:00 +0000",
            b"0 Jan 2026 00:00:00 +0000",
        ],
        *[
            b"1 Jan 2026 24:00:00 +0000",
            b"1 Jan 2026 00:60:00 +0000",
            b"1 Jan 0000 00:00:00 +0000",
            b"\xff",
            b"(",
            b"1",
        ],
        *[b"1 Jan 2026 99:00:00 +0000", b"\xb2 Jan 2026 00:00:00 +0000", b"Mon Jan 32 00:00:00 2026", b"0 0 0 0 0 0 0"],
    ],
)
def test_nonsense(value: bytes) -> None:
    assert parse_date(value) is None


@given(st.datetimes(datetime(1950, 1, 1), datetime(9999, 12, 31)), st.integers(-1439, 1439))
def test_well_formed(moment: datetime, minutes: int) -> None:
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
    text = f"{moment.day} {months[moment.month - 1]} {moment.year:04} {moment:%H:%M:%S} {zone}"
    found = parse_date(text.encode())
    assert found is not None
    assert found.replace(tzinfo=None) == moment.replace(microsecond=0)
    assert found.utcoffset() == timedelta(minutes=minutes)


@given(mail_octets | st.text("0123456789 :+-,()JanFeb.GMT", max_size=40).map(str.encode))
def test_any_octets(value: bytes) -> None:
    found = parse_date(value)
    assert found is None or found.tzinfo is not None
