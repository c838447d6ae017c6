"""netimap.settings and netimap.config: one table, and what wins when a setting is given twice."""

import argparse
import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netimap import config, settings
from netimap.exceptions import ConfigurationError
from netimap.settings import COMMAND_SETTINGS, SERVER_SETTINGS

DOCUMENTATION = Path(__file__).parent.parent / "docs" / "configuration.rst"
SERVER = {setting.name: setting for setting in SERVER_SETTINGS}


@pytest.fixture
def data(tmp_path):
    """Load a configuration in a data directory of its own, with the text of its netimap.toml."""

    def load(text=None, environ=None, **flags):
        if text is not None:
            (tmp_path / "netimap.toml").write_text(text)
        return config.load({"data_dir": str(tmp_path)} | flags, environ or {})

    return load


# The table


def test_names_are_unique_and_defaults_are_what_they_should_be():
    names = [setting.name for setting in COMMAND_SETTINGS + SERVER_SETTINGS]
    assert len(names) == len(set(names)) == len(config.SETTINGS)
    assert settings.defaults()["port"] == 1430
    for name, value in settings.defaults().items():
        assert SERVER[name].parse(value) == value


def test_every_option_of_the_perl_server_is_there():
    """PERL-API.md, Server."""
    perl = "port ssl_port auth_class model_class connection_class poll_every unauth_commands unauth_idle auth_idle"
    perl += " server_cert server_key log_level log_file syslog_logsock syslog_ident syslog_logopt syslog_facility"
    perl += " pid_file chroot user group reverse_lookups allow deny cidr_allow cidr_deny"
    assert set(perl.split()) <= set(SERVER)


@pytest.mark.parametrize(
    ("name", "value", "parsed"),
    [
        ("port", "1430", 1430),
        ("port", 0, 0),
        ("port", "none", None),
        ("port", "OFF", None),
        ("port", "", None),
        ("port", None, None),
        ("port", "localhost:143", "localhost:143"),
        ("port", "[::1]:143", "[::1]:143"),
        ("ssl_port", None, None),
        ("max_bad", " 7 ", 7),
        ("max_line", "64K", 65536),
        ("max_message", "1g", 1 << 30),
        ("max_message", 100, 100),
        ("unauth_idle", "0", 0),
        ("login_delay", "0.25", 0.25),
        ("login_delay", 2.0, 2),
        ("log_file", "", None),
        ("log_file", "x y", "x y"),
        ("pid_file", Path("/run/pid"), "/run/pid"),
        ("chroot", "~", os.path.expanduser("~")),
        ("reverse_lookups", "Yes", True),
        ("reverse_lookups", "off", False),
        ("reverse_lookups", 1, True),
        ("allow", "a b\tc", ["a", "b", "c"]),
        ("allow", ("a b", "c"), ["a b", "c"]),
        ("auth_class", "mypkg.auth:LdapAuth", "mypkg.auth:LdapAuth"),
        ("auth_class", dict, dict),
    ],
)
def test_parse(name, value, parsed):
    result = SERVER[name].parse(value)
    assert result == parsed
    assert type(result) is type(parsed)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("port", True, "port is True: it takes a port number"),
        ("port", -1, "port"),
        ("port", 65536, "port"),
        ("port", "host:65536", "port"),
        ("port", "::1:143", "port"),
        ("port", "a b:143", "port"),
        ("port", "٣", "port"),
        ("port", [], "port"),
        ("max_bad", "x", "max_bad is 'x': it takes a whole number"),
        ("max_bad", 1.5, "whole number"),
        ("max_bad", False, "whole number"),
        ("max_bad", 0, "max_bad is 0: the least is 1"),
        ("max_bad", None, "whole number"),
        ("max_bad", "9" * 5000, "whole number"),
        ("max_line", "64X", "number of octets"),
        ("max_line", "10", "the least is 64"),
        ("max_line", "5G", "the most is 4294967295"),
        ("login_delay", "nan", "number of seconds"),
        ("login_delay", float("inf"), "number of seconds"),
        ("login_delay", "soon", "number of seconds"),
        ("login_delay", True, "number of seconds"),
        ("login_delay", "1e400", "number of seconds"),
        ("log_level", 5, "the most is 4"),
        ("host", "", "it takes text"),
        ("host", 5, "it takes text"),
        ("log_file", "a\0b", "path"),
        ("allow", [1], "list of texts"),
        ("allow", {"a": "b"}, "list of texts"),
        ("reverse_lookups", "maybe", "yes or no"),
        ("reverse_lookups", 2, "yes or no"),
        ("auth_class", "", "class or its dotted name"),
        ("auth_class", 3, "class or its dotted name"),
    ],
)
def test_wrong_values_are_one_line(name, value, problem):
    with pytest.raises(ConfigurationError) as error:
        SERVER[name].parse(value)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


