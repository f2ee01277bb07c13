"""``authsvc recall``: look at, announce, list and lift recalls."""

import re
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

import click
from sqlalchemy.orm import Session

from authsvc import catalogue, languages, recall_languages, recalls, signing_keys
from authsvc.cli.output import counted, json_option, note, print_json, print_table
from authsvc.cli.workplace import Workplace, opened
from authsvc.core import serial_lists
from authsvc.core.recall_texts import Text
from authsvc.core.register import Product
from authsvc.core.serials import SerialKey
from authsvc.errors import BadInput

_T = TypeVar("_T")
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--gtin", help="The product, as a GTIN of 14 digits.")
@click.option("--lot", help="Only this lot.")
@click.option("--reason", help="Why; the person who scans the item reads it.")
@click.option("--remedy", help="What that person should do.")
@click.option("--language", type=click.Choice(sorted(languages.NAMES)), help="The language of both; en if not said.")
@click.option("--text", "texts", multiple=True, metavar="TAG=FILE",
              help="Both in another language, as in de=recall.de.txt: reason, empty line, what to do.")  # fmt: skip
@click.option("--from-serial", metavar="A", help="Only the codes from A …")
@click.option("--to-serial", metavar="B", help="… to B, in the order in which they were issued.")
@click.option("--serials", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="Only the serials of this list: one a line, or a CSV file with a column serial.")  # fmt: skip
@click.option("--made-from", type=_DAY, metavar="YYYY-MM-DD", help="Only codes issued from this day (UTC) …")
@click.option("--made-to", type=_DAY, metavar="YYYY-MM-DD", help="… to this day, the whole of it.")
@click.option("--tell-owners/--tell-nobody", default=True, show_default=True, help="Mail the known owners, once each.")
@click.option("--preview", is_flag=True, help="Show what it would hit, and announce nothing.")
@click.option("--yes", is_flag=True, help="Ask nothing; on a terminal a recall is confirmed otherwise.")
@click.option("--add-texts", type=click.IntRange(1), metavar="ID",
              help="Give the recall with this number the languages of --text.")  # fmt: skip
@click.option("--lift", type=click.IntRange(1), metavar="ID", help="End the recall with this number.")
@click.option("--list", "list_all", is_flag=True, help="List the recalls, lifted ones too.")
@json_option
def recall(
    gtin: str | None,
    lot: str | None,
    reason: str | None,
    remedy: str | None,
    language: str | None,
    texts: tuple[str, ...],
    from_serial: str | None,
    to_serial: str | None,
    serials: Path | None,
    made_from: datetime | None,
    made_to: datetime | None,
    tell_owners: bool,
    preview: bool,
    yes: bool,
    add_texts: int | None,
    lift: int | None,
    list_all: bool,
    as_json: bool,
) -> None:
    """Recall a product, a lot, a range, a list or a production window: every later scan says so."""
    if list_all:
        _list(gtin, as_json)
        return
    others = any((gtin, lot, reason, remedy, from_serial, to_serial, serials, made_from, made_to))
    if lift is not None:
        if others or language or texts or add_texts is not None:
            raise click.UsageError("--lift takes the number of the recall and nothing else.")
        _lift(lift, as_json)
        return
    if add_texts is not None:
        if others or not (language or texts):
            raise click.UsageError("--add-texts takes the number of the recall, and --text or --language.")
        _add_texts(add_texts, language, _texts(texts), as_json)
        return
    if gtin is None or (reason is None and not preview):
        raise click.UsageError("A recall needs --gtin and --reason, and mostly --lot.")
    with opened() as place:
        with place.sessions.begin() as session:
            product = catalogue.get_product(session, gtin)
            target = recalls.Target(
                lot=lot,
                between=_both(from_serial, to_serial, "A range has two ends: give --from-serial and --to-serial."),
                listed=() if serials is None else tuple(_read(serials, product)),
                made=_days(made_from, made_to),
            )
            found = recalls.preview(
                session, product, target, serial_keys=_keys(place, session, product), now=place.now()
            )
        if preview:
            _show(found, as_json)
            return
        if not yes and not as_json and sys.stdin.isatty():
            _show(found, as_json)
            click.confirm(f"Recall {recalls.describe(found.scope)} of {product.name}?", abort=True, err=True)
        original = Text(language or languages.DEFAULT, str(reason), remedy)
        info = _announce(place, product, target, original, _texts(texts), tell_owners=tell_owners)
    _say(info, product, found.owners if tell_owners else 0, as_json)


def _announce(
    place: Workplace, product: Product, target: recalls.Target, original: Text, texts: list[Text], *, tell_owners: bool
) -> recalls.RecallInfo:
    with place.sessions.begin() as session:
        info = recalls.recall(
            session,
            product,
            target,
            reason=original.reason,
            remedy=original.remedy,
            language=original.language,
            texts=texts,
            tells_owners=tell_owners,
            serial_keys=_keys(place, session, product),
            now=place.now(),
        )
        place.record(session, product.brand_id, "recall.announce", str(info.id), recalls.announced(info))
    return info


