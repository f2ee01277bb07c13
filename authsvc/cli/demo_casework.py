"""
What the people of the sample brand are at when the demo opens: reports of consumers, a shop, and two cases.

All of it is done by the service's own functions, over the alerts that the scans of the demo have raised.
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from authsvc import alert_lists, case_files, cases, report_inbox, reports, webhooks
from authsvc.alert_lists import Asked
from authsvc.audit import Actor
from authsvc.cases import State
from authsvc.cli.workplace import Workplace
from authsvc.core.gs1 import DigitalLink
from authsvc.core.register import Brand
from authsvc.reports import Told
from authsvc.runtime import new_id

SHOP = ("Duomo Time", "Via Torino 40, Milano")
COLLEAGUE = "Demo analyst"
_LISTING = "https://market.example/offers/4711-meridian-38"
_FROM_THE_SHOP = (
    ("possible-copy", 6.0, "EUR 190", "The strap came off after two days. The shop says that it is new and original."),
    ("two-places", 3.5, "EUR 210", "Your page warned me after I had paid. The seller does not take it back."),
    (None, 1.2, "EUR 180", "Three watches in the window had the very same number on the case back."),
)
"""Card, days ago, price and words of each person who bought there: enough of them to raise an alert."""
_BY_LISTING = "The pictures show the serial of another watch. I did not buy it."


def play(place: Workplace, halden: Brand, uris: Mapping[str, str]) -> None:
    """Let consumers report, and the brand begin to look into it; *uris* names codes by their part in a story."""
    with place.sessions.begin() as session:
        filed = [
            _report(place, session, halden.id, days, Told(
                sgtin=_sgtin(uris[card]) if card else None, text=text, price=price, shop_name=SHOP[0],
                shop_address=SHOP[1],
            ))
            for card, days, price, text in _FROM_THE_SHOP
        ]  # fmt: skip
        _report(place, session, halden.id, 0.4, Told(text=_BY_LISTING, price="EUR 890", listing_url=_LISTING))
    with place.sessions.begin() as session:
        colleague = Actor("staff", new_id(), COLLEAGUE)
        open_alerts = _open_alerts(place, session, halden.id)
        copied = [open_alerts[key] for key in (_sgtin(uris["possible-copy"]), _sgtin(uris["two-places"]))]
        market = _case(place, session, halden.id, "Watches sold in Milan", copied, State.INVESTIGATING)
        report_inbox.link_to_case(session, halden.id, filed[0], market, by=place.actor, now=place.now())
        case_files.comment(
            session, halden.id, market, "A test purchase is under way. The labels look printed at home.", id=new_id(),
            by=colleague, now=place.now(),
        )  # fmt: skip
        window = [open_alerts[_sgtin(uris["owner"])]]
        _case(place, session, halden.id, "A registered watch far from its owner", window, State.ESCALATED)
        _add_endpoint(place, session, halden.id)


# --- Private ---------------------------------------------------------------------------------------------------------


def _sgtin(uri: str) -> str:
    return str(DigitalLink.parse(uri).sgtin)


def _report(place: Workplace, session: Session, brand_id: UUID, days: float, told: Told) -> UUID:
    at = place.now() - timedelta(days=days)
    admitted = reports.admit(
        session, brand_id, reporter=place.random(16), prefix=place.random(8), key=place.random(32), now=at
    )
    return reports.file_report(
        session, admitted, told, wrapping_key=place.wrapping_key, random=place.random, new_id=new_id,
        now=at,
    ).id  # fmt: skip


def _open_alerts(place: Workplace, session: Session, brand_id: UUID) -> dict[str, UUID]:
    page = alert_lists.find(session, brand_id, new_id(), Asked(), now=place.now(), limit=100)
    return {row.sgtin: row.id for row in page.rows}


def _case(place: Workplace, session: Session, brand_id: UUID, title: str, alerts: list[UUID], state: State) -> UUID:
    case = cases.open_case(session, brand_id, title, id=new_id(), by=place.actor, now=place.now())
    cases.add_alerts(session, brand_id, case.id, alerts, by=place.actor, now=place.now())
    cases.move(session, brand_id, case.id, state, reason="", by=place.actor, now=place.now())
    return case.id


def _add_endpoint(place: Workplace, session: Session, brand_id: UUID) -> None:
    """Register a receiver that nobody runs: it is paused, so that nothing leaves the demo."""
    made = webhooks.add_endpoint(
        session, brand_id, new_id(), url="https://hooks.halden.example/authsvc", description="Ticket system",
        types=["alert.opened", "recall.created"], wrapping_key=place.wrapping_key, random=place.random, now=place.now(),
    )  # fmt: skip
    webhooks.disable_endpoint(
        session, brand_id, made.endpoint.id, reason="No receiver runs for the demo.", now=place.now()
    )
    place.record(session, brand_id, "webhook.add", str(made.endpoint.id), {"url": made.endpoint.url})
