"""What is kept of people ends when it was promised to: by the job, in bounded statements, and nothing else does."""

import io
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from casework import picture, report
from owning import Buyer, recover
from programs import program

from authsvc import followers, retention
from authsvc.core.clones import Place
from authsvc.runtime import new_id

DAYS = timedelta(days=1)


@pytest.fixture(autouse=True)
def anew(scene):
    """Let each test begin with marks of its own."""
    scene.admin.execute("DELETE FROM job_marks WHERE job LIKE 'retention-%'")


def run(scene, *, after=timedelta(), is_dry=False, **settings):
    config = replace(scene.config, **settings)
    with psycopg.connect(scene.url, autocommit=True) as connection:
        done = retention.run(connection, config, now=scene.clock() + after, random=scene.random, is_dry=is_dry)
    return {each.rule.name: each.rows for each in done}


def scanned(scene, visitor=None):
    link = scene.codes.link()
    scene.scan(link, visitor=visitor or scene.random(16), place=Place("IT", 45.5, 9.2, 190.0))
    return link


def visitors(scene, table, link):
    return [bytes(v) for (v,) in scene.rows(f"SELECT visitor FROM {table} WHERE sgtin = %s", link.sgtin)]


def test_the_code_of_a_phone_goes_after_its_days_and_the_count_stays(scene):
    who = b"v" * 16
    link = scanned(scene, who)
    prefix = scene.row("SELECT prefix FROM scans WHERE sgtin = %s", link.sgtin)
    before = scene.row("SELECT counted FROM items WHERE sgtin = %s", link.sgtin)

    run(scene, after=89 * DAYS)
    assert visitors(scene, "scans", link) == visitors(scene, "sightings", link) == [who]
    run(scene, after=91 * DAYS)

    assert scene.row("SELECT visitor, prefix, country FROM scans WHERE sgtin = %s", link.sgtin) == (b"", b"", "IT")
    (drawn,) = visitors(scene, "sightings", link)
    assert (len(drawn), drawn == who) == (16, False)
    assert scene.row("SELECT prefix FROM sightings WHERE sgtin = %s", link.sgtin) != prefix
    assert scene.row("SELECT counted FROM items WHERE sgtin = %s", link.sgtin) == before


def test_who_registered_an_item_stays_known_to_its_history_under_the_new_name(scene):
    who = scene.random(16)
    link = scanned(scene, who)
    scene.admin.execute(
        "INSERT INTO item_facts (sgtin, id, brand_id, kind, at, visitor, recorded_by, recorded_at) "
        "VALUES (%s, %s, %s, 'registered', now(), %s, 'owner', now())",
        (link.sgtin, new_id(), scene.halden.id, who),
    )

    run(scene, after=91 * DAYS)

    (drawn,) = visitors(scene, "sightings", link)
    assert visitors(scene, "item_facts", link) == [drawn]
    assert drawn != who


def test_a_second_run_changes_nothing(scene):
    link = scanned(scene)
    run(scene, after=91 * DAYS)
    first = visitors(scene, "sightings", link)

    again = run(scene, after=91 * DAYS)

    assert set(again.values()) == {0}
    assert visitors(scene, "sightings", link) == first


def test_a_refused_code_is_forgotten_too(scene):
    link = scene.codes.link()
    scene.scan(link, token="A" * 90)
    run(scene, after=91 * DAYS)

    assert scene.row("SELECT count(*) FROM rejections WHERE visitor <> '' OR prefix <> ''") == (0,)


def test_a_report_loses_contact_photos_and_sender_and_keeps_its_words(scene):
    filed = report(scene, text="It broke.", contact="who@example.com", photos=(picture(), picture()))
    of_it = "SELECT text, contact IS NULL, reporter FROM consumer_reports WHERE id = %s"

    run(scene, after=179 * DAYS)
    assert scene.row("SELECT count(*) FROM report_photos WHERE report_id = %s", filed.id) == (2,)
    run(scene, after=181 * DAYS)

    assert scene.row(of_it, filed.id) == ("It broke.", True, b"")
    assert scene.row("SELECT count(*) FROM report_photos WHERE report_id = %s", filed.id) == (0,)


def test_the_days_are_those_of_the_settings(scene):
    filed = report(scene, contact="who@example.com")
    link = scanned(scene)

    run(scene, after=46 * DAYS, keep_reports_days=45, keep_visitors_days=45)

    assert scene.row("SELECT contact FROM consumer_reports WHERE id = %s", filed.id) == (None,)
    assert visitors(scene, "scans", link) == [b""]


