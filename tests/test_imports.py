"""What may import what (DESIGN.md 7), read from the source of netimap."""

import ast
import sys
from pathlib import Path

import pytest

import netimap

ROOT = Path(netimap.__file__).parent
BASE = {"exceptions", "wire", "mime"}
#: small helpers of the model classes, without I/O
HELPERS = {"accessors", "current", "flags", "journal"}
MODEL = {"mailbox", "message", "default_model", "default_auth", "view"}
#: package or module → what it may import of netimap, beside itself
MAY_IMPORT = {
    "exceptions": set(),
    "wire": {"exceptions"},
    "mime": {"exceptions"},
    "accessors": set(),
    "current": set(),
    "journal": set(),
    "flags": BASE,
    "search": BASE,
    "fetch": BASE | {"flags"},
    "sasl": BASE,
    "view": BASE | HELPERS,
    "message": BASE | HELPERS | {"fetch"},
    "mailbox_tree": BASE | HELPERS,
    "mailbox": BASE | HELPERS | {"mailbox_tree", "message"},
    "default_model": BASE | HELPERS | {"mailbox"},
    "default_auth": BASE | HELPERS | {"sasl"},
    "storage": BASE | HELPERS | MODEL,
    "command": BASE | HELPERS | MODEL | {"fetch", "search", "sasl"},
    "extension": BASE | HELPERS | MODEL | {"fetch", "search", "sasl", "command"},
    "error": {"command"},
    "registry": {"command", "extension", "error"},
    "io_handle": BASE,
    "framing": BASE,
    "selection": BASE | HELPERS | {"mailbox", "message", "view"},
    "connection": BASE | {"accessors", "command", "framing", "log", "selection"},
    # names, and how a test's certificate is made
    "testing": {"", "certificate"},
}
#: who waits and serves
IMPORT_GEVENT = {"io_handle", "server", "access", "certificate", "users", "cli", "storage", "testing", "worker"}
#: where Perl's "which connection is current?" has to be answered
ASK_WHO_IS_CURRENT = {"current", "server", "selection", "mailbox", "message"}

MODULES = sorted(ROOT.rglob("*.py"))


def room(path):
    """The package or module of netimap that a file belongs to; "" for netimap itself."""
    first = path.relative_to(ROOT).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def imports(path):
    """The absolute names of what a file imports when it runs."""
    tree = ast.parse(path.read_text())
    only_for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    package = ["netimap", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(tree):
        if id(node) in only_for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from ([f"{module}.{alias.name}" for alias in node.names] if not node.module else [module])


def rooms_imported(path):
    for name in imports(path):
        if name == "netimap":
            yield ""
        elif name.startswith("netimap."):
            yield name.split(".")[1]


@pytest.mark.parametrize(
    "path", [path for path in MODULES if room(path) in MAY_IMPORT], ids=lambda path: str(path.relative_to(ROOT))
)
def test_rooms_import_what_they_may(path):
    assert set(rooms_imported(path)) - {room(path)} <= MAY_IMPORT[room(path)]


@pytest.mark.parametrize(
    "name", ["exceptions", "wire", "mime", "search", "fetch", "sasl", "accessors", "journal", "view"]
)
def test_what_does_no_io_needs_the_standard_library_alone(name):
    for path in (path for path in MODULES if room(path) == name):
        foreign = {one.split(".")[0] for one in imports(path)} - sys.stdlib_module_names - {"netimap"}
        assert foreign == set(), path
        assert not {"socket", "threading", "asyncio", "subprocess"} & set(imports(path)), path


def test_commands_import_their_parent_alone():
    for path in MODULES:
        if room(path) != "command" or path.stem in ("__init__", "base"):
            continue
        others = {name for name in imports(path) if name.startswith("netimap.command.")} - {"netimap.command.base"}
        bases = {ast.unparse(base) for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)
                 for base in node.bases}  # fmt: skip
        assert {name.rpartition(".")[2].capitalize() for name in others} <= bases, path


def test_only_some_import_gevent():
    importing = {room(path) for path in MODULES if any(name.split(".")[0] == "gevent" for name in imports(path))}
    assert importing <= IMPORT_GEVENT


def test_only_the_command_line_patches():
    patching = {path.stem for path in MODULES if "patch_all(" in path.read_text()}
    assert patching <= {"cli", "worker"}


def test_nothing_asks_which_connection_is_current():
    asking = {room(path) for path in MODULES if "current_connection" in path.read_text()}
    assert asking <= ASK_WHO_IS_CURRENT
    assert not [path for path in MODULES if "Server.connection()" in path.read_text()]


def test_packages_hold_imports_only():
    for path in MODULES:
        if path.name != "__init__.py":
            continue
        for node in ast.parse(path.read_text()).body:
            is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            is_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            assert is_text or is_all or isinstance(node, (ast.Import, ast.ImportFrom)), path


def test_the_public_names_are_those_of_the_original():
    assert {
        "Server", "Connection", "Command", "DefaultAuth", "DefaultModel", "Mailbox", "Message", "Error", "No", "Bad",
        "Bye", "Raw", "Challenge",
    } <= set(netimap.__all__)  # fmt: skip
    assert all(hasattr(netimap, name) for name in netimap.__all__)
