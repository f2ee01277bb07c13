"""
Retention: what is kept of people, for how long, and the job that ends it.

``RULES`` is the whole promise: the privacy page is written from it, the job carries it out, so they cannot differ. A
rule either deletes or blanks rows in batches, or walks through time up to a mark that moves in the transaction that
acts. Each statement is bounded; one that is killed goes on where it was.

Pseudonyms of browsers and networks are blanked in ``scans`` and ``rejections``, whose months are read by their index of
time alone. In ``sightings``, by which the clone rules count people, they are drawn anew with a salt that nobody keeps:
the history of an item stays whole, and no browser can be found in it any more.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from authsvc import followers, owner_files, owner_sessions
from authsvc.config import Config
from authsvc.lot_statements import LOCK_MARK, MAKE_MARK, SET_MARK
from authsvc.offer_codes import CODES_KEPT, KEYS_KEPT

Connection = psycopg.Connection[Any]

BATCH = 2_000
"""Rows that one statement of a rule by batches takes."""
SLICE = timedelta(hours=1)
LONGEST_SLICE = timedelta(days=7)
FEW, MANY = 1_000, 20_000
"""Rows of a slice of time below which the next is longer, and above which it is shorter."""
_SALT_BYTES = 32
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """
    The statements of a rule. ``count`` says how many rows there are, for a dry run.

    ``end`` takes at most ``most`` rows older than ``before``. With ``oldest``, which says where to begin, it takes
    those from ``after`` to ``before``.
    """

    end: str
    count: str
    oldest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: *what* is ended, *kept* days after it came, or at a time of its own, as ``when`` says in words."""

    name: str
    what: str
    kept: Callable[[Config], int | None]
    work: Work
    when: str = ""
    is_of_people: bool = True


@dataclass(frozen=True, slots=True)
class Done:
    """What a rule has ended, or would."""

    rule: Rule
    days: int | None
    rows: int


def _visitors(config: Config) -> int:
    return config.keep_visitors_days


def _reports(config: Config) -> int:
    return config.keep_reports_days


def _own_time(_config: Config) -> None:
    return None


def _hours(length: timedelta) -> int:
    return length // timedelta(hours=1)


def _blank(table: str) -> Work:
    """Return the statements that blank the pseudonyms of a table of scans; its partitions are pruned by time."""
    within = "at >= %(after)s AND at < %(before)s AND visitor <> ''"
    return Work(
        end=f"UPDATE {table} SET visitor = '', prefix = '' WHERE {within}",
        count=f"SELECT count(*) FROM {table} WHERE {within}",
        oldest=f"SELECT min(at) FROM {table} WHERE at < %(before)s",
    )


def _delete(table: str, column: str) -> Work:
    """Return the statements that delete the rows of a table whose time in *column* has passed."""
    return Work(
        end=f"DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} "
        f"WHERE {column} < %(before)s LIMIT %(most)s FOR UPDATE SKIP LOCKED))",
        count=f"SELECT count(*) FROM {table} WHERE {column} < %(before)s",
    )


def _unused_files() -> Work:
    """Return the statements that delete proofs of what is held and asked no more."""
    ended = f"> %(before)s - interval '{owner_files.KEPT.days} days'"
    is_unused = (
        f"NOT EXISTS (SELECT FROM registrations r WHERE r.id = f.about AND (r.ended_at IS NULL OR r.ended_at {ended})) "
        f"AND NOT EXISTS (SELECT FROM owner_requests q WHERE q.id = f.about "
        f"AND (q.ended_at IS NULL OR q.ended_at {ended}))"
    )
    return Work(
        end=f"DELETE FROM owner_files WHERE id IN (SELECT f.id FROM owner_files f WHERE {is_unused} "
        "LIMIT %(most)s FOR UPDATE SKIP LOCKED)",
        count=f"SELECT count(*) FROM owner_files f WHERE {is_unused}",
    )


ENDED, LONGEST_REQUEST = timedelta(days=90), timedelta(days=180)
"""How long a request stays once it has ended, and at the longest."""
_OLD_REQUEST = (
    f"(ended_at < %(before)s - interval '{ENDED.days} days' "
    f"OR created_at < %(before)s - interval '{LONGEST_REQUEST.days} days')"
)
_NO_OWNER = (
    f"o.erased_at IS NULL AND o.created_at < %(before)s - interval '{ENDED.days} days' "
    "AND NOT EXISTS (SELECT FROM registrations r WHERE r.owner_id = o.id) "
    "AND NOT EXISTS (SELECT FROM transfers t WHERE t.buyer_id = o.id) "
    "AND NOT EXISTS (SELECT FROM owner_requests q WHERE q.asker_id = o.id OR q.owner_id = o.id)"
)
"""Somebody who has confirmed an address and never held anything: there is nothing to serve them for."""

