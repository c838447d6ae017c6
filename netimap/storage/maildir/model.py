"""MaildirModel: the model class for `--store maildir:PATH`."""

from __future__ import annotations

from ...default_model import DefaultModel
from ...exceptions import No
from .account import MaildirAccount
from .folder_name import account_directory
from .mailbox import MaildirMailbox


class MaildirModel(DefaultModel):
    """A user's mailboxes in a Maildir. `MaildirModel.at(PATH)` is the class for one path."""

    #: the path, with `%u` where the user's name goes; without it all users have the same mail
    template = ""

    #: what the tree is made of: a plugin's own class has this one as its base
    mailbox_class: type[MaildirMailbox] = MaildirMailbox

    _account: MaildirAccount | None = None

    @classmethod
    def at(cls, template: str) -> type[MaildirModel]:
        """A subclass whose accounts lie at this path."""
        return type(cls.__name__, (cls,), {"template": template, "__module__": cls.__module__, "__doc__": cls.__doc__})

    def init(self) -> None:
        """Open the account, which is made at the first login. Raises No and Unavailable."""
        auth = self.auth()
        user = auth.user() if auth is not None else None
        if not self.template or not user:
            raise No("No mail store for this user", "CANNOT")
        account = MaildirAccount.at(account_directory(self.template, user), self.mailbox_class)
        self.root(account.enter())
        self._account = account

    def close(self) -> None:
        """Let go of the account; the last of its models closes it."""
        account, self._account = self._account, None
        if account is not None:
            account.leave()
