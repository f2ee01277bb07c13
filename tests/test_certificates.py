"""Papers for people in the scripts of their languages: what is in the file is read back, and its fonts are inside."""

import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from paper import fonts_of, text_of
from verdict_pages import HALDEN, VERDICTS, WATCH

from authsvc import certificates, languages, refund_help
from authsvc.certificates import Certificate
from authsvc.core import tongues, wording
from authsvc.core.verdicts import Reason
from authsvc.core.warranties import Warranty
from authsvc.languages import Language
from authsvc.ownership import Registered, State
from authsvc.refund_help import Check, RefundHelp, Stated

SERIAL = "7K3M9QX2V4TD1RZ8"
SITE = "https://id.example.com"
NOON = datetime(2026, 5, 23, 12, 0, tzinfo=UTC)
KEPT = re.compile(r"(\{[^}]*\})")
SCRIPTS = {
    "el": "αβγδεφχηιζκλμνοπθρστυξωψςέ", "bg": "абцдефгхийклмнопярстувжщюз", "ar": "ابتثجحخدذرزسشصضطظعغفقكلمنه",
}  # fmt: skip
UNSURE = wording.texts() | {tongues.UNKNOWN_DAY, tongues.UNKNOWN_MONTH}
DAYS = {"el": "23 Μαΐ 2026", "bg": "23.05.2026", "ar": "2026"}
"""How a language writes a day; the marks of direction around an Arabic one are the reading program's."""


class Script:
    """A catalogue that says every text in the letters of another script, and remembers what it has said."""

    def __init__(self, letters):
        self.letters = str.maketrans("abcdefghijklmnopqrstuvwxyz", letters)
        self.said = []

    def gettext(self, message):
        parts = KEPT.split(message)
        said = "".join(part if KEPT.fullmatch(part) else part.lower().translate(self.letters) for part in parts)
        # Of a verdict more is translated than a paper shows.
        if message not in UNSURE:
            self.said.append(said)
        return said


def words(text):
    """Return the words of a text, whatever order and marks a reading program gives them."""
    return set(re.findall(r"[A-Za-z]+|[^\W\d_A-Za-z]+", text))


def certificate():
    registered = Registered(
        id=UUID(int=2), sgtin=f"{WATCH.gtin}.{SERIAL}", version=1, owner_id=UUID(int=3), state=State.CONFIRMED,
        has_claim=True, registered_at=NOON, pending_until=None, purchased_on=NOON.date(), shop="Uhren Meier",
        warranty=Warranty(begins_on=NOON.date(), ends_on=date(2028, 5, 23)),
    )  # fmt: skip
    made = Certificate(
        brand=HALDEN, product=WATCH, registered=registered, owner="ada@example.com", number_of_owners=1, made_at=NOON,
        address=SITE,
    )  # fmt: skip
    return certificates.draw(made)


def refund_sheet():
    check = Check(
        at=NOON - timedelta(days=1), reference="ABCD-EFGH", address=f"{SITE}/s/x", then=VERDICTS["possible-copy"],
        now=VERDICTS["recalled"],
    )  # fmt: skip
    stated = Stated(shop="Uhren Meier", listing=SITE, seller="ada@example.com", bought_on=NOON.date(), price="9 EUR")
    return refund_help.draw(
        RefundHelp(
            brand=HALDEN, number="12 34", reported_at=NOON, check=check, stated=stated, made_at=NOON, address=SITE
        )
    )


@pytest.mark.parametrize("draw", [certificate, refund_sheet])
@pytest.mark.parametrize("code", SCRIPTS)
def test_a_paper_is_read_back_in_the_script_of_its_language(code, draw):
    script = Script(SCRIPTS[code])
    with languages.speaking(Language(code, script)):
        content = draw()
    said = text_of(content)

    wanted = {word for text in script.said for word in words(KEPT.sub(" ", text))}
    assert len(wanted) > 30
    assert wanted - words(said) == set()
    if draw is refund_sheet:
        assert words(script.gettext(wording.WORDS[Reason.POSSIBLE_COPY].title)) <= words(said)
    for value in (SERIAL, WATCH.name, "Uhren Meier", "ada@example.com", SITE, DAYS[code]):
        assert value in said, value
    assert {is_inside for _, is_inside in fonts_of(content)} == {True}
    assert f"/Lang ({code})".encode() in content


@pytest.mark.parametrize("draw", [certificate, refund_sheet])
def test_a_paper_in_english_is_the_same_file_each_time(draw):
    assert draw() == draw()
    assert b"/Lang (en)" in draw()
