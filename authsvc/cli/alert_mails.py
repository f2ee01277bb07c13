"""``authsvc alert-mails``: who is mailed about the alerts of a brand, and when."""

import click

from authsvc import alert_mails, catalogue
from authsvc.cli.output import json_option, print_json
from authsvc.cli.workplace import opened


@click.command("alert-mails")
@click.option("--brand", "slug", required=True, metavar="SLUG", help="The brand.")
@click.option("--add", "added", multiple=True, metavar="ADDRESS", help="Mail its alerts to this address too.")
@click.option("--remove", "removed", multiple=True, metavar="ADDRESS", help="Mail nothing more to this address.")
@click.option("--mode", type=click.Choice(alert_mails.MODES), help="At once (gathered for ten minutes), daily, or off.")
@click.option("--hour", type=click.IntRange(0, 23), help="The hour of a daily mail, in UTC.")
@json_option
def alert_mails_command(
    slug: str, added: tuple[str, ...], removed: tuple[str, ...], mode: str | None, hour: int | None, as_json: bool
) -> None:
    """Show or change who is mailed about new alerts."""
    with opened() as place, place.sessions.begin() as session:
        brand_id = catalogue.get_brand(session, slug).id
        for address in added:
            alert_mails.add_recipient(session, brand_id, address, now=place.now())
        for address in removed:
            alert_mails.remove_recipient(session, brand_id, address)
        found = alert_mails.get_settings(session, brand_id)
        if mode is not None or hour is not None:
            alert_mails.set_mode(session, brand_id, mode=mode or found.mode, hour=found.hour if hour is None else hour)
            found = alert_mails.get_settings(session, brand_id)
        if added or removed or mode is not None or hour is not None:
            changed = {"added": len(added), "removed": len(removed), "mode": found.mode, "hour": found.hour}
            place.record(session, brand_id, "mail.recipients", slug, changed)
    if as_json:
        print_json(found)
        return
    when = {"at-once": "at once", "daily": f"daily at {found.hour:02}:00 UTC", "off": "to nobody now"}[found.mode]
    click.echo(f"Alerts of {slug} are mailed {when}. Recipients: {', '.join(found.recipients) or 'none'}.")
