"""
The languages of a recall: what the brand may write in them, and which ones its markets still lack.

A safety notice is for everybody who may hold the item, so the law wants it in a language that consumers of each market
understand (Regulation (EU) 2023/988, Article 36). The machine translates nothing: what it does not know is shown as it
was written first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from babel import Locale
from babel.languages import get_official_languages

from authsvc import languages
from authsvc.core import recall_texts
from authsvc.core.recall_texts import Text
from authsvc.errors import BadInput


def checked(original: Text, texts: Iterable[Text] = ()) -> tuple[Text, tuple[Text, ...]]:
    """
    Return the original and the further texts as they are stored, in the order of their languages.

    Raises:
        BadInput: A reason is missing, a text is too long, a language is unknown or comes twice, or a text lacks what to
            do although the original says it (or the other way round).
    """
    first = _trimmed(original)
    _check_language(first.language)
    if not first.reason:
        raise BadInput("Give the reason of the recall: the person who scans the item reads it.")
    _check_length(first)
    found: dict[str, Text] = {}
    for text in map(_trimmed, texts):
        _check_language(text.language)
        if text.language in found or text.language == first.language:
            raise BadInput(f"There are two texts in {languages.in_english(text.language)}.")
        _check_whole(text, first)
        _check_length(text)
        found[text.language] = text
    return first, tuple(found[tag] for tag in sorted(found))


def merged(stored: tuple[Text, ...], given: Mapping[str, Text | None]) -> tuple[Text, ...]:
    """Return texts with those that are given in place of theirs; None takes the text of a language away."""
    kept = {text.language: text for text in stored} | dict(given)
    return tuple(text for text in kept.values() if text is not None)


def missing(markets: Iterable[str], spoken: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the markets whose official languages are not all spoken, and which ones each lacks."""
    spoken = set(spoken)
    lacks = [(market, tuple(tag for tag in _official(market) if tag not in spoken)) for market in markets]
    return tuple((market, tags) for market, tags in lacks if tags)


def sentences(markets: Iterable[str], spoken: Iterable[str]) -> list[str]:
    """Say, in English, which languages the markets of a product still lack."""
    countries = Locale.parse("en").territories
    return [
        f"{countries.get(market, market)}: {', '.join(map(languages.in_english, tags))}"
        for market, tags in missing(markets, spoken)
    ]


# --- Private ---------------------------------------------------------------------------------------------------------


def _official(market: str) -> tuple[str, ...]:
    return tuple(tag for tag in get_official_languages(market) if tag in languages.NAMES)


def _trimmed(text: Text) -> Text:
    return replace(text, reason=text.reason.strip(), remedy=(text.remedy or "").strip() or None)


def _check_language(tag: str) -> None:
    if tag not in languages.NAMES:
        raise BadInput(f"There is no language {tag[:20]!r} here; the pages speak {', '.join(sorted(languages.NAMES))}.")


def _check_whole(text: Text, original: Text) -> None:
    language = languages.in_english(text.language)
    if not text.reason:
        raise BadInput(f"Give the reason in {language} too, or take this language away.")
    if original.remedy and not text.remedy:
        raise BadInput(f"Say what to do in {language} too: its readers must not be told less than others.")
    if text.remedy and not original.remedy:
        raise BadInput(f"The text in {language} says what to do, and the original does not.")


def _check_length(text: Text) -> None:
    if max(len(text.reason), len(text.remedy or "")) > recall_texts.LONGEST:
        raise BadInput(
            f"Reason and remedy have at most {recall_texts.LONGEST} characters each: people read them on a phone."
        )
