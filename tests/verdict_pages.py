"""Pages of verdicts as they are made without a server: one for each reason, and a browser's way to them."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, Route

from authsvc.core.register import Brand, Granularity, Product
from authsvc.core.verdicts import Disposition, Facts, Mark, Reason, Recall, Signature, Verdict
from authsvc.web import assets, pages

AT = datetime(2026, 11, 23, 10, 14, 5, tzinfo=UTC)
HOST = "verify.halden.example"
RECEIPT = "q8Jt2mZs0aXk4Yv7Lr3dPw"
NONCE = "Zm9vYmFyYmF6cXV4MTIzNDU2"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PICTURE = "0f" * 32 + ".webp"
DEMO = Path(pages.__file__).parents[1] / "data" / "demo"
HALDEN = Brand(id=uuid.UUID(int=1), slug="halden", name="Halden", contact="https://halden.example/help")
WATCH = Product(
    gtin="09506000134352",
    brand_id=HALDEN.id,
    name="Meridian 38 Automatic",
    granularity=Granularity.SERIAL,
    description="Blue dial, brown leather strap",
    image=PICTURE,
    attributes={"noun": "watch", "facts": [["Engraved on", "Case back"], ["Made", "September 2026, Biel"]]},
)
WINE = replace(WATCH, gtin="09506000134369", name="Pinot Noir 2024", is_tracked=False)
RECALL = Recall(reason="The case can crack", recalled_at=AT - timedelta(days=20), lot="B260915", remedy="We replace it")
FACTS = Facts(
    at=AT,
    signature=Signature(Mark.VALID),
    gtin=WATCH.gtin,
    serial="7K3M9QX2V4TD1RZ8",
    lot="B260915",
    brand=HALDEN,
    product=WATCH,
    is_issued=True,
    scan_number=1,
)
UNSIGNED = Signature(Mark.ABSENT)


def of(reason, *notices, **facts):
    return Verdict(reason, notices, replace(FACTS, **facts))


VERDICTS = {
    "first-check": of(Reason.FIRST_CHECK),
    "checked-before": of(Reason.CHECKED_BEFORE, scan_number=3, first_at=AT - timedelta(days=60)),
    "checked-by-you": of(Reason.CHECKED_BY_YOU, scan_number=2, mine_at=AT - timedelta(days=2)),
    "possible-copy": of(Reason.POSSIBLE_COPY, scan_number=41, is_flagged=True),
    "forged": of(Reason.FORGED, signature=Signature(Mark.FORGED), is_issued=None),
    "forged, lot recalled": of(Reason.FORGED, signature=Signature(Mark.FORGED), is_issued=None, lot_recall=RECALL),
    "unknown": of(Reason.UNKNOWN, signature=UNSIGNED, is_issued=False),
    "unknown brand": of(Reason.UNKNOWN, signature=UNSIGNED, is_issued=None, brand=None, product=None),
    "not-issued": of(Reason.NOT_ISSUED, is_issued=False),
    "unsigned": of(Reason.UNSIGNED, signature=UNSIGNED),
    "typed": of(Reason.UNSIGNED, signature=UNSIGNED, is_typed=True),
    "not-released": of(Reason.NOT_RELEASED),
    "stolen": of(Reason.STOLEN, Reason.POSSIBLE_COPY, disposition=Disposition.STOLEN, disposition_at=AT),
    "lost": of(Reason.LOST, disposition=Disposition.LOST, disposition_at=AT),
    "blocked": of(Reason.BLOCKED, disposition=Disposition.BLOCKED, disposition_at=AT),
    "withdrawn": of(Reason.WITHDRAWN, disposition=Disposition.DESTROYED, disposition_at=AT),
    "recalled": of(Reason.RECALLED, Reason.STOLEN, Reason.EXPIRED, recall=RECALL, expires_on=date(2026, 11, 1)),
    "expired": of(Reason.EXPIRED, expires_on=date(2026, 10, 31)),
    "lot-only": of(Reason.LOT_ONLY, product=WINE, gtin=WINE.gtin, serial=None, signature=Signature(Mark.NOT_EXPECTED)),
    "case": of(Reason.FIRST_CHECK, serial=None, sscc="095060001234567891"),
    "unavailable": of(Reason.UNAVAILABLE, has_history=False, is_issued=None, signature=UNSIGNED),
    "signature only": of(Reason.UNAVAILABLE, has_history=False, is_issued=None),
    "test": of(Reason.TEST),
}


def check(name="first-check", **changes):
    return pages.Check(
        **{"verdict": VERDICTS[name], "host": HOST, "receipt": RECEIPT, "reference": "H4-7Q2", "nonce": NONCE} | changes
    )


def every_page():
    found = {name: pages.verdict(check(name)) for name in VERDICTS}
    found["my receipt"] = pages.receipt(check(), is_mine=True)
    found["their receipt"] = pages.receipt(check(), is_mine=False)
    found["later recalled"] = pages.receipt(check(), is_mine=True, since=[VERDICTS["recalled"]])
    found["form"] = pages.check_form()
    found["form with a fault"] = pages.check_form(typed="0950", fault="A product number has 8 to 14 digits.")
    entry = pages.DemoEntry(
        reason="forged", title="Forged", text="A changed code.", href="/01/1", symbol_href="/demo/a.svg"
    )
    found["demo"] = pages.demo_index("Halden", [entry, replace(entry, reason="recalled", title="Recalled")])
    mail = pages.MailEntry(
        sender="Halden <no-reply@id.example.com>", to="ann@example.com", subject="2 new alerts", sent="1 May 2026",
        paragraphs=((("Two alerts:", False),), (("- one", False), ("- two", False)), ((f"https://{HOST}/c", True),)),
    )  # fmt: skip
    found["outbox"] = pages.demo_outbox("Halden", [mail, mail])
    found["empty outbox"] = pages.demo_outbox("Halden", [])
    found["problem"] = pages.problem(status=400, title="Not a Digital Link", detail="Got 'x'.", request_id="01JD")
    found["outage"] = pages.problem(status=503, title="Try again", detail="We are busy.", request_id="01JD")
    return found


def serve(route: Route, shown: dict[str, str], posted: list[tuple[str, str | None]]) -> None:
    path = route.request.url.partition(HOST)[2]
    if route.request.method == "POST":
        posted.append((path, route.request.post_data))
        route.fulfill(status=204)
    elif found := assets.find(path.removeprefix("/static/")):
        route.fulfill(body=found[0], content_type=found[1])
    elif (name := path.removeprefix("/p/").replace("%20", " ")) in shown:
        headers = {"Content-Security-Policy": CSP}
        route.fulfill(body=shown[name], content_type="text/html; charset=utf-8", headers=headers)
    else:
        route.fulfill(status=200, content_type="image/svg+xml", body='<svg xmlns="http://www.w3.org/2000/svg"/>')


def opened(browser: Browser, shown: dict[str, str], **options) -> tuple[Page, list, list]:
    page = browser.new_context(**options).new_page()
    posted, complaints = [], []
    page.route("**/*", lambda route: serve(route, shown, posted))
    page.on("console", lambda message: complaints.append(message.text))
    return page, posted, complaints
