"""Fixtures of the tests of the stores."""

import os
import shutil
import tempfile

import maildir_store
import pytest
from maildir_store import Store

from netimap.storage.maildir import MaildirAccount


@pytest.fixture(scope="session")
def quick_path():
    """A directory where waiting for the disk takes no time, if there is one."""
    path = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def store(quick_path):
    path = tempfile.mkdtemp(dir=quick_path)
    store = Store(path)
    yield store
    store.close()
    assert not MaildirAccount._open
    shutil.rmtree(path)


@pytest.fixture
def eventually():
    return maildir_store.eventually
