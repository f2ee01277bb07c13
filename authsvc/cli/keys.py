"""``authsvc keys``: the life of signing keys, from pending to retired or revoked."""

from datetime import UTC, datetime

import click

from authsvc import catalogue, evidence_keys, signing_keys
from authsvc.cli.output import json_option, note, print_json, print_table
from authsvc.cli.workplace import opened
from authsvc.core.keyring import FORMAT_NAMES, KeyState, Revocation, RevocationMode
from authsvc.core.revocations import made_good, runs_in_words

brand_option = click.option("--brand", "slug", required=True, metavar="SLUG", help="The brand of the key.")
key_option = click.option("--key", "key_id", required=True, type=click.IntRange(1), metavar="N", help="Its number.")

_EFFECTS = {
    RevocationMode.STOP: "It signs no more; all its codes stay good.",
    RevocationMode.FROM: "Items that were first checked before that time stay good, all others are withdrawn.",
    RevocationMode.RUN: "The codes of {runs} are withdrawn, its other codes stay good.",
    RevocationMode.ALL: "All its codes are withdrawn.",
}


@click.group()
def keys() -> None:
    """Make, list, activate, retire and revoke signing keys."""


@keys.command()
@brand_option
@click.option("--format", "form", type=click.Choice(list(FORMAT_NAMES)), default="ed25519", show_default=True)
@click.option("--pending", is_flag=True, help="Publish it now and let it sign later (keys activate).")
@click.option("--activate", is_flag=True, help="Let it sign at once; the active key of its format retires.")
@json_option
def new(slug: str, form: str, pending: bool, activate: bool, as_json: bool) -> None:
    """
    Make a signing key.

    It is active when the brand has no active key of this format, and pending otherwise: a pending key is published, so
    that verifiers know it before the first code needs it.
    """
    if pending and activate:
        raise click.UsageError("A key is made pending or active, not both.")
    state = KeyState.PENDING if pending else KeyState.ACTIVE if activate else None
    with opened() as place:
        with place.sessions() as session:
            brand = catalogue.get_brand(session, slug)
        info = place.make_key(brand.id, form, state)
    if as_json:
        print_json(info)
        return
    click.echo(f"Key {info.key_id} of {slug} ({form}) is {info.state}.")
    if info.state is KeyState.PENDING:
        note(f"Next: authsvc keys activate --brand {slug} --key {info.key_id}")


@keys.command("list")
@brand_option
@json_option
def list_all(slug: str, as_json: bool) -> None:
    """List the keys of a brand."""
    with opened() as place, place.sessions() as session:
        found = signing_keys.list_keys(session, catalogue.get_brand(session, slug).id)
    if as_json:
        print_json(found)
    elif found:
        rows = [
            (
                k.key_id,
                k.format,
                k.state.value,
                k.created_at,
                k.retired_at,
                k.revoked_at,
                _describe(k.revocation),
                k.reason,
            )
            for k in found
        ]
        print_table(("KEY", "FORMAT", "STATE", "MADE (UTC)", "RETIRED", "REVOKED", "HOW", "REASON"), rows)
    else:
        note(f"The brand has no signing key yet. Make one: authsvc keys new --brand {slug}")


@keys.command()
@brand_option
@key_option
@json_option
def activate(slug: str, key_id: int, as_json: bool) -> None:
    """Let a pending key sign; the active key of its format retires."""
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        info = signing_keys.activate(session, brand.id, key_id, now=place.now())
        place.record(session, brand.id, "key.activate", str(key_id), {"format": info.format})
    _print_state(info, slug, as_json, "It signs from now on.")


@keys.command()
@brand_option
@key_option
@json_option
def retire(slug: str, key_id: int, as_json: bool) -> None:
    """End the signing of a key; what it signed stays good."""
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        info = signing_keys.retire(session, brand.id, key_id, now=place.now())
        place.record(session, brand.id, "key.retire", str(key_id), {"format": info.format})
    _print_state(info, slug, as_json, "It signs no more; all its codes stay good.")


