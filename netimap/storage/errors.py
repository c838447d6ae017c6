"""Errors of disks and databases → answers to the client. What happened in detail goes to the log only."""

from __future__ import annotations

import errno
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from ..exceptions import No, Unavailable

log = logging.getLogger("netimap.storage")

_FULL = (errno.ENOSPC, errno.EDQUOT)


class BodyMissing(Exception):
    """The octets of a message are not where the index says: another program moved or removed them."""


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Turn errors of the operating system and of SQLite into No and Unavailable. `what` goes to the log."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if is_full(error):
            log.error("%s: no space left on the disk (%s)", what, error)
            raise No("There is no space left for mail", "OVERQUOTA") from error
        log.error("%s: %s: %s", what, type(error).__name__, error, exc_info=error)
        raise Unavailable("The mail store does not answer, try again later") from error


def is_full(error: Exception) -> bool:
    """Whether the disk or the user's quota has run out."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
