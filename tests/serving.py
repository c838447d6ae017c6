"""What the tests of the core share: servers, no error in the log, and a neighbour who is served meanwhile.

A module that imports `no_errors` has it for each of its tests.
"""

from __future__ import annotations

import gc
import itertools
import logging
import time

import gevent
import pytest

from netimap import Command

#: seconds that something in another greenlet gets to happen
PATIENCE_S = 5.0

_names = itertools.count(1)


def new_user():
    """The name of a user whom nobody else uses."""
    return f"served-{next(_names)}"


def eventually(condition):
    """Wait until `condition()` is true, and return what it said; AssertionError if it never is."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"still {found!r} after {PATIENCE_S} seconds")
        gevent.sleep(0.002)


class Errors(logging.Handler):
    """Collects what should never happen: log records of errors, and exceptions that nobody has caught."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.found = []

    def emit(self, record):
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        self.found.append(f"{record.getMessage()}\n{trace}")

    def uncaught(self, context, kind, value, trace):
        if not issubclass(kind, gevent.GreenletExit):
            self.found.append(f"uncaught in {context!r}: {kind.__name__}: {value}")

    def take(self):
        """The errors so far, which the test expects."""
        found, self.found = self.found, []
        return found


@pytest.fixture(autouse=True)
def no_errors():
    """Fails a test that leaves an error in the log. A test that means to have one takes it: `no_errors.take()`."""
    errors = Errors()
    logger, hub = logging.getLogger("netimap"), gevent.get_hub()
    logger.addHandler(errors)
    hub.print_exception = errors.uncaught
    yield errors
    del hub.print_exception
    logger.removeHandler(errors)
    assert errors.found == []


@pytest.fixture
def serve():
    """Starts servers in this process: `serve(max_line=100)`. They are stopped when the test ends."""
    from netimap.testing import RunningServer

    servers = []

    def start(**options):
        server = RunningServer(**{"log_level": 0, "max_connections_per_address": 1000} | options).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        core = server.server
        server.stop()
        assert core.connections() == []


class Neighbour:
    """Another client, who says NOOP all the time. `stall_s` is the longest that one answer took.

    It is the processor time of this process, not the time on the wall: a busy machine does not count.
    """

    def __init__(self, server):
        self.client = server.connect(new_user())
        self.stall_s = 0.0
        self.answers = 0
        self._done = False
        self._greenlet = None

    def __enter__(self):
        # what other tests have left in memory is not to be searched for garbage meanwhile
        gc.freeze()
        self._greenlet = gevent.spawn(self._run)
        gevent.sleep(0)
        return self

    def _run(self):
        last = time.process_time()
        while not self._done:
            self.client.ok("NOOP")
            now = time.process_time()
            self.stall_s = max(self.stall_s, now - last)
            self.answers += 1
            last = now
            gevent.sleep(0.001)

    def __exit__(self, *exception):
        self._done = True
        self._greenlet.get(timeout=PATIENCE_S * 4)
        gc.unfreeze()
        self.client.close()


def attempt(function, *arguments):
    """Call a function in a greenlet of its own, whose result is the exception where there is one."""

    def run():
        try:
            return function(*arguments)
        except Exception as error:
            return error

    return gevent.spawn(run)


#: a message
RAW = b"Subject: hello\r\n\r\nbody\r\n"


def fill(client, count):
    """Append messages to INBOX."""
    for _ in range(count):
        client.ok("APPEND INBOX ", RAW)


def the_connection(server):
    """The one connection that a server has."""
    (connection,) = server.server.connections()
    return connection


def with_command(server, run, name="XRUN", **facts):
    """Add a command that does `run(command)`."""
    server.server.add_command(name, type(name.capitalize(), (Command,), {"run": run, **facts}))
