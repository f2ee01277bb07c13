"""``authsvc webhooks``: the endpoints of a brand, their secrets, and what was sent to them."""

from uuid import UUID

import click

from authsvc import catalogue, webhook_history, webhooks
from authsvc.cli.output import json_option, note, print_json, print_table
from authsvc.cli.workplace import opened
from authsvc.core.webhooks import EVENT_TYPES
from authsvc.runtime import new_id

brand_option = click.option("--brand", "slug", required=True, metavar="SLUG", help="The brand.")
endpoint_argument = click.argument("endpoint", type=click.UUID)


@click.group("webhooks")
def webhooks_group() -> None:
    """Tell other systems of a brand what happens."""


@webhooks_group.command()
@brand_option
@click.argument("url")
@click.option(
    "--event", "types", multiple=True, type=click.Choice(list(EVENT_TYPES)), help="Only these. [default: all]"
)
@click.option("--description", default="", help="What this endpoint is.")
@json_option
def add(slug: str, url: str, types: tuple[str, ...], description: str, as_json: bool) -> None:
    """Send the events of a brand to URL. The secret is shown once, now."""
    with opened() as place, place.sessions.begin() as session:
        brand_id = catalogue.get_brand(session, slug).id
        made = webhooks.add_endpoint(
            session,
            brand_id,
            new_id(),
            url=url,
            description=description,
            types=types,
            allow=place.config.webhook_allow,
            wrapping_key=place.wrapping_key,
            random=place.random,
            now=place.now(),
        )
        place.record(session, brand_id, "webhook.add", str(made.endpoint.id), {"url": made.endpoint.url})
    _show_secret(made, as_json, f"Endpoint {made.endpoint.id} gets the events of {slug}.")


@webhooks_group.command("list")
@brand_option
@json_option
def list_all(slug: str, as_json: bool) -> None:
    """List the endpoints of a brand."""
    with opened() as place, place.sessions() as session:
        found = webhooks.list_endpoints(session, catalogue.get_brand(session, slug).id, now=place.now())
    if as_json:
        print_json(found)
    elif found:
        rows = [(e.id, e.url, e.types or "all", e.failing_since, e.disabled_reason, e.description) for e in found]
        print_table(("ID", "URL", "EVENTS", "FAILING SINCE", "DISABLED", "DESCRIPTION"), rows)
    else:
        note(f"There is no endpoint yet. Add one: authsvc webhooks add --brand {slug} URL")


@webhooks_group.command()
@brand_option
@endpoint_argument
@json_option
def rotate(slug: str, endpoint: UUID, as_json: bool) -> None:
    """Make a new secret; the old one signs too for a day."""
    with opened() as place, place.sessions.begin() as session:
        brand_id = catalogue.get_brand(session, slug).id
        made = webhooks.rotate_secret(
            session,
            brand_id,
            endpoint,
            wrapping_key=place.wrapping_key,
            random=place.random,
            now=place.now(),
        )
        place.record(session, brand_id, "webhook.rotate", str(endpoint))
    _show_secret(made, as_json, "For a day both secrets sign.")


@webhooks_group.command()
@brand_option
@endpoint_argument
@click.option("--reason", required=True, help="Why; colleagues read it.")
def disable(slug: str, endpoint: UUID, reason: str) -> None:
    """Send nothing more to an endpoint."""
    with opened() as place, place.sessions.begin() as session:
        brand_id = catalogue.get_brand(session, slug).id
        info = webhooks.disable_endpoint(session, brand_id, endpoint, reason=reason, now=place.now())
        place.record(session, brand_id, "webhook.disable", str(endpoint), {"reason": reason})
    click.echo(f"{info.url} gets nothing more.")


