"""Whose addresses are fetched from: everybody's and nobody's own."""

import pytest

from api.fetching.addresses import Allowed

PUBLIC = ["93.184.216.34", "8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]
INNER = [
    "0.0.0.0",  # noqa: S104  # nothing is bound
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "2606:4700::5efe:127.0.0.1",
    "2606:4700::200:5efe:10.0.0.1",
    "2606:4700:4700::1111%eth0",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456:789a::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    assert address in Allowed()


@pytest.mark.parametrize("address", INNER)
def test_any_other_is_not(address: str) -> None:
    assert address not in Allowed()


@pytest.mark.parametrize("text", ["", "localhost", "1.2.3", "0x7f.1", "2130706433", "8.8.8.8/32", "8.8.8.8 "])
def test_what_is_no_address_is_not(text: str) -> None:
    assert text not in Allowed()


def test_an_operator_may_allow_networks() -> None:
    allowed = Allowed(("10.1.0.0/16", "::1/128"))
    addresses = ["10.1.2.3", "::1", "10.2.0.1", "::ffff:10.1.2.3"]
    assert [each for each in addresses if each in allowed] == ["10.1.2.3", "::1"]
