"""The file of users: a line `name:hash` for each, changed by `netimap-server user`, read by the server.

The file is replaced as a whole, synced to disk, under a lock for writers; readers need none, and see a change at
the next login. Lines that are empty or begin with "#" are kept as they are.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from collections.abc import Callable, Iterator

import gevent
from gevent.lock import BoundedSemaphore

from .default_auth import DefaultAuth
from .exceptions import Unavailable
from .passwords import DECOY, PasswordHash, saslprep

#: octets of a user's name: it is the name of a directory too
MAX_NAME = 255
#: password checks at a time: each takes 16 MiB and a core, and threads that disk writes need as well
HASHES_AT_ONCE = max(2, min(4, os.cpu_count() or 2))

_hashing = BoundedSemaphore(HASHES_AT_ONCE)


class UsersError(Exception):
    """A change of the file that cannot be made; the text is one line for the operator."""


class UsersFile:
    """The users and the hashes of their passwords. All methods may raise UsersError, or OSError from the disk."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(path)
        # what the file was when it was read, and its hashes by name, as text
        self._read: tuple[tuple[int, ...] | None, dict[str, str]] = (None, {})

    def add(self, name: str, password: str) -> None:
        """Add a user."""
        name = prepared_name(name)
        record = f"{name}:{_hash(password)}"

        def change(lines: list[str]) -> list[str]:
            if any(_name_of(line) == name for line in lines):
                raise UsersError(f"there is a user {name!r} already")
            return [*lines, record]

        self._change(change)

    def passwd(self, name: str, password: str) -> None:
        """Give a user a new password."""
        name = self._existing(name)
        record = f"{name}:{_hash(password)}"
        self._change(lambda lines: [record if _name_of(line) == name else line for line in lines])

    def remove(self, name: str) -> None:
        """Remove a user. His mail stays."""
        name = self._existing(name)
        self._change(lambda lines: [line for line in lines if _name_of(line) != name])

    def names(self) -> list[str]:
        """The users, in the order of the file."""
        return list(self._records())

    def require(self, name: str, exists: bool) -> None:
        """UsersError unless the name is a user, or can become one."""
        prepared = prepared_name(name)
        if (prepared in self._records()) != exists:
            raise UsersError(f"there is no user {name!r}" if exists else f"there is a user {name!r} already")

    def verify(self, name: str, password: str) -> bool:
        """Whether this is the user's password; a user that does not exist takes as long. Blocks: see FileAuth."""
        return self.hash_of(name).matches(password)

    def hash_of(self, name: str) -> PasswordHash:
        """The hash of a user's password, or one of the same cost that no password has."""
        records = self._records()
        with contextlib.suppress(UsersError, ValueError):
            return PasswordHash.parse(records.get(prepared_name(name), ""))
        with contextlib.suppress(ValueError, StopIteration):
            return PasswordHash.parse(next(iter(records.values()))).decoy()
        return DECOY

    def problems(self) -> Iterator[str]:
        """What is wrong with the file, a line each; of a file that does not exist, nothing."""
        try:
            lines = _read_lines(self.path)
            mode = os.stat(self.path).st_mode
        except FileNotFoundError:
            return
        except UsersError as error:
            yield str(error)
            return
        if mode & 0o007:
            yield f"{self.path}: others may read or write it; say chmod o= {self.path}"
        seen: set[str] = set()
        for number, line in enumerate(lines, 1):
            if _is_comment(line):
                continue
            name, _, text = line.partition(":")
            try:
                if prepared_name(name) != name:
                    raise UsersError(f"the name has to be written {prepared_name(name)!r}")
                if name in seen:
                    raise UsersError(f"the user {name!r} is there twice")
                PasswordHash.parse(text)
            except (UsersError, ValueError) as error:
                yield f"{self.path}, line {number}: {error}"
            seen.add(name)

    def _existing(self, name: str) -> str:
        prepared = prepared_name(name)
        if prepared not in self._records():
            raise UsersError(f"there is no user {name!r}")
        return prepared

    def _records(self) -> dict[str, str]:
        """The hashes by name; reads the file when it is not the one that was read last."""
        try:
            state = os.stat(self.path)
        except FileNotFoundError:
            return {}
        identity = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
        if self._read[0] != identity:
            pairs = (line.partition(":") for line in _read_lines(self.path) if not _is_comment(line))
            records: dict[str, str] = {}
            for name, _, text in pairs:
                records.setdefault(name, text)
            self._read = (identity, records)
        return self._read[1]

    def _change(self, change: Callable[[list[str]], list[str]]) -> None:
        """Replace the file's lines by what `change` makes of them."""
        # The file itself is replaced, so a symbolic link to it stays, and the lock is on a file of its own.
        path = os.path.realpath(self.path)
        with _locked(path + ".lock"):
            try:
                lines = _read_lines(path)
            except FileNotFoundError:
                lines = []
            _replace(path, "".join(f"{line}\n" for line in change(lines)).encode())


