"""netimap.access: allow and deny by pattern and by network, as Net::Server has them."""

import ipaddress

import gevent
import gevent.event
import pytest

from netimap import access
from netimap.access import AccessRules
from netimap.exceptions import ConfigurationError


def test_without_rules_everybody_is_served():
    assert AccessRules().permits("192.0.2.1")
    assert AccessRules().permits("fe80::1%eth0")
    assert AccessRules(reverse_lookups=True).permits("192.0.2.1")


@pytest.mark.parametrize(
    ("rules", "address", "permitted"),
    [
        ({"deny": [r"192\.0\.2\..*"]}, "192.0.2.1", False),
        ({"deny": [r"192\.0\.2\..*"]}, "192.0.3.1", True),
        ({"allow": [r"192\.0\.2\..*"]}, "192.0.2.1", True),
        ({"allow": [r"192\.0\.2\..*"]}, "192.0.3.1", False),
        # a pattern is for the whole address
        ({"allow": ["10"]}, "10.0.0.1", False),
        ({"deny": [r"10\.0\.0\.1"]}, "10.0.0.10", True),
        ({"cidr_deny": ["10.0.0.0/8"]}, "10.9.8.7", False),
        ({"cidr_deny": ["10.0.0.0/8"]}, "11.0.0.1", True),
        ({"cidr_allow": ["10.0.0.0/8", "2001:db8::/32"]}, "10.1.1.1", True),
        ({"cidr_allow": ["10.0.0.0/8", "2001:db8::/32"]}, "2001:db8::7", True),
        ({"cidr_allow": ["10.0.0.0/8", "2001:db8::/32"]}, "2001:db9::7", False),
        # deny wins over either kind of allow
        ({"cidr_allow": ["10.0.0.0/8"], "cidr_deny": ["10.1.0.0/16"]}, "10.1.0.1", False),
        ({"allow": [".*"], "cidr_deny": ["10.1.0.0/16"]}, "10.1.0.1", False),
        ({"cidr_allow": ["0.0.0.0/0"], "deny": [r"10\.1\..*"]}, "10.1.0.1", False),
        # one of both kinds of allow is enough
        ({"cidr_allow": ["10.0.0.0/8"], "allow": [r"192\.0\.2\.1"]}, "192.0.2.1", True),
        ({"cidr_allow": ["10.0.0.0/8"], "allow": [r"192\.0\.2\.1"]}, "10.0.0.1", True),
        # an IPv4 client of an IPv6 socket
        ({"cidr_deny": ["10.0.0.0/8"]}, "::ffff:10.0.0.1", False),
        ({"allow": [r"10\..*"]}, "::ffff:10.0.0.1", True),
        ({"cidr_allow": ["fe80::/10"]}, "fe80::1%eth0", True),
        ({"cidr_allow": ["10.0.0.1"]}, "10.0.0.1", True),
        # what is no address is not served where there are rules
        ({"cidr_deny": ["10.0.0.0/8"]}, "", False),
    ],
)
def test_rules(rules, address, permitted):
    assert AccessRules(**rules).permits(address) is permitted


@pytest.fixture
def names(monkeypatch):
    """A name server: the fixture's dict holds name → its addresses, and address → its name."""
    zone = {}

    def gethostbyaddr(address):
        if address not in zone:
            raise OSError("unknown host")
        return zone[address], [], [address]

    def getaddrinfo(name, port):
        if name not in zone:
            raise OSError("unknown name")
        return [(2, 1, 6, "", (address, 0)) for address in zone[name]]

    monkeypatch.setattr("gevent.monkey.get_original", lambda module, names: (gethostbyaddr, getaddrinfo))
    return zone


def test_names_are_matched_when_looked_up(names):
    names.update({"192.0.2.1": "Mail.Example.ORG.", "Mail.Example.ORG.": ["192.0.2.9", "192.0.2.1"]})
    rules = {"allow": [r".*\.example\.org"]}
    assert AccessRules(**rules, reverse_lookups=True).permits("192.0.2.1")
    assert not AccessRules(**rules, reverse_lookups=False).permits("192.0.2.1")
    assert not AccessRules(**rules, reverse_lookups=True).permits("192.0.2.2")


def test_a_name_that_does_not_lead_back_does_not_count(names):
    names.update({"192.0.2.1": "mail.example.org", "mail.example.org": ["198.51.100.1"]})
    assert not AccessRules(allow=[r".*\.example\.org"], reverse_lookups=True).permits("192.0.2.1")
    names.clear()
    names.update({"192.0.2.1": "mail.example.org"})
    assert not AccessRules(allow=[r".*\.example\.org"], reverse_lookups=True).permits("192.0.2.1")


def test_a_name_can_be_denied(names):
    names.update({"2001:db8::1": "bad.example", "bad.example": ["2001:db8::1"]})
    assert not AccessRules(deny=[r"bad\.example"], reverse_lookups=True).permits("2001:db8::1")


def test_a_name_server_that_does_not_answer_blocks_nobody(monkeypatch):
    monkeypatch.setattr(access, "LOOKUP_TIMEOUT_S", 0.02)
    ticks = []
    rules = AccessRules(allow=["x"], cidr_allow=["192.0.2.0/24"], reverse_lookups=True)
    ended = gevent.event.Event()

    class Silent:
        def apply(self, function, arguments):
            ended.wait()

    rules._threads = Silent()
    ticker = gevent.spawn(lambda: [ticks.append(gevent.sleep(0.001)) for _ in range(5)])
    assert rules.permits("192.0.2.1")  # the network still counts
    ticker.join()
    assert len(ticks) == 5


def test_look_up_for_real():
    # Whatever this machine's resolver says of it, it says it without an error, and from a thread.
    name = AccessRules(reverse_lookups=True).lookup(ipaddress.ip_address("127.0.0.1"))
    assert name is None or name == name.lower()


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ({"allow": ["("]}, r"allow: '\(' is no regular expression"),
        ({"deny": ["[z-a]"]}, "deny: .* is no regular expression"),
        ({"cidr_allow": ["10.0.0.1/8"]}, "cidr_allow: 10.0.0.1/8 has host bits set"),
        ({"cidr_deny": ["example.org"]}, "cidr_deny: 'example.org' does not appear to be"),
    ],
)
def test_bad_rules_are_one_line(rules, problem):
    with pytest.raises(ConfigurationError, match=problem) as error:
        AccessRules(**rules)
    assert "\n" not in str(error.value)