def _say(info: recalls.RecallInfo, product: Product, owners: int, as_json: bool) -> None:
    codes = counted(info.covered, "issued code")
    _print(info, as_json, f"Recall {info.id} of {product.name} is in force and covers {codes}.")
    if info.scope == recalls.describe(recalls.WHOLE):
        note("It covers the whole product, codes issued later too.")
    _note_missing(product, info)
    if owners:
        note(f"{counted(owners, 'owner')} will be mailed by the worker.")


def _add_texts(recall_id: int, language: str | None, texts: list[Text], as_json: bool) -> None:
    given = {text.language: text for text in texts}
    if len(given) < len(texts):
        raise click.UsageError("--text names a language twice.")
    with opened() as place, place.sessions.begin() as session:
        before = recalls.get_recall(session, recall_id)
        info = recalls.add_texts(session, recall_id, given, language=language)
        if details := recalls.changes(before, info):
            place.record(session, info.brand_id, "recall.texts", str(info.id), details)
        product = catalogue.get_product(session, info.gtin)
    tags = ", ".join(sorted((info.language, *info.texts)))
    _print(info, as_json, f"Recall {info.id} of {product.name} is said in {tags}.")
    _note_missing(product, info)


def _note_missing(product: Product, info: recalls.RecallInfo) -> None:
    for line in recall_languages.sentences(product.markets, (info.language, *info.texts)):
        note(f"No text yet for {line}.")


def _texts(given: tuple[str, ...]) -> list[Text]:
    """Read every ``TAG=FILE``: what stands before the first empty line is the reason, the rest is what to do."""
    texts = []
    for one in given:
        tag, is_named, name = one.partition("=")
        file = Path(name)
        if not is_named or not file.is_file():
            raise click.UsageError(
                f"--text takes a language and a file that is there, as in de=recall.de.txt, got {one}."
            )
        try:
            content = file.read_text(encoding="utf-8-sig").strip()
        except UnicodeDecodeError:
            raise BadInput(f"{file.name} is not in UTF-8.") from None
        reason, *rest = re.split(r"\n[ \t]*\n", content, maxsplit=1)
        texts.append(Text(tag, reason, rest[0] if rest else None))
    return texts


def _lift(recall_id: int, as_json: bool) -> None:
    with opened() as place, place.sessions.begin() as session:
        info = recalls.lift(session, recall_id, now=place.now())
        place.record(session, info.brand_id, "recall.lift", str(info.id), {"gtin": info.gtin, "scope": info.scope})
    _print(info, as_json, f"Recall {info.id} of {info.gtin} is lifted.")


def _list(gtin: str | None, as_json: bool) -> None:
    with opened() as place, place.sessions() as session:
        found = recalls.list_recalls(session, gtin)
    if as_json:
        print_json(found)
    elif found:
        rows = [(r.id, r.gtin, r.lot, r.scope, r.covered, r.recalled_at, r.lifted_at, r.reason) for r in found]
        print_table(("ID", "GTIN", "LOT", "OF", "CODES", "RECALLED (UTC)", "LIFTED", "REASON"), rows)
    else:
        note("There is no recall.")


def _show(found: recalls.Preview, as_json: bool) -> None:
    if as_json:
        spares = found.spares
        print_json(
            {
                "of": recalls.describe(found.scope),
                "covered": found.covered,
                "owners": found.owners,
                "spares": None if spares is None else {"items": spares.items, "beside": spares.beside},
            }
        )
        return
    for sentence in recalls.sentences(found):
        click.echo(sentence)


def _keys(place: Workplace, session: Session, product: Product) -> dict[str, SerialKey]:
    return signing_keys.load_serial_keys(session, product.brand_id, wrapping_key=place.wrapping_key)


def _read(file: Path, product: Product) -> list[tuple[int, str]]:
    try:
        return serial_lists.parse(file.read_text(encoding="utf-8"), product.gtin)
    except UnicodeDecodeError:
        raise BadInput(f"{file.name} is not in UTF-8; serials are plain ASCII.") from None


def _days(first: datetime | None, last: datetime | None) -> tuple[date, date] | None:
    both = _both(first, last, "A production window has two ends: give --made-from and --made-to.")
    return None if both is None else (both[0].date(), both[1].date())


def _both(first: _T | None, last: _T | None, sentence: str) -> tuple[_T, _T] | None:
    if (first is None) != (last is None):
        raise click.UsageError(sentence)
    return None if first is None or last is None else (first, last)


def _print(info: recalls.RecallInfo, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(info)
    else:
        click.echo(sentence)
