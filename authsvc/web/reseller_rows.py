"""A checked list as rows: the same for the table of the page and for the CSV file, made from verdict documents."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from authsvc import languages
from authsvc.core import check_lists, csv_cells, short_words
from authsvc.languages import gettext as _
from authsvc.web import lookups

COLUMNS = (
    "line", "code", "outcome", "reason", "answer", "product", "gtin", "serial", "batch", "first_checked",
    "owners", "warranty_until", "condition", "in_transfer", "recalled", "copy_warning", "same_code_as_line", "sscc",
)  # fmt: skip
MOST_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One code of a list and its answer. ``first_checked`` is a month: a day could tell who checked."""

    line: int
    code: str
    outcome: str
    reason: str
    answer: str
    detail: str | None = None
    product: str | None = None
    gtin: str | None = None
    serial: str | None = None
    sscc: str | None = None
    batch: str | None = None
    first_checked: str | None = None
    owners: int | None = None
    warranty_until: str | None = None
    condition: str | None = None
    in_transfer: bool | None = None
    recalled: bool | None = None
    copy_warning: bool | None = None
    same_as: int | None = None
    key: str = short_words.UNREAD
    notices: tuple[str, ...] = ()

    @property
    def tone(self) -> str:
        """The tone of its short word."""
        return short_words.SHORT[self.key][0]

    @property
    def word(self) -> str:
        """Its short word, that of its own page."""
        return _(short_words.SHORT[self.key][1])

    @property
    def owned(self) -> tuple[str, ...]:
        """What is known of its owners, and nothing of who they are."""
        said = []
        if self.owners:
            said.append(_("Owners so far: {}").format(self.owners))
        if self.warranty_until:
            said.append(_("Warranty until {}").format(languages.day(date.fromisoformat(self.warranty_until))))
        if self.in_transfer:
            said.append(_("Its owner offers it"))
        return tuple(said)

    @property
    def shown(self) -> str:
        """What stands for the code in the table: the number of its item, case or batch, else how its text begins."""
        code = self.serial or self.sscc or self.gtin or self.batch or self.code
        return code if len(code) <= MOST_SHOWN else f"{code[:MOST_SHOWN]}…"


def rows(codes: Sequence[str], found: Sequence[dict[str, Any]]) -> list[Row]:
    """Put codes and the documents of their answers together."""
    repeats = check_lists.repeats(map(lookups.item_of, codes))
    return [
        _row(place + 1, code, document, None if (first := repeats.get(place)) is None else first + 1)
        for place, (code, document) in enumerate(zip(codes, found, strict=True))
    ]


def csv_lines(listed: Sequence[Row]) -> Iterator[str]:
    """Write rows as CSV that no spreadsheet runs."""
    yield csv_cells.row(COLUMNS)
    for row in listed:
        yield csv_cells.row(
            (
                row.line, row.code, row.outcome, row.reason, row.answer, row.product, row.gtin, row.serial, row.batch,
                row.first_checked, row.owners, row.warranty_until, row.condition, _yes_no(row.in_transfer),
                _yes_no(row.recalled), _yes_no(row.copy_warning), row.same_as, row.sscc,
            )
        )  # fmt: skip


def month(text: str | None) -> str | None:
    """Round a moment of a document to its month: "May 2026"."""
    return None if text is None else languages.month(datetime.fromisoformat(text))


def _row(line: int, code: str, document: dict[str, Any], same_as: int | None) -> Row:
    if "error" in document:
        error = document["error"]
        return Row(
            line=line, code=code, outcome="unread", reason=error["code"], answer=_("We cannot read this"),
            detail=error["detail"], same_as=same_as,
        )  # fmt: skip
    item, lot = document["item"] or {}, document["lot"] or {}
    reasons = {document["reason"], *(notice["reason"] for notice in document["notices"])}
    has_history = document["outcome"] not in {"none", "invalid"}
    return Row(
        line=line,
        code=code,
        outcome=document["outcome"],
        reason=document["reason"],
        answer=document["title"],
        product=(document["product"] or {}).get("name"),
        gtin=item.get("gtin"),
        serial=item.get("serial"),
        sscc=item.get("sscc"),
        batch=lot.get("lot"),
        first_checked=month(item.get("first_checked_at")),
        owners=item.get("owners"),
        warranty_until=(item.get("warranty") or {}).get("until"),
        condition=item.get("disposition"),
        in_transfer=item.get("in_transfer"),
        recalled=bool(reasons & {"recalled", "lot-recalled"}) if has_history else None,
        copy_warning="possible-copy" in reasons if has_history else None,
        same_as=same_as,
        key=short_words.key_of(document, is_typed=not check_lists.is_link(code)),
        notices=tuple(notice["title"] for notice in document["notices"]),
    )


def _yes_no(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"