CHECKS_KEPT = timedelta(days=400)
"""How long the count of a program stays that does not check the item any more: a year, and a season to notice."""
_ASK_TO_WIPE = """
INSERT INTO errands (id, brand_id, kind, asked, asked_name, created_at, expires_at)
SELECT gen_random_uuid(), b.sandbox_of, 'sandbox', '{{"act": "wipe"}}', 'retention', %(now)s,
  %(now)s + interval '30 days'
FROM brands b WHERE {is_idle} LIMIT %(most)s"""
_IS_IDLE = """b.sandbox_of IS NOT NULL AND coalesce(b.wiped_at, b.created_at) < %(before)s
  AND NOT EXISTS (SELECT FROM api_secrets s WHERE s.brand_id = b.id AND s.last_used_at >= %(before)s)
  AND NOT EXISTS (SELECT FROM runs r WHERE r.brand_id = b.id AND r.created_at >= %(before)s)
  AND (EXISTS (SELECT FROM runs r WHERE r.brand_id = b.id) OR EXISTS (SELECT FROM api_secrets s
    WHERE s.brand_id = b.id AND s.last_used_at > coalesce(b.wiped_at, b.created_at)))
  AND NOT EXISTS (SELECT FROM errands e WHERE e.brand_id = b.sandbox_of AND e.kind = 'sandbox'
    AND e.state IN ('waiting', 'running'))"""
"""A sandbox in which something was tried since it was last emptied, and nothing for long; the worker wipes it."""

_ANEW = "substr(sha256({}.visitor || %(salt)s), 1, 16)"

