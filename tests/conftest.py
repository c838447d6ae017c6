"""What all tests share: a server in this process, and clients. Nothing is imported before a test asks for it."""

import itertools

import pytest

_users = itertools.count(1)


@pytest.fixture(scope="session")
def shared_server():
    """One server (DefaultModel, everybody may log in, no delays) for all tests that do not need their own."""
    from netimap.testing import RunningServer

    with RunningServer(log_level=0) as server:
        yield server


@pytest.fixture
def user():
    """The name of a user whom nobody else uses."""
    return f"user-{next(_users)}"


@pytest.fixture
def connect(shared_server, user):
    """Makes clients: `connect()` is logged in as `user`; `connect(None)` is not; keywords as RunningServer.connect."""
    clients = []

    def make(name=user, **options):
        client = shared_server.connect(name, **options)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
