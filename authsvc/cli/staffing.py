"""``authsvc staff``: the first people of a brand; they invite the others in the console."""

from datetime import timedelta
from typing import TextIO

import click

from authsvc import catalogue, mails, oidc, staff, staff_mails, staff_proofs, staff_sessions, staff_sso
from authsvc.cli.output import json_option, note, print_json, print_table
from authsvc.cli.workplace import opened
from authsvc.core.wrapping import derive_key
from authsvc.errors import NotFound
from authsvc.runtime import new_id
from authsvc.staff import Role

_RESET_LIFE = timedelta(days=1)


@click.group("staff")
def staff_group() -> None:
    """Invite people to the console of a brand, and list them."""


@staff_group.command()
@click.argument("email")
@click.option("--brand", "slug", required=True, metavar="SLUG", help="The brand.")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="What they may do.")
@json_option
def invite(email: str, slug: str, role: str, as_json: bool) -> None:
    """
    Mail and print a one-time link that makes EMAIL a member of staff. It works for seven days.

    Roles: viewer reads, analyst reviews alerts, operator also issues and recalls, admin also manages the team and keys.
    """
    with opened() as place:
        with place.sessions.begin() as session:
            brand = catalogue.get_brand(session, slug)
            invited = staff.invite(
                session, brand, email, Role(role), invited_by=f"{place.actor.name} (command line)", now=place.now(),
                new_id=new_id, random=place.random,
            )  # fmt: skip
            staff_mails.mail_invitation(
                session, invited, base_url=place.config.base_url,
                seal_key=derive_key(place.config.secret, mails.PURPOSE), nonce=place.random(12), now=place.now(),
            )  # fmt: skip
            place.record(session, brand.id, "staff.invite", invited.email, {"role": role})
        link = place.config.base_url + invited.path
    if as_json:
        print_json(
            {"email": invited.email, "brand": slug, "role": role, "expires_at": invited.expires_at, "link": link}
        )
        return
    click.echo(link)
    until = f"{invited.expires_at:%Y-%m-%d %H:%M} UTC"
    note(f"{invited.email} joins {brand.name} as {role} by this link, once, until {until}. A worker mails it too.")


@staff_group.command()
@click.argument("email")
@click.option("--brand", "slug", required=True, metavar="SLUG", help="A brand that the person works for.")
@json_option
def reset(email: str, slug: str, as_json: bool) -> None:
    """
    Print a one-time link by which EMAIL sets a new password, for a lost phone or passkey. It works for a day.

    Password, authenticator app, recovery codes and passkeys of the account are gone at once, and its sessions end.
    """
    with opened() as place:
        with place.sessions.begin() as session:
            brand, now = catalogue.get_brand(session, slug), place.now()
            wanted = staff.parse_email(email)
            found = [m for m in staff.list_members(session, brand.id) if m.email == wanted and m.deactivated_at is None]
            if not found:
                raise NotFound(f"{wanted} is not in the team of {brand.name}.")
            staff_proofs.reset(session, found[0].account_id, now=now)
            secret = staff_sessions.begin_flow(
                session, staff_sessions.RESET, staff_sessions.RESET, account_id=found[0].account_id, now=now,
                random=place.random, life=_RESET_LIFE,
            )  # fmt: skip
            place.record(session, brand.id, "staff.reset", wanted)
        link = f"{place.config.base_url}/console/reset/{secret}"
    if as_json:
        print_json({"email": wanted, "link": link})
        return
    click.echo(link)
    note(f"{wanted} sets a new password by this link, once, within a day. Every other way in is closed.")


@staff_group.command()
@click.option("--brand", "slug", required=True, metavar="SLUG", help="The brand.")
@click.option("--issuer", metavar="URL", help="The provider's address, as its tokens name it.")
@click.option("--client-id", metavar="ID", help="How the provider calls this service.")
@click.option("--client-secret-file", type=click.File(), help="A file with the secret, if the provider gave one.")
@click.option("--off", is_flag=True, help="End single sign-on.")
def sso(slug: str, issuer: str | None, client_id: str | None, client_secret_file: TextIO | None, off: bool) -> None:
    """
    Let the people of a brand sign in by its identity provider (OpenID Connect), or end that.

    Somebody who is in the team, or invited, is known by the e-mail address that the provider has verified.
    """
    if off == bool(issuer and client_id):
        raise click.UsageError("Give --issuer and --client-id, or --off.")
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        if issuer is None or client_id is None:
            staff_sso.remove_provider(session, brand.id)
        else:
            secret = client_secret_file.read().strip() if client_secret_file else None
            key = derive_key(place.config.secret, "staff")
            provider = oidc.Provider(issuer, client_id, secret or None)
            staff_sso.set_provider(session, brand.id, provider, key=key, now=place.now(), random=place.random)
        place.record(session, brand.id, "staff.sso", slug, {"issuer": issuer, "client_id": client_id})
    if off:
        click.echo(f"Single sign-on of {slug} is off.")
    else:
        click.echo(f"The people of {slug} sign in by {issuer}.")
        note(f"Register this address there: {place.config.base_url}/console/sso/callback")


@staff_group.command("list")
@click.option("--brand", "slug", required=True, metavar="SLUG", help="The brand.")
@json_option
def list_all(slug: str, as_json: bool) -> None:
    """List the people of a brand."""
    with opened() as place, place.sessions() as session:
        found = staff.list_members(session, catalogue.get_brand(session, slug).id)
    if as_json:
        print_json(found)
    elif found:
        rows = [(m.email, m.name, m.role.value, m.since, m.deactivated_at) for m in found]
        print_table(("E-MAIL", "NAME", "ROLE", "SINCE (UTC)", "LEFT"), rows)
    else:
        note(f"Nobody yet. Invite the first one: authsvc staff invite EMAIL --brand {slug} --role admin")
