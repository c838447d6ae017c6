"""EXAMINE (RFC 3501 6.3.2)."""

from .select import Select


class Examine(Select):
    """Opens a mailbox read-only."""

    read_only = True
