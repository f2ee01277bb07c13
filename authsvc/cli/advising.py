"""``authsvc advise``: batch, serial or hybrid, with reasons, the law, and the costs."""

import shutil
import sys
import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from authsvc import advice_report
from authsvc.cli.output import json_option, note, print_json, print_table
from authsvc.core import advice
from authsvc.core.advice import Advice, Case, RecallPrecision, Traceability, UnitData
from authsvc.core.categories import CATEGORIES
from authsvc.core.code_costs import PARTS, Assumptions
from authsvc.core.laws import BatteryKind
from authsvc.core.register import Granularity
from authsvc.errors import BadInput


def _choice(kinds: Iterable[StrEnum]) -> click.Choice[str]:
    """Offer the values; of an enumeration click would offer the names."""
    return click.Choice([kind.value for kind in kinds])


_BAR = 44  # characters of the longest bar
_INKS = "█▓▒░"


@click.command()
@click.option("--category", type=click.Choice(list(CATEGORIES)), help="What kind of product it is.")
@click.option("--value", type=click.FloatRange(0), help="What one unit is worth.")
@click.option("--volume", type=click.IntRange(1), help="Units a year.")
@click.option("--traceability", type=_choice(Traceability), help="What is followed on its way.")
@click.option("--recall", type=_choice(RecallPrecision), help="The least that a recall can name.")
@click.option("--authentication/--no-authentication", default=None, help="People check whether a unit is genuine.")
@click.option("--unit-data", type=_choice(UnitData), help="Whether units have data of their own.")
@click.option("--resale/--no-resale", default=None, help="Units are resold and change owners.")
@click.option("--reports-by-serial/--no-reports-by-serial", default=None, help="Customers report by serial number.")
@click.option("--market", "markets", multiple=True, metavar="CC", help="A country such as DE, or EU; may be repeated.")
@click.option("--battery", type=_choice(BatteryKind), help="The kind, if it is a battery.")
@click.option("--kwh", type=click.FloatRange(0, min_open=True), help="The energy, if it is a battery.")
@click.option("--choose", type=_choice(Granularity), help="Refuse this choice where law forbids it.")
@click.option("--assume", "assumed", multiple=True, metavar="NAME=VALUE", help="Replace an assumption of the costs.")
@click.option("--assumptions", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A TOML file of assumptions, NAME = VALUE a line.")  # fmt: skip
@click.option("--currency", default="EUR", show_default=True, help="The currency of value and assumptions.")
@click.option("--pdf", type=click.Path(dir_okay=False, path_type=Path), help="Write the advice as PDF too.")
@json_option
def advise(
    category: str | None,
    value: float | None,
    volume: int | None,
    assumed: tuple[str, ...],
    file: Path | None,
    currency: str,
    pdf: Path | None,
    choose: str | None,
    as_json: bool,
    **answers: Any,
) -> None:
    """
    Say whether a product should carry batch codes, serial codes or both, why, and what they cost.

    Without options, on a terminal, it asks. What you leave out follows what is usual in the category.
    """
    assumptions = _assumptions(file, assumed)
    if category is None and _is_terminal():
        category, value, volume, answers = _ask(currency)
    missing = [name for name, given in (("category", category), ("value", value), ("volume", volume)) if given is None]
    if category is None or value is None or volume is None:
        raise click.UsageError(f"Say at least --{', --'.join(missing)}; on a terminal, `authsvc advise` alone asks.")
    found = advice.advise(_case(category, value, volume, answers), assumptions)
    if choose is not None:
        advice.check_choice(found, Granularity(choose))
    if pdf is not None:
        _write(pdf, found, currency)
    if as_json:
        print_json(_document(found, currency))
    else:
        _print(found, currency)
        if pdf is not None:
            note(f"Written to {pdf}.")


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _ask(currency: str) -> tuple[str, float, int, dict[str, Any]]:
    """Ask one thing after the other, as the options name them; Enter takes what is usual in the category."""
    category = click.prompt("What kind of product is it?", type=click.Choice(list(CATEGORIES)))
    usual = CATEGORIES[category].needs
    answers: dict[str, Any] = {}
    is_battery = (CATEGORIES[category].known_as or "").endswith("battery")
    if is_battery:
        kind = CATEGORIES[category].battery
        answers["battery"] = kind or click.prompt("Which kind of battery?", type=_choice(BatteryKind))
        answers["kwh"] = click.prompt("Its energy in kWh?", type=click.FloatRange(0, min_open=True))
    value = click.prompt(f"What is one unit worth, in {currency}?", type=click.FloatRange(0))
    volume = click.prompt("How many units a year?", type=click.IntRange(1))
    markets = click.prompt("Where is it sold? (countries such as DE FR, EU or US; empty: anywhere)", default="",
                           show_default=False)  # fmt: skip
    answers["markets"] = tuple(markets.replace(",", " ").split())
    for name, question, kinds in (
        ("traceability", "What do you follow on its way?", Traceability),
        ("recall", "How precise must a recall be?", RecallPrecision),
        ("unit_data", "Do units have data of their own?", UnitData),
    ):
        answers[name] = click.prompt(question, type=_choice(kinds), default=usual.get(name, next(iter(kinds)).value))
    for name, question in (
        ("authentication", "Should people be able to check that a unit is genuine?"),
        ("resale", "Is it resold?"),
        ("reports_by_serial", "Do customers report by serial number?"),
    ):
        answers[name] = click.confirm(question, default=bool(usual.get(name)))
    click.echo()
    return category, value, volume, answers


def _case(category: str, value: float, volume: int, answers: Mapping[str, Any]) -> Case:
    markets = tuple(market.upper() for market in answers["markets"])
    for market in markets:
        if not (len(market) == 2 and market.isascii() and market.isalpha()):
            raise BadInput(f"A market is a country code of two letters, or EU, got {market!r}.")

    def chosen(name: str, kind: Any) -> Any:
        return None if answers.get(name) is None else kind(answers[name])

    return Case(
        category=category,
        value=value,
        volume=volume,
        traceability=chosen("traceability", Traceability),
        recall=chosen("recall", RecallPrecision),
        authentication=answers["authentication"],
        unit_data=chosen("unit_data", UnitData),
        resale=answers["resale"],
        reports_by_serial=answers["reports_by_serial"],
        markets=markets,
        battery=chosen("battery", BatteryKind),
        kwh=answers.get("kwh"),
    )


def _assumptions(file: Path | None, assumed: tuple[str, ...]) -> Assumptions:
    """Return the assumptions of the file, and over them those of the options."""
    made = Assumptions()
    if file is not None:
        try:
            made = made.with_values(tomllib.loads(file.read_text(encoding="utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadInput(f"{file.name} is no TOML file: {error}.") from None
    values: dict[str, object] = {}
    for each in assumed:
        name, _, text = each.partition("=")
        try:
            values[name.strip()] = float(text)
        except ValueError:
            raise BadInput(f"Write an assumption as NAME=NUMBER, got {each!r}.") from None
    return made.with_values(values)


def _write(pdf: Path, found: Advice, currency: str) -> None:
    try:
        advice_report.write(pdf, found, on=datetime.now(UTC).date(), currency=currency)
    except OSError as error:
        raise BadInput(f"{pdf} cannot be written: {error.strerror}.") from None


def _print(found: Advice, currency: str) -> None:
    click.echo(found.headline)
    if found.rule is not None:
        click.echo(f"\n{found.rule.title}: {found.rule.citation}")
    click.echo()
    for reason in found.reasons:
        _wrapped(f"{reason.granularity.value:6}  ", f"{reason.text} ({reason.factor})")
    for each in found.notes:
        click.echo()
        _wrapped("Note:   ", each)
    costs = found.costs
    click.echo(f"\nCosts of a year, {found.case.volume:,} units, in {currency}:\n")
    rows = [[part, *(f"{cost.parts[k]:,.2f}" for cost in costs.costs)] for k, part in enumerate(PARTS)]
    rows.append(["total", *(f"{cost.total:,.2f}" for cost in costs.costs)])
    rows.append(["each item", *(f"{cost.per_item:.4f}" for cost in costs.costs)])
    rows.append(["against batch", *(f"{costs.premium(cost.granularity):+.0%}" for cost in costs.costs)])
    print_table(("", *(cost.granularity.value.upper() for cost in costs.costs)), rows)
    click.echo()
    most = max(cost.total for cost in costs.costs) or 1.0
    for cost in costs.costs:
        bar = "".join(ink * round(part / most * _BAR) for part, ink in zip(cost.parts, _INKS, strict=True))
        click.echo(f"{cost.granularity.value:6}  {bar} {cost.total:,.0f}")
    click.echo("        " + "  ".join(f"{ink} {part}" for part, ink in zip(PARTS, _INKS, strict=True)))
    click.echo(
        f"\n{costs.premium_check}\n\nAssumptions (change them with --assume NAME=VALUE or --assumptions FILE):\n"
    )
    print_table(
        ("NAME", "VALUE", "MEANING"), [(name, f"{value:,g}", says) for name, value, says in costs.assumptions.rows()]
    )


def _wrapped(first: str, text: str) -> None:
    width = min(max(shutil.get_terminal_size().columns, 60), 100)
    click.echo(click.wrap_text(text, width, initial_indent=first, subsequent_indent=" " * len(first)))


def _document(found: Advice, currency: str) -> dict[str, Any]:
    costs = found.costs
    return {
        "granularity": found.granularity.value,
        "headline": found.headline,
        "case": found.case,
        "rule": found.rule,
        "reasons": found.reasons,
        "notes": found.notes,
        "costs": {
            "currency": currency,
            "years": [
                {
                    "granularity": cost.granularity.value,
                    "parts": dict(zip(PARTS, cost.parts, strict=True)),
                    "total": cost.total,
                    "per_item": cost.per_item,
                    "premium": costs.premium(cost.granularity),
                }
                for cost in costs.costs
            ],
            "premium_check": costs.premium_check,
            "assumptions": {name: value for name, value, _ in costs.assumptions.rows()},
        },
    }
