import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.attachments import content, guard
from intake.attachments.guard import Guard, Missing, NotNow, is_public
from intake.attachments.types import Refused

from tests.platforms import Host, Reply


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.8", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.8", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:a00:8::", "2001:db8::1",
    ],
)  # fmt: skip
def test_what_is_inside_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_outside_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_the_same_however_it_is_written(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    written = [0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80]
    assert {is_public(ipaddress.IPv6Address(one)) for one in written} == {is_public(address)}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://8.8.8.8/photo.jpg", guard.NOT_HTTPS),
        ("ftp://8.8.8.8/photo.jpg", guard.NOT_HTTPS),
        ("file:///etc/passwd", guard.NOT_HTTPS),
        ("photo.jpg", guard.NOT_HTTPS),
        ("https://127.0.0.1/photo.jpg", guard.NOT_PUBLIC),
        ("https://[::1]/photo.jpg", guard.NOT_PUBLIC),
        ("https://[::ffff:10.0.0.1]/photo.jpg", guard.NOT_PUBLIC),
        ("https://localhost/photo.jpg", guard.NOT_PUBLIC),
        ("https://2130706433/photo.jpg", guard.NOT_PUBLIC),
        ("https://0x7f.1/photo.jpg", guard.NOT_PUBLIC),
        ("https://169.254.169.254/latest/meta-data", guard.NOT_PUBLIC),
        ("https://user@10.0.0.1/photo.jpg", guard.NOT_PUBLIC),
    ],
)
async def test_an_address_that_leads_inside_is_refused(url: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        await Guard().fetch(url)


async def test_an_address_of_this_machine_is_refused_unless_the_workbench_says_so() -> None:
    async with Host({"/photo": Reply(b"bytes")}) as host:
        with pytest.raises(Refused):
            await Guard().fetch(f"{host.url}/photo")
        assert host.asked == []
        assert await Guard(loopback=True).fetch(f"{host.url}/photo") == b"bytes"


@pytest.mark.parametrize(
    "location", ["http://10.0.0.1/", "https://10.0.0.1/", "https://169.254.169.254/", "http://8.8.8.8/", "file:///x"]
)
@pytest.mark.parametrize("trusted", [True, False])
async def test_a_redirect_that_leads_inside_is_refused(location: str, trusted: bool) -> None:
    async with Host({"/photo": Reply(status=302, headers={"Location": location})}) as host:
        with pytest.raises(Refused):
            await Guard(loopback=True).fetch(f"{host.url}/photo", trusted=trusted)


async def test_a_trusted_address_that_leads_to_this_machine_is_refused() -> None:
    async with Host({"/photo": Reply(status=302, headers={"Location": "/other"}), "/other": Reply(b"secret")}) as host:
        with pytest.raises(Refused):
            await Guard().fetch(f"{host.url}/photo", trusted=True)
        assert host.asked == ["/photo"]


async def test_a_redirect_is_followed_and_a_circle_is_not() -> None:
    around = Reply(status=302, headers={"Location": "/around"})
    once = Reply(status=307, headers={"Location": "/there"})
    async with Host({"/around": around, "/once": once, "/there": Reply(b"bytes")}) as host:
        assert await Guard(loopback=True).fetch(f"{host.url}/once") == b"bytes"
        with pytest.raises(Refused, match=guard.ELSEWHERE):
            await Guard(loopback=True).fetch(f"{host.url}/around")


async def test_a_token_does_not_follow_a_redirect_to_another_host() -> None:
    async with Host({"/photo": Reply(b"bytes")}) as other:
        away = Reply(status=302, headers={"Location": f"{other.url}/photo"})
        async with Host({"/photo": away}) as host:
            await Guard(loopback=True).fetch(f"{host.url}/photo", {"Authorization": "Bearer secret"})
        assert host.heard[0]["authorization"] == "Bearer secret"
        assert "authorization" not in other.heard[0]


@pytest.mark.parametrize("length", [True, False])
async def test_a_file_over_the_limit_is_refused_while_it_comes(length: bool) -> None:
    async with Host({"/photo": Reply(b"x" * (content.LARGEST + 1), length=length)}) as host:
        with pytest.raises(Refused, match=content.TOO_LARGE):
            await Guard(loopback=True).fetch(f"{host.url}/photo")


async def test_a_file_at_the_limit_comes() -> None:
    async with Host({"/photo": Reply(b"x" * content.LARGEST)}) as host:
        assert len(await Guard(loopback=True).fetch(f"{host.url}/photo")) == content.LARGEST


async def test_a_packed_body_is_not_unpacked() -> None:
    async with Host({"/photo": Reply(b"\x1f\x8b packed", headers={"Content-Encoding": "gzip"})}) as host:
        assert await Guard(loopback=True).fetch(f"{host.url}/photo") == b"\x1f\x8b packed"
        assert host.heard[0]["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("status", "error"), [(404, Missing), (410, Missing), (403, NotNow), (429, NotNow), (500, NotNow), (204, NotNow)]
)
async def test_what_is_gone_is_told_apart_from_what_passes(status: int, error: type[Exception]) -> None:
    async with Host({"/photo": Reply(status=status)}) as host:
        with pytest.raises(error):
            await Guard(loopback=True).fetch(f"{host.url}/photo")


async def test_a_file_that_is_cut_is_fetched_again_later() -> None:
    async with Host({"/photo": Reply(b"half", length=False, headers={"Content-Length": "8"})}) as host:
        with pytest.raises(NotNow):
            await Guard(loopback=True).fetch(f"{host.url}/photo")


async def test_a_file_that_trickles_is_given_up() -> None:
    async with Host({"/photo": Reply(b"x" * 10**6, length=False, pause=0.2)}) as host:
        with pytest.raises(NotNow):
            await Guard(loopback=True, seconds=0.3).fetch(f"{host.url}/photo")


async def test_a_name_that_does_not_resolve_is_asked_for_again_later() -> None:
    with pytest.raises(NotNow):
        await Guard().fetch("https://nowhere.invalid/photo.jpg")
