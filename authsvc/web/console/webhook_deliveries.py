"""Deliveries of webhooks: what was sent, how every try went, and playing again what did not arrive."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import request
from werkzeug.wrappers import Response

from authsvc import webhook_history, webhooks
from authsvc.errors import BadInput, Conflict
from authsvc.staff import Role
from authsvc.web import rendering as words
from authsvc.web.console import guard, rendering, webhook_words
from authsvc.webhook_history import DeliveryInfo

HERE = "/console/webhooks/deliveries"


@guard.page("/webhooks/deliveries", role=Role.OPERATOR, nav="Webhooks")
def deliveries() -> str:
    """List deliveries, the latest first: all of them, or of one endpoint, or in one state."""
    me, asked = guard.me(), {name: request.args.get(name, "") for name in ("endpoint", "state")}
    endpoint_id = _uuid(asked["endpoint"]) if asked["endpoint"] else None
    with guard.session() as session:
        urls = webhooks.find_urls(session, me.brand_id)
        present = webhooks.list_endpoints(session, me.brand_id, now=guard.now())
        page = webhook_history.list_deliveries(
            session, me.brand_id, endpoint_id=endpoint_id, state=asked["state"] or None,
            older=_parse_place(request.args.get("older", "")),
        )  # fmt: skip
    applied = urlencode({name: value for name, value in asked.items() if value})
    here = f"{HERE}?{applied}&" if applied else f"{HERE}?"
    chosen = next((one for one in present if one.id == endpoint_id), None)
    return rendering.show(
        "console/webhook_deliveries.html",
        title="Webhooks",
        tabs=webhook_words.tabs("deliveries"),
        fields=_fields(asked, {str(one): url for one, url in urls.items()}),
        is_filtered=bool(applied),
        rows=[webhook_words.row(one, urls.get(one.endpoint_id)) for one in page.deliveries],
        columns=webhook_words.COLUMNS,
        newest=here.rstrip("?&") if request.args.get("older") else None,
        older=f"{here}older={_spell_place(page.older)}" if page.older else None,
        replayable=chosen if chosen and chosen.disabled_at is None and asked["state"] == "dead" else None,
    )


@guard.page("/webhooks/deliveries/<uuid:delivery_id>", role=Role.OPERATOR, nav="Webhooks")
def delivery(delivery_id: UUID) -> str:
    """Show a delivery with every try and what is sent."""
    me = guard.me()
    with guard.session() as session:
        found = webhook_history.get_delivery(session, me.brand_id, delivery_id)
        url = webhooks.find_urls(session, me.brand_id)[found.endpoint_id]
        present = webhooks.list_endpoints(session, me.brand_id, now=guard.now())
    endpoint = next((one for one in present if one.id == found.endpoint_id), None)
    return rendering.show(
        "console/webhook_delivery.html",
        title=webhook_words.title(found.type),
        found=found,
        state=webhook_words.STATES[found.state],
        facts=_facts(found, url),
        tries=[webhook_words.attempt(one) for one in found.attempts],
        columns=webhook_words.TRIES,
        endpoint=endpoint,
        may_replay=endpoint is not None and endpoint.disabled_at is None and found.state != "waiting",
        address=f"{HERE}/{delivery_id}",
    )


@guard.page("/webhooks/deliveries/<uuid:delivery_id>/replay", role=Role.OPERATOR, methods=["POST"])
def replay(delivery_id: UUID) -> Response:
    """Deliver once more."""
    me = guard.me()
    try:
        with guard.session() as session:
            webhook_history.replay(session, me.brand_id, delivery_id, now=guard.now())
            me.record(session, "webhook.replay", str(delivery_id), {"deliveries": 1})
    except Conflict as error:
        return guard.done(f"Nothing was sent. {error}", f"{HERE}/{delivery_id}", guard.Tone.REFUSED)
    return guard.done("It is sent once more, under the same webhook-id. Reload in a few seconds.",
                      f"{HERE}/{delivery_id}")  # fmt: skip


@guard.page("/webhooks/<uuid:endpoint_id>/replay", role=Role.OPERATOR, methods=["POST"])
def replay_dead(endpoint_id: UUID) -> Response:
    """Deliver all that was given up for an endpoint once more."""
    me, back = guard.me(), f"/console/webhooks/{endpoint_id}"
    try:
        with guard.session() as session:
            count = webhook_history.replay_dead(session, me.brand_id, endpoint_id, now=guard.now())
            me.record(session, "webhook.replay", str(endpoint_id), {"deliveries": count})
    except Conflict as error:
        return guard.done(f"Nothing was sent. {error}", back, guard.Tone.REFUSED)
    return guard.done(f"{count:,} {'delivery is' if count == 1 else 'deliveries are'} sent once more.", back)


# --- Private ---------------------------------------------------------------------------------------------------------


def _fields(asked: dict[str, str], urls: dict[str, str]) -> list[dict[str, Any]]:
    states = [(key, name) for key, (name, _) in webhook_words.STATES.items()]
    return [
        {"kind": "pick", "name": "endpoint", "label": "Endpoint", "value": asked["endpoint"],
         "options": [("", "All"), *urls.items()]},
        {"kind": "pick", "name": "state", "label": "State", "value": asked["state"],
         "options": [("", "All"), *states]},
    ]  # fmt: skip


def _facts(found: DeliveryInfo, url: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = [
        ("Sent to", url, True),
        ("webhook-id", found.webhook_id, True),
        ("Type", found.type, True),
        ("Made", words.moment(found.created_at)),
        ("Tries", words.number(found.tries)),
        ("Size of the body", webhook_words.size(found.body_bytes)),
    ]
    if found.state == "waiting":
        rows.append(("Next try", words.moment(found.next_at)))
    elif found.ended_at is not None:
        rows.append(("Ended", words.moment(found.ended_at)))
    return rows


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadInput("This address names no endpoint.") from None


def _spell_place(place: tuple[datetime, UUID]) -> str:
    return f"{place[0].astimezone(UTC):%Y%m%dT%H%M%S.%f}-{place[1].hex}"


def _parse_place(text: str) -> tuple[datetime, UUID] | None:
    if not text:
        return None
    moment, _, number = text.partition("-")
    try:
        return datetime.strptime(moment, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC), UUID(number)
    except ValueError:
        raise BadInput("This page of deliveries does not exist. Go back to the list.") from None