@given(
    st.sampled_from(SERVER_SETTINGS),
    st.none() | st.text() | st.integers() | st.floats() | st.booleans() | st.binary() | st.lists(st.text()),
)
def test_a_value_is_taken_or_refused_and_parsing_is_done_after_once(setting, value):
    try:
        once = setting.parse(value)
    except ConfigurationError:
        return
    assert setting.parse(once) == once


def test_server_options_are_checked():
    options = settings.checked({"port": "1", "allow": "a"})
    assert (options["port"], options["allow"], options["max_bad"]) == (1, ["a"], 20)
    with pytest.raises(ConfigurationError, match="^unknown setting 'max-bed': did you mean 'max_bad'\\?$"):
        settings.checked({"max-bed": 1})
    with pytest.raises(ConfigurationError, match="^unknown setting 'xyzzy'$"):
        settings.checked({"xyzzy": 1})


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"port": None}, "port and ssl_port are both off"),
        ({"ssl_port": 1430}, "port and ssl_port are the same"),
        ({"ssl_port": "127.0.0.1:1430"}, "port and ssl_port are the same"),
        ({"max_unauth_literal": "1M"}, "max_unauth_literal is larger than max_literal"),
        ({"max_literal": "2M"}, "max_literal is larger than max_command"),
    ],
)
def test_impossible_combinations(options, problem):
    with pytest.raises(ConfigurationError, match=problem):
        settings.checked(options)


def test_two_free_ports_and_two_addresses_are_possible():
    settings.checked({"port": 0, "ssl_port": 0})
    settings.checked({"port": "127.0.0.2:1430", "ssl_port": 1430})


@pytest.mark.parametrize(
    ("port", "address"),
    [(143, ("::", 143)), ("1.2.3.4:5", ("1.2.3.4", 5)), ("[fe80::1]:0", ("fe80::1", 0)), ("a.b:5", ("a.b", 5))],
)
def test_address(port, address):
    assert settings.address(port, "::") == address


# Flags, environment, file, default


def test_defaults_of_the_command(data, tmp_path):
    loaded = data()
    assert (loaded["port"], loaded["ssl_port"], loaded["host"]) == (1430, 1431, "127.0.0.1")
    assert loaded["server_cert"] == f"{tmp_path}/certs/server-cert.pem"
    assert loaded["users"] == f"{tmp_path}/users"
    assert loaded.store() == ("maildir", f"{tmp_path}/mail/%u")
    assert loaded.file is None
    assert not loaded.is_given("port")
    assert loaded.is_given("data_dir")


def test_flags_beat_environment_beats_file_beats_default(data):
    text = "max_bad = 1\nmax_literals = 1\nmax_nesting = 1"
    environ = {"NETIMAP_MAX_BAD": "2", "NETIMAP_MAX_LITERALS": "2", "PATH": "/bin"}
    loaded = data(text, environ, max_bad="3")
    assert [loaded[name] for name in ("max_bad", "max_literals", "max_nesting")] == [3, 2, 1]
    assert loaded["max_line"] == settings.defaults()["max_line"]
    assert loaded.file.endswith("/netimap.toml")


def test_file_can_be_named(tmp_path):
    (tmp_path / "a.toml").write_text(f'data_dir = "{tmp_path}/data"\nport = "none"\nallow = ["a", "b"]')
    for flags, environ in (
        ({"config": str(tmp_path / "a.toml")}, {}),
        ({}, {"NETIMAP_CONFIG": str(tmp_path / "a.toml")}),
    ):
        loaded = config.load(flags, environ)
        assert loaded["data_dir"] == f"{tmp_path}/data"
        assert loaded["users"] == f"{tmp_path}/data/users"
        assert loaded["port"] is None
        assert loaded["allow"] == ["a", "b"]
        assert loaded.server_options()["allow"] == ["a", "b"]


def test_server_options_are_what_the_server_takes(data):
    options = data(None, {}, connection_class="a.B").server_options()
    assert set(options) == set(SERVER) - {"auth_class", "model_class"}
    settings.checked(options)


