"""
Addresses that an outsider may let us connect to: public ones, told by a list of our own.

The list is written out, for that of the standard library has grown from release to release, and an address that one
release calls public is a way in. An IPv6 address that carries an IPv4 address inside (mapped, compatible, NAT64, 6to4,
Teredo) is never public here: what is behind it is decided by routers that we do not know.
"""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
"""All that IANA gives out for the public; everything else has a meaning of its own."""

_CLOSED = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",  # this host
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers behind their NAT
            "127.0.0.0/8",
            "168.63.129.16/32",  # the host of a virtual machine at Azure, though the number looks public
            "169.254.0.0/16",  # link-local, and the metadata of clouds
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "2001::/23",  # Teredo, ORCHID and other protocols
            "2001:db8::/32",
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",
            "3fff::/20",
        ),
    )
)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the internet at large and to nothing near us."""
    if address.version == 6 and (address not in _PUBLIC_6 or getattr(address, "scope_id", None)):
        return False
    return not is_within(address, _CLOSED)


def is_within(address: Address, networks: tuple[Network, ...]) -> bool:
    """Whether an address lies in one of some networks, of its own family alone."""
    return any(address.version == network.version and address in network for network in networks)
