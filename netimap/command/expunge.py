"""EXPUNGE (RFC 3501 6.4.3) and UID EXPUNGE (RFC 4315 2.1)."""

from ..wire.arguments import sequence_set
from .base import SELECTED, Command


class Expunge(Command):
    """Removes the messages with \\Deleted: all of them, or with UID those of a set."""

    states = SELECTED
    #: APPENDUID and COPYUID (RFC 4315 3) are with APPEND and COPY
    capabilities = ("UIDPLUS",)
    accepts_uid = True
    arguments = ()

    def validate(self) -> bool:
        """Nothing, or with UID a set."""
        if self.uid:
            self.args = [sequence_set(self.options(1, 1)[0])]
            return True
        return super().validate()

    def run(self) -> None:
        """Expunge; the EXPUNGE responses are what any session hears."""
        view = self.writable_view()
        mailbox = view.mailbox
        if self.uid:
            _, uids = view.resolve(self.args[0], by_uid=True)
            numbers = [number for number in map(mailbox.sequence_of, uids) if number is not None]
            mailbox.expunge(numbers)
        else:
            mailbox.expunge()
        self.ok_completed()