RULES: tuple[Rule, ...] = (
    Rule(name="scans", what="The code of your phone beside a check", kept=_visitors, work=_blank("scans")),
    Rule(
        name="rejections", what="The code of your phone beside a check that failed", kept=_visitors,
        work=_blank("rejections"),
    ),
    Rule(
        name="sightings",
        what="The link between your phone and the history of an item",
        kept=_visitors,
        # Facts go first by the old name, and in the same statement: the person who registered an item must not become
        # a stranger to its history.
        work=Work(
            end=f"""
WITH old AS MATERIALIZED (SELECT sgtin, visitor FROM sightings WHERE first_at >= %(after)s AND first_at < %(before)s
    ORDER BY sgtin, visitor FOR UPDATE),
  facts AS (UPDATE item_facts f SET visitor = {_ANEW.format("f")} FROM old
    WHERE f.sgtin = old.sgtin AND f.visitor = old.visitor)
UPDATE sightings s SET visitor = {_ANEW.format("s")}, prefix = substr(sha256(s.prefix || %(salt)s), 1, 8) FROM old
WHERE s.sgtin = old.sgtin AND s.visitor = old.visitor""",
            count="SELECT count(*) FROM sightings WHERE first_at >= %(after)s AND first_at < %(before)s",
            oldest="SELECT min(first_at) FROM sightings WHERE first_at < %(before)s",
        ),
    ),
    Rule(
        name="receipt-opens", what="Who opened a shared check", kept=_visitors, work=_delete("receipt_opens", "at"),
    ),
    Rule(
        name="report-contacts",
        what="The contact in a report",
        kept=_reports,
        work=Work(
            end="""
UPDATE consumer_reports SET contact = NULL WHERE (brand_id, id) IN (SELECT brand_id, id FROM consumer_reports
  WHERE created_at < %(before)s AND contact IS NOT NULL LIMIT %(most)s FOR UPDATE SKIP LOCKED)""",
            count="SELECT count(*) FROM consumer_reports WHERE created_at < %(before)s AND contact IS NOT NULL",
        ),
    ),
    Rule(
        name="report-photos",
        what="The photos of a report",
        kept=_reports,
        work=Work(
            end="""
DELETE FROM report_photos WHERE (brand_id, report_id, position) IN (SELECT p.brand_id, p.report_id, p.position
  FROM report_photos p JOIN consumer_reports r ON r.brand_id = p.brand_id AND r.id = p.report_id
  WHERE r.created_at < %(before)s LIMIT %(most)s FOR UPDATE OF p SKIP LOCKED)""",
            count="SELECT count(*) FROM report_photos p JOIN consumer_reports r ON r.brand_id = p.brand_id "
        "AND r.id = p.report_id WHERE r.created_at < %(before)s",
        ),
    ),
    Rule(
        name="report-senders",
        what="The code of your phone beside a report",
        kept=_reports,
        work=Work(
            end="""
UPDATE consumer_reports SET reporter = '', prefix = '' WHERE (brand_id, id) IN (SELECT brand_id, id
  FROM consumer_reports WHERE created_at < %(before)s AND reporter <> '' LIMIT %(most)s FOR UPDATE SKIP LOCKED)""",
            count="SELECT count(*) FROM consumer_reports WHERE created_at < %(before)s AND reporter <> ''",
        ),
    ),
    Rule(
        name="followers", what="An address left under “Tell me if this changes”", kept=_own_time,
        when=f"once it was used, after {followers.CONFIRMED.days} days in any case, and after "
        f"{_hours(followers.UNCONFIRMED)} hours where nobody confirmed it",
        work=_delete("followers", "expires_at"),
    ),
    Rule(
        name="unconfirmed", what="A registration that nobody confirmed, and the file that came with it", kept=_own_time,
        when=f"after {_hours(owner_sessions.LIVES[owner_sessions.REGISTER])} hours",
        work=_delete("owner_links", "expires_at"),
    ),
    Rule(
        name="proofs", what="Your proof of purchase", kept=_own_time,
        when=f"{owner_files.KEPT.days} days after you no longer have the item here, and at once when you remove it",
        work=_unused_files(),
    ),
    Rule(
        name="requests", what="What you asked of an owner or of the brand", kept=_own_time,
        when=f"{ENDED.days} days after it was answered, and after {LONGEST_REQUEST.days} days in any case",
        work=Work(
            end=f"""
DELETE FROM owner_requests WHERE id IN (SELECT id FROM owner_requests WHERE {_OLD_REQUEST}
  LIMIT %(most)s FOR UPDATE SKIP LOCKED)""",
            count=f"SELECT count(*) FROM owner_requests WHERE {_OLD_REQUEST}",
        ),
    ),
    Rule(
        name="askers", what="Your address, when you registered nothing in the end", kept=_own_time,
        when=f"after {ENDED.days} days",
        work=Work(
            end=f"""
WITH old AS MATERIALIZED (SELECT o.id FROM owners o WHERE {_NO_OWNER} LIMIT %(most)s FOR UPDATE OF o SKIP LOCKED),
  keys AS (DELETE FROM owner_passkeys k USING old WHERE k.owner_id = old.id),
  changes AS (DELETE FROM owner_changes c USING old WHERE c.owner_id = old.id),
  sessions AS (DELETE FROM owner_sessions s USING old WHERE s.owner_id = old.id)
UPDATE owners o SET email_hash = NULL, wrapped_key = NULL, sealed = NULL, erased_at = %(before)s
FROM old WHERE o.id = old.id""",
            count=f"SELECT count(*) FROM owners o WHERE {_NO_OWNER}",
        ),
    ),
    Rule(
        name="address-changes", what="A new address that nobody confirmed", kept=_own_time,
        when=f"after {_hours(owner_sessions.LIVES[owner_sessions.CHANGE])} hours",
        work=_delete("owner_changes", "expires_at"),
    ),
    Rule(
        name="challenges", what="Challenges of passkeys", kept=lambda _config: 0, is_of_people=False,
        work=_delete("owner_challenges", "expires_at"),
    ),
    Rule(
        name="takers",
        what="The code of your phone beside a transfer that came to nothing",
        kept=_visitors,
        work=Work(
            end="""
UPDATE transfers SET visitor = NULL, country = NULL, latitude = NULL, longitude = NULL, radius_km = NULL
  WHERE (sgtin, id) IN (SELECT sgtin, id FROM transfers
  WHERE expires_at < %(before)s AND visitor IS NOT NULL LIMIT %(most)s FOR UPDATE SKIP LOCKED)""",
            count="SELECT count(*) FROM transfers WHERE expires_at < %(before)s AND visitor IS NOT NULL",
        ),
    ),
    Rule(
        name="transfer-codes", what="Where the code of an offer led", kept=lambda _config: CODES_KEPT.days,
        is_of_people=False, work=_delete("transfer_codes", "created_at"),
    ),
    Rule(
        name="transfer-keys", what="Forms of a transfer that were sent", kept=lambda _config: KEYS_KEPT.days,
        is_of_people=False, work=_delete("transfer_keys", "created_at"),
    ),
    Rule(
        name="attempts", what="Counts of tries", kept=lambda _config: 2, is_of_people=False,
        work=_delete("owner_attempts", "window_start"),
    ),
    Rule(
        name="api-answers", what="What programs were answered", kept=lambda _config: 1, is_of_people=False,
        work=_delete("api_answers", "created_at"),
    ),
    Rule(
        name="api-checks", what="How often a program has checked an item", kept=lambda _config: CHECKS_KEPT.days,
        is_of_people=False, work=_delete("api_checks", "last_at"),
    ),
    Rule(
        name="sandboxes", what="A sandbox that nobody uses", kept=lambda config: config.keep_sandbox_days,
        is_of_people=False,
        work=Work(
            end=_ASK_TO_WIPE.format(is_idle=_IS_IDLE), count=f"SELECT count(*) FROM brands b WHERE {_IS_IDLE}"
        ),
    ),
    Rule(
        name="report-counts", what="Counts of reports", kept=lambda _config: 2, is_of_people=False,
        work=_delete("report_counts", "window_start"),
    ),
)  # fmt: skip