def test_data_directory_without_being_told(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert config.load({}, {})["data_dir"] == "/var/lib/netimap"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert config.load({}, {"XDG_DATA_HOME": "/x"})["data_dir"] == "/x/netimap"
    expected = os.path.expanduser("~/.local/share/netimap")
    assert config.load({}, {"XDG_DATA_HOME": "relative"})["data_dir"] == expected


def test_paths_are_those_of_the_start(data, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    loaded = data(None, {}, users="u", server_cert="c", server_key="~/k", store="maildir:m/%u", data_dir="d")
    assert loaded["users"] == f"{tmp_path}/u"
    assert loaded["server_cert"] == f"{tmp_path}/c"
    assert loaded["server_key"] == os.path.expanduser("~/k")
    assert loaded["data_dir"] == f"{tmp_path}/d"
    assert loaded.path("a", "b") == f"{tmp_path}/d/a/b"
    assert loaded.store() == ("maildir", f"{tmp_path}/m/%u")


@pytest.mark.parametrize(
    ("store", "parsed"),
    [
        ("memory:", ("memory", "")),
        ("maildir:/srv/%u/Maildir", ("maildir", "/srv/%u/Maildir")),
        ("maildir:~/Maildir", ("maildir", os.path.expanduser("~/Maildir"))),
    ],
)
def test_store(data, store, parsed):
    assert data(store=store).store() == parsed


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("prot = 1", "netimap.toml: unknown setting 'prot': did you mean 'port'?"),
        ("ssl-port = 1", "netimap.toml: unknown setting 'ssl-port': did you mean 'ssl_port'?"),
        ("[limits]\nmax_bad = 1", "netimap.toml: unknown setting 'limits'"),
        ("port = true", "netimap.toml: port is True: it takes a port number"),
        ("port = 1430\nport = 1431", "netimap.toml: this is no TOML: "),
        ("port =", "netimap.toml: this is no TOML: "),
        ("max_bad = [1]", "netimap.toml: max_bad is [1]: it takes a whole number"),
        ('data_dir = "/x"', "netimap.toml: data_dir cannot be set in the file that is found by it"),
        ("a = " + "[" * 100_000, "netimap.toml: this is no TOML: "),
        ("#" * (1 << 21), "netimap.toml: the file is larger than"),
        ('port = "none"\nssl_port = "off"', "both off"),
        ('server_cert = "x"', "server_cert is set and server_key is not"),
        ('server_key = "x"', "server_key is set and server_cert is not"),
        ('store = "memory:"\nmodel_class = "a.B"', "store and model_class are both set"),
        ('users = "x"\nauth_class = "a.B"', "users and auth_class are both set"),
        ('store = "mbox:/x"', "store is 'mbox:/x': it takes maildir:PATH or memory:"),
        ('store = "memory:x"', "store is"),
        ('store = "/x"', "store is"),
        ('store = ""', "store is"),
    ],
)
def test_a_bad_file_is_one_line(data, text, problem):
    with pytest.raises(ConfigurationError) as error:
        data(text)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(ConfigurationError, match="/no.toml: No such file or directory$"):
        config.load({"config": str(tmp_path / "no.toml")}, {})
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(ConfigurationError, match="the octet at 5 is not UTF-8"):
        config.load({"config": str(tmp_path / "latin.toml")}, {})


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"NETIMAP_PORT": "tcp://10.0.0.1:143"}, "environment, NETIMAP_PORT: port is 'tcp://10.0.0.1:143'"),
        ({"NETIMAP_PROT": "1"}, "environment, NETIMAP_PROT: unknown setting 'prot': did you mean 'port'?"),
        ({"NETIMAP_Port": "1"}, "environment, NETIMAP_Port: unknown setting"),
    ],
)
def test_a_bad_environment_is_one_line(data, environ, problem):
    with pytest.raises(ConfigurationError) as error:
        data(None, environ)
    assert problem in str(error.value)


def test_a_bad_flag_says_where_it_was(data):
    with pytest.raises(ConfigurationError, match="^command line: port is 'x': it takes"):
        data(port="x")


# Flags and documentation are made from the table


def parsed(*arguments):
    parser = argparse.ArgumentParser(allow_abbrev=False)
    config.add_flags(parser)
    return vars(parser.parse_args(arguments))


def test_flags():
    assert parsed() == {}
    assert parsed("--ssl-port", "1", "--allow-plaintext-login", "--config", "f") == {
        "ssl_port": "1",
        "allow_plaintext_login": True,
        "config": "f",
    }
    assert parsed("--no-allow-plaintext-login") == {"allow_plaintext_login": False}
    assert parsed("--allow", "a", "--allow", "b") == {"allow": ["a", "b"]}


def test_every_setting_has_its_flag_and_its_help(capsys):
    with pytest.raises(SystemExit):
        parsed("--help")
    text = " ".join(capsys.readouterr().out.split())
    for name, setting in config.SETTINGS.items():
        assert config.flag(name) in text
        assert setting.help.split(". ")[0].split(" ")[0] in text


def test_documentation_has_every_setting():
    """`make docs` writes this part of docs/configuration.rst."""
    assert config.reference() in DOCUMENTATION.read_text()


def test_example_in_the_documentation_is_valid(tmp_path):
    """Every TOML block of docs/configuration.rst."""
    blocks = DOCUMENTATION.read_text().split(".. code-block:: toml\n")[1:]
    assert blocks
    for number, block in enumerate(blocks):
        lines = []
        for line in block.splitlines():
            if line and not line.startswith("    "):
                break
            lines.append(line[4:])
        assert tomllib.loads("\n".join(lines))
        (tmp_path / f"{number}.toml").write_text("\n".join(lines))
        config.load({"config": str(tmp_path / f"{number}.toml")}, {})
