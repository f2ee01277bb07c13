"""
Bring the catalogues up to date with the texts of the code: ``make messages``.

Writes ``authsvc/translations/messages.pot``, updates each ``<language>/LC_MESSAGES/messages.po`` and compiles it. The
files hold neither times nor line numbers, so a change in them is a change of words. What is missing is printed; a text
that is in use no more is dropped.
"""

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from authsvc import errors, languages, retention
from authsvc.core import offline_words, records, short_words, tongues, wording

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "authsvc"
TEMPLATES = (PACKAGE / "web" / "templates", PACKAGE / "data" / "mails")
WORDS = {"_": None, "gettext": None, "later": None, "ngettext": (1, 2)}
PUBLIC = (
    "conditions.py", "core/claim_codes.py", "core/stock_lists.py", "core/transfer_codes.py", "core/units.py",
    "core/warranties.py", "dealer_stock.py", "disputes.py", "followers.py", "handovers.py", "languages.py",
    "mails.py", "offer_codes.py", "owner_attempts.py", "owner_changes.py", "owner_files.py", "owner_passkeys.py",
    "owner_requests.py", "owner_sessions.py", "owners.py", "ownership.py", "permits.py", "proofs.py", "receipts.py",
    "registrations.py", "reports.py", "transfers.py", "uploads.py", "web/consumer.py", "web/following.py",
    "web/forms.py", "web/limits.py", "web/lookups.py", "web/pages.py", "web/privacy.py", "web/problems.py",
    "web/reporting.py", "web/reseller.py", "web/reseller_pages.py", "web/reseller_proofs.py", "web/reseller_rows.py",
    "web/site.py", "web/stock_codes.py",
)  # fmt: skip
"""Modules whose refusals people read on public pages: there every sentence that is raised is a text."""
INTERNAL = (
    errors.ApiKeyNeeded, errors.BadConfig, errors.BadFields, errors.BadKey, errors.BadSeal, errors.BadToken,
    errors.ChangedMeanwhile, errors.IdempotencyKeyNeeded, errors.IdempotencyKeyReused, errors.KeyNotUsable,
    errors.PermitOver, errors.ProofNeeded, errors.ScopeNeeded, errors.VersionNeeded, errors.WrongMediaType,
)  # fmt: skip
"""Refusals that no page of the public shows."""
NAMELESS = {"item"}
"""
Placeholders that a translation may leave out: the noun of a product is an English word, whose gender and case no other
language can know, so that translations say "the item" in their own word.
"""

NOT_REVIEWED = "# X-Reviewed: no"
"""What stands in a catalogue until somebody whose language it is has read all of it; then their name and the day."""


def texts() -> Catalog:
    """Return every text of the public pages and mails, by its English words."""
    template = Catalog(project="authsvc", version="1", charset="utf-8", fuzzy=False)
    template.header_comment = "# The texts of authsvc.\n# Licence: Apache-2.0, as the package.\n#"
    for message, _place in sorted(_found(), key=lambda each: str(each[0])):
        template.add(message)
    return template


def catalogue(code: str) -> Catalog:
    """Return the catalogue of a language as it is in the folder."""
    with path_of(code).open("rb") as file:
        return read_po(file, locale=code)


def path_of(code: str) -> Path:
    """Return where the catalogue of a language lies."""
    return languages.FOLDER / code / "LC_MESSAGES" / f"{languages.DOMAIN}.po"


def compiled(found: Catalog) -> bytes:
    """Return a catalogue as programs read it."""
    # The header of the compiled form has two times: they would make every run a change.
    found.creation_date = found.revision_date = _NEVER
    target = BytesIO()
    write_mo(target, found)
    return target.getvalue()


def written(found: Catalog) -> bytes:
    """Return a catalogue as people read it, always in the same order."""
    target = BytesIO()
    write_po(target, found, omit_header=False, no_location=True, sort_output=True, ignore_obsolete=True, width=118)
    kept = [line for line in target.getvalue().splitlines(keepends=True) if not line.startswith(_NOISE)]
    return b"".join(kept)


