"""``authsvc labels``: printed labels of issued codes, as PDF, ZPL, single symbols or a file for a print server."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import click

from authsvc import catalogue, code_files, sandboxes
from authsvc.cli.output import counted, json_option, note, print_json, print_table, progress
from authsvc.cli.workplace import opened
from authsvc.errors import BadInput, Conflict, Unavailable
from authsvc.labels import fitting, pictures, print_files, sheets, templates, zpl
from authsvc.labels.codes import Label, read_codes
from authsvc.labels.fitting import Kind, Symbology
from authsvc.labels.layouts import Layout
from authsvc.labels.templates import PAGES, Stock, Template
from authsvc.symbols import Level

_SINGLE = [form.value for form in pictures.Form]
_DPI = {"zpl": 203}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What was printed, and how it will read."""

    labels: int
    files: list[Path]
    template: str
    symbol: str
    module_mm: float
    dpi: int
    grade: str
    advice: list[str]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Survey:
    """What a first look through the codes found; nothing is printed before all of them are known to be good."""

    count: int
    gtins: frozenset[str]
    uris: Mapping[int, str]
    has_claims: bool


def _list(context: click.Context, _option: click.Parameter, is_asked: bool) -> None:
    if not is_asked:
        return
    print_table(
        ("TEMPLATE", "STOCK", "WHAT"), [(t.name, t.stock, t.title) for t in templates.builtin_templates().values()]
    )
    click.echo()
    print_table(("STOCK", "LABELS", "WHAT"), [(s.name, s.count, s.title) for s in templates.builtin_stocks().values()])
    context.exit()


