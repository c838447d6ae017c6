"""What the core is tested by on the wire, on the Maildir store: the dialogues of all commands, and clients that replay.

For the dialogues the store is made to begin like the default model.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from test_replay import Sessions

from netimap.storage.maildir import MaildirMailbox, MaildirModel
from netimap.testing import RunningServer, load_dialogues, run_dialogue

FILES = sorted(Path(__file__).parent.parent.joinpath("dialogues").glob("*.imap"))
#: the player does not wait for the optional line that ends a group here, and takes it for one of the next group
LATE = "idle: what others do is told at once"
DIALOGUES = [dialogue for path in FILES for dialogue in load_dialogues(path) if str(dialogue) != LATE]


class MailboxLikeDefault(MaildirMailbox):
    """UIDs begin at 1000."""

    def take(self, row):
        super().take(row)
        if row is not None and row.uidnext == 1:
            self.uidnext(1000)


class LikeDefault(MaildirModel):
    """A new user has INBOX/<user>."""

    mailbox_class = MailboxLikeDefault

    def init(self):
        super().init()
        inbox = self.lookup("INBOX")
        if not inbox.children() and self.auth().user().isprintable():
            inbox.create(name=self.auth().user())


@pytest.fixture(scope="module")
def maildir_server(quick_path):
    model_class = LikeDefault.at(os.path.join(quick_path, "dialogues", "%u"))
    with RunningServer(log_level=0, model_class=model_class) as server:
        yield server


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=str)
def test_dialogue(dialogue, maildir_server):
    run_dialogue(dialogue, maildir_server)


@pytest.mark.timeout(300)  # when it fails it looks for the shortest way to fail
def test_replaying_what_the_server_sent_gives_the_servers_state(maildir_server):
    machine = type("MaildirSessions", (Sessions,), {"server": maildir_server})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
