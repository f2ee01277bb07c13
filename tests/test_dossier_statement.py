"""A dossier keeps what the scan statement keeps: the same events through both, on a real database."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from authsvc import scan_statements as sql
from authsvc.core.clones import Network, Place
from authsvc.core.dossiers import Dossier
from authsvc.core.traces import Event, Kind
from authsvc.investigations.judging import _without_floods

START = datetime(2026, 11, 1, tzinfo=UTC)


def events(seed):
    """Make a month of scans of one item: few visitors and prefixes, so that every rule of counting is met."""
    dice = random.Random(seed)
    at = 0
    for _ in range(220):
        at += round(dice.choice((5, 300, 1_500, 1_799, 4_000, 20_000)) * (0.5 + dice.random()))
        yield Event(
            Kind.SCAN, at, "", "", f"{dice.randrange(90):032x}", dice.choice(("IT", "FR", None)),
            prefix=f"{dice.randrange(25):016x}", network=dice.choice(tuple(Network)),
            is_confirmed=dice.random() < 0.7, is_automated=dice.random() < 0.1,
            asn=dice.choice((None, 1, 2)),
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_a_dossier_keeps_what_the_statement_keeps(scene, seed):
    rt, link, dossier = scene.rt, scene.codes.link(), Dossier()
    automated, is_compared, floods = 0, 0, 0
    for event in events(seed):
        at = START + timedelta(seconds=event.at)
        seen = scene.presentation(
            at=at, visitor=bytes.fromhex(event.visitor), prefix=bytes.fromhex(event.prefix), is_known=True,
            place=Place(event.country), network=event.network, automated="bot" if event.is_automated else None,
            asn=None if event.asn is None else bytes([event.asn]),
        )  # fmt: skip
        scene.scan(link, seen)
        if event.is_confirmed:
            rt.connections.fetch(sql.CONFIRM, {"id": seen.id, "at": at})
        dossier.take(event._replace(at=int(at.timestamp())))
        automated += event.is_automated
        row = rt.connections.fetch(sql.EVIDENCE, {"sgtin": link.sgtin, "run": None, "index": None})
        stored = sorted(
            (s.first_at, s.visitor.hex(), s.is_confirmed, s.is_evidence, s.prefix.hex(), s.place, s.network)
            for s in _without_floods((row and row.evidence) or ())
        )
        kept = sorted(
            (s.first_at, s.visitor.decode(), s.is_confirmed, s.is_evidence, s.prefix.decode(), s.place, s.network)
            for s in dossier.sightings
        )
        floods += sum(not seen[3] for seen in kept)

        assert kept == stored
        is_compared += len(kept) > 20
    (counted,) = scene.row("SELECT counted FROM items WHERE sgtin = %s", link.sgtin)
    assert dossier.counted == counted
    assert automated > 10 < is_compared
    assert floods
