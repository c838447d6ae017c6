"""The wire dialogues in tests/dialogues, on the default model: every command as RFC 3501 and PERL-API.md have it."""

from pathlib import Path

import pytest
import response_grammar

from netimap.registry import COMMANDS
from netimap.testing import Client, load_dialogues, run_dialogue

FILES = sorted(Path(__file__).parent.joinpath("dialogues").glob("*.imap"))
DIALOGUES = [dialogue for path in FILES for dialogue in load_dialogues(path)]


@pytest.fixture(autouse=True)
def _every_line_is_one_of_the_grammar(monkeypatch):
    """Whatever a dialogue expects: no line may come that RFC 3501 9 does not have."""
    read = Client.line

    def line(client):
        octets = read(client)
        response_grammar.check(octets)
        return octets

    monkeypatch.setattr(Client, "line", line)


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=str)
def test_dialogue(dialogue, shared_server):
    run_dialogue(dialogue, shared_server)


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=str)
def test_dialogue_byte_by_byte(dialogue, shared_server):
    # nothing may depend on how the network cuts up what the client sends
    run_dialogue(dialogue, shared_server, piece=1)


def test_every_command_has_its_dialogues():
    of = {"unsubscribe": "subscribe"}
    files = {path.stem for path in FILES}
    assert [name for name in map(str.lower, COMMANDS) if of.get(name, name) not in files] == []