@click.command()
@click.argument("file", metavar="CODES.csv", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as", "form", required=True, type=click.Choice(["pdf", "zpl", "csv", *_SINGLE]), help="What to make.")
@click.option("--out", required=True, type=click.Path(path_type=Path),
              help="The file to write; of single symbols, a new folder.")  # fmt: skip
@click.option("--template", "name", default=templates.DEFAULT, show_default=True, help="The label; see --list.")
@click.option("--templates", "own", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A TOML file with templates of your own.")  # fmt: skip
@click.option("--symbol", "kind", type=click.Choice([kind.value for kind in Kind]), default="qr", show_default=True,
              help="QR code, or Data Matrix for labels that are too small for one.")  # fmt: skip
@click.option("--level", type=click.Choice([level.value for level in Level]), default="M", show_default=True,
              help="Error level of a QR code.")  # fmt: skip
@click.option(
    "--x-dimension", type=float, metavar="MM", help="Width of a module; default: what the label has room for."
)
@click.option("--dpi", type=click.IntRange(72, 4800), help="Dots an inch of the printer; default: 600, of ZPL 203.")
@click.option("--stock", help="The sheet (see --list), or label: each label is a page.")
@click.option("--page", type=click.Choice(list(PAGES)), help="Fill a plain page with labels.")
@click.option("--margin", type=click.FloatRange(0), default=10.0, show_default=True, help="Of a plain page, in mm.")
@click.option("--gap", type=click.FloatRange(0), default=3.0, show_default=True, help="Between labels on it, in mm.")
@click.option("--outline", is_flag=True, help="Draw where to cut (PDF).")
@click.option("--name", "product", help="The product name; default: that of the register.")
@click.option("--logo", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A PNG or JPEG picture.")
@click.option("--title", help="The heading of the sheets; default: the name of the file.")
@click.option("--force", is_flag=True, help="Write over the file if it is there.")
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=_list,
              help="List templates and stocks.")  # fmt: skip
@json_option
def labels(
    file: Path,
    form: str,
    out: Path,
    kind: str,
    level: str,
    dpi: int | None,
    x_dimension: float | None,
    logo: Path | None,
    product: str | None,
    outline: bool,
    force: bool,
    as_json: bool,
    **choices: Any,
) -> None:
    """
    Print the labels of the codes in CODES.csv, which `authsvc issue` wrote.

    Every symbol is read back before it is printed. What cannot be read at its size is refused, with what would fit.
    """
    start = time.monotonic()
    template = _template(choices["name"], choices["own"])
    layout = Layout(
        template=template,
        symbology=Symbology(Kind(kind), Level(level)),
        x_dimension=x_dimension,
        dpi=dpi or _DPI.get(form, 600),
        is_whole=form in {"zpl", "png"},
        logo=None if logo is None else _read_logo(logo),
        has_outline=outline,
    )
    stock = _stock(template, choices["stock"], choices["page"], choices["margin"], choices["gap"])
    survey = _survey(file)
    modules = [layout.fit(uri) for uri in survey.uris.values()]
    names = _names(survey.gtins, product)
    with progress(survey.count, "label") as tell:
        files = _write(file, form, out, survey.count, layout, stock, names, choices["title"], force, tell)
    worst = min(modules, key=lambda each: each.module)
    said = fitting.advise(template, max(survey.uris.values(), key=len), layout.symbology, worst, layout.dpi)
    if survey.has_claims and not template.has_claim and form in {"pdf", "zpl"}:
        said.append(
            f"The label {template.name} has no scratch field, so the claim codes are not on it: print them apart and "
            "put them inside the box."
        )
    done = Labelled(
        labels=survey.count,
        files=files,
        template=template.name,
        symbol=str(layout.symbology),
        module_mm=round(worst.module, 4),
        dpi=layout.dpi,
        grade=fitting.grade(worst),
        advice=said,
        seconds=round(time.monotonic() - start, 3),
    )
    if as_json:
        print_json(done)
        return
    where = files[0] if len(files) == 1 else f"{len(files)} files, {files[0].name} to {files[-1].name}"
    click.echo(f"{counted(done.labels, 'label')} written to {where} in {done.seconds:.1f} s.")
    for sentence in said:
        note(sentence)


def _template(name: str, own: Path | None) -> Template:
    known = dict(templates.builtin_templates())
    if own is not None:
        try:
            known.update(templates.read_templates(own.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            raise BadInput(f"{own.name} is not in UTF-8.") from None
    return templates.get_template(name, known)


def _stock(template: Template, name: str | None, page: str | None, margin: float, gap: float) -> Stock | None:
    """Return the sheet that was asked for, or that of the template, or a plain page; None is a page for each label."""
    if name == "label":
        return None
    stocks = templates.builtin_stocks()
    if name is not None and name not in stocks:
        raise BadInput(f"There is no stock {name!r}; they are label, {', '.join(stocks)}.")
    chosen = name or (None if page else template.stock)
    if chosen is None:
        return Stock.grid(template, page=page or "a4", margin=margin, gap=gap)
    if chosen not in stocks:
        raise BadInput(f"The template {template.name} names the stock {chosen!r}; they are {', '.join(stocks)}.")
    stocks[chosen].check(template)
    return stocks[chosen]


def _survey(file: Path) -> _Survey:
    """Read all codes once: count them, and keep one link of each length, as its symbol decides what fits."""
    gtins: set[str] = set()
    uris: dict[int, str] = {}
    count = claims = 0
    with file.open(encoding="utf-8", newline="") as lines:
        for count, code in enumerate(read_codes(lines), start=1):  # noqa: B007  the last number is the answer
            gtins.add(code.gtin)
            uris.setdefault(len(code.uri), code.uri)
            claims += bool(code.claim_code)
    if not count:
        raise BadInput(f"There are no codes to print: {file.name} has a header and nothing else.")
    return _Survey(count=count, gtins=frozenset(gtins), uris=uris, has_claims=claims > 0)


def _names(gtins: frozenset[str], given: str | None) -> dict[str, str]:
    if given is not None:
        return dict.fromkeys(gtins, given)
    with opened() as place, place.sessions() as session:
        return {gtin: sandboxes.label_name(session, catalogue.get_product(session, gtin)) for gtin in gtins}


def _read_logo(path: Path) -> bytes:
    data = path.read_bytes()
    if not data.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        raise BadInput(f"{path.name} is no PNG or JPEG picture.")
    return data


def _write(
    file: Path,
    form: str,
    out: Path,
    count: int,
    layout: Layout,
    stock: Stock | None,
    names: Mapping[str, str],
    title: str | None,
    force: bool,
    tell: Callable[[int], None],
) -> list[Path]:
    """Write what was asked for under a partial name each, so that nothing half done can be taken for a whole."""
    today = datetime.now(UTC).date()
    with ExitStack() as stack:
        lines = stack.enter_context(file.open(encoding="utf-8", newline=""))
        source = (Label.of(code, names[code.gtin], today) for code in read_codes(lines))
        try:
            if form in _SINGLE:
                return [_write_folder(out, source, layout, pictures.Form(form), tell)]
            if form == "pdf":
                return _write_sheets(out, source, count, layout, stock, title or file.stem, force, tell)
            return [_write_text(out, source, layout if form == "zpl" else None, force, tell)]
        except OSError as error:
            raise Unavailable(f"{out} cannot be written: {error.strerror or error}.") from error


def _write_text(
    out: Path, source: Iterator[Label], layout: Layout | None, force: bool, tell: Callable[[int], None]
) -> Path:
    """Write ZPL of a layout, or without one the columns for a print server."""
    with (
        code_files.reserved(out, may_replace=force) as taken,
        taken.open("w", encoding="utf-8", newline="") as target,
    ):
        if layout is None:
            print_files.write(target, source, progress=tell)
        else:
            zpl.write(target, source, layout, progress=tell)
    code_files.publish(taken, out, may_replace=force)
    return out


def _write_sheets(
    out: Path,
    source: Iterator[Label],
    count: int,
    layout: Layout,
    stock: Stock | None,
    title: str,
    force: bool,
    tell: Callable[[int], None],
) -> list[Path]:
    """Write one PDF, or several of ``sheets.MOST`` labels, as each is held in memory until it is whole."""
    files = [out]
    if count > sheets.MOST:
        files = [out.with_name(f"{out.stem}-{k + 1:03d}{out.suffix}") for k in range(-(-count // sheets.MOST))]
    for each in files:
        code_files.check_free(each, may_replace=force)
    for number, each in enumerate(files):
        before = number * sheets.MOST
        heading = title if len(files) == 1 else f"{title}, part {number + 1} of {len(files)}"
        with code_files.reserved(each, may_replace=force) as taken:
            sheets.write(
                taken, islice(source, sheets.MOST), layout, stock, title=heading, progress=partial(_tell, tell, before)
            )
        code_files.publish(taken, each, may_replace=force)
    return files


def _tell(tell: Callable[[int], None], before: int, done: int) -> None:
    tell(before + done)


def _write_folder(
    out: Path, source: Iterator[Label], layout: Layout, form: pictures.Form, tell: Callable[[int], None]
) -> Path:
    unfinished = out.with_name(f"{out.name}.partial")
    if out.exists() or unfinished.exists():
        raise Conflict(f"{out} is there already, or {unfinished.name} is: name a new folder for the symbols.")
    if not out.parent.is_dir():
        raise BadInput(f"There is no folder {out.parent} to make {out.name} in.")
    unfinished.mkdir()
    try:
        pictures.write(unfinished, source, layout, form, progress=tell)
        unfinished.rename(out)
    except BaseException:
        shutil.rmtree(unfinished)
        raise
    return out
