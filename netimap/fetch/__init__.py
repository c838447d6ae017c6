"""FETCH: items are compiled once into a plan, and the plan is run for each message. No I/O."""

from .plan import Plan

__all__ = ["Plan"]
