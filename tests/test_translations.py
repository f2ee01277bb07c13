"""The machine's check of every catalogue: whole, with the same placeholders and marks, and of texts that are in use."""

import re
from collections import Counter

import pytest

from authsvc import languages
from tools import messages

OFFERED = [language.code for language in languages.offered() if not language.is_english]
PLACEHOLDER = re.compile(r"%\([a-z_]+\)s|\{[a-z_]*\}|%%")
MARK = re.compile(r"<[^>]+>")
SAME = re.compile(r"[^\W\d_]{3,}")


@pytest.fixture(scope="module")
def wanted():
    return messages.texts()


@pytest.fixture(scope="module", params=OFFERED)
def catalogue(request):
    return messages.catalogue(request.param)


def forms(string):
    return list(string) if isinstance(string, tuple | list) else [string]


def pairs(catalogue):
    """Every text with each of its translations; of a text that counts, both English forms."""
    for message in catalogue:
        if message.id:
            for said in forms(message.string):
                yield forms(message.id), said


def placeholders(text):
    found = Counter(PLACEHOLDER.findall(text))
    # The noun of a product is an English word: a translation has its own.
    return {name: count for name, count in found.items() if not any(late in name for late in messages.NAMELESS)}


def test_the_template_has_every_text_of_the_code(wanted):
    written = (languages.FOLDER / "messages.pot").read_bytes()

    assert messages.written(wanted) == written, "Run `make messages`."


def test_a_language_that_is_offered_is_whole(catalogue, wanted):
    assert messages.missing(catalogue, wanted) == []


def test_no_text_stands_in_a_catalogue_that_is_in_use_no_more(catalogue, wanted):
    assert {message.id for message in catalogue} <= {message.id for message in wanted}
    assert not catalogue.obsolete


def test_every_plural_form_of_the_language_is_there(catalogue):
    counted = [message for message in catalogue if isinstance(message.id, tuple)]

    assert counted
    assert {len(message.string) for message in counted} == {catalogue.num_plurals}


def test_placeholders_are_those_of_the_text(catalogue):
    odd = []
    for ids, said in pairs(catalogue):
        allowed = [placeholders(each) for each in ids]
        found = placeholders(said)
        # A form for one or two may leave the number out, as words like "both" hold it.
        if isinstance(ids, list) and len(ids) > 1:
            allowed += [{k: v for k, v in each.items() if k[2:-2] not in {"count", "number"}} for each in allowed]
            allowed += [{k: v for k, v in each.items() if k != "{count}"} for each in allowed]
        if found.keys() not in [each.keys() for each in allowed]:
            odd.append((ids[0], said))

    assert odd == []


def test_marks_are_those_of_the_text(catalogue):
    odd = [
        (ids[0], said)
        for ids, said in pairs(catalogue)
        if Counter(MARK.findall(said)) != Counter(MARK.findall(ids[0])) or ("<" in MARK.sub("", said))
    ]

    assert odd == []


def test_spaces_at_the_ends_are_those_of_the_text(catalogue):
    assert [said for _, said in pairs(catalogue) if said != said.strip() or "  " in said] == []


def test_a_sentence_is_not_left_in_english(catalogue):
    same = [
        ids[0] for ids, said in pairs(catalogue) if said in ids and len(SAME.findall(PLACEHOLDER.sub("", said))) > 2
    ]

    assert same == []


def test_titles_stay_short(catalogue):
    """A title that is much longer than the English one fills the screen of a phone."""
    long = [
        (ids[0], said) for ids, said in pairs(catalogue) if len(ids[0]) < 40 and len(said) > max(28, 2.6 * len(ids[0]))
    ]

    assert long == []


def test_what_programs_read_is_made_of_what_people_read(catalogue):
    file = messages.path_of(str(catalogue.locale))

    assert file.with_suffix(".mo").read_bytes() == messages.compiled(catalogue), "Run `make messages`."
    assert messages.written(catalogue) == file.read_bytes(), "Run `make messages`."


def test_each_catalogue_says_whether_a_native_reader_has_read_it(catalogue):
    assert re.search(r"^# X-Reviewed: (?:no|[^\n]+, \d{4}-\d{2}-\d{2})$", catalogue.header_comment, re.MULTILINE)
