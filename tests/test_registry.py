"""netimap.registry: the one list of commands."""

import ast
from pathlib import Path

import pytest

import netimap
from netimap import Command, DefaultAuth, Error, registry
from netimap.registry import COMMANDS, Registry, load_class

PERL_COMMANDS = [
    "Append", "Authenticate", "Capability", "Check", "Close", "Copy", "Create",
    "Delete", "Examine", "Expunge", "Fetch", "Id", "List", "Login",
    "Logout", "Lsub", "Namespace", "Noop", "Rename", "Search", "Select",
    "Starttls", "Status", "Store", "Subscribe", "Uid", "Unsubscribe",
]  # fmt: skip


def unexpected(name, error):
    raise AssertionError(name) from error


def test_all_commands_load():
    commands = Registry(unexpected).commands
    for name in [*PERL_COMMANDS, "Idle", "Unselect"]:
        assert commands[name.upper()].__name__ == name
        assert issubclass(commands[name.upper()], Command)


def test_every_module_of_a_command_is_listed():
    modules = {path.stem for path in Path(netimap.__file__).parent.joinpath("command").glob("*.py")}
    assert modules - {"__init__", "base"} == {module.rpartition(".")[2] for module in COMMANDS.values()}


def test_capabilities_are_what_the_registered_files_state():
    capabilities = Registry(unexpected).capabilities
    assert capabilities[0] == "IMAP4rev1"
    assert {"LITERAL+", "SASL-IR", "ID", "IDLE", "CHILDREN", "NAMESPACE", "STARTTLS", "UNSELECT"} <= set(capabilities)
    assert len(capabilities) == len(set(capabilities))


def test_a_command_that_cannot_be_loaded_is_answered_by_error(monkeypatch):
    monkeypatch.setitem(COMMANDS, "NOOP", "netimap.command.nothing")
    monkeypatch.setitem(COMMANDS, "CHECK", "netimap.command.noop")
    failed = []
    commands = Registry(lambda name, error: failed.append((name, type(error)))).commands
    assert (commands["NOOP"], commands["CHECK"]) == (Error, Error)
    assert failed == [("CHECK", AttributeError), ("NOOP", ModuleNotFoundError)]


def test_added_commands_win_and_state_their_capabilities():
    class Mine(Command):
        capabilities = ("XMINE", "IDLE")

    tables = Registry(unexpected)
    tables.add("noop", Mine)
    tables.add("X_mine", Mine)
    assert tables.commands["NOOP"] is Mine
    assert tables.commands["X_MINE"] is Mine
    assert tables.capabilities.count("XMINE") == 1
    assert tables.capabilities.count("IDLE") == 1
    # each server has a copy of its own
    assert Registry(unexpected).commands["NOOP"] is not Mine


def test_nothing_is_imported_by_a_name_that_a_client_sent():
    # the only import by name is over the table
    tree = ast.parse(Path(registry.__file__).read_text())
    loaders = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "import_module"
    ]
    assert [ast.unparse(node.args[0]) for node in loaders] == ["module", "module"]


# --- load_class ---


@pytest.mark.parametrize("given", [DefaultAuth, "netimap.DefaultAuth", "netimap.default_auth:DefaultAuth"])
def test_load_class(given):
    assert load_class(given, DefaultAuth) is DefaultAuth


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("netimap.Nothing", "cannot load netimap.Nothing"),
        ("no_such_package.Auth", "No module named 'no_such_package'"),
        ("Auth", "cannot load Auth"),
        ("", "cannot load"),
        ("netimap.Message", "netimap.Message is no subclass of netimap.DefaultAuth"),
        ("netimap.default_auth", "no subclass"),
        (dict, "dict is no subclass of netimap.DefaultAuth"),
        (5, "5 is no subclass"),
    ],
)
def test_load_class_says_what_is_wrong(given, says):
    with pytest.raises(ValueError, match=says):
        load_class(given, DefaultAuth)
