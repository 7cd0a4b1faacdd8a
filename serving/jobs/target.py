"""Where a webhook may be: only where anybody could call, unless the settings allow private addresses.

A host's name is resolved once for each message, and the connection goes to the address that was checked: a name that
points elsewhere a moment later leads nowhere (DNS rebinding).
"""

import asyncio
import ipaddress
from dataclasses import dataclass
from socket import SOCK_STREAM, gaierror
from urllib.parse import urlsplit

from lifecycle.errors import InvalidInput, Unavailable

LONGEST = 2000
TLS, PLAIN = "https", "http"
PORTS = {TLS: 443, PLAIN: 80}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that a gateway translates to the IPv4 address in their last four bytes."""


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook's URL in its parts; `path` has the query with it."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Return what the Host header says."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == PORTS[self.scheme] else f"{name}:{self.port}"

    def at(self, address: Address) -> str:
        """Return the URL with an address in place of the host."""
        name = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - the version of IP
        return f"{self.scheme}://{name}:{self.port}{self.path}"


def read_target(url: str, *, allow_private: bool) -> Target:
    """Return a URL in its parts; raises InvalidInput for one that no message may go to, whatever its host means."""
    shown = url[:100]
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidInput(f"the webhook {shown!r} is no URL of at most {LONGEST} printable ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput(f"the webhook {shown!r} is no URL: {error}") from error
    allowed = (TLS, PLAIN) if allow_private else (TLS,)
    if parts.scheme not in allowed:
        raise InvalidInput(f"the webhook {shown!r} begins with {parts.scheme!r}; allowed: {' or '.join(allowed)}")
    if not parts.hostname:
        raise InvalidInput(f"the webhook {shown!r} names no host")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidInput(f"the webhook {shown!r} has a user, a password or a fragment; allowed: none of these")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = Target(parts.scheme, parts.hostname, PORTS[parts.scheme] if port is None else port, path)
    literal = _literal(target.host)
    if literal is not None and not allow_private:
        _require_public(target.host, (literal,))
    return target


async def resolve(target: Target, *, allow_private: bool) -> Address:
    """Return the address to connect to.

    Raises Unavailable for a host that cannot be found just now, InvalidInput for one at a private address.
    """
    literal = _literal(target.host)
    found = (literal,) if literal is not None else await _look_up(target)
    if allow_private:
        return found[0]
    return _require_public(target.host, found)


def is_public(address: Address) -> bool:
    """Return whether anybody could reach an address, the IPv4 address within an IPv6 one included.

    >>> [is_public(ipaddress.ip_address(one)) for one in ("93.184.216.34", "10.0.0.1", "::ffff:127.0.0.1")]
    [True, False, False]
    """
    inner = _inner(address)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast


def _inner(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _require_public(host: str, found: tuple[Address, ...]) -> Address:
    public = [address for address in found if is_public(address)]
    if not public:
        shown = ", ".join(map(str, found))
        raise InvalidInput(
            f"the webhook's host {host!r} is at {shown}, which is private; allowed: public addresses, or any with "
            "HOLDFAST_WEBHOOK_ALLOW_PRIVATE=true"
        )
    return public[0]


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


async def _look_up(target: Target) -> tuple[Address, ...]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(target.host, target.port, type=SOCK_STREAM)
    except (gaierror, UnicodeError) as error:
        raise Unavailable(f"the webhook's host {target.host!r} cannot be found: {error}") from error
    return tuple(dict.fromkeys(ipaddress.ip_address(str(one[4][0]).split("%")[0]) for one in found))
