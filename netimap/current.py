"""Which connection the current greenlet works for. For ported plugins only: nothing else in netimap may ask."""

from __future__ import annotations

from typing import Any

from greenlet import getcurrent

_ATTRIBUTE = "_netimap_connection"


def current_connection(*connection: Any) -> Any:
    """The current greenlet's connection or None; with an argument sets it, or removes it (None)."""
    greenlet = getcurrent()
    if connection:
        if connection[0] is None:
            greenlet.__dict__.pop(_ATTRIBUTE, None)
        else:
            greenlet.__dict__[_ATTRIBUTE] = connection[0]
        return connection[0]
    return greenlet.__dict__.get(_ATTRIBUTE)
