"""What a daemon does once its ports are bound: pid file, root directory, user and group, room for open files."""

from __future__ import annotations

import contextlib
import encodings
import fcntl
import grp
import importlib
import os
import pkgutil
import pwd
import resource
from collections.abc import Callable, Mapping
from typing import Any

from .exceptions import ConfigurationError

#: open files beside those of connections: listeners, log, index files, threads' mail files
SPARE_FILES = 200


class PidFile:
    """The file with the process id, held with a lock while the server runs.

    The lock says whether the server that wrote it lives, so a file left by a crash is replaced even when its
    number belongs to another process by now.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self._fd: int | None = None

    def write(self) -> None:
        """Take the file; ConfigurationError when a running server has it, or it cannot be written."""
        try:
            while self._fd is None:
                self._fd = self._locked()
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)
        except BlockingIOError:
            raise ConfigurationError(f"pid_file {self.path}: {self._owner()} is running already") from None
        except OSError as error:
            raise ConfigurationError(f"pid_file {self.path}: {error.strerror}") from error

    def remove(self) -> None:
        """Give the file up. Harmless when it was never taken."""
        if self._fd is None:
            return
        # Not possible after a change of the root directory or to a user that may not write here: then it is emptied.
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, 0)
        with contextlib.suppress(OSError):
            if os.path.samestat(os.stat(self.path), os.fstat(self._fd)):
                os.unlink(self.path)
        os.close(self._fd)
        self._fd = None

    def _locked(self) -> int | None:
        """The file, opened and locked; None when another process removed it meanwhile."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.stat(self.path), os.fstat(fd)):
                    return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        return None

    def _owner(self) -> str:
        with contextlib.suppress(OSError, ValueError), open(self.path, "rb") as file:
            return f"process {int(file.read(20))}"
        return "a server"


class Privileges:
    """Who the server becomes by its options pid_file, chroot, user and group.

    Everything is looked up at construction, for behind chroot there is no user database. ConfigurationError for a user,
    group or directory that does not exist, and for what only root can do.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.chroot: str | None = options["chroot"]
        self.uid: int | None = None
        self.gid: int | None = None
        self.groups: list[int] = []
        self._pid_file = PidFile(options["pid_file"]) if options["pid_file"] is not None else None
        if self.chroot is not None and not os.path.isdir(self.chroot):
            raise ConfigurationError(f"chroot {self.chroot}: there is no such directory")
        if options["user"] is not None:
            self.uid, self.gid, self.groups = _user(options["user"])
        if options["group"] is not None:
            self.gid = _group(options["group"])
            # An explicit group is the only one: the user's other groups would be more than was asked for.
            self.groups = [self.gid]
        if os.geteuid() != 0 and (
            self.chroot is not None or self.uid not in (None, os.geteuid()) or self.gid not in (None, os.getegid())
        ):
            raise ConfigurationError("chroot, user and group need a server that is started as root")

    def write_pid_file(self) -> None:
        """Take the pid file; ConfigurationError when a running server has it."""
        if self._pid_file is not None:
            self._pid_file.write()

    def remove_pid_file(self) -> None:
        """Give the pid file up; harmless when there is none."""
        if self._pid_file is not None:
            self._pid_file.remove()

    def drop(self) -> None:
        """Change the root directory, then the groups, then the user, for good. ConfigurationError when refused."""
        if self.chroot is not None:
            _load_encodings()
            self._attempt("chroot", os.chroot, self.chroot)
            os.chdir("/")
        # The order matters: who is no longer root may not change groups. And root keeps its other groups unless told.
        if self.gid is not None and (os.geteuid() == 0 or os.getresgid() != (self.gid,) * 3):
            if os.geteuid() == 0:
                self._attempt("group", os.setgroups, self.groups)
            self._attempt("group", os.setresgid, self.gid, self.gid, self.gid)
        if self.uid is not None and os.getresuid() != (self.uid,) * 3:
            self._attempt("user", os.setresuid, self.uid, self.uid, self.uid)
        self._verify()

    def inside(self, path: str) -> str:
        """A path as the server sees it behind chroot; ConfigurationError when it does not see it."""
        if self.chroot is None:
            return path
        root = os.path.realpath(self.chroot)
        real = os.path.realpath(path)
        if os.path.commonpath([root, real]) != root:
            raise ConfigurationError(f"{path} is not in the directory of chroot, {self.chroot}")
        return os.path.normpath(os.path.join("/", os.path.relpath(real, root)))

    def give(self, path: str) -> None:
        """Give a file or directory that root has made to the user the server becomes."""
        if os.geteuid() == 0 and (self.uid is not None or self.gid is not None):
            os.chown(path, -1 if self.uid is None else self.uid, -1 if self.gid is None else self.gid)

    def may(self, path: str, wanted: int) -> bool:
        """Whether the user the server becomes may use a file or directory so (os.R_OK and so on)."""
        if self.uid is None and self.gid is None:
            return os.access(path, wanted)
        if self.uid == 0:
            return True
        state = os.stat(path)
        if state.st_uid == self.uid:
            shift = 6
        elif state.st_gid == self.gid or state.st_gid in self.groups:
            shift = 3
        else:
            shift = 0
        return (state.st_mode >> shift) & wanted == wanted

    def _verify(self) -> None:
        """Make sure that there is no way back: a server that believes to be harmless and is not must not run."""
        if self.uid:
            with contextlib.suppress(PermissionError):
                os.setuid(0)
                raise ConfigurationError("user: the system lets the server become root again")

    @staticmethod
    def _attempt(setting: str, function: Callable[..., None], *arguments: Any) -> None:
        try:
            function(*arguments)
        except OSError as error:
            hint = " (start the server as root)" if isinstance(error, PermissionError) else ""
            raise ConfigurationError(f"{setting}: {error.strerror}{hint}") from error


def raise_file_limit(connections: int) -> int:
    """Raise the number of files this process may open so that it suits; return how many connections it is good for."""
    wanted = connections + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return connections
    return min(connections, max(1, soft - SPARE_FILES))


def _load_encodings() -> None:
    """Load the codecs that mail may need while their files can be reached: Python loads each at its first use."""
    for module in pkgutil.iter_modules(encodings.__path__):
        # Some are for other systems.
        with contextlib.suppress(ImportError):
            importlib.import_module(f"encodings.{module.name}")


def _user(text: str) -> tuple[int, int, list[int]]:
    try:
        entry = pwd.getpwuid(int(text)) if text.isascii() and text.isdigit() else pwd.getpwnam(text)
    except (KeyError, OverflowError):
        raise ConfigurationError(f"user: there is no user {text!r}") from None
    return entry.pw_uid, entry.pw_gid, os.getgrouplist(entry.pw_name, entry.pw_gid)


def _group(text: str) -> int:
    try:
        return grp.getgrgid(int(text)).gr_gid if text.isascii() and text.isdigit() else grp.getgrnam(text).gr_gid
    except (KeyError, OverflowError):
        raise ConfigurationError(f"group: there is no group {text!r}") from None
