"""Histories of one item, for the tests of clone evidence: sightings in ten cities, facts, and a run of copies."""

from datetime import UTC, datetime, timedelta

from authsvc.core.clones import Fact, FactKind, History, Network, Place, Sighting

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MILAN, ROME = Place("IT", 45.5, 9.2, 20.0), Place("IT", 41.9, 12.5, 20.0)
HANOI, SAIGON = Place("VN", 21.0, 105.9, 20.0), Place("VN", 10.8, 106.7, 20.0)
CITIES = (
    MILAN,
    HANOI,
    Place("US", 40.7, -74.0, 20.0),
    Place("FR", 48.9, 2.4, 20.0),
    Place("CN", 31.2, 121.5, 20.0),
    Place("ZA", -26.2, 28.0, 20.0),
    Place("BR", -23.6, -46.6, 20.0),
    Place("JP", 35.7, 139.7, 20.0),
    Place("TR", 41.0, 29.0, 20.0),
    Place("NZ", -36.8, 174.8, 20.0),
)


def sighting(number, days=0.0, **values):
    return Sighting(
        **{
            "visitor": number.to_bytes(2, "big"),
            "first_at": NOW + timedelta(days=days),
            "is_confirmed": True,
            "network": Network.FIXED,
            "place": MILAN,
            **values,
        }
    )


def history(*sightings, **values):
    return History(sightings=sightings, **values)


def fact(kind, days, **values):
    return Fact(kind=kind, at=NOW + timedelta(days=days), **values)


def copies(number, every=6.0, start=0.0):
    """Fakes sold in ten countries: a new visitor every few days, somewhere else each time."""
    return tuple(sighting(n, start + every * n, place=CITIES[n % len(CITIES)]) for n in range(number))


MADE = fact(FactKind.COMMISSIONED, -90, markets=frozenset({"IT"}))
SOLD = fact(FactKind.SOLD, -20)
