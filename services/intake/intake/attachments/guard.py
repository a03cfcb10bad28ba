"""Fetching an address that a stranger chose: https alone, public addresses alone, so much and so long.

The name is resolved here and the connection made to the address that was looked at, so that a name which resolves
differently a moment later (DNS rebinding) leads nowhere else; every redirect is looked at as the first address was.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import httpx

from intake.attachments.content import LARGEST, TOO_LARGE
from intake.attachments.types import Refused

SECONDS = 30.0  # for one file, redirects included
STILL_SECONDS = 10.0  # without a byte
MOST_REDIRECTS = 3
NOT_PUBLIC = "its address is not a public one"
NOT_HTTPS = "its address is not https"
ELSEWHERE = "its address leads on and on"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Missing(Exception):
    """The file is not there any more; its text says who says so."""


class NotNow(ConnectionError):
    """It may be had later."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: the address that was looked at, under the name that was asked for."""

    url: httpx.URL
    headers: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)


class Guard:
    """Fetches files for the life of the service. `loopback` lets this machine be asked too, by http."""

    def __init__(self, *, loopback: bool = False, seconds: float = SECONDS) -> None:
        self._loopback = loopback
        self._seconds = seconds
        # A connection is one host's: two on one address would else share the one that was verified for the first.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(timeout=STILL_SECONDS, limits=limits, trust_env=False)

    async def fetch(self, url: str, headers: Mapping[str, str] | None = None, *, trusted: bool = False) -> bytes:
        """The bytes behind an address; Refused, Missing or NotNow. Headers go to the first host alone, and a
        `trusted` address, which the city set, is not looked at; where it leads is."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._follow(httpx.URL(url), dict(headers or {}), trusted)
        except (httpx.HTTPError, TimeoutError) as error:
            raise NotNow(f"the file cannot be fetched now: {error!r}") from error
        except (httpx.InvalidURL, UnicodeError) as error:
            raise Refused(NOT_HTTPS) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _follow(self, url: httpx.URL, headers: dict[str, str], trusted: bool) -> bytes:
        for n in range(MOST_REDIRECTS + 1):
            target = Target(url) if trusted and n == 0 else await self._look_at(url)
            async with self._get(target, headers) as answer:
                if not answer.is_redirect:
                    return await _body(answer)
                following = url.join(answer.headers.get("location", ""))
            if (following.scheme, following.netloc) != (url.scheme, url.netloc):
                headers = {}
            url = following
        raise Refused(ELSEWHERE)

    def _get(self, target: Target, headers: Mapping[str, str]) -> AbstractAsyncContextManager[httpx.Response]:
        headers = {"Accept-Encoding": "identity", **headers, **target.headers}
        return self._client.stream("GET", target.url, headers=headers, extensions=dict(target.extensions))

    async def _look_at(self, url: httpx.URL) -> Target:
        """The same address with the host resolved; Refused unless all that it resolves to is public."""
        found = await _resolve(url)
        on_this_machine = self._loopback and all(one.is_loopback for one in found)
        if url.scheme != "https" and not (url.scheme == "http" and on_this_machine):
            raise Refused(NOT_HTTPS)
        if not on_this_machine and not all(is_public(one) for one in found):
            raise Refused(NOT_PUBLIC)
        name = {"sni_hostname": url.raw_host.decode()} if url.scheme == "https" else {}
        return Target(url.copy_with(host=str(found[0])), {"Host": url.netloc.decode()}, name)


async def _resolve(url: httpx.URL) -> list[Address]:
    if not url.host:
        raise Refused(NOT_HTTPS)
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise NotNow(f"the name of the file's host does not resolve: {error}") from error
    return [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]


def is_public(address: Address) -> bool:
    """Whether an address is on the internet; one that carries an IPv4 address is judged by that."""
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if carried is None and address in _NAT64:
            carried = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if carried is not None:
            return is_public(carried)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast


async def _body(answer: httpx.Response) -> bytes:
    """The bytes as they come, no more than are taken; nothing is unpacked."""
    if answer.status_code in (404, 410):
        raise Missing(f"its platform answers {answer.status_code}")
    if answer.status_code != 200:
        raise NotNow(f"the file's host answers {answer.status_code}")
    length = answer.headers.get("content-length", "")
    if length.isdigit() and int(length) > LARGEST:
        raise Refused(TOO_LARGE)
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > LARGEST:
            raise Refused(TOO_LARGE)
    return bytes(body)
