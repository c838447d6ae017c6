"""Watch: whether a directory may have changed since it was read, for the price of one stat.

The time of a directory's last change is as coarse as a clock tick (some milliseconds; up to two seconds on file systems
that do not keep fractions): what happens in the tick in which it was read does not show. So a directory that had just
changed when it was read is read again, until its time lies far enough back; each time after a wait that keeps the cost
to a tenth of the time.

Our own changes show in that time too. They are told to the Watch, and do not count as changes. What another program
does in the very moments in between goes unnoticed, so the directory is read once more some time later.
"""

from __future__ import annotations

import math
import os
import time
from enum import Enum

#: nanoseconds for which a directory's time may stand still while it changes: a few ticks of the kernel's clock
TICK_NS = 100_000_000
#: the same on a file system that keeps seconds or milliseconds only
COARSE_TICK_NS = 2_000_000_000
#: part of the time that reading a directory again may take
SHARE = 10
#: seconds after our own changes until the directory is read once more
VERIFY_AFTER_S = 60.0


class State(Enum):
    """What a look at the directory's time says."""

    #: nothing happened
    QUIET = 0
    #: nothing happened that shows: read it when convenient
    DOUBTFUL = 1
    #: something happened, or it happened too lately to tell
    CHANGED = 2


class Watch:
    """One directory."""

    __slots__ = ("path", "_mtime", "_again", "_ours", "_our_mtime")

    def __init__(self, path: bytes) -> None:
        self.path = path
        self._mtime: int | None = None
        # when to read again although nothing shows
        self._again = math.inf
        # whether that is for our own changes' sake
        self._ours = False
        # the time that our last change left
        self._our_mtime: int | None = None

    def mtime(self) -> int:
        """The time of the directory's last change, in nanoseconds."""
        return os.stat(self.path).st_mtime_ns

    def state(self) -> State:
        """Look. Raises FileNotFoundError when the directory is gone."""
        if self.mtime() != self._mtime:
            return State.CHANGED
        if time.monotonic() < self._again:
            return State.QUIET
        return State.DOUBTFUL if self._ours else State.CHANGED

    def was_read(self, mtime: int, began_ns: int) -> None:
        """The directory was read: it had this time when the reading began, at `began_ns` (time.time_ns())."""
        self._mtime = mtime
        self._ours = mtime == self._our_mtime
        if abs(began_ns - mtime) > (TICK_NS if mtime % 1_000_000 else COARSE_TICK_NS):
            self._again = math.inf
        elif self._ours:
            self._again = time.monotonic() + VERIFY_AFTER_S
        else:
            cost_s = max(0.0, (time.time_ns() - began_ns) / 1e9)
            self._again = time.monotonic() + SHARE * cost_s

    def settled(self) -> int | None:
        """The directory's time, if it alone tells whether anything happened since the directory was read."""
        return self._mtime if self._again == math.inf else None

    def postpone(self) -> None:
        """Somebody is going to read the directory when convenient."""
        self._again = time.monotonic() + VERIFY_AFTER_S

    def resume(self, mtime: int) -> None:
        """Take over what `settled` said earlier."""
        self._mtime, self._again, self._ours = mtime, math.inf, False

    def changed_by_us(self, before: int) -> None:
        """We have just changed the directory, which had this time before."""
        after = self.mtime()
        # where another program was first, the directory has to be read all the same
        if before == self._mtime and after != before:
            if self._again == math.inf:
                self._again, self._ours = time.monotonic() + VERIFY_AFTER_S, True
            self._mtime = self._our_mtime = after
