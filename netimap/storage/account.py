"""Account: one user's index and the order in which it changes.

Concurrency. Whatever changes an account runs in `change`: one at a time, in a greenlet of its own, so that a caller
who is killed in the middle (its client left, the server stops) leaves nothing half done. Within a change, work that
blocks goes to a thread by `offload`; when it is back, and committed, the change puts the outcome into memory without
letting another greenlet run. So whoever only reads what is in memory waits for nobody and sees nothing half done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import gevent
from gevent.lock import Semaphore
from greenlet import getcurrent

from ..exceptions import Unavailable
from .errors import log, storage_errors
from .index import Index

Result = TypeVar("Result")


class Account:
    """What the mailboxes of a user share. `index` is None while the account is not open."""

    def __init__(self) -> None:
        self._index: Index | None = None
        self._lock = Semaphore()
        #: the greenlet whose change runs
        self._changing: Any = None
        self._background: set[Any] = set()
        #: the paths, as text, of the mailboxes that are subscribed, and of those that were when they were deleted
        self.subscriptions: set[str] = set()

    def index(self) -> Index:
        """The open index. Raises Unavailable once the account was closed."""
        if self._index is None:
            raise Unavailable("The mail store is closed")
        return self._index

    def subscribe(self, name: str, subscribed: bool) -> None:
        """Within a change: put the name of a mailbox on the list of subscribed ones, or take it off."""

        def write() -> None:
            with self.index().transaction():
                self.index().subscribe(name, subscribed)

        self.offload("subscribing", write)
        if subscribed:
            self.subscriptions.add(name)
        else:
            self.subscriptions.discard(name)

    def change(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call `function` when no other change runs, and return what it returns. It may itself make changes."""
        if getcurrent() is self._changing:
            return function(*arguments)
        result: Result = self.finish(self._change, function, *arguments)
        return result

    def _change(self, function: Callable[..., Result], *arguments: Any) -> Result:
        with self._lock:
            self._changing = getcurrent()
            if self._index is not None:
                self._index.changing = True
            try:
                return function(*arguments)
            finally:
                self._changing = None
                if self._index is not None:
                    self._index.changing = False

    def finish(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function in a greenlet of its own and wait for it. It goes on even if the caller is killed."""
        result: Result = _result(gevent.spawn(_outcome, function, arguments).get())
        return result

    def offload(self, what: str, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function that blocks in a thread; others run meanwhile. `what` names it in the log when it fails.

        Raises No where the disk is full, and Unavailable for other errors of the disk or the database.
        """
        with storage_errors(what):
            result: Result = _result(gevent.get_hub().threadpool.apply(_outcome, (function, arguments)))
            return result

    def background(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function soon, in a greenlet of its own. Nobody waits for it but the account when it closes."""
        greenlet = gevent.spawn(_outcome, function, arguments)
        self._background.add(greenlet)
        greenlet.link(self._finished)

    def _finished(self, greenlet: Any) -> None:
        self._background.discard(greenlet)
        _, error = greenlet.value or (None, None)
        if error is not None:
            log.error("work in the background failed: %s: %s", type(error).__name__, error, exc_info=error)

    def settle(self) -> None:
        """Wait until nothing runs in the background any more."""
        while self._background:
            gevent.joinall(list(self._background))
            gevent.sleep(0)


# gevent prints the traceback of what a greenlet or a thread raises, even where the caller deals with it
def _outcome(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    try:
        return function(*arguments), None
    except Exception as error:
        return None, error


def _result(outcome: tuple[Any, Exception | None]) -> Any:
    value, error = outcome
    if error is not None:
        raise error
    return value
