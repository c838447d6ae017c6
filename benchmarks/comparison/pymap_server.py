"""Starts pymap to be measured: `pymap_server.py THREADS PORT PASSWORD memory|DIRECTORY USER...`, with pymap's Python.

What differs from the command `pymap`: passwords are compared in clear text, and the backend in memory has more users
than its one. `--no-tls` lets clients log in without TLS.
"""

import os
import sys

from pymap.backend.dict import DictBackend, Identity
from pymap.config import IMAPConfig
from pymap.main import main
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext


def keep_clear_text():
    """Compare passwords as they are."""
    IMAPConfig._get_hash_context = classmethod(lambda cls, path: Cleartext())


def add_users_in_memory(names, password):
    """Give the backend `dict` these users at its start."""

    async def add_users(cls, config, login):
        for name in names:
            await Identity(name, login, None, frozenset()).set(UserMetadata(config, name, password=password))

    DictBackend._add_demo_user = classmethod(add_users)


def add_users_on_disk(directory, names, password):
    """Write the files in which the backend `maildir` looks for its users."""
    with open(os.path.join(directory, "pymap-etc-passwd"), "w") as file:
        file.writelines(f"{name}:x:1000:1000::{name}/Maildir:\n" for name in names)
    with open(os.path.join(directory, "pymap-etc-shadow"), "w") as file:
        file.writelines(f"{name}:{password}:::::::\n" for name in names)


def run(threads, port, password, store, *names):
    """Become pymap."""
    # or it looks its own name up for each greeting
    os.environ["FQDN"] = "localhost"
    keep_clear_text()
    if store == "memory":
        add_users_in_memory(names, password)
        backend = ["dict"]
    else:
        add_users_on_disk(store, names, password)
        backend = ["maildir", store, "--concurrency", threads]
    sys.argv = ["pymap", "--host", "127.0.0.1", "--port", port, "--no-tls", *backend]
    main()


run(*sys.argv[1:])
