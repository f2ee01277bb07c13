"""``authsvc retention``: what is kept of people ends when it was promised to."""

import os
import secrets
from datetime import UTC, datetime

import click
import psycopg

from authsvc import db, retention
from authsvc.cli.output import counted, json_option, note, print_json
from authsvc.config import Config


@click.group("retention")
def retention_group() -> None:
    """Delete what is kept of people when its time has come. The worker does it every night."""


@retention_group.command()
@click.option("--dry-run", "is_dry", is_flag=True, help="Count what would end, and change nothing.")
@json_option
def run(is_dry: bool, as_json: bool) -> None:
    """Carry out every rule now. It may be stopped at any time and goes on where it was."""
    config = Config.from_env(os.environ)
    with db.server(config) as url, psycopg.connect(db.driver_url(url), autocommit=True) as connection:
        done = retention.run(
            connection, config, now=datetime.now(UTC), random=secrets.token_bytes, is_dry=is_dry,
            note=lambda name: None if as_json else note(f"{name} …"),
        )  # fmt: skip
    if as_json:
        print_json({"dry_run": is_dry, "rules": [{"rule": d.rule.name, "days": d.days, "rows": d.rows} for d in done]})
        return
    for each in done:
        when = "at their own time" if each.days is None else f"after {counted(each.days, 'day')}"
        click.echo(f"{each.rule.name}: {counted(each.rows, 'row')} {'would end' if is_dry else 'ended'} ({when})")
