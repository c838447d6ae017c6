"""What a plugin author needs to test a plugin; netimap's own tests use it. See docs/testing.rst."""

from .client import Client, Closed, Result
from .dialogue import Dialogue, DialogueError, DialogueSkipped, load_dialogues
from .player import run_dialogue
from .replay import Known, Replay
from .server import RunningServer, server_certificate

__all__ = [
    "Client", "Closed", "Dialogue", "DialogueError", "DialogueSkipped", "Known", "Replay", "Result", "RunningServer",
    "load_dialogues", "run_dialogue", "server_certificate",
]  # fmt: skip
