"""Targets: addresses on the network that somebody else names and we are to call; which of them we never do.

TargetNotAllowed   422  an address inside, an address that can be read in two ways, or no address at all
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from app.domain.refusals import Unprocessable


class TargetNotAllowed(Unprocessable):
    code = "target_not_allowed"
    title = "This address is not called"


class Allowed(NamedTuple):
    """What an installation allows beyond public https: both exceptions are for tests and for one machine."""

    http: bool = False
    loopback: bool = False
    hosts: tuple[str, ...] = ()


class Target(NamedTuple):
    """A URL that can be read in one way only. `host` is a name in lower case or an address without brackets."""

    url: str
    scheme: str
    host: str
    port: int

    @property
    def origin(self) -> str:
        """Scheme, host and port: what may stand in history, since paths and queries often carry tokens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


# One regular expression and no parser: what two programs could read differently does not match.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?:[/?][\x21\x22\x24-\x5b\x5d-\x7e]*)?",
    re.ASCII | re.IGNORECASE,
)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_INSIDE = ("localhost", "local", "localdomain", "internal", "intranet", "lan", "private", "corp", "home.arpa", "onion")
_PORTS = {"https": 443, "http": 80}

# Written out, because `ipaddress.is_global` says True for several of these. The reason is what the owner reads.
# Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries; RFC 6052, 8215 (NAT64), 3879 (site-local).
_V4 = [
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by carriers"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "a cloud's own services"),
    ("169.254.0.0/16", "link-local and cloud metadata"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "AS112"),
    ("192.52.193.0/24", "AMT"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "AS112"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved and broadcast"),
]
_V6 = [
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::ffff:0:0/96", "an IPv4 address in disguise"),
    ("::ffff:0:0:0/96", "an IPv4 address in disguise"),
    ("::/96", "an IPv4 address in disguise"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64"),
    ("100::/64", "discard-only"),
    ("2001::/32", "Teredo"),
    ("2001::/23", "protocol assignments"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("2620:4f:8000::/48", "AS112"),
    ("3ffe::/16", "returned"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
]
_DENIED_V4 = [(IPv4Network(network), reason) for network, reason in _V4]
_DENIED_V6 = [(IPv6Network(network), reason) for network, reason in _V6]
_GLOBAL_V6 = IPv6Network("2000::/3")
_LOOPBACKS = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_ISATAP = 0x0000_5EFE


def read_target(url: str, allowed: Allowed) -> Target:
    """The target of a URL. Raises TargetNotAllowed for what is not https, not readable in one way only, or inside.

    A name is not looked up here; what it turns out to be is asked of `why_not` every time it is called.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise _refused(
            "Write a whole URL in ASCII, such as https://hooks.example.com/propriety, without user or fragment"
        )
    scheme = found["scheme"].lower()
    if scheme != "https" and not allowed.http:
        raise _refused("Only https is called")
    port = int(found["port"] or _PORTS[scheme])
    if port > 65535:
        raise _refused("There is no such port")
    host = found["host"].lower()
    host = _address(host.strip("[]"), allowed) if _is_address(host) else _name(host, allowed)
    return Target(url, scheme, host, port)


def why_not(address: str, allowed: Allowed) -> str | None:
    """Why an address is not called, or None where it may be. Source: the tables above."""
    try:
        found = ip_address(address)
    except ValueError:
        return "not an address"
    if allowed.loopback and any(found in loopback for loopback in _LOOPBACKS):
        return None
    if isinstance(found, IPv4Address):
        return next((reason for network, reason in _DENIED_V4 if found in network), None)
    return _why_not_v6(found)


def _why_not_v6(found: IPv6Address) -> str | None:
    if found.scope_id is not None:
        return "link-local"
    reason = next((reason for network, reason in _DENIED_V6 if found in network), None)
    if reason is None and found not in _GLOBAL_V6:
        return "not an address of the public internet"
    if reason is None and (int(found) >> 32) & 0xFDFF_FFFF == _ISATAP:
        return "ISATAP"
    return reason


def _is_address(host: str) -> bool:
    """Whether a host is meant as an address: in brackets, or ending in a number, however that is written."""
    return host.startswith("[") or _NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def _address(host: str, allowed: Allowed) -> str:
    try:
        address = str(ip_address(host))
    except ValueError:
        raise _refused("Write an address in its one canonical form") from None
    reason = why_not(address, allowed)
    if reason is not None:
        raise _refused(f"This address is {reason}")
    _require_listed(address, allowed)
    return address


def _name(host: str, allowed: Allowed) -> str:
    if allowed.loopback and host == "localhost":
        return host
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise _refused("This is no host name")
    if len(labels) < 2 or any(host == name or host.endswith(f".{name}") for name in _INSIDE):
        raise _refused("This is a name inside a network")
    _require_listed(host, allowed)
    return host


def _require_listed(host: str, allowed: Allowed) -> None:
    if allowed.hosts and not any(host == one or host.endswith(f".{one}") for one in allowed.hosts):
        raise _refused("This host is not among those that this installation calls")


def _refused(detail: str) -> TargetNotAllowed:
    return TargetNotAllowed(detail)
