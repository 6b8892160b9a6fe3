"""Which addresses are searched, and in which order."""

from __future__ import annotations

import itertools
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.devices.targets import TargetError, addresses_of, blocks_of, check_wanted, is_within


def test_only_what_is_allowed_is_searched() -> None:
    allowed = ["10.20.0.0/16", "192.168.7.9"]
    assert check_wanted([], allowed) == ["10.20.0.0/16", "192.168.7.9/32"]
    assert check_wanted(["10.20.3.0/24", "10.20.3.7", "10.20.3.0/24"], allowed) == ["10.20.3.0/24"]
    for wanted in (["10.21.0.0/24"], ["10.0.0.0/8"], ["127.0.0.1"], ["::1"], ["169.254.1.1"], ["camera.example"]):
        with pytest.raises(TargetError):
            check_wanted(wanted, allowed)
    with pytest.raises(TargetError, match=r"\[devices\] networks"):
        check_wanted([], [])


@given(st.integers(20, 30), st.integers(0, 2**12 - 1))
def test_every_address_comes_once_and_neighbours_far_apart(bits: int, at: int) -> None:
    network = ip_network((at << 20, bits))
    blocks = blocks_of([str(network)])
    found = list(addresses_of(blocks))
    assert len(set(found)) == len(found)
    if bits <= 24:
        assert set(found) == {str(one) for one in network}
    for one, next_ in itertools.pairwise(found):
        if len(blocks) > 1:
            assert int(ip_address(one)) // 256 != int(ip_address(next_)) // 256
    assert all(is_within(address, [str(network)]) for address in found)


def test_small_networks_have_their_own_addresses_only() -> None:
    assert list(addresses_of(["10.0.0.8/30"])) == ["10.0.0.9", "10.0.0.10"]
    assert list(addresses_of(["10.0.0.8/32"])) == ["10.0.0.8"]
    assert list(addresses_of(["fd00::/126"])) == ["fd00::1", "fd00::2", "fd00::3"]
    assert not is_within("not-an-address", ["0.0.0.0/0"])
