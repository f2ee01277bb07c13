"""
The languages of a recall in the console: the rows of its forms, and the page that adds some to an announced recall.

A form has a row for each language, and its button "Add a language" asks the server for one more, so no script is
needed. A row that is left empty says nothing.
"""

from collections.abc import Sequence
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from authsvc import catalogue, languages, recall_languages, recalls
from authsvc.core import recall_texts
from authsvc.core.recall_texts import Text
from authsvc.errors import BadInput
from authsvc.recalls import RecallInfo
from authsvc.staff import Role
from authsvc.web.console import guard, rendering

Page = str | tuple[str, int] | Response


@guard.page("/recalls/<int:recall_id>/texts", role=Role.OPERATOR, methods=["GET", "POST"], nav="Recalls", step_up=True)
def recall_texts_page(recall_id: int) -> Page:
    """Say an announced recall in further languages."""
    me = guard.me()
    with guard.session() as session:
        found = recalls.get_recall(session, recall_id, brand_id=me.brand_id)
        markets = catalogue.get_product(session, found.gtin).markets
    if request.method == "GET":
        return _page(found, found.language, recall_texts.read(found.texts), markets)
    language = request.form.get("language", found.language)
    if "add" in request.form:
        return _page(found, language, rows(), markets, adds=True)
    try:
        with guard.session() as session:
            before = recalls.get_recall(session, recall_id, brand_id=me.brand_id)
            after = recalls.add_texts(session, recall_id, _given(), brand_id=me.brand_id, language=language)
            if details := recalls.changes(before, after):
                me.record(session, "recall.texts", str(after.id), details)
    except BadInput as error:
        return _page(found, language, rows(), markets, fault=str(error)), BadInput.status
    return guard.done("Saved. Every page shows these texts from now on.", f"/console/recalls/{recall_id}")


def rows() -> tuple[Text, ...]:
    """Return every row of the form as it was typed, empty ones too."""
    sent = request.form
    return tuple(
        Text(*row)
        for row in zip(
            sent.getlist("text_language"), sent.getlist("text_reason"), sent.getlist("text_remedy"), strict=False
        )
    )


def given() -> tuple[Text, ...]:
    """Return the texts that somebody has written in the form."""
    return tuple(row for row in rows() if row.reason.strip() or (row.remedy or "").strip())


def fields(language: str, said: Sequence[Text], markets: Sequence[str], *, adds: bool = False) -> dict[str, Any]:
    """Return what the rows of a form show: the texts, one row more where somebody asks for it, and what is missing."""
    spoken = [language, *(text.language for text in said)]
    every = languages.all_in_english()
    if adds:
        wanted = [tag for _, tags in recall_languages.missing(markets, spoken) for tag in tags]
        following = next((tag for tag in (*wanted, *every) if tag not in spoken), languages.DEFAULT)
        said = [*said, Text(following, "", "")]
    return {
        "language": language,
        "languages": list(every.items()),
        "rows": said,
        "missing": recall_languages.sentences(markets, spoken),
    }


def shown(language: str, texts: Sequence[Text]) -> dict[str, Any]:
    """Return texts with the names of their languages and where their lines begin, for reading."""
    return {
        "language": {"tag": language, "name": languages.in_english(language), **_begins(language)},
        "texts": [
            {"tag": text.language, "name": languages.in_english(text.language), "reason": text.reason,
             "remedy": text.remedy, **_begins(text.language)}
            for text in texts
        ],
    }  # fmt: skip


def of_recall(found: RecallInfo) -> dict[str, Any]:
    """Return the same of an announced recall."""
    return shown(found.language, recall_texts.read(found.texts))


# --- Private ---------------------------------------------------------------------------------------------------------


def _begins(tag: str) -> dict[str, str]:
    return {"direction": languages.get(tag).direction}


def _given() -> dict[str, Text | None]:
    """Return what the form changes: the texts of its rows, and None for those that it has shown and are gone."""
    written = given()
    if len({text.language for text in written}) < len(written):
        raise BadInput("Two rows have the same language. Take one of them away.")
    gone: dict[str, Text | None] = dict.fromkeys(request.form.getlist("had"))
    return gone | {text.language: text for text in written}


def _page(
    found: RecallInfo,
    language: str,
    said: Sequence[Text],
    markets: Sequence[str],
    *,
    adds: bool = False,
    fault: str | None = None,
) -> str:
    return rendering.show(
        "console/recall_texts.html", title=f"Languages of recall {found.id}", recall=found, fault=fault,
        **fields(language, said, markets, adds=adds),
    )  # fmt: skip
