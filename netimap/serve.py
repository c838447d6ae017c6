"""Starting the server from a configuration: the file of users, the store, what the first start makes."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

from . import log
from .check import refusals
from .config import Config
from .default_model import DefaultModel
from .exceptions import ConfigurationError
from .first_start import command, first_login, invitation, make_certificate, make_data_dir, make_store_dir
from .privileges import Privileges, raise_file_limit
from .server import Server
from .users import FileAuth, UsersFile


def serve(config: Config) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status."""
    privileges = Privileges(config.values)
    make_data_dir(config, privileges)
    make_store_dir(config, privileges)
    for refusal in refusals(config):
        raise ConfigurationError(refusal)
    make_certificate(config, privileges)
    login = None if config.is_given("auth_class") else first_login(config, privileges)
    options = server_options(config, privileges)
    # More would be told nothing at all: the system refuses what the limit does not.
    options["max_connections"] = raise_file_limit(config["max_connections"])
    CommandServer(config, login, **options).run()
    log.close()
    return 0


def server_options(config: Config, privileges: Privileges) -> dict[str, Any]:
    """The arguments for `Server`: where no class is given, the file of users and the store take its place."""
    options = config.server_options()
    if any(config.is_given(name) for name in ("auth_class", "model_class", "connection_class")):
        # Where the operator stands is where a plugin is looked for first, as with `python -m`.
        sys.path.insert(0, os.getcwd())
    if not config.is_given("auth_class"):
        options["auth_class"] = FileAuth.for_file(privileges.inside(config["users"]))
    if not config.is_given("model_class"):
        options["model_class"] = _store_class(config, privileges)
    return options


class CommandServer(Server):
    """The server of the command line: it tells the operator how to log in."""

    def __init__(self, config: Config, login: tuple[str, str] | None, **options: Any) -> None:
        super().__init__(**options)
        self._config = config
        self._login = login

    def start(self) -> None:
        """Bind and listen; then say so."""
        has_users = self._config.is_given("auth_class") or bool(UsersFile(self._config["users"]).names())
        super().start()
        possible, wanted = self.option("max_connections"), self._config["max_connections"]
        if possible < wanted:
            severity = 1 if self._config.is_given("max_connections") else 3
            self.log(severity, f"max_connections is {possible}, not {wanted}: the limit of open files allows no more")
        if not has_users:
            self.log(1, f"there are no users yet: {command(self._config)} user add NAME")
        if self._login is not None:
            # Whoever closed standard output does not want to read it.
            with contextlib.suppress(OSError):
                print(invitation(self._config, self.addresses(), self._login), flush=True)


def _store_class(config: Config, privileges: Privileges) -> type[DefaultModel]:
    kind, path = config.store()
    if kind == "memory":
        return DefaultModel
    from .storage.maildir import MaildirModel

    model: type[DefaultModel] = MaildirModel.at(privileges.inside(path))
    return model
