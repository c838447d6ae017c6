"""The Perl accessors: `x.foo()` gets, `x.foo(v)` sets and returns `v`. Each stays an overridable method."""

from __future__ import annotations

from typing import Any


def accessor(name: str) -> Any:
    """The accessor method `name`, over the attribute `_name`: `foo = accessor("foo")` in the class body.

    Setting None is a set. The value that holds before the first set is the class attribute `_name`.
    """
    attribute = "_" + name

    def method(self: Any, *value: Any) -> Any:
        if value:
            (new,) = value
            setattr(self, attribute, new)
            return new
        return getattr(self, attribute)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Gets `{name}`; sets it when given a value."
    return method