def save(code: str, found: Catalog) -> None:
    """Write the catalogue of a language, and compile it; what it says of itself is kept."""
    notes = [line for line in found.header_comment.splitlines() if line.startswith("# X-Reviewed:")]
    head = f"# The texts of authsvc in {languages.NAMES[code]}.\n# Licence: Apache-2.0, as the package.\n"
    found.header_comment = f"{head}{(notes or [NOT_REVIEWED])[0]}\n#"
    found.project, found.version, found.fuzzy = "authsvc", "1", False
    path_of(code).write_bytes(written(found))
    path_of(code).with_suffix(".mo").write_bytes(compiled(found))


def missing(found: Catalog, wanted: Catalog) -> list[str]:
    """Return the texts that a catalogue lacks, has half, or only guesses."""
    said = {message.id: message for message in found if message.id}
    return [
        str(message.id)
        for message in wanted
        if message.id and (message.id not in said or said[message.id].fuzzy or not _is_whole(said[message.id].string))
    ]


def main() -> int:
    """Write what has changed, and say what is missing."""
    wanted = texts()
    languages.FOLDER.mkdir(exist_ok=True)
    (languages.FOLDER / f"{languages.DOMAIN}.pot").write_bytes(written(wanted))
    for code in sorted(languages.NAMES):
        if code == languages.DEFAULT or not path_of(code).exists():
            continue
        found = catalogue(code)
        found.update(wanted, no_fuzzy_matching=True)
        save(code, found)
        print(f"{code}: {len(missing(found, wanted))} of {len(wanted)} texts are missing")
    return 0


# --- Private ---------------------------------------------------------------------------------------------------------

_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
_NOISE = (
    b'"Language-Team',
    b'"POT-Creation-Date',
    b'"PO-Revision-Date',
    b'"Generated-By',
    b'"Last-Translator',
    b'"Report-Msgid',
)


def _found() -> Iterator[tuple[str | tuple[str, ...], str]]:
    for folder in TEMPLATES:
        options = {"**": {"newstyle_gettext": "true", "trimmed": "true"}}
        for name, _line, message, *_rest in extract_from_dir(
            folder, [("**.html", "jinja2"), ("**.txt", "jinja2")], options, keywords=WORDS
        ):
            if not name.startswith("console/"):
                yield message, name
    refusals: dict[str, tuple[int, ...] | None] = {kind.__name__: None for kind in _refusals()}
    for file in sorted(PACKAGE.rglob("*.py")):
        name = str(file.relative_to(PACKAGE))
        is_public = name in PUBLIC or name.startswith("web/own/")
        yield from _of_file(file, WORDS | refusals if is_public else WORDS)
    yield from ((message, "") for message in _constants())


def _of_file(file: Path, keywords: dict[str, tuple[int, ...] | None]) -> Iterator[tuple[str, str]]:
    for _line, message, *_rest in extract_from_file("python", file, keywords=keywords):
        yield message, str(file)


def _constants() -> Iterable[str]:
    """Return texts that stand in tables which say what they are, so that no mark is needed at each."""
    yield from wording.texts()
    yield from (word for _tone, word in short_words.SHORT.values())
    for words in offline_words.ANSWERS.values():
        yield from (words.chip, words.title, words.text)
    yield from (offline_words.SIGNATURE_ONLY, languages.UNREADABLE, tongues.UNKNOWN_DAY, tongues.UNKNOWN_MONTH)
    yield from {kind.title for kind in _refusals()}
    for record in records.KINDS.values():
        yield from (record.label, *(series.label for series in record.series.values()), *record.texts.values())
    for rule in retention.RULES:
        if rule.is_of_people:
            yield from filter(None, (rule.what, rule.when))


def _refusals() -> list[type[errors.AuthsvcError]]:
    """Return the kinds of refusals that people may read."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, errors.AuthsvcError) and kind not in INTERNAL]


def _is_whole(string: object) -> bool:
    return all(string) if isinstance(string, tuple | list) else bool(string)


if __name__ == "__main__":
    sys.exit(main())