@keys.command()
@brand_option
@key_option
@click.option(
    "--mode",
    required=True,
    type=click.Choice([mode.value for mode in RevocationMode]),
    help="How far the revocation reaches.",
)
@click.option("--from", "since", metavar="T", help="With from-time: the time, such as 2026-05-01T12:00Z; may be past.")
@click.option("--run", "runs", multiple=True, type=click.IntRange(1), metavar="R", help="With run: a run to withdraw.")
@click.option("--reason", required=True, help="Why; colleagues read it.")
@click.option("--weaken", is_flag=True, help="Let it hold alone, also where it makes withdrawn codes good again.")
@json_option
def revoke(
    slug: str,
    key_id: int,
    mode: str,
    since: str | None,
    runs: tuple[int, ...],
    reason: str,
    weaken: bool,
    as_json: bool,
) -> None:
    """
    Withdraw a key that may be in wrong hands.

    Modes: stop-issuing (its codes stay good), from-time (items first checked before T stay good), run (the codes of
    some runs are withdrawn), all. A running service follows within seconds.

    A key can be revoked again, to withdraw more: runs are added to those before. What would make withdrawn codes good
    again is refused, unless --weaken says that it is meant.
    """
    revocation = Revocation(RevocationMode(mode), None if since is None else _time(since), frozenset(runs))
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        before = signing_keys.get_key(session, brand.id, key_id).revocation
        info = signing_keys.revoke(session, brand.id, key_id, revocation, reason=reason, now=place.now(), weaken=weaken)
        details = {"how": _describe(info.revocation), "reason": reason, "weaken": weaken}
        place.record(session, brand.id, "key.revoke", str(key_id), details)
    assert info.revocation is not None  # it has just been made
    _print_state(info, slug, as_json, _effect(info.revocation))
    if codes := made_good(before, info.revocation):
        note(f"Good again: {codes}.")


@keys.command()
@brand_option
@click.option("--rotate", is_flag=True, help="Make a new key that seals from now on; the one before still verifies.")
@click.option("--revoke", type=click.IntRange(1), metavar="N", help="Withdraw key N: what it sealed verifies no more.")
@json_option
def evidence(slug: str, rotate: bool, revoke: int | None, as_json: bool) -> None:
    """
    Show, replace or withdraw the keys that seal evidence files.

    They are apart from the keys above, sign no code, and stand wrapped in the database; the first is made at the first
    export of a brand.
    """
    if rotate and revoke is not None:
        raise click.UsageError("Withdraw a key or make a new one, one after the other.")
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        if rotate:
            made = evidence_keys.rotate(
                session, brand.id, wrapping_key=place.wrapping_key, random=place.random, now=place.now()
            )
            place.record(session, brand.id, "key.evidence-new", made.kid)
        elif revoke is not None:
            gone = evidence_keys.revoke(session, brand.id, revoke, now=place.now())
            place.record(session, brand.id, "key.evidence-revoke", gone.kid)
        found = evidence_keys.list_keys(session, brand.id)
    if as_json:
        print_json(found)
    elif found:
        print_table(("NUMBER", "STATE", "MADE", "NAME IN THE JWKS"), [_evidence_row(info) for info in found])
    else:
        note(f"{brand.name} has sealed nothing yet; its first export makes the first key.")


def _evidence_row(info: evidence_keys.Info) -> tuple[object, ...]:
    state = "revoked" if info.revoked_at else "retired" if info.retired_at else "active"
    return info.number, state, f"{info.created_at:%Y-%m-%d %H:%M}", info.kid


def _print_state(info: signing_keys.KeyInfo, slug: str, as_json: bool, effect: str) -> None:
    if as_json:
        print_json(info)
    else:
        click.echo(f"Key {info.key_id} of {slug} ({info.format}) is {info.state}. {effect}")


def _effect(revocation: Revocation) -> str:
    return _EFFECTS[revocation.mode].format(runs=runs_in_words(revocation.runs))


def _describe(revocation: Revocation | None) -> str | None:
    if revocation is None:
        return None
    since = "" if revocation.since is None else f" {revocation.since:%Y-%m-%d %H:%M}"
    return f"{revocation.mode}{since} {', '.join(map(str, sorted(revocation.runs)))}".strip()


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time; write 2026-05-01T12:00Z.", param_hint="--from") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
