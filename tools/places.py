"""
Make the data files of ``authsvc/places.py`` from published packages: ``python tools/places.py``.

Fetches two packages of the project ip-location-db in fixed versions with ``npm pack``, checks their SHA-256, and writes
``country.mmdb`` (copied as it is), ``networks.bin`` (the ranges of the operators below, merged) and ``CHECKSUMS`` into
``authsvc/data``. Needs npm. Sources and licences: ``authsvc/data/SOURCES.md``.

``networks.bin`` knows nothing but a kind for each range. Who is listed is a judgement: an operator whose addresses are
rented servers is a data centre, one whose addresses are the way out for people (private relays, VPNs, office proxies)
is a relay. Where an operator does both, relay wins, for a person must not be taken for a machine.
"""

import csv
import hashlib
import struct
import subprocess
import sys
import tarfile
import tempfile
from array import array
from collections.abc import Iterable
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # A script sees its own folder only.

from authsvc.core.clones import Network  # noqa: E402  after the path is set
from authsvc.places import COUNTRY_DATABASE, DATA, KINDS, NETWORKS_FILE, NETWORKS_MAGIC  # noqa: E402  likewise

VERSION = "2.3.2026061719"
COUNTRIES = ("geo-whois-asn-country-mmdb", "91757a1b06cdcd1955f292e4c4cfc54e091204f998e159a3187f7a2ef3724be0")
OPERATORS = ("asn", "b9425daf2f011c28f8586685d4f89166e77627e2c15fd93c6262c3e2dead6153")

