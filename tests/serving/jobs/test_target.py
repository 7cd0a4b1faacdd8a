"""Where a webhook may be."""

import asyncio
import ipaddress
import socket

import pytest

from lifecycle.errors import InvalidInput, Unavailable
from serving.jobs.target import Target, is_public, read_target, resolve

PUBLIC = ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946")
PRIVATE = (
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
    *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1"),
    *("2002:7f00:1::", "64:ff9b::a00:1", "192.0.2.1", "2001:db8::1"),
)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called(address: str) -> None:
    """Both versions of IP."""
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_may_not_be_called_however_they_are_written(address: str) -> None:
    """Loopback, private, link-local (a cloud's metadata), multicast, and IPv4 addresses within IPv6 ones."""
    assert not is_public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(InvalidInput, match="which is private"):
        read_target(f"https://{host}/", allow_private=False)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("gopher://example.org/", "begins with 'gopher'"),
        ("http://example.org/", "allowed: https"),
        ("https:///path", "names no host"),
        ("https://user:secret@example.org/", "has a user"),
        ("https://example.org/#part", "fragment"),
        ("https://example.org:99999/", "is no URL"),
        ("https://exa mple.org/", "printable ASCII"),
        ("https://example.org/\r\nx: y", "printable ASCII"),
        ("https://example.org/" + "a" * 2000, "at most 2000"),
        ("https://bücher.example/", "printable ASCII"),
    ],
)
def test_a_url_that_no_message_may_go_to_is_refused_in_words(url: str, told: str) -> None:
    """The message names what is wrong and what is allowed."""
    with pytest.raises(InvalidInput, match=told):
        read_target(url, allow_private=False)


def test_a_url_keeps_its_path_query_and_port() -> None:
    """They are what the receiver reads."""
    target = read_target("https://Example.org:8443/a/b?c=d", allow_private=False)
    assert target == Target("https", "example.org", 8443, "/a/b?c=d")
    assert target.authority == "example.org:8443"
    assert target.at(ipaddress.ip_address("2606:2800::1")) == "https://[2606:2800::1]:8443/a/b?c=d"
    assert read_target("https://example.org", allow_private=False).authority == "example.org"


def _found(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Have every name mean these addresses."""

    def found(*_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)


def test_a_name_is_called_at_its_public_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several the public one; of private ones none."""
    target = read_target("https://example.org/", allow_private=False)
    _found(monkeypatch, "10.0.0.1", "93.184.216.34")
    assert str(asyncio.run(resolve(target, allow_private=False))) == "93.184.216.34"
    _found(monkeypatch, "10.0.0.1", "127.0.0.1")
    with pytest.raises(InvalidInput, match=r"'example.org' is at 10.0.0.1, 127.0.0.1, which is private"):
        asyncio.run(resolve(target, allow_private=False))
    assert str(asyncio.run(resolve(target, allow_private=True))) == "10.0.0.1"


def test_a_name_that_cannot_be_found_is_a_matter_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again, as everything that is away."""
    _found(monkeypatch)
    target = read_target("https://example.org/", allow_private=False)
    with pytest.raises(Unavailable, match=r"'example\.org' cannot be found"):
        asyncio.run(resolve(target, allow_private=False))
