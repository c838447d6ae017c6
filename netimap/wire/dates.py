"""Dates and times of the IMAP grammar (RFC 3501 9: date, date-time). No I/O."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from ..exceptions import Bad

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(MONTHS, 1)}
_DATE = re.compile(r"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})\Z")
_DATE_TIME = re.compile(
    r"(?: ([0-9])|([0-9]{2}))-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})\Z"
)


@lru_cache(maxsize=256)
def zone(minutes: int) -> timezone:
    """The time zone `minutes` east of UTC."""
    return timezone(timedelta(minutes=minutes)) if minutes else UTC


def format_date_time(when: datetime) -> bytes:
    """A date-time with its quotes: `" 1-Jan-2026 12:00:00 +0000"` (RFC 3501 9: date-day-fixed has two characters).

    A naive datetime is taken as UTC.
    """
    offset = when.utcoffset()
    minutes = 0 if offset is None else (offset.days * 86400 + offset.seconds) // 60
    sign = b"-" if minutes < 0 else b"+"
    hours, minutes = divmod(abs(minutes), 60)
    return b'"%2d-%b-%04d %02d:%02d:%02d %b%02d%02d"' % (
        when.day, MONTHS[when.month - 1].encode(), when.year, when.hour, when.minute, when.second, sign, hours, minutes,
    )  # fmt: skip


def parse_date_time(text: str) -> datetime:
    """A date-time without its quotes → aware datetime. Raises Bad."""
    match = _DATE_TIME.match(text)
    if match is None:
        raise Bad('Invalid date-time (it looks like " 1-Jan-2026 12:00:00 +0000")')
    short_day, long_day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    offset = int(zone_hours) * 60 + int(zone_minutes)
    if offset >= 24 * 60 or int(zone_minutes) >= 60:
        raise Bad("Invalid time zone")
    # a leap second, which datetime does not know, is the second before it
    seconds = min(int(second), 59) if int(second) <= 60 else 60
    try:
        when = datetime(
            int(year), _MONTH_NUMBERS[month.lower()], int(short_day or long_day), int(hour), int(minute), seconds,
            tzinfo=zone(-offset if sign == "-" else offset),
        )  # fmt: skip
        when.timestamp()
    except (KeyError, ValueError, OverflowError):
        raise Bad("No such date or time") from None
    return when


def format_date(day: date) -> str:
    """A date as SEARCH takes it: `1-Jan-2026`."""
    return f"{day.day}-{MONTHS[day.month - 1]}-{day.year:04}"


def parse_date(text: str) -> date:
    """A date without quotes, `1-Jan-2026` → date. Raises Bad."""
    match = _DATE.match(text)
    if match is None:
        raise Bad("Invalid date (it looks like 1-Jan-2026)")
    day, month, year = match.groups()
    try:
        return date(int(year), _MONTH_NUMBERS[month.lower()], int(day))
    except (KeyError, ValueError):
        raise Bad("No such date") from None
