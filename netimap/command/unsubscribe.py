"""UNSUBSCRIBE (RFC 3501 6.3.7)."""

from .subscribe import Subscribe


class Unsubscribe(Subscribe):
    """Takes a mailbox off the list that LSUB shows."""

    subscribed = False