def run(
    connection: Connection,
    config: Config,
    *,
    now: datetime,
    random: Callable[[int], bytes],
    is_dry: bool = False,
    note: Callable[[str], None] = lambda _name: None,
) -> list[Done]:
    """
    Carry out every rule on a connection that commits each statement, or only count what it would end.

    *note* is told the name of each rule before it begins.
    """
    found = []
    for rule in RULES:
        note(rule.name)
        days = rule.kept(config)
        before = now - timedelta(days=days or 0)
        counted = _count(connection, rule, before) if is_dry else sum(_end(connection, rule, before, random, now))
        found.append(Done(rule, days, counted))
    return found


# --- Private ---------------------------------------------------------------------------------------------------------


def _end(
    connection: Connection, rule: Rule, before: datetime, random: Callable[[int], bytes], now: datetime
) -> Iterator[int]:
    """Yield the number of rows of each statement of a rule."""
    if rule.work.oldest is not None:
        yield from _walk(connection, rule, before, random)
        return
    while True:
        rows = connection.execute(rule.work.end, {"before": before, "most": BATCH, "now": now}).rowcount
        yield rows
        if rows < BATCH:
            return


def _walk(connection: Connection, rule: Rule, before: datetime, random: Callable[[int], bytes]) -> Iterator[int]:
    """Act on slice after slice of time, each with its mark in a transaction of its own."""
    job, length = _mark_name(rule), SLICE
    connection.execute(MAKE_MARK, {"job": job})
    is_over = False
    while not is_over:
        with connection.transaction():
            after = _begin(connection, rule, before, _first(connection, LOCK_MARK, {"job": job}))
            upto = min(after + length, before)
            values = {"after": after, "before": upto, "salt": random(_SALT_BYTES)}
            rows = connection.execute(rule.work.end, values).rowcount if upto > after else 0
            connection.execute(SET_MARK, {"job": job, "at": max(upto, after)})
        yield rows
        length = (
            max(length / 2, SLICE / 60) if rows > MANY else min(length * 2, LONGEST_SLICE) if rows < FEW else length
        )
        is_over = upto >= before


def _count(connection: Connection, rule: Rule, before: datetime) -> int:
    after = _EPOCH
    if rule.work.oldest is not None:
        after = _first(connection, "SELECT at FROM job_marks WHERE job = %(job)s", {"job": _mark_name(rule)}) or _EPOCH
    return int(_first(connection, rule.work.count, {"after": after, "before": before}))


def _begin(connection: Connection, rule: Rule, before: datetime, mark: datetime) -> datetime:
    """Return where to go on: at the mark, or the first time at the oldest row."""
    if mark > _EPOCH or rule.work.oldest is None:
        return mark
    return _first(connection, rule.work.oldest, {"before": before}) or before


def _mark_name(rule: Rule) -> str:
    return f"retention-{rule.name}"


def _first(connection: Connection, statement: str, values: dict[str, Any]) -> Any:
    row = connection.execute(statement, values).fetchone()
    return row and row[0]
