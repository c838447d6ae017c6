"""netimap.accessors: the Perl accessors (PERL-API.md, the rule of translation)."""

import pytest

from netimap.accessors import accessor


class Thing:
    colour = accessor("colour")
    _colour = "red"


def test_gets_the_default_until_it_is_set():
    assert Thing().colour() == "red"


def test_sets_and_returns_the_value():
    thing = Thing()
    assert thing.colour("blue") == "blue"
    assert thing.colour() == "blue"
    assert Thing().colour() == "red"


def test_none_is_a_value_like_any_other():
    thing = Thing()
    assert thing.colour(None) is None
    assert thing.colour() is None


def test_takes_one_value():
    with pytest.raises(ValueError):
        Thing().colour("blue", "green")


def test_is_a_method_that_a_subclass_overrides_and_calls():
    class Loud(Thing):
        def colour(self, *value):
            return super().colour(*value).upper()

    thing = Loud()
    thing.colour("blue")
    assert thing.colour() == "BLUE"


def test_is_named_for_people():
    assert Thing.colour.__name__ == "colour"
    assert "colour" in Thing.colour.__doc__
