"""netimap: an IMAP server framework on gevent, the successor of Perl's Net::IMAP::Server."""

from .command.base import Command
from .connection import Connection
from .default_auth import DefaultAuth
from .default_model import DefaultModel
from .error import Error
from .exceptions import Bad, Bye, ConfigurationError, Denied, No, ReadOnly
from .mailbox import Mailbox
from .message import Message
from .sasl.challenge import Challenge
from .server import Server
from .version import VERSION as __version__
from .wire.writer import Raw

__all__ = [
    "Bad", "Bye", "Challenge", "Command", "ConfigurationError", "Connection", "DefaultAuth", "DefaultModel", "Denied",
    "Error", "Mailbox", "Message", "No", "Raw", "ReadOnly", "Server", "__version__",
]  # fmt: skip
