import re
import string
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from authsvc.core import tongues, wording
from authsvc.core.register import Brand, Granularity, Product
from authsvc.core.verdicts import Facts, Mark, Outcome, Reason, Recall, Signature, Verdict, decide

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BRAND = Brand(id=uuid.UUID(int=1), slug="halden", name="Halden")
PRODUCT = Product(
    gtin="09506000134352", brand_id=BRAND.id, name="Meridian", granularity=Granularity.SERIAL,
    attributes={"noun": "watch"},
)  # fmt: skip
GOOD = Facts(
    at=NOW, signature=Signature(Mark.VALID, "k"), gtin=PRODUCT.gtin, serial="A", lot="L2410", brand=BRAND,
    product=PRODUCT, is_issued=True, scan_number=3, first_at=NOW, mine_at=NOW, disposition_at=NOW,
    expires_on=date(2026, 1, 2),
    recall=Recall(reason="The strap may break", recalled_at=NOW, lot="L1", remedy="Bring it back."),
)  # fmt: skip


def said(reason, **values):
    return wording.words(Verdict(reason, (), replace(GOOD, **values)))


EVERY = [said(reason) for reason in Reason] + [
    said(Reason.UNSIGNED, is_typed=True),
    said(Reason.UNAVAILABLE, signature=Signature(Mark.ABSENT)),
    said(Reason.CHECKED_BEFORE, first_at=None),
    said(Reason.UNAVAILABLE, signature=Signature(Mark.UNDECIDED)),
    said(Reason.FIRST_CHECK, signature=Signature(Mark.NOT_EXPECTED)),
    said(Reason.LOT_ONLY, lot=None),
    wording.receipt_words(NOW),
]


def test_every_reason_has_words():
    assert set(wording.WORDS) == set(Reason)


@pytest.mark.parametrize("words", EVERY, ids=lambda words: words.text[:40])
def test_words_are_short_whole_and_about_the_code(words):
    assert len(words.title.split()) <= 8
    for sentence in re.split(r"(?<=[.!?]) ", words.whole_text):
        assert len(sentence.split()) <= 18, sentence
    assert "{" not in words.title + words.whole_text + words.action
    assert "  " not in words.whole_text
    assert words.whole_text[-1] == "."
    for forbidden in ("100 %", "guaranteed", "authentic product", "original product", "fake seller"):
        assert forbidden not in (words.title + words.whole_text).lower()


def test_a_good_verdict_speaks_of_the_code_and_names_its_limit():
    for reason in (Reason.FIRST_CHECK, Reason.CHECKED_BY_YOU):
        words = said(reason)
        assert words.title == "This code is genuine"
        assert words.limit == "Labels can be copied, so compare the watch too."
        assert words.whole_text.endswith(words.limit)


def test_templates_use_no_other_placeholders():
    every = [*wording.WORDS.values(), wording.UNSIGNED_TYPED, wording.SIGNATURE_ONLY, wording.SOMEBODY_ELSES]
    used = {
        name
        for words in every
        for text in (words.title, words.text, words.action, words.limit or "")
        for _, name, _, _ in string.Formatter().parse(text)
        if name is not None
    }

    assert used <= {"brand", "item", "date", "month", "often", "batch", "what", "reason", "remedy"}


def test_unknown_and_not_issued_are_said_alike():
    assert wording.WORDS[Reason.UNKNOWN] == wording.WORDS[Reason.NOT_ISSUED]


def test_a_recall_is_told_with_batch_day_reason_and_remedy():
    assert said(Reason.RECALLED).text == (
        "Halden recalled batch L1 on 23 Nov 2026 because the strap may break. Bring it back. It is free."
    )


@pytest.mark.parametrize(
    ("reason", "clause"),
    [
        ("Parts may melt.", "because parts may melt."),
        ("BPA was found", "because BPA was found."),
        ("Halden says so", "because Halden says so."),
        ("", "because of a fault."),
        ("  it burns...  ", "because it burns."),
    ],
)
def test_a_reason_fits_behind_because(reason, clause):
    text = said(Reason.RECALLED, recall=Recall(reason=reason, recalled_at=NOW), lot=None).text

    assert text == f"Halden recalled this item on 23 Nov 2026 {clause}"


def test_a_remedy_is_a_sentence():
    recall = replace(GOOD.recall, remedy="Send it back")

    assert said(Reason.RECALLED, recall=recall).text.endswith("Send it back. It is free.")


