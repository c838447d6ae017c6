"""The Maildir store."""

from .account import MaildirAccount
from .mailbox import MaildirMailbox
from .model import MaildirModel

__all__ = ["MaildirAccount", "MaildirMailbox", "MaildirModel"]
