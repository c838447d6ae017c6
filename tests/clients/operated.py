"""A netimap server as an operator runs it: the command in a process of its own, users made with `user add`."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from netimap.users import UsersFile

ROOT = Path(__file__).parent.parent.parent
COMMAND = (sys.executable, str(ROOT / "bin" / "netimap-server"))
HOST = "127.0.0.1"
#: what a busy machine with two cores may need to start or stop the server, or for a client's whole run
PATIENCE_S = 30.0

_ADDRESS = re.compile(r"listening on \S+?:(\d+) \(STARTTLS\), \S+?:(\d+) \(TLS\)")


def program(name, package):
    """The path of a program; skips the test and says how to install it when it is missing."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    return path


def wait_for(condition, what, timeout_s=PATIENCE_S):
    """Return the first true value of `condition()`, which is asked again and again until the deadline."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(0.01)
    return value


@dataclass(frozen=True)
class Account:
    """A user of a server, with the mailbox INBOX and nothing in it."""

    server: "OperatedServer"
    name: str
    password: str

    @property
    def maildir(self):
        """Where the mail of INBOX is, in a server with a Maildir store."""
        return self.server.data_dir / "mail" / self.name

    def deliver(self, message, name):
        """Put a message into `new/` as an MTA does: written to `tmp/` with LF line ends, then renamed."""
        for directory in ("tmp", "new", "cur"):
            (self.maildir / directory).mkdir(parents=True, exist_ok=True)
        (self.maildir / "tmp" / name).write_bytes(message.replace(b"\r\n", b"\n"))
        os.rename(self.maildir / "tmp" / name, self.maildir / "new" / name)


class OperatedServer:
    """`bin/netimap-server` on free ports of 127.0.0.1, with the certificate that it makes for itself."""

    def __init__(self, data_dir, store):
        self.data_dir = Path(data_dir)
        #: "maildir" or "memory"
        self.store = store
        self.port = self.ssl_port = 0
        self.cert = self.data_dir / "certs" / "server-cert.pem"
        self._log = self.data_dir.with_suffix(".log")
        self._process = None
        self._users = None
        # settings of the person who runs the tests are not ours
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("NETIMAP_")}
        self._environment["PYTHONPATH"] = str(ROOT)

    def start(self):
        """Start it and wait until it listens."""
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "--data-dir", self.data_dir, "--port=0", "--ssl-port=0", f"--store={self.store}:"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        try:
            match = wait_for(self._listening, "the server listens")
        except BaseException:
            self.stop()
            raise
        self.port, self.ssl_port = int(match[1]), int(match[2])

    def _listening(self):
        if self._process.poll() is not None:
            raise AssertionError(f"the server has ended with {self._process.returncode}:\n{self.log()}")
        return _ADDRESS.search(self.log())

    def stop(self):
        """End it as the operator does (SIGTERM); returns its exit status."""
        if self._process is None:
            return None
        process, self._process = self._process, None
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            return process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def log(self):
        """What it has logged so far."""
        return self._log.read_text(errors="replace")

    def add_user(self):
        """Make a new user, whom the running server knows from then on.

        The first one is made with `netimap-server user add`, the others without waiting for another Python to start.
        """
        account = Account(self, f"user{secrets.token_hex(4)}", secrets.token_hex(8))
        if self._users is None:
            self._run_user_add(account)
            self._users = UsersFile(self.data_dir / "users")
        else:
            self._users.add(account.name, account.password)
        return account

    def _run_user_add(self, account):
        subprocess.run(
            [*COMMAND, "user", "add", account.name, "--password-stdin", "--data-dir", self.data_dir],
            env=self._environment,
            input=account.password + "\n",
            text=True,
            check=True,
            capture_output=True,
            timeout=PATIENCE_S,
        )

    def context(self):
        """A TLS context that trusts the server's own certificate and nothing else."""
        return ssl.create_default_context(cafile=str(self.cert))