class FileAuth(DefaultAuth):
    """Checks passwords against a file of users. `for_file` makes the class for one file."""

    users_file: UsersFile

    @classmethod
    def for_file(cls, path: str | os.PathLike[str]) -> type[FileAuth]:
        """The subclass that looks into this file: an `auth_class` for the server."""
        return type("FileAuth", (cls,), {"users_file": UsersFile(path), "__doc__": cls.__doc__})

    def auth_plain(self, user: str, password: str) -> bool:
        """Check a password in a thread, while the other connections go on."""
        try:
            password_hash = self.users_file.hash_of(user)
        except (OSError, UsersError) as error:
            logging.getLogger("netimap").error("users %s: %s", self.users_file.path, error)
            raise Unavailable("Logins are not possible at the moment") from error
        with _hashing:
            matches = gevent.get_hub().threadpool.apply(password_hash.matches, (password,))
        if matches:
            self.user(prepared_name(user))
        return bool(matches)


def prepared_name(name: str) -> str:
    """The form of a user's name that is kept and compared; UsersError says why it may not be one."""
    if len(name) > MAX_NAME:
        raise UsersError(f"user name {name[:20]!r}...: it may have no more than {MAX_NAME} octets")
    try:
        prepared = saslprep(name)
    except ValueError as error:
        raise UsersError(f"user name {name!r}: {error}") from None
    if not prepared or prepared != prepared.strip():
        raise UsersError(f"user name {name!r}: it may not be empty, nor begin or end with a space")
    if prepared[0] in ".#" or not {":", "/"}.isdisjoint(prepared):
        raise UsersError(f"user name {name!r}: it may not begin with . or #, nor hold : or /")
    if len(prepared.encode()) > MAX_NAME:
        raise UsersError(f"user name {name[:20]!r}...: it may have no more than {MAX_NAME} octets")
    return prepared


def _hash(password: str) -> PasswordHash:
    try:
        return PasswordHash.of(password)
    except ValueError as error:
        raise UsersError(f"this password cannot be used: {error}") from None


def _is_comment(line: str) -> bool:
    return not line.strip() or line.startswith("#")


def _name_of(line: str) -> str | None:
    return None if _is_comment(line) else line.partition(":")[0]


def _read_lines(path: str) -> list[str]:
    with open(path, encoding="utf-8") as file:
        try:
            lines = file.read().split("\n")
        except UnicodeDecodeError:
            raise UsersError(f"{path}: this is not UTF-8") from None
    # What follows the last line end is no line.
    return lines if lines[-1] else lines[:-1]


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    """Hold an exclusive lock, which ends with the process if not before."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _keep_owner(fd, os.stat(os.path.dirname(path)))
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _keep_owner(fd: int, like: os.stat_result) -> None:
    """What root writes belongs to the user whose file or directory it is: the server may not be root."""
    if os.geteuid() == 0:
        os.fchown(fd, like.st_uid, like.st_gid)


def _replace(path: str, data: bytes) -> None:
    """Replace a file in one step, synced to disk."""
    directory = os.path.dirname(path)
    try:
        old = os.stat(path)
        mode = old.st_mode & 0o770
    except FileNotFoundError:
        old, mode = os.stat(directory), 0o600
    temporary = f"{path}.new"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        os.fchmod(fd, mode)
        _keep_owner(fd, old)
        file.write(data)
        file.flush()
        os.fsync(fd)
    os.replace(temporary, path)
    directory_fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory_fd)
    finally:
        os.close(directory_fd)
