"""SASL mechanisms, one a module. No I/O."""

from .challenge import Challenge
from .plain import Plain

__all__ = ["Challenge", "Plain"]
