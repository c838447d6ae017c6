"""netimap next to pymap: microseconds of server CPU for each operation, and memory for each idle connection.

    python benchmarks/compare.py            the whole comparison, three to four minutes
    python benchmarks/compare.py --quick    less than one, without the mailbox of 10,000 messages

Both servers run at the same time on one core, with the same mail, without TLS and with clear-text passwords; they are
measured in turns, and each figure is the median of its rounds. See benchmarks/README.rst.
"""

import argparse
import contextlib
import functools
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from comparison import servers, table, workloads

#: the line of docs/performance.rst behind which the table goes
MARKER = ".. Written by benchmarks/compare.py --update"
BUILD = Path(__file__).resolve().parent.parent / "build"
#: seconds of server CPU for one measurement, at least: shorter ones drown in what the scheduler does
MEASURED_S = 0.05
#: seconds after which no further round of a row begins: a slow server gets fewer rounds than were asked for
ROW_BUDGET_S = 6.0


def main():
    """Run it as the command line says."""
    arguments = _arguments()
    if not arguments.no_pin:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    python = servers.pymap_python(arguments.venv)
    begun = time.monotonic()
    results = {}
    for store in arguments.stores:
        with tempfile.TemporaryDirectory(prefix="netimap-bench-") as directory:
            results[store] = _compare(store, directory, python, arguments)
    circumstances = _circumstances(python, arguments, time.monotonic() - begun)
    print(table.FORMATS[arguments.format](results, circumstances))
    if arguments.update:
        _update(arguments.update, table.rst(results, circumstances))


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="mailboxes of 200 messages, none of 10,000, fewer rounds")
    parser.add_argument("--rounds", type=int, help="rounds for each row (5; quick: 2)")
    parser.add_argument("--connections", type=int, help="idle connections (1,000; quick: 200)")
    parser.add_argument("--stores", nargs="+", choices=["memory", "maildir"], default=["memory", "maildir"])
    parser.add_argument("--only", metavar="WORD", default="", help="only the rows whose name has this in it")
    parser.add_argument(
        "--venv", default=BUILD / "pymap-venv", help="where pymap is installed, if it is not here already"
    )
    parser.add_argument("--no-pin", action="store_true", help="let servers and client use all cores")
    parser.add_argument("--update", metavar="FILE", type=Path, help="put the table into docs/performance.rst")
    formats = parser.add_mutually_exclusive_group()
    for name in ("markdown", "rst"):
        formats.add_argument(f"--{name}", dest="format", action="store_const", const=name, help=f"the table as {name}")
    parser.set_defaults(format="text")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 5)
    arguments.connections = arguments.connections or (200 if arguments.quick else 1000)
    return arguments


def _update(page, text):
    """Replace what stands behind the marker in a page."""
    before, marker, _ = page.read_text().partition(MARKER)
    if not marker:
        raise SystemExit(f"{page}: there is no line {MARKER!r}")
    page.write_text(f"{before}{MARKER}\n\n{text}\n")


def _compare(store, directory, python, arguments):
    """The rows for one kind of store: (name, unit, netimap, pymap, ratio)."""
    sizes = workloads.Sizes(200, 0) if arguments.quick else workloads.Sizes(1_000, 10_000)
    wanted = [row for row in workloads.rows(sizes) if arguments.only.lower() in row.name.lower()]
    rows = []
    if wanted:
        with _servers(store, f"{directory}/1", python, sizes) as both:
            rows = [_row(workload, both, arguments.rounds) for workload in wanted]
    if arguments.only.lower() in "memory":
        # in processes that have done nothing else: what they have freed would be taken first
        with _servers(store, f"{directory}/2", python, workloads.Sizes(0, 0), arguments.connections) as both:
            rows.append(_memory(both, arguments.connections))
    return rows


@contextlib.contextmanager
def _servers(store, directory, python, sizes, connections=0):
    """Both servers, with the same mail."""
    _progress(f"{store}: filling")
    with contextlib.ExitStack() as running:
        both = []
        for start in (servers.netimap_server, functools.partial(servers.pymap_server, python, connections)):
            where = f"{directory}-{len(both)}" if store == "maildir" else store
            if store == "maildir":
                os.mkdir(where)
                workloads.write_mail(where, sizes)
            both.append(start(where))
            running.callback(both[-1].stop)
            if store == "memory":
                workloads.append_mail(both[-1], sizes)
        yield both


def _memory(both, connections):
    _progress(f"{connections} idle connections")
    (mine, my_kib), (theirs, their_kib) = [workloads.idle_memory(server, connections) for server in both]
    name = f"memory of {mine:,} connections in IDLE, each" + (f" (pymap: of {theirs:,})" if mine != theirs else "")
    return (name, "KiB", my_kib, their_kib, my_kib / their_kib)


def _row(workload, both, rounds):
    _progress(workload.name)
    costs = [[], []]
    with contextlib.ExitStack() as prepared:
        operations = [prepared.enter_context(workload.prepare(server)) for server in both]
        left = [_budget(operation, workload) for operation in operations]
        for round_ in range(rounds):
            # A B, B A, …: what drifts on the machine hits both alike
            for index in (0, 1) if round_ % 2 == 0 else (1, 0):
                if round_ == 0 or left[index] > 0:
                    begun = time.monotonic()
                    costs[index].append(_cost_us(both[index], operations[index], workload.once))
                    left[index] -= time.monotonic() - begun
            if workload.once:
                break
    medians = [statistics.median(cost) for cost in costs]
    ratio = statistics.median(mine / theirs for mine, theirs in zip(*costs, strict=False))
    return (workload.name, "µs", *medians, ratio)


def _budget(operation, workload):
    """Seconds for the rounds of a row with a server, after the operation was done once without being measured."""
    if workload.once:
        return 0
    begun = time.monotonic()
    operation()
    return ROW_BUDGET_S - 2 * (time.monotonic() - begun)


def _cost_us(server, operation, once):
    """Microseconds of the server's CPU for one operation."""
    before, done = server.cpu_us(), 0
    while True:
        operation()
        done += 1
        used = server.cpu_us() - before
        if once or used > MEASURED_S * 1e6:
            return used / done


def _circumstances(python, arguments, seconds):
    with open("/proc/cpuinfo") as file:
        model = next(
            (line.partition(": ")[2].strip() for line in file if line.startswith("model name")), platform.machine()
        )
    pymap = servers.pymap_version(python)
    return [
        f"{time.strftime('%Y-%m-%d')}, {model}, {os.cpu_count()} cores, Linux {platform.release()}, "
        f"Python {platform.python_version()}",
        f"netimap {version_of_netimap()}, gevent {version('gevent')}, pymap {pymap}",
        f"{arguments.rounds} rounds, {'all cores' if arguments.no_pin else 'one core'}, {seconds:.0f} s",
    ]


def version_of_netimap():
    """The version of the netimap that is measured: that of this directory, installed or not."""
    sys.path.insert(0, str(servers.ROOT))
    from netimap.version import VERSION

    return VERSION


def _progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
