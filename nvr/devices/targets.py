"""Which addresses may be searched, and in which order. Pure.

Invariant: no address is searched that the configuration does not allow; neighbours are never asked one after the other,
since a router looks each of them up on the same line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from storage.sentences import Sentence

__all__ = ["TargetError", "addresses_of", "blocks_of", "check_wanted", "is_within"]

Net = IPv4Network | IPv6Network
# A block is what is noted as searched: a subnet of most cities.
_BLOCK_BITS: Final = 8


class TargetError(ValueError):
    """These networks may not be searched; the message says which and why."""


def _parsed(networks: Iterable[str]) -> list[Net]:
    found: list[Net] = []
    for text in networks:
        try:
            found.append(ip_network(text.strip(), strict=False))
        except ValueError:
            raise TargetError(
                Sentence('{network!r} is no network; write it as "10.20.0.0/16", or as an address', network=text)
            ) from None
    return found


def _covers(outer: Net, inner: Net) -> bool:
    # Both of one version, which the types don't show.
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def check_wanted(wanted: Sequence[str], allowed: Sequence[str]) -> list[str]:
    """The networks that are to be searched, without those within others; of none, all that are allowed.

    Raises:
        TargetError: nothing is allowed, or something is not.
    """
    may = _parsed(allowed)
    if not may:
        raise TargetError(
            Sentence(
                'no network may be searched; allow some in the configuration: [devices] networks = ["10.20.0.0/16"]'
            )
        )
    nets = _parsed(wanted) or may
    for net in nets:
        if not any(_covers(one, net) for one in may):
            raise TargetError(
                Sentence(
                    "{network} may not be searched; allow it in the configuration: [devices] networks", network=net
                )
            )
    return [
        str(net)
        for number, net in enumerate(nets)
        if not any(
            _covers(other, net) and (other != net or at < number) for at, other in enumerate(nets) if other is not net
        )
    ]


def is_within(address: str, allowed: Sequence[str]) -> bool:
    """Whether an address lies in one of the networks."""
    try:
        own = ip_address(address)
    except ValueError:
        return False
    return any(own in net for net in _parsed(allowed) if net.version == own.version)


def blocks_of(networks: Sequence[str]) -> list[str]:
    """The networks in blocks of at most 256 addresses, in CIDR notation."""
    found: list[str] = []
    for net in _parsed(networks):
        longest = net.max_prefixlen - _BLOCK_BITS
        found += [str(net)] if net.prefixlen >= longest else [str(one) for one in net.subnets(new_prefix=longest)]
    return found


def _usable(net: Net) -> list[str]:
    """In a small network without the addresses of the network itself and of everybody in it. A whole block may be part
    of a larger one, in which any of its addresses is a device's."""
    is_whole = net.prefixlen <= net.max_prefixlen - _BLOCK_BITS
    return [str(address) for address in (net if is_whole else net.hosts())]


def addresses_of(blocks: Sequence[str]) -> Iterator[str]:
    """All addresses of the blocks: one of each block in turn, so that neighbours come as far apart as can be."""
    waiting = [_usable(net) for net in _parsed(blocks)]
    for at in range(max((len(block) for block in waiting), default=0)):
        for block in waiting:
            if at < len(block):
                yield block[at]