@pytest.mark.parametrize(("is_confirmed", "kept", "gone"), [(False, 47, 49), (True, 24 * 364, 24 * 366)])
def test_an_address_of_a_follower_ends_used_or_not(scene, is_confirmed, kept, gone):
    link = scanned(scene)
    wanted = followers.Wanted(
        brand_id=scene.halden.id, sgtin=link.sgtin, gtin=link.gtin, serial=link.serial, lot=None, run=1, index=0
    )
    with scene.owner_session() as session:
        secret = followers.ask(
            session, wanted, "who@example.com", key=scene.rt.people_key, random=scene.random, now=scene.clock()
        )
        if is_confirmed:
            followers.confirm(session, secret, now=scene.clock())

    for hours, left in ((kept, 1), (gone, 0)):
        run(scene, after=timedelta(hours=hours))
        assert scene.row("SELECT count(*) FROM followers WHERE sgtin = %s", link.sgtin) == (left,)


def test_what_programs_were_answered_goes_after_a_day_and_their_counts_after_a_year(scene):
    asked, uri = program(scene), scene.issue(scene.add_product()).uri()
    assert asked.post("/verify", {"uri": uri}).json["api_checks"] == 1
    made = asked.post("/cases", {"title": "A case"}, repeats="kept")
    assert made.status_code == 201
    kept = "SELECT (SELECT count(*) FROM api_answers WHERE idempotency_key = 'kept'), (SELECT count(*) FROM api_checks)"

    left = []
    for hours in (23, 25, 399 * 24, 401 * 24):
        run(scene, after=timedelta(hours=hours))
        left.append(scene.row(kept))

    assert left == [(1, 1), (0, 1), (0, 1), (0, 0)]


def test_a_dry_run_counts_what_a_run_ends_and_changes_nothing(scene):
    scanned(scene)
    report(scene, contact="who@example.com", photos=(picture(),))
    before = scene.fingerprint()

    foretold = run(scene, after=400 * DAYS, is_dry=True)

    assert scene.fingerprint() == before
    assert foretold == run(scene, after=400 * DAYS)
    assert min(foretold[name] for name in ("scans", "sightings", "report-contacts", "report-photos")) >= 1


def test_a_run_that_is_killed_goes_on_where_it_was(scene):
    link = scanned(scene)

    class Killed(Exception):
        pass

    def killed(_size):
        raise Killed

    with psycopg.connect(scene.url, autocommit=True) as connection, pytest.raises(Killed):
        retention.run(connection, scene.config, now=scene.clock() + 91 * DAYS, random=killed)
    assert visitors(scene, "scans", link) != [b""]
    run(scene, after=91 * DAYS)
    assert visitors(scene, "scans", link) == [b""]


def test_a_slice_reads_the_months_that_it_names_and_no_other(scene):
    rule = retention.RULES[0]
    values = {"after": scene.clock(), "before": scene.clock() + DAYS}

    plan = "\n".join(row for (row,) in scene.admin.execute(f"EXPLAIN {rule.work.end}", values))

    months = {name for (name,) in scene.rows("SELECT relid::text FROM pg_partition_tree('scans') WHERE isleaf")}
    read = {name for name in months if f"Scan on {name} " in plan}
    assert 1 <= len(read) <= 2 < len(months)


def test_every_statement_is_bounded():
    for rule in retention.RULES:
        bounds = ("%(after)s", "%(before)s") if rule.work.oldest else ("%(most)s", "%(before)s")
        assert all(bound in rule.work.end for bound in bounds), rule.name


def test_proofs_and_requests_end_when_they_were_promised_to(scene):
    product = scene.add_product(name="Meridian 46", warranty_months="24", claim="required")
    path = scene.issue(product).path()
    owner, asker = Buyer(scene, "proofs-of-one@example.com"), Buyer(scene, "asker-of-one@example.com")
    item = owner.own(path, proof=(io.BytesIO(b"%PDF-1.7\n%%EOF\n"), "a.pdf"))
    recover(asker, path)
    number = scene.row("SELECT id FROM owner_requests WHERE kind = 'mailbox'")[0]

    def kept():
        return scene.row("SELECT count(*) FROM owner_files")[0], scene.row("SELECT count(*) FROM owner_requests")[0]

    run(scene, after=170 * DAYS)
    assert kept() == (2, 1), "what waits and what is held stays"
    owner.get(item)
    owner.post(f"/own/requests/{number}/stop")
    owner.get(item)
    owner.post(f"{item}/release", sure="yes")
    run(scene, after=29 * DAYS)
    assert kept() == (2, 1)
    run(scene, after=31 * DAYS)
    assert kept() == (0, 1)
    run(scene, after=91 * DAYS)
    assert kept() == (0, 0)
    known = "SELECT count(*) FROM owners WHERE erased_at IS NULL"
    run(scene, after=92 * DAYS)
    # Who asked and never held anything is forgotten; who has held something may still want its papers.
    assert scene.row(known) == (1,)
    assert scene.row("SELECT count(*) FROM owner_sessions s JOIN owners o ON o.id = s.owner_id "
                     "WHERE o.erased_at IS NOT NULL") == (0,)  # fmt: skip
