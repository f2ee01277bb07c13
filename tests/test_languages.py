"""Which language a reader gets, and how it says days, numbers, refusals and mails."""

from datetime import UTC, date, datetime

import pytest

from authsvc import languages
from authsvc.core import tongues
from authsvc.errors import BadDigitalLink, BadInput, TooManyRequests

AT = datetime(2026, 5, 3, 10, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "accepted", "code", "is_chosen"),
    [
        ("", "", "en", False),
        ("", "de-CH,de;q=0.9,en;q=0.8", "de", False),
        ("", "xx,ar;q=0.4,de;q=0.6", "de", False),
        ("", "de;q=0,ar", "ar", False),
        ("", "\0;;q=,*", "en", False),
        ("lang=ar", "de", "ar", True),
        ("s=AQ&lang=de", "", "de", True),
        ("lang=tlh", "de", "de", False),
        ("language=ar", "de", "de", False),
    ],
)
def test_the_address_decides_then_the_browser(query, accepted, code, is_chosen):
    language, chosen = languages.choose(query, accepted)

    assert (language.code, chosen) == (code, is_chosen)


@pytest.mark.parametrize("code", ["../de", "DE", "x" * 5000, "\0", "de/", ""])
def test_what_is_no_language_is_english_and_not_remembered(code):
    languages.get("en")
    before = languages._read.cache_info().currsize

    assert languages.get(code) is languages.get("en")
    assert languages._read.cache_info().currsize == before


def test_english_is_spoken_where_nothing_is_said():
    assert languages.spoken().code == "en"
    assert languages.gettext("Check a code") == "Check a code"


def test_a_block_speaks_and_then_no_more():
    with languages.speaking("de"):
        with languages.speaking("ar"):
            assert languages.spoken().direction == "rtl"
        said = languages.gettext("Check a code")

    assert (said, languages.spoken().code) == ("Code prüfen", "en")


def test_days_are_said_as_the_language_does():
    german, arabic = languages.get("de"), languages.get("ar")

    assert (german.day(AT), german.month(AT)) == ("3. Mai 2026", "Mai 2026")
    assert (arabic.day(date(2026, 5, 3)), arabic.month(AT)) == ("3 مايو 2026", "مايو 2026")
    assert (languages.get("en").day(AT), tongues.day(AT)) == ("3 May 2026", "3 May 2026")
    assert german.day(None) == "unbekannter Tag"


@pytest.mark.parametrize("code", sorted(languages.NAMES))
def test_every_language_can_say_a_day_a_month_and_a_number(code):
    spoken = languages.Language(code, languages.get("en").catalogue)

    assert "2026" in spoken.day(AT)
    assert "2026" in spoken.month(AT)
    assert spoken.number(1234).replace(" ", "").isascii() or "1" in spoken.number(1234)


def test_a_refusal_is_said_with_its_values():
    error = TooManyRequests("You have made {most} offers in the last hour. Wait an hour.", most=20)
    with languages.speaking("de"):
        said = languages.of_error(error)

    assert str(error) == "You have made 20 offers in the last hour. Wait an hour."
    assert said == "Sie haben in der letzten Stunde 20 Angebote gemacht. Warten Sie eine Stunde."


def test_a_number_that_cannot_be_read_is_refused_in_the_readers_language():
    error = BadDigitalLink("AI (01) must have 14 digits, got '12{}'. Check the code and correct it.")
    with languages.speaking("de"):
        assert languages.of_error(error).startswith("Wir können das nicht")
    assert languages.of_error(error) == str(error)


def test_a_brace_of_somebody_else_is_no_placeholder():
    error = BadInput("The file {0} is odd.")

    assert languages.of_error(error) == "The file {0} is odd."


def test_links_lead_on_in_the_language_that_was_chosen():
    page = (
        '<link rel="canonical" href="/s/1"><a class="b" href="/own/take">x</a><a href="/report?code=1&amp;lang=ar">'
        '<a href="https://brand.example/a"><form method="post" action="/s/1/confirm"><a href="">'
        '<form class="languages" method="get" action="/language">'
    )

    assert languages.carry(page, "de") == (
        '<link rel="canonical" href="/s/1"><a class="b" href="/own/take?lang=de">x</a>'
        '<a href="/report?code=1&amp;lang=de"><a href="https://brand.example/a">'
        '<form method="post" action="/s/1/confirm?lang=de"><a href="">'
        '<form class="languages" method="get" action="/language">'
    )