DATA_CENTRES = {
    "Akamai Connected Cloud (Linode)": (63949,),
    "Alibaba Cloud": (37963, 45102, 134963),
    "Amazon": (8987, 14618, 16509),
    "Apple (its own network and crawlers)": (714, 6185),
    "Aruba": (31034, 200185, 202613),
    "ByteDance": (396986,),
    "Contabo": (40021, 51167, 141995),
    "DigitalOcean": (14061, 46652, 393406),
    "Fly.io": (40509,),
    "FranTech": (53667,),
    "G-Core": (199524, 202422),
    "GHOSTnet": (12586,),
    "GoDaddy": (26496, 398101),
    "Google (cloud, and its own network and crawlers)": (15169, 19527, 43515, 396982),
    "Hetzner": (24940, 212317, 213230),
    "Hivelocity": (61317,),
    "HostHatch": (63473,),
    "Hostinger": (47583,),
    "Huawei Cloud": (55990, 136907),
    "IBM Cloud": (36351,),
    "InterServer": (19318,),
    "IONOS": (8560,),
    "Kamatera": (36007, 41436, 204548, 210329, 215728, 396949),
    "Latitude.sh": (396356,),
    "Leaseweb": (
        16265, 28753, 30633, 59253, 60781, 133752, 136988, 205544, 394380, 395954, 396190, 396362,
    ),
    "Meta (previews of its messengers)": (32934, 63293),
    "Microsoft": (8068, 8069, 8070, 8075, 12076),
    "netcup": (197540, 214996),
    "Oracle Cloud": (31898,),
    "OVH": (16276, 35540),
    "Performive": (46562,),
    "Psychz": (40676,),
    "Rackspace": (15395, 19994, 27357, 33070),
    "Scaleway": (12876,),
    "Strato": (6724,),
    "Tencent Cloud": (45090, 132203),
    "UpCloud": (25697, 202053),
    "Vultr": (20473,),
    "X (previews)": (13414,),
    "Yandex Cloud": (200350,),
    "Zenlayer": (21859, 62610),
}  # fmt: skip
RELAYS = {
    "31173 Services (Mullvad)": (39351,),
    "Akamai (iCloud Private Relay)": (16625, 20940, 36183),
    "Cloudflare (WARP, iCloud Private Relay)": (13335, 209242),
    "Clouvider (VPN hosting)": (62240, 207158),
    "Datacamp (VPN hosting)": (60068, 212238),
    "Fastly (iCloud Private Relay)": (54113,),
    "Host Universal (VPN hosting)": (136557,),
    "HostRoyale (VPN hosting)": (133499, 203020, 204287, 207990),
    "M247 (VPN hosting)": (9009,),
    "Netskope (office proxies)": (55256,),
    "PacketHub (NordVPN)": (136787, 141039, 147049, 207137),
    "Proton": (62371, 199218, 208172, 209103),
    "Zscaler (office proxies)": (22616, 53813, 62044),
}
# What no visitor on the internet can come from: IANA's special-purpose registries, tunnels whose outer end hides the
# place (6to4, Teredo), and in IPv6 everything outside the one block that is handed out.
RESERVED_4 = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/3",
)  # fmt: skip
RESERVED_6 = ("::/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "4000::/2", "8000::/1")

Range = tuple[int, int, int]
"""First and last number of a range, and the index of its kind."""


def main() -> None:
    """Fetch, check and write."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        countries, operators = (fetch(name, checksum, work) for name, checksum in (COUNTRIES, OPERATORS))
        COUNTRY_DATABASE.write_bytes((countries / "geo-whois-asn-country.mmdb").read_bytes())
        NETWORKS_FILE.write_bytes(
            pack(boundaries(ranges(operators / "asn-ipv4.csv", 4)), boundaries(ranges(operators / "asn-ipv6.csv", 6)))
        )
    files = sorted((COUNTRY_DATABASE, NETWORKS_FILE))
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (DATA / "CHECKSUMS").write_text("".join(sums), encoding="ascii")
    print("".join(sums), end="")


def fetch(name: str, checksum: str, work: Path) -> Path:
    """Return the folder of the unpacked package *name*, whose archive must have *checksum*."""
    package = f"@ip-location-db/{name}@{VERSION}"
    subprocess.run(("npm", "pack", "--silent", package), cwd=work, check=True, stdout=subprocess.DEVNULL)
    archive = work / f"ip-location-db-{name}-{VERSION}.tgz"
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != checksum:
        sys.exit(f"{package} has SHA-256 {found}, expected {checksum}: look at what changed before you trust it.")
    with tarfile.open(archive) as files:
        files.extractall(work / name, filter="data")
    return work / name / "package"


def ranges(file: Path, version: int) -> list[Range]:
    """Return the ranges of the operators above and the reserved ones; IPv6 counts in networks of /64."""
    kinds = {
        str(number): KINDS.index(kind)
        for kind, operators in ((Network.DATACENTRE, DATA_CENTRES), (Network.RELAY, RELAYS))
        for numbers in operators.values()
        for number in numbers
    }
    shift = 0 if version == 4 else 64
    reserved = KINDS.index(None)
    blocks = map(ip_network, RESERVED_4 if version == 4 else RESERVED_6)
    found = [(int(block[0]) >> shift, int(block[-1]) >> shift, reserved) for block in blocks]
    with file.open(encoding="utf-8", newline="") as lines:
        for first, last, number, _name in csv.reader(lines):
            if number in kinds:
                found.append((int(ip_address(first)) >> shift, int(ip_address(last)) >> shift, kinds[number]))
    return found


def boundaries(found: Iterable[Range]) -> list[tuple[int, int]]:
    """Flatten ranges into sorted starts, each with the kind that holds up to the next; the highest kind wins."""
    edges: dict[int, list[tuple[int, int]]] = {0: []}
    for first, last, kind in found:
        edges.setdefault(first, []).append((kind, 1))
        edges.setdefault(last + 1, []).append((kind, -1))
    open_ranges = [0] * len(KINDS)
    flat: list[tuple[int, int]] = []
    for start in sorted(edges):
        for kind, change in edges[start]:
            open_ranges[kind] += change
        now = max((kind for kind, count in enumerate(open_ranges) if count), default=0)
        if not flat or flat[-1][1] != now:
            flat.append((start, now))
    return flat


def pack(flat_4: list[tuple[int, int]], flat_6: list[tuple[int, int]]) -> bytes:
    """Return the bytes of the networks file."""
    # The edge behind the last address of all is no start: it does not fit and nothing lies there.
    flat_4 = [edge for edge in flat_4 if edge[0] <= int(IPv4Address("255.255.255.255"))]
    flat_6 = [edge for edge in flat_6 if edge[0] < 1 << 64]
    parts = [NETWORKS_MAGIC, struct.pack("<II", len(flat_4), len(flat_6))]
    for flat, code in ((flat_4, "I"), (flat_6, "Q")):
        starts = array(code, [start for start, _kind in flat])
        if sys.byteorder == "big":
            starts.byteswap()
        parts += [starts.tobytes(), bytes(kind for _start, kind in flat)]
    return b"".join(parts)


if __name__ == "__main__":
    main()
