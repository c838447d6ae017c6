"""Real clients against a real server: a process for each store, a new user for each test.

A test that asks for `account` runs on both stores; one that asks for `maildir_account` on the Maildir alone.
"""

from pathlib import Path

import pytest
from operated import OperatedServer

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Everything in this directory is a test with a client."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.client)


@pytest.fixture(scope="session")
def server_of(tmp_path_factory):
    """`server_of(store)`: the server with that store, started when it is first asked for."""
    servers = {}

    def server_of(store):
        if store not in servers:
            server = OperatedServer(tmp_path_factory.mktemp(store) / "data", store)
            server.start()
            servers[store] = server
        return servers[store]

    yield server_of
    for server in servers.values():
        assert server.stop() == 0, server.log()


def _account(server):
    """A new user; afterwards, whatever the client did must have left no traceback in the server's log."""
    logged = len(server.log())
    yield server.add_user()
    assert "Traceback" not in server.log()[logged:], server.log()[logged:]


@pytest.fixture(params=["maildir", "memory"])
def account(request, server_of):
    """A new user of a server, on each store."""
    yield from _account(server_of(request.param))


@pytest.fixture
def maildir_account(server_of):
    """A new user of the server with a Maildir store."""
    yield from _account(server_of("maildir"))
