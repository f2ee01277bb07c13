"""Alerts for the tests of the console: one that scans have raised, and as many as a list needs."""

from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb
from scene import BERLIN
from test_investigations import FAR, check_daily

from authsvc.core.verdicts import Reason
from authsvc.runtime import new_id

EVIDENCE = {"threshold": 5.0, "parts": [{"rule": "kinds-of-network", "weight": 6.0, "text": "of 3 visitors"}]}


@pytest.fixture
def flagged(scene, later):
    """Return a code that copies were made of, and its alert."""
    link = scene.issue(scene.add_product(), lot="L7").link()
    check_daily(scene, link, (BERLIN, *FAR * 4))
    assert scene.scan(link).verdict.reason is Reason.POSSIBLE_COPY
    return link, scene.row("SELECT id FROM alerts WHERE sgtin = %s", link.sgtin)[0]


def put(scene, number=1, *, brand=None, rule="kinds-of-network", evidence=EVIDENCE, **columns):
    """Store alerts that were opened one minute after the other; return their ids, the newest first."""
    brand = brand or scene.halden
    ids = []
    for n in range(number):
        ids.append(new_id())
        scene.admin.execute(
            "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) VALUES (%s, %s, %s, %s, %s, "
            "%s, %s)",
            (columns.get("sgtin") or f"{scene.watch.gtin}.{ids[-1].hex[:16].upper()}", ids[-1], brand.id, rule,
             columns.get("score", 5 + n % 7 / 3), Jsonb(evidence), scene.clock() - timedelta(minutes=number - n)),
        )  # fmt: skip
    return ids[::-1]
