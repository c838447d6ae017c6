"""parse_date: the Date field → datetime, for SENTON and its like (RFC 5322 3.3 and 4.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from .header import unfold

#: octets of a Date value that are looked at; a date has 31, and a comment
MAX_DATE = 256

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: RFC 5322 4.3; a zone that is not known counts as UTC, military letters included, as that section advises
_ZONES = {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
_COMMENT = re.compile(r"\([^()]*\)")
_DATE = re.compile(
    r"(?:[a-z]+\.?[\s,]+)?"
    r"(?P<day>\d{1,2})[\s-]+(?P<month>[a-z]{3})[a-z]*\.?[\s,-]+(?P<year>\d{2,4})"
    r"(?:[\s,]+(?P<hour>\d{1,2})\s*[:.]\s*(?P<minute>\d{1,2})(?:\s*[:.]\s*(?P<second>\d{1,2}))?(?:\.\d+)?"
    r"\s*(?P<zone>[+-]\d{4}|[a-z]+)?)?",
    re.I | re.A,
)


def parse_date(value: bytes) -> datetime | None:
    """When a message was written, in the time zone that the field gives; None if there is no sense in it.

    Takes the obsolete forms too: years of two or three digits, zone names, comments, no weekday, no seconds.
    """
    text = unfold(value[:MAX_DATE]).decode("latin-1")
    # comments may stand anywhere, and nest: from the inside out
    while _COMMENT.search(text):
        text = _COMMENT.sub(" ", text)
    text = text.strip()
    match = _DATE.match(text)
    return _from_match(match) if match else _from_other(text)


def _from_match(match: re.Match[str]) -> datetime | None:
    try:
        month = _MONTHS.index(match["month"].lower()) + 1
        # a leap second is the 61st of its minute, for which datetime has no place
        second = min(int(match["second"] or 0), 59)
        hour, minute = int(match["hour"] or 0), int(match["minute"] or 0)
        zone = _parse_zone(match["zone"] or "")
        return datetime(_parse_year(match["year"]), month, int(match["day"]), hour, minute, second, tzinfo=zone)
    except ValueError:
        return None


def _parse_year(digits: str) -> int:
    """RFC 5322 4.3: 00 to 49 are 2000 to 2049; other years of two digits, and those of three, count from 1900."""
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + 2000 if len(digits) == 2 and year < 50 else year + 1900


def _parse_zone(name: str) -> timezone:
    if name[:1] in ("+", "-"):
        minutes = int(name[1:3]) * 60 + int(name[3:5])
        offset = timedelta(minutes=-minutes if name[0] == "-" else minutes)
        return timezone(offset) if minutes < 24 * 60 else UTC
    return timezone(timedelta(hours=_ZONES.get(name.upper(), 0)))


def _from_other(text: str) -> datetime | None:
    """Forms of no RFC, such as asctime's `Thu Jan  1 00:00:00 1970`, as far as the standard library knows them."""
    try:
        fields = parsedate_tz(text)
        if fields is None:
            return None
        year, month, day, hour, minute, second = fields[:6]
        zone = timezone(timedelta(seconds=fields[9] or 0))
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