@webhooks_group.command()
@brand_option
@endpoint_argument
def enable(slug: str, endpoint: UUID) -> None:
    """Send to an endpoint again."""
    with opened() as place, place.sessions.begin() as session:
        brand_id = catalogue.get_brand(session, slug).id
        info = webhooks.enable_endpoint(session, brand_id, endpoint, now=place.now())
        place.record(session, brand_id, "webhook.enable", str(endpoint))
    click.echo(f"{info.url} gets events again.")
    note(f"What it missed is in the dead list: authsvc webhooks replay --brand {slug} --endpoint {endpoint}")


@webhooks_group.command()
@brand_option
@endpoint_argument
def remove(slug: str, endpoint: UUID) -> None:
    """Take an endpoint away for good; what was sent to it stays in the list of deliveries."""
    with opened() as place, place.sessions.begin() as session:
        brand_id = catalogue.get_brand(session, slug).id
        info = webhooks.remove_endpoint(session, brand_id, endpoint, now=place.now())
        place.record(session, brand_id, "webhook.remove", str(endpoint), {"url": info.url})
    click.echo(f"{info.url} is removed.")


@webhooks_group.command()
@brand_option
@endpoint_argument
def test(slug: str, endpoint: UUID) -> None:
    """Send a test event to one endpoint."""
    with opened() as place, place.sessions.begin() as session:
        brand_id = catalogue.get_brand(session, slug).id
        webhooks.send_test(session, brand_id, endpoint, new_id(), now=place.now())
        place.record(session, brand_id, "webhook.test", str(endpoint))
    click.echo("A test event is on its way.")
    note(f"How it went: authsvc webhooks deliveries --brand {slug} --endpoint {endpoint}")


@webhooks_group.command()
@brand_option
@click.option("--endpoint", type=click.UUID, help="Only those to this endpoint.")
@click.option("--state", type=click.Choice(webhook_history.STATES), help="Only those; dead is the dead list.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@json_option
def deliveries(slug: str, endpoint: UUID | None, state: str | None, limit: int, as_json: bool) -> None:
    """List what was sent or is waiting, the latest first, with every try."""
    with opened() as place, place.sessions() as session:
        brand_id = catalogue.get_brand(session, slug).id
        page = webhook_history.list_deliveries(session, brand_id, endpoint_id=endpoint, state=state, limit=limit)
        found = [webhook_history.get_delivery(session, brand_id, delivery.id) for delivery in page.deliveries]
    if as_json:
        print_json(found)
    elif found:
        rows = [(d.id, d.created_at, d.type, d.state, d.tries, _last(d)) for d in found]
        print_table(("ID", "MADE (UTC)", "EVENT", "STATE", "TRIES", "LAST ANSWER"), rows)
    else:
        note("There is no such delivery.")


@webhooks_group.command()
@brand_option
@click.option("--endpoint", type=click.UUID, help="All of the dead list of this endpoint.")
@click.option("--delivery", type=click.UUID, help="This delivery, dead or delivered.")
def replay(slug: str, endpoint: UUID | None, delivery: UUID | None) -> None:
    """Deliver once more, under the same webhook-id."""
    if (endpoint is None) == (delivery is None):
        raise click.UsageError("Name an endpoint or a delivery.")
    with opened() as place, place.sessions.begin() as session:
        brand_id, count = catalogue.get_brand(session, slug).id, 1
        if endpoint is not None:
            count = webhook_history.replay_dead(session, brand_id, endpoint, now=place.now())
        elif delivery is not None:
            webhook_history.replay(session, brand_id, delivery, now=place.now())
        place.record(session, brand_id, "webhook.replay", str(endpoint or delivery), {"deliveries": count})
    click.echo(f"{count:,} {'delivery' if count == 1 else 'deliveries'} will be tried again now.")


def _last(delivery: webhook_history.DeliveryInfo) -> object:
    if not delivery.attempts:
        return None
    return delivery.attempts[-1].status or delivery.attempts[-1].fault


def _show_secret(made: webhooks.NewSecret, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json({"endpoint": made.endpoint, "secret": made.text})
        return
    click.echo(f"{sentence}\nSecret: {made.text}")
    note("Keep it where the receiver finds it; it is not shown again.")
