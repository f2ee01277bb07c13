"""What the tests of casework share: alerts of real scans, files of every kind, reports of consumers."""

import io
import struct
import zlib
from datetime import timedelta

from PIL import Image
from scene import Scene

from authsvc import audit, case_files, cases, report_inbox, reports, uploads
from authsvc.audit import Actor
from authsvc.core.clones import Place
from authsvc.runtime import new_id

ANALYST = Actor("staff", new_id(), "Ada Analyst <ada@halden.example>")
SOMEBODY = Actor("staff", new_id(), "Sam Staff <sam@halden.example>")
COUNT_KEY = b"k" * 32
MILAN = Place("IT", 45.5, 9.2, 190.0)
SAIGON = Place("VN", 10.8, 106.7, 190.0)
PDF = b"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"


def alert_on(scene: Scene, link=None, brand=None):
    """Scan a code of Halden in two places and open an alert on it; return the link and the alert's id."""
    link = link or scene.codes.link()
    for place in (MILAN, SAIGON):
        scene.scan(link, place=place)
    alert_id = new_id()
    evidence = {
        "score": 4.2, "threshold": 3.0, "target_rate": 0.001,
        "parts": [{"rule": "more-visitors", "weight": 4.2, "text": "2 new visitors where its like has 1"}],
        "sightings": [
            {"visitor": "ab" * 16, "first_at": scene.clock().isoformat(), "country": place.country,
             "latitude": place.latitude, "longitude": place.longitude, "radius_km": place.radius_km,
             "network": "mobile", "is_confirmed": True, "is_evidence": True, "prefix": None}
            for place in (MILAN, SAIGON)
        ],
        "facts": [],
    }  # fmt: skip
    scene.admin.execute(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
        "VALUES (%s, %s, %s, %s, 4.2, %s, %s)",
        (link.sgtin, alert_id, (brand or scene.halden).id, f"test-{alert_id.hex[:6]}", json(evidence), scene.clock()),
    )
    return link, alert_id


def json(value):
    from psycopg.types.json import Jsonb  # noqa: PLC0415  the one place that needs it

    return Jsonb(value)


def picture(kind="JPEG", size=(60, 40), **options):
    target = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(target, kind, **options)
    return target.getvalue()


def huge_png():
    """Return a PNG whose header speaks of 40,000 x 40,000 pixels and whose body is a few bytes."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def report(scene: Scene, told=None, *, brand=None, reporter=None, prefix=None, photos=(), **fields):
    """File a report as the public form will."""
    brand = brand or scene.halden
    told = told or reports.Told(**{"text": "It fell apart after a day.", **fields})
    with scene.owner_session() as session:
        admitted = reports.admit(
            session, brand.id, reporter=reporter or scene.random(16), prefix=prefix or scene.random(8), key=COUNT_KEY,
            now=scene.clock(),
        )  # fmt: skip
    with scene.owner_session() as session:
        return reports.file_report(
            session, admitted, told, photos=[uploads.check("x", photo) for photo in photos],
            wrapping_key=scene.wrapping_key, random=scene.random, new_id=new_id, now=scene.clock(),
        )  # fmt: skip


def full_case(session, scene):
    """Return a case with an alert, a report, a comment and two files."""
    brand_id, now = scene.halden.id, scene.clock()
    case = cases.open_case(session, brand_id, "Watches from a market", id=new_id(), by=ANALYST, now=now)
    link, alert_id = alert_on(scene)
    cases.add_alerts(session, brand_id, case.id, [alert_id], by=ANALYST, now=now)
    filed = report(
        scene, sgtin=link.sgtin, listing_url="https://market.example/offer/7", price="20 EUR",
        contact="who@example.com", photos=(picture(),),
    )  # fmt: skip
    report_inbox.link_to_case(session, brand_id, filed.id, case.id, by=ANALYST, now=now)
    case_files.comment(session, brand_id, case.id, "Bought one; it is a copy.", id=new_id(), by=ANALYST, now=now)
    for later, name, content in ((1, "receipt", PDF), (2, "photo", picture())):
        upload, at = uploads.check(name, content), now + timedelta(seconds=later)
        case_files.attach(session, brand_id, case.id, upload, id=new_id(), by=ANALYST, now=at)
    audit.write(session)
    return case, link
