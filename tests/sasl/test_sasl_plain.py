"""netimap.sasl.plain: SASL PLAIN (RFC 4616)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netimap.sasl import Challenge, Plain
from netimap.sasl.plain import MAX_FIELD


class Auth:
    """Knows one password, and notes who asks."""

    def __init__(self):
        self.asked = []
        self._user = None

    def user(self, *user):
        if user:
            (self._user,) = user
        return self._user

    def auth_plain(self, user, password):
        self.asked.append((user, password))
        return password == "secret"

    def authorize(self, identity):
        return identity == "friend"


def test_the_first_empty_message_is_answered_by_an_empty_challenge():
    plain = Plain(Auth())
    challenge = plain(b"")
    assert isinstance(challenge, Challenge)
    assert challenge == b""
    # a client that says nothing when asked breaks the rules
    assert plain(b"") == -1


@pytest.mark.parametrize("message", [b"\0bob\0secret", b"bob\0bob\0secret", b"friend\0bob\0secret"])
def test_the_right_password_lets_in(message):
    auth = Auth()
    assert Plain(auth)(message) is True
    assert auth.user() == "bob"


def test_a_wrong_password_does_not():
    auth = Auth()
    plain = Plain(auth)
    assert plain(b"\0bob\0wrong") is False
    assert auth.user() is None
    # the log has to say who it was
    assert plain.user == "bob"


def test_the_password_is_checked_before_the_identity():
    assert Plain(Auth())(b"enemy\0bob\0secret") is False
    auth = Auth()
    assert Plain(auth)(b"friend\0bob\0wrong") is False
    assert auth.user() is None


def test_a_user_that_the_auth_object_set_stays():
    class Renaming(Auth):
        def auth_plain(self, user, password):
            self.user(user.lower())
            return True

    auth = Renaming()
    Plain(auth)(b"\0BOB\0x")
    assert auth.user() == "bob"


@pytest.mark.parametrize(
    "message",
    [
        b"bob", b"bob\0secret", b"\0bob", b"\0\0secret", b"\0bob\0", b"\0bob\0secret\0", b"\0bob\0a\0b", b"\0\0\0\0",
        b"\0b\xff\0secret", b"\xff\0bob\0secret", b"\0bob\0\xc3",
        b"\0" + b"b" * (MAX_FIELD + 1) + b"\0secret", b"\0bob\0" + b"s" * (MAX_FIELD + 1),
    ],
)  # fmt: skip
def test_a_broken_message_is_a_protocol_failure_and_checks_nothing(message):
    # RFC 4616 2: authcid and passwd are 1*SAFE, in UTF-8 without NUL
    auth = Auth()
    assert Plain(auth)(message) == -1
    assert auth.asked == []


safe = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=50)


@given(st.one_of(st.just(""), safe), safe, safe)
def test_takes_every_name_and_password(identity, user, password):
    auth = Auth()
    Plain(auth)("\0".join([identity, user, password]).encode())
    assert auth.asked == [(user, password)]


@given(st.binary(max_size=100))
def test_octets_are_a_message_or_a_failure(octets):
    assert Plain(Auth())(octets) in (True, False, -1, b"")
