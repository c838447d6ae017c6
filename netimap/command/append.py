"""APPEND (RFC 3501 6.3.11)."""

from ..exceptions import Bad, Denied, No, ReadOnly
from ..message import Message
from ..mime import with_crlf
from ..wire.arguments import date_time, flag_list, mailbox
from .base import AUTHENTICATED, Command


class Append(Command):
    """Puts a message into a mailbox."""

    states = AUTHENTICATED
    literal_limit = "max_message"

    def validate(self) -> bool:
        """mailbox [flags] [date-time] literal."""
        tokens = list(self.options(2, 4))
        name, content = mailbox(tokens.pop(0)), tokens.pop()
        flags = flag_list(tokens.pop(0)) if tokens and isinstance(tokens[0], list) else []
        when = date_time(tokens.pop(0)) if tokens else None
        if tokens:
            raise Bad("Too many options")
        # a quoted string is no literal: RFC 3501 9, append
        if not isinstance(content, bytes) or len(self.parts) == 1 or self.parts[-1]:
            raise Bad("APPEND ends with the message as a literal")
        if not content:
            raise No("An empty message cannot be appended")
        self.args = [name, flags, when, content]
        return True

    def run(self) -> None:
        """Append; the selected mailbox hears of it as of any other new message."""
        name, flags, when, content = self.args
        target = self.lookup(name, lambda: No("Mailbox does not exist", "TRYCREATE"))
        if not target.is_selectable():
            raise No("Mailbox cannot hold messages", "TRYCREATE")
        if target.read_only():
            raise ReadOnly
        content = with_crlf(content, self.connection().io_handle().cede)
        settable = [flag for flag in flags if target.can_set_flag(flag)]
        message = target.append_message(content, settable, when)
        if message is False:
            raise Denied
        if isinstance(message, Message) and message.uid() is not None:
            # RFC 4315 3
            self.ok_completed(APPENDUID=f"{target.uidvalidity()} {message.uid()}")
        else:
            self.ok_completed()
