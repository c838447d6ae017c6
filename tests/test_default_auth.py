"""netimap.default_auth: who the user is (PERL-API.md, DefaultAuth)."""

from netimap import Challenge, DefaultAuth


def test_lets_everybody_in():
    auth = DefaultAuth()
    assert auth.user() is None
    assert auth.auth_plain("bob", "anything") is True
    assert auth.user() == "bob"


def test_offers_what_it_provides():
    class NoPasswords(DefaultAuth):
        def provides_plain(self):
            return False

    assert DefaultAuth().sasl_provides() == ["PLAIN"]
    assert NoPasswords().sasl_provides() == []


def test_sasl_plain_asks_and_then_checks_with_auth_plain():
    class Mine(DefaultAuth):
        def auth_plain(self, user, password):
            self.user(user)
            return (user, password) == ("bob", "secret")

    auth = Mine()
    exchange = auth.sasl_plain()
    assert exchange(b"") == Challenge(b"")
    assert exchange(b"\0bob\0secret") is True
    assert auth.user() == "bob"
    assert Mine().sasl_plain()(b"\0bob\0wrong") is False
    assert Mine().sasl_plain()(b"nonsense") == -1


def test_another_identity_is_passed_on():
    # PERL-API.md: not refused by default
    class Mine(DefaultAuth):
        identities = ()

        def authorize(self, identity):
            self.identities += (identity,)
            return identity == "ann"

    auth = Mine()
    assert auth.sasl_plain()(b"ann\0bob\0secret") is True
    assert Mine().sasl_plain()(b"eve\0bob\0secret") is False
    assert auth.identities == ("ann",)
    assert DefaultAuth().sasl_plain()(b"anybody\0bob\0secret") is True
    # his own name is no other identity
    assert Mine().sasl_plain()(b"bob\0bob\0secret") is True
