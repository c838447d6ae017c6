"""The servers as processes: started, measured from outside, ended. Linux only."""

import os
import signal
import socket
import subprocess
import sys
import time
import venv
from pathlib import Path

from .client import Client

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PASSWORD = "benchmark"
USERS = [f"bench{number:02}" for number in range(20)]
#: threads that pymap's Maildir has when nobody says how many
DEFAULT_THREADS = min(32, (os.cpu_count() or 1) + 4)
#: seconds to start and to stop
PATIENCE_S = 30


def pymap_python(directory):
    """A Python that has pymap: this one, or that of a virtual environment which is made in `directory`."""
    if subprocess.run([sys.executable, "-c", "import pymap"], capture_output=True, check=False).returncode == 0:
        return sys.executable
    python = Path(directory) / "bin" / "python"
    if not python.exists():
        print(f"installing pymap into {directory}", file=sys.stderr)
        venv.create(directory, with_pip=True)
        subprocess.run([python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "pymap"], check=True)
    return str(python)


def pymap_version(python):
    """The version of the pymap that `python` has."""
    command = [python, "-c", "from importlib.metadata import version; print(version('pymap'))"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def netimap_server(store):
    """A netimap that keeps its mail in memory, or in the directory `store`."""
    return MeasuredServer("netimap", [sys.executable, HERE / "netimap_server.py"], store, ())


def pymap_server(python, idle_connections, store):
    """A pymap that keeps its mail in memory, or in the directory `store`, where each idle connection needs a thread."""
    # it warns of unfinished business when it ends
    command = [python, "-W", "ignore", HERE / "pymap_server.py", str(idle_connections + DEFAULT_THREADS)]
    return MeasuredServer("pymap", command, store, USERS)


class MeasuredServer:
    """One running server process."""

    def __init__(self, name, command, store, users):
        self.name = name
        self.is_in_memory = store == "memory"
        self.port = _free_port()
        self._process = subprocess.Popen(
            [*command, str(self.port), PASSWORD, store, *users],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        # the CPU clock of another process, see clock_getcpuclockid(3): its threads too, in nanoseconds
        self._clock = ~self._process.pid << 3 | 2
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                Client(self.port).close()
                return
            except ConnectionRefusedError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} does not start") from None
                time.sleep(0.02)

    def cpu_us(self):
        """Microseconds of CPU that it has used so far, in all threads."""
        return time.clock_gettime_ns(self._clock) / 1000

    def memory_kib(self):
        """KiB of memory that are its own (proportional set size)."""
        with open(f"/proc/{self._process.pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))

    def client(self, user=USERS[0], **options):
        """A new connection, logged in."""
        return Client(self.port, **options).login(user, PASSWORD)

    def stop(self):
        """End it."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
