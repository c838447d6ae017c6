"""Error: the command that answers when the real one cannot be loaded."""

from __future__ import annotations

from .command.base import Command


class Error(Command):
    """Answers NO Server error; why the real command cannot be loaded is in the log."""

    def run(self) -> None:
        """Answer."""
        self.no_command("Server error", SERVERBUG=None)