def test_each_verdict_tells_its_own_day():
    days = {
        Reason.EXPIRED: "2 Jan 2026",
        Reason.CHECKED_BY_YOU: "23 Nov 2026",
        Reason.CHECKED_BEFORE: "November 2026",
        Reason.STOLEN: "23 Nov 2026",
    }
    for reason, day in days.items():
        assert day in said(reason).text
    assert "an unknown day" in said(Reason.STOLEN, disposition_at=None).text
    assert "23 Nov 2026" in said(Reason.WITHDRAWN, disposition_at=None, withdrawn_at=NOW).text


def test_a_number_that_was_typed_is_no_missing_seal():
    assert said(Reason.UNSIGNED, is_typed=True).tone == "info"
    assert said(Reason.UNSIGNED).tone == "warn"


def test_an_outage_with_a_good_signature_says_so_and_no_more():
    assert said(Reason.UNAVAILABLE).title == "The signature is valid"
    assert "cannot check blocks, recalls or copies" in said(Reason.UNAVAILABLE).text
    assert said(Reason.UNAVAILABLE, signature=Signature(Mark.ABSENT)).title == "We cannot check this code now"


def test_a_read_that_counts_nothing_claims_no_earlier_check():
    assert "before" not in said(Reason.CHECKED_BEFORE, scan_number=None, first_at=None).text
    assert "checked before, first in November 2026" in said(Reason.CHECKED_BEFORE, scan_number=None).text


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (2, "It was checked before, first in November 2026."),
        (3, "It was checked before, first"),
        (4, "It was checked a few times before, first"),
        (10, "It was checked a few times before, first"),
        (11, "It was checked many times before, first"),
        (40_000, "It was checked many times before, first"),
    ],
)
def test_the_history_is_rounded(number, words):
    text = said(Reason.CHECKED_BEFORE, scan_number=number).text

    assert words in text
    assert "23" not in text
    assert not any(str(n) in text.replace("2026", "") for n in range(10))


def test_a_number_that_carries_no_seal_is_registered_and_no_more():
    words = said(Reason.FIRST_CHECK, signature=Signature(Mark.NOT_EXPECTED))

    assert (words.title, words.tone) == ("This number is registered", "info")
    assert "anybody can print it" in words.text


def test_a_key_that_was_withdrawn_in_part_is_not_decided_offline():
    assert said(Reason.UNAVAILABLE, signature=Signature(Mark.UNDECIDED)).chip == "Not decided"


def test_a_recalled_lot_is_told_beside_a_forged_code():
    facts = replace(GOOD, signature=Signature(Mark.FORGED), recall=None, lot_recall=GOOD.recall)

    ((reason, words),) = wording.notice_words(decide(facts))

    assert reason == "lot-recalled"
    assert words.text == "Items of batch L1 are recalled. If yours is one, stop using it."


def test_notices_have_words_of_their_own():
    verdict = decide(replace(GOOD, is_flagged=True))

    assert verdict.reason is Reason.RECALLED
    assert [reason for reason, _ in wording.notice_words(verdict)] == ["possible-copy", "expired"]


def test_a_name_with_braces_stays_what_it_is():
    words = wording.words(Verdict(Reason.FORGED, (), replace(GOOD, brand=replace(BRAND, name="{0}{item}"))))

    assert words.title == "{0}{item} did not make this code"


def test_without_brand_and_product_the_words_are_general():
    text = said(Reason.UNKNOWN, brand=None, product=None).text

    assert text == "This code is not in the maker's register. It may be misread or false."


def test_the_tone_follows_the_outcome():
    for reason in Reason:
        verdict = Verdict(reason, (), GOOD)
        tone = wording.WORDS[reason].tone
        if verdict.outcome is Outcome.AUTHENTIC:
            assert tone == "ok"
        else:
            assert tone != "ok"


def test_a_day_is_spelt_without_a_time():
    assert tongues.day(NOW) == tongues.day(NOW.date()) == "23 Nov 2026"
    assert tongues.day(date(2026, 5, 1)) == "1 May 2026"
    assert tongues.day(None) == "an unknown day"


def test_what_a_receipt_says_to_others_is_neutral():
    words = wording.receipt_words(NOW)

    assert (words.tone, words.title) == ("info", "This is somebody else's check")
    assert "23 Nov 2026" in words.text
