"""Who may connect: allow and deny by the pattern of an address or name, and by network (CIDR).

As in Perl's Net::Server: what a deny rule matches is refused; where there are allow rules of either kind, one of
them has to match; a pattern matches the whole address or the whole name.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import cast

import gevent
import gevent.monkey
import gevent.threadpool

from .exceptions import ConfigurationError

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: seconds for the look-up of a client's name; after it the client has none
LOOKUP_TIMEOUT_S = 5.0
#: look-ups at a time. They have threads of their own: clients whose name servers do not answer must not take
#: the hub's threads from password checks and disk writes.
LOOKUPS_AT_ONCE = 4


class AccessRules:
    """The rules of one server. Bad patterns and networks raise ConfigurationError."""

    def __init__(
        self,
        allow: Iterable[str] = (),
        deny: Iterable[str] = (),
        cidr_allow: Iterable[str] = (),
        cidr_deny: Iterable[str] = (),
        reverse_lookups: bool = False,
    ) -> None:
        self._allow = [_pattern("allow", text) for text in allow]
        self._deny = [_pattern("deny", text) for text in deny]
        self._cidr_allow = [_network("cidr_allow", text) for text in cidr_allow]
        self._cidr_deny = [_network("cidr_deny", text) for text in cidr_deny]
        # Only patterns look at names.
        self._looks_up = reverse_lookups and bool(self._allow or self._deny)
        self._has_rules = bool(self._allow or self._deny or self._cidr_allow or self._cidr_deny)
        self._threads: gevent.threadpool.ThreadPool | None = None

    def permits(self, address: str) -> bool:
        """Whether a client at this IP address is served. May wait (cooperatively) for a name server."""
        if not self._has_rules:
            return True
        parsed = parse_address(address)
        if parsed is None or _within(parsed, self._cidr_deny):
            return False
        names = [str(parsed)]
        if self._looks_up and (name := self.lookup(parsed)):
            names.append(name)
        if _matches(names, self._deny):
            return False
        if not self._allow and not self._cidr_allow:
            return True
        return _within(parsed, self._cidr_allow) or _matches(names, self._allow)

    def lookup(self, address: _Address) -> str | None:
        """The name of an address in lower case, or None.

        A name counts only when it leads back to the address: anyone can write any name into the reverse zone
        of their own addresses.
        """
        if self._threads is None:
            self._threads = gevent.threadpool.ThreadPool(LOOKUPS_AT_ONCE)
        with gevent.Timeout(LOOKUP_TIMEOUT_S, False):
            return cast(str | None, self._threads.apply(confirmed_name, (address,)))
        return None


def parse_address(address: str) -> _Address | None:
    """The address without an IPv6 zone, and an IPv4 address behind IPv6 as what it is; None for no address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        return parsed.ipv4_mapped
    return parsed


def confirmed_name(address: _Address) -> str | None:
    """Ask for the name of an address and for that name's addresses; blocks, so it runs in a thread."""
    # The blocking originals: gevent's stand-ins would start an event loop in this thread.
    gethostbyaddr, getaddrinfo = gevent.monkey.get_original("socket", ["gethostbyaddr", "getaddrinfo"])
    try:
        name = gethostbyaddr(str(address))[0]
        found = {parse_address(entry[4][0]) for entry in getaddrinfo(name, None)}
    except (OSError, UnicodeError):
        return None
    return name.rstrip(".").lower() if address in found else None


def _pattern(setting: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise ConfigurationError(f"{setting}: {text!r} is no regular expression: {error}") from error


def _network(setting: str, text: str) -> _Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ConfigurationError(f"{setting}: {error}") from error


def _matches(names: list[str], patterns: list[re.Pattern[str]]) -> bool:
    return any(pattern.fullmatch(name) for pattern in patterns for name in names)


def _within(address: _Address, networks: list[_Network]) -> bool:
    return any(address in network for network in networks)
