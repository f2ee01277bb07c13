"""Every verdict end to end on a real database: who may say what of a code, and what is stored of it."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import psycopg
import pytest
from scene import Scene, derive, forge, sign

from authsvc import db, holdings, prepared, receipts, scanning
from authsvc import scan_statements as sql
from authsvc.connections import Connections
from authsvc.core import base64url, codes, tokens
from authsvc.core.clones import Network
from authsvc.core.gs1 import DigitalLink
from authsvc.core.keyring import Revocation, RevocationMode
from authsvc.core.verdicts import OUTCOMES, Disposition, Outcome, Reason

THREADS = 20


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(THREADS) as pool:
        yield pool


def reason(scene: Scene, path: str, **values) -> Reason:
    return scene.scan(DigitalLink.parse(path), **values).verdict.reason


def rejections(scene: Scene, receipt) -> list[tuple]:
    return scene.rows("SELECT reason, detail, is_issued, key_id FROM rejections WHERE id = %s", receipt)


# --- Good codes -------------------------------------------------------------------------------------------------------


def test_first_check_then_checked_before(scene):
    link = scene.codes.link()

    first, second = scene.scan(link), scene.scan(link)

    assert [(c.verdict.reason, c.verdict.facts.scan_number) for c in (first, second)] == [
        (Reason.FIRST_CHECK, 1),
        (Reason.CHECKED_BEFORE, 2),
    ]
    assert second.verdict.facts.first_at == first.verdict.facts.at
    assert second.verdict.facts.lot == "L2410"


def test_checked_by_you_needs_a_visitor_that_comes_back(scene):
    link, visitor = scene.codes.link(), scene.random(16)
    first = scene.scan(link, visitor=visitor)

    again = scene.scan(link, visitor=visitor, is_known=True, at=scene.clock() + timedelta(minutes=2))

    assert again.verdict.reason is Reason.CHECKED_BY_YOU
    assert again.verdict.facts.mine_at == first.verdict.facts.at


def test_a_repeat_ends_30_minutes_after_the_last_counted_scan_and_does_not_slide(scene):
    link, visitor, start = scene.codes.link(), scene.random(16), scene.clock()

    def number(minutes):
        at = start + timedelta(minutes=minutes)
        return scene.scan(link, visitor=visitor, is_known=True, at=at).verdict.facts.scan_number

    assert [number(m) for m in (0, 20, 29, 31, 45, 60, 61.5)] == [1, 1, 1, 2, 2, 2, 3]


def test_imported_serials_are_issued(scene):
    product = scene.add_product()
    imported = scene.issue(product, lot="IMEI", texts=("356938035643809", "356938035643817", "a/b%c"))

    assert reason(scene, imported.path(0)) is Reason.FIRST_CHECK
    assert reason(scene, imported.path(2)) is Reason.FIRST_CHECK
    ours = scene.signer(scene.halden)
    assert reason(scene, sign(ours, {"01": product.gtin, "21": "356938035643825"})) is Reason.NOT_ISSUED


def test_compact_tokens_are_good(scene):
    scene.add_key(scene.halden, "compact")
    small = scene.issue(scene.add_product(token="compact"))
    path = small.path()

    assert reason(scene, path) is Reason.FIRST_CHECK
    assert reason(scene, path[:-1] + ("A" if path[-1] != "A" else "B")) is Reason.FORGED


def test_a_product_without_tokens_is_good_as_registered(scene):
    plain = scene.issue(scene.add_product(token="none"))
    path = plain.path()

    assert "?" not in path
    assert reason(scene, path) is Reason.FIRST_CHECK
    assert reason(scene, path[:-3] + "000") is Reason.UNKNOWN


def test_lot_only(scene):
    wine = scene.add_product(granularity="batch")
    lot = scene.issue(wine, 1, lot="2024A")
    before = scene.row("SELECT count(*) FROM items")

    checked = scene.scan(lot.link(0))

    assert checked.verdict.reason is Reason.LOT_ONLY
    assert checked.receipt is not None
    assert not checked.may_confirm
    assert scene.row("SELECT count(*) FROM items") == before
    assert reason(scene, sign(scene.signer(scene.halden), {"01": wine.gtin, "10": "2024B"})) is Reason.NOT_ISSUED


def test_cases_of_a_run(scene):
    shirts = scene.add_product(granularity="hybrid")
    cases = scene.issue(shirts, 3, lot="T1", contents=40)
    path = cases.path(2)
    behind = codes.sscc(cases.recipe.sscc_first + 3)

    assert path.startswith("/00/")
    assert reason(scene, path) is Reason.FIRST_CHECK
    assert reason(scene, path) is Reason.CHECKED_BEFORE
    ais = {"00": behind, "02": shirts.gtin, "37": "40", "10": "T1"}
    assert reason(scene, sign(scene.signer(scene.halden), ais)) is Reason.NOT_ISSUED
    assert reason(scene, path.partition("&s=")[0]) is Reason.UNSIGNED
    assert reason(scene, path.replace("37=40", "37=41")) is Reason.FORGED


def test_a_case_of_another_run_is_not_of_this_lot(scene):
    shirts = scene.add_product(granularity="hybrid")
    cases = scene.issue(shirts, 3, lot="T1", contents=40)
    ais = {"00": codes.sscc(cases.recipe.sscc_first), "02": shirts.gtin, "37": "40", "10": "T2"}

    assert reason(scene, sign(scene.signer(scene.halden), ais)) is Reason.NOT_ISSUED


# --- Codes that are not ours ------------------------------------------------------------------------------------------


def tampered(path: str) -> dict[str, str]:
    stem, _, token = path.partition("?s=")
    raw = base64url.decode(token)
    return {
        "encoding": f"{path}=",
        "format": f"{stem}?s={base64url.encode(bytes([3]) + raw[1:])}",
        "length": f"{stem}?s={base64url.encode(raw + bytes(1))}",
        "unknown-key": f"{stem}?s={base64url.encode(raw[:1] + bytes([255, 255]) + raw[3:])}",
        "signature": forge(path),
    }


@pytest.mark.parametrize("detail", ["encoding", "format", "length", "unknown-key", "signature"])
def test_forged_says_which_part_is_wrong_and_counts_nothing(scene, detail):
    path = scene.codes.path()

    checked = scene.scan(DigitalLink.parse(tampered(path)[detail]))

    assert checked.verdict.reason is Reason.FORGED
    assert rejections(scene, checked.receipt) == [("forged", detail, None, None)]
    assert scene.counts(path) == (0, 0)
    assert reason(scene, path) is Reason.FIRST_CHECK


def test_an_empty_token_is_forged(scene):
    stem = scene.codes.path().partition("?")[0]

    assert reason(scene, f"{stem}?s=") is Reason.FORGED
    assert reason(scene, f"{stem}?s=AQ") is Reason.FORGED


def test_all_other_spellings_of_the_last_character_are_forged(scene):
    path = scene.codes.path()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    first = alphabet.index(path[-1]) // 16 * 16

    spellings = [path[:-1] + letter for letter in alphabet[first : first + 16] if letter != path[-1]]

    assert {reason(scene, spelling) for spelling in spellings} == {Reason.FORGED}
    assert len(spellings) == 15


def test_a_token_of_another_item_lot_or_product_is_forged(scene):
    path, other = scene.codes.path(), scene.codes.path()
    token = path.partition("?s=")[2]
    stem = path.partition("?")[0]

    assert reason(scene, f"{other.partition('?')[0]}?s={token}") is Reason.FORGED
    assert reason(scene, f"{stem.replace('/21/', '/10/L2410/21/')}?s={token}") is Reason.FORGED
    assert reason(scene, f"{stem}?17=270101&s={token}") is Reason.FORGED


def test_a_key_of_one_format_signs_no_other(scene):
    compact = scene.add_key(scene.halden, "compact")
    link = scene.codes.link()
    forged = base64url.encode(bytes([1]) + compact.key_id.to_bytes(2, "big") + bytes(64))

    checked = scene.scan(link, token=forged)

    assert rejections(scene, checked.receipt)[0][:2] == ("forged", "format")


def test_two_brands_with_the_same_key_id_do_not_sign_for_each_other(scene):
    ours, theirs = scene.signer(scene.halden), scene.signer(scene.rival)
    rival_codes = scene.issue(scene.add_product(scene.rival))
    ais = {"01": scene.watch.gtin, "21": scene.codes.link().serial}
    stem = DigitalLink.build(ais).path()

    assert scene.rows("SELECT count(*) FROM signing_keys WHERE key_id = 1") == [(2,)]
    assert reason(scene, rival_codes.path()) is Reason.FIRST_CHECK
    stolen = tokens.issue(tokens.Ed25519Signer(theirs.brand_id, ours.key_id, theirs.private), ais)
    assert reason(scene, f"{stem}?s={stolen}") is Reason.FORGED
    claimed = tokens.issue(tokens.Ed25519Signer(ours.brand_id, ours.key_id, theirs.private), ais)
    assert reason(scene, f"{stem}?s={claimed}") is Reason.FORGED


def test_a_gtin_of_nobody_is_unknown(scene):
    link = DigitalLink.parse("/01/04012345678901/21/ABC?s=AQAB")

    checked = scene.scan(link)

    assert checked.verdict.reason is Reason.UNKNOWN
    assert checked.verdict.facts.brand is None
    assert scene.row("SELECT brand_id, reason FROM rejections WHERE id = %s", checked.receipt) == (None, "unknown")


def test_not_issued_beyond_the_end_of_a_run(scene):
    product = scene.add_product()
    run = scene.issue(product, 10)
    ours = scene.signer(scene.halden)

    def at(index):
        return sign(ours, {"01": product.gtin, "21": derive(scene, product.gtin, run.run, index)})

    assert reason(scene, at(9)) is Reason.FIRST_CHECK
    checked = scene.scan(DigitalLink.parse(at(10)))
    assert checked.verdict.reason is Reason.NOT_ISSUED
    assert rejections(scene, checked.receipt) == [("not-issued", None, False, ours.key_id)]
    assert reason(scene, at(2**34 - 1)) is Reason.NOT_ISSUED


def test_not_issued_while_the_run_is_not_finished(scene):
    assert reason(scene, scene.issue(scene.watch, 5, closes=False).path(0)) is Reason.NOT_ISSUED


def test_not_issued_for_another_product_of_the_same_brand(scene):
    other = scene.add_product()
    serial = derive(scene, other.gtin, scene.codes.run, 0)

    assert reason(scene, sign(scene.signer(scene.halden), {"01": other.gtin, "21": serial})) is Reason.NOT_ISSUED


@pytest.mark.parametrize("serial", ["7K3M9QX2V4TD1RZ8", "0" * 16, "1", "A" * 20])
def test_a_stolen_signing_key_makes_no_serial_that_was_issued(scene, serial):
    before = scene.row("SELECT count(*) FROM items")

    assert reason(scene, sign(scene.signer(scene.halden), {"01": scene.watch.gtin, "21": serial})) is Reason.NOT_ISSUED
    assert scene.row("SELECT count(*) FROM items") == before


def test_a_lot_in_the_link_must_be_the_lot_of_the_run(scene):
    product, ours = scene.add_product(), scene.signer(scene.halden)
    run = scene.issue(product, lot="L7", is_lot_in_link=True)
    serial = run.link(1).serial

    assert reason(scene, run.path(1)) is Reason.FIRST_CHECK
    assert reason(scene, run.path(1)) is Reason.CHECKED_BEFORE
    assert reason(scene, sign(ours, {"01": product.gtin, "10": "L8", "21": serial})) is Reason.NOT_ISSUED
    assert reason(scene, sign(ours, {"01": product.gtin, "10": "l7", "21": serial})) is Reason.NOT_ISSUED


def test_a_serial_in_lower_case_is_another_serial(scene):
    serial = scene.codes.link().serial.lower()

    assert reason(scene, sign(scene.signer(scene.halden), {"01": scene.watch.gtin, "21": serial})) is Reason.NOT_ISSUED


def test_unsigned_scanned_and_typed(scene):
    link = DigitalLink.parse(scene.codes.path().partition("?")[0])

    scanned, typed = scene.scan(link), scene.scan(link, is_typed=True, channel="typed")

    assert {scanned.verdict.reason, typed.verdict.reason} == {Reason.UNSIGNED}
    assert (scanned.verdict.facts.is_typed, typed.verdict.facts.is_typed) == (False, True)
    assert scene.row("SELECT channel, is_typed FROM rejections WHERE id = %s", typed.receipt) == ("typed", True)
    assert scene.rows("SELECT 1 FROM items WHERE sgtin = %s", link.sgtin) == []


def test_an_unsigned_number_that_was_never_issued_is_unknown(scene):
    assert reason(scene, f"/01/{scene.watch.gtin}/21/NEVERMADE") is Reason.UNKNOWN


def test_test_codes_of_a_sandbox_brand(scene):
    sandbox = scene.add_brand("sandbox", "9507000", is_sandbox=True)
    run = scene.issue(scene.add_product(sandbox))

    checked = scene.scan(run.link())

    assert checked.verdict.reason is Reason.TEST
    assert checked.verdict.outcome is Outcome.INFORMATIONAL
    assert scene.scan(run.link(), token="AQAB").verdict.reason is Reason.TEST


# --- Codes with a history ---------------------------------------------------------------------------------------------


def test_recalled_by_lot(scene):
    product = scene.add_product()
    bad, good = scene.issue(product, lot="BAD"), scene.issue(product, lot="GOOD")
    scene.recall(product, lot="BAD", remedy="Bring it back")

    checked = scene.scan(bad.link())

    assert checked.verdict.reason is Reason.RECALLED
    assert (checked.verdict.facts.recall.reason, checked.verdict.facts.recall.lot) == ("The strap may break", "BAD")
    assert reason(scene, good.path()) is Reason.FIRST_CHECK


def test_recalled_as_a_product(scene):
    product = scene.add_product()
    run = scene.issue(product)
    scene.recall(product)

    assert reason(scene, run.path()) is Reason.RECALLED
    assert reason(scene, f"/01/{product.gtin}") is Reason.RECALLED


def test_recalled_by_range(scene):
    product = scene.add_product()
    run = scene.issue(product, 20)
    scene.recall(product, between=(run.link(5).serial, run.link(9).serial))

    assert [reason(scene, run.path(i)) is Reason.RECALLED for i in (4, 5, 9, 10)] == [False, True, True, False]


def test_recalled_by_range_of_imported_serials(scene):
    product = scene.add_product()
    run = scene.issue(product, texts=("A10", "A15", "A20", "A155"))
    scene.recall(product, between=("A10", "A15"))

    assert [reason(scene, run.path(i)) is Reason.RECALLED for i in range(4)] == [True, True, False, False]


def test_a_lifted_recall_is_over(scene):
    product = scene.add_product()
    run = scene.issue(product)
    number = scene.recall(product)
    scene.admin.execute("UPDATE recalls SET lifted_at = now() WHERE id = %s", (number,))

    assert reason(scene, run.path()) is Reason.FIRST_CHECK


def test_a_forged_code_keeps_its_headline_and_tells_of_a_recalled_lot(scene):
    product = scene.add_product()
    run = scene.issue(product, lot="R1", is_lot_in_link=True)
    scene.recall(product, lot="R1")

    checked = scene.scan(DigitalLink.parse(forge(run.path())))

    assert checked.verdict.reason is Reason.FORGED
    assert checked.verdict.facts.lot_recall is not None
    assert checked.verdict.facts.recall is None


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        (Disposition.RECALLED, Reason.RECALLED),
        (Disposition.STOLEN, Reason.STOLEN),
        (Disposition.LOST, Reason.LOST),
        (Disposition.BLOCKED, Reason.BLOCKED),
        (Disposition.INACTIVE, Reason.WITHDRAWN),
        (Disposition.DESTROYED, Reason.WITHDRAWN),
    ],
)
@pytest.mark.parametrize("is_seen", [False, True], ids=["unseen", "seen"])
def test_a_disposition_speaks(scene, disposition, expected, is_seen):
    link = scene.codes.link()
    if is_seen:
        scene.scan(link)
    scene.set_disposition(link, disposition)

    checked = scene.scan(link)

    assert checked.verdict.reason is expected
    assert checked.verdict.facts.disposition_at is not None
    assert reason(scene, link.path()) is expected, "an unsigned scan of a stolen item says so too"


def test_a_blocked_case_is_blocked(scene):
    cases = scene.issue(scene.add_product(granularity="hybrid"), 3, lot="T1", contents=40)
    scene.set_disposition(cases.link(1), Disposition.BLOCKED)

    assert [reason(scene, cases.path(i)) for i in range(3)] == [
        Reason.FIRST_CHECK,
        Reason.BLOCKED,
        Reason.FIRST_CHECK,
    ]


def test_an_item_that_comes_back_to_life_is_good_again(scene):
    link = scene.codes.link()
    scene.set_disposition(link, Disposition.STOLEN)
    scene.scan(link)
    scene.set_disposition(link, Disposition.ACTIVE)

    assert scene.scan(link).verdict.reason is Reason.CHECKED_BEFORE


MODES = {
    RevocationMode.STOP: (Reason.CHECKED_BEFORE, Reason.FIRST_CHECK),
    RevocationMode.FROM: (Reason.CHECKED_BEFORE, Reason.WITHDRAWN),
    RevocationMode.RUN: (Reason.WITHDRAWN, Reason.WITHDRAWN),
    RevocationMode.ALL: (Reason.WITHDRAWN, Reason.WITHDRAWN),
}


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_a_revoked_key_spares_what_its_mode_says(scene, mode):
    signer = scene.add_key(scene.rival)
    product = scene.add_product(scene.rival)
    run, other = scene.issue(product), scene.issue(product)
    seen = run.link()
    scene.scan(seen)
    (now,) = scene.row("SELECT clock_timestamp()")

    scene.revoke(
        signer,
        Revocation(
            mode,
            since=now if mode is RevocationMode.FROM else None,
            runs=frozenset({run.run}) if mode is RevocationMode.RUN else frozenset(),
        ),
    )

    assert (scene.scan(seen).verdict.reason, scene.scan(run.link()).verdict.reason) == MODES[mode]
    if mode is RevocationMode.RUN:
        assert scene.scan(other.link()).verdict.reason is Reason.FIRST_CHECK
    assert scene.scan(DigitalLink.parse(forge(run.path()))).verdict.reason is Reason.FORGED


def test_a_thief_cannot_make_an_unseen_item_known_by_scanning_it_first(scene):
    """A scan after T sets ``first_valid_at`` after T: the second scan of the thief's code is no better."""
    signer = scene.add_key(scene.rival)
    run = scene.issue(scene.add_product(scene.rival))
    (past,) = scene.row("SELECT clock_timestamp() - interval '1 day'")
    scene.revoke(signer, Revocation(RevocationMode.FROM, since=past))
    link = run.link()

    assert [scene.scan(link).verdict.reason for _ in range(2)] == [Reason.WITHDRAWN] * 2


def test_the_clock_of_a_web_process_cannot_backdate_a_first_scan(scene):
    signer = scene.add_key(scene.rival)
    run = scene.issue(scene.add_product(scene.rival))
    link = run.link()
    scene.scan(link, at=scene.clock() - timedelta(days=2))
    (past,) = scene.row("SELECT clock_timestamp() - interval '1 day'")
    scene.revoke(signer, Revocation(RevocationMode.FROM, since=past))

    assert scene.scan(link).verdict.reason is Reason.WITHDRAWN


def test_not_released_until_commissioned(scene):
    product = scene.add_product(release="on-commission")
    run = scene.issue(product, 20)
    assert reason(scene, run.path(0)) is Reason.NOT_RELEASED
    scene.commission(product, run.run, 0, 9)

    assert [reason(scene, run.path(i)) for i in (0, 9, 10)] == [
        Reason.CHECKED_BEFORE,
        Reason.FIRST_CHECK,
        Reason.NOT_RELEASED,
    ]


def test_expired_when_the_day_is_over_everywhere(scene):
    today = scene.clock().date()
    product = scene.add_product()
    ends = {days: scene.issue(product, expires_on=today + timedelta(days=days)) for days in (-2, -1, 0, 30)}

    assert {days: reason(scene, run.path()) for days, run in ends.items()} == {
        -2: Reason.EXPIRED,
        -1: Reason.FIRST_CHECK,
        0: Reason.FIRST_CHECK,
        30: Reason.FIRST_CHECK,
    }


def test_a_lot_expires(scene):
    wine = scene.add_product(granularity="batch")
    lot = scene.issue(wine, 1, lot="OLD", expires_on=date(2020, 1, 31))

    assert reason(scene, lot.path(0)) is Reason.EXPIRED


def test_a_use_by_date_in_the_link_counts_where_the_register_has_none(scene):
    ours, serial = scene.signer(scene.halden), scene.codes.link().serial

    assert reason(scene, sign(ours, {"01": scene.watch.gtin, "21": serial, "17": "200100"})) is Reason.EXPIRED
    assert reason(scene, sign(ours, {"01": scene.watch.gtin, "21": serial, "17": "491231"})) is not Reason.EXPIRED


# --- Copies -----------------------------------------------------------------------------------------------------------


def confirmed(scene: Scene, link: DigitalLink, **values) -> scanning.Checked:
    checked = scene.scan(link, **values)
    rt = scene.rt
    assert receipts.confirm(rt.held, rt.connections, checked.receipt, at=scene.clock(), new_id=rt.new_id)
    return checked


def copy_threshold(scene: Scene, product, visitors: int) -> None:
    scene.admin.execute("UPDATE products SET copy_threshold = %s WHERE gtin = %s", (visitors, product.gtin))
    scene.refresh()


def test_possible_copy_from_the_threshold_on(scene):
    product = scene.add_product()
    copy_threshold(scene, product, 5)
    link = scene.issue(product).link()

    given = [confirmed(scene, link).verdict.reason for _ in range(6)]

    assert given == [Reason.FIRST_CHECK] + [Reason.CHECKED_BEFORE] * 4 + [Reason.POSSIBLE_COPY]
    rule, score, evidence = scene.row("SELECT rule, score, evidence FROM alerts WHERE sgtin = %s", link.sgtin)
    assert (rule, score) == ("more-visitors-than-usual", 1.0)
    assert "5 different visitors" in evidence["parts"][0]["text"]


def test_scans_that_nobody_confirmed_flag_nothing(scene):
    link = scene.codes.link()

    assert {scene.scan(link).verdict.reason for _ in range(15)} == {Reason.FIRST_CHECK, Reason.CHECKED_BEFORE}


def test_one_network_is_one_piece_of_evidence_a_day(scene):
    link, prefix = scene.codes.link(), scene.random(8)

    for _ in range(15):
        confirmed(scene, link, prefix=prefix)

    assert scene.scan(link).verdict.reason is Reason.CHECKED_BEFORE
    assert scene.rows("SELECT 1 FROM alerts WHERE sgtin = %s", link.sgtin) == []


def test_one_owner_with_forty_rescans_is_never_flagged(scene):
    link, visitor, start = scene.codes.link(), scene.random(16), scene.clock() - timedelta(days=20)

    for hour in range(40):
        at = start + timedelta(hours=hour)
        checked = scene.scan(link, visitor=visitor, is_known=True, at=at)
        receipts.confirm(scene.rt.held, scene.rt.connections, checked.receipt, at=at, new_id=scene.rt.new_id)

    assert scene.counts(link.path()) == (40, 1)
    assert scene.scan(link).verdict.reason is Reason.CHECKED_BEFORE


def test_junk_does_not_push_evidence_out(scene):
    product = scene.add_product()
    copy_threshold(scene, product, 3)
    link = scene.issue(product).link()
    for _ in range(3):
        confirmed(scene, link)
    for _ in range(80):
        scene.scan(link)
        scene.scan(link, token="AQAB")

    assert scene.scan(link).verdict.reason is Reason.POSSIBLE_COPY


def test_a_flag_stays_on_unsigned_numbers_and_behind_a_recall(scene):
    product = scene.add_product()
    copy_threshold(scene, product, 2)
    run = scene.issue(product, lot="Q")
    link = run.link()
    for _ in range(2):
        confirmed(scene, link)
    assert reason(scene, link.path()) is Reason.POSSIBLE_COPY
    scene.recall(product, lot="Q")

    checked = scene.scan(link)

    assert checked.verdict.reason is Reason.RECALLED
    assert checked.verdict.notices == (Reason.POSSIBLE_COPY,)


# --- Races ------------------------------------------------------------------------------------------------------------


def test_twenty_racing_scans_of_an_item_over_the_threshold_open_one_alert(scene, pool):
    product = scene.add_product()
    link = scene.issue(product).link()
    for _ in range(6):
        confirmed(scene, link)
    copy_threshold(scene, product, 6)

    given = list(pool.map(lambda _: scene.scan(link).verdict.reason, range(THREADS)))

    assert set(given) == {Reason.POSSIBLE_COPY}
    assert scene.row("SELECT count(*) FROM alerts WHERE sgtin = %s", link.sgtin) == (1,)


def test_twenty_racing_confirmations_of_different_visitors_open_one_alert(scene, pool):
    product = scene.add_product()
    copy_threshold(scene, product, 5)
    link = scene.issue(product).link()
    tickets = [scene.scan(link).receipt for _ in range(THREADS)]
    rt = scene.rt

    won = list(
        pool.map(lambda t: receipts.confirm(rt.held, rt.connections, t, at=scene.clock(), new_id=rt.new_id), tickets)
    )

    assert won == [True] * THREADS
    assert scene.counts(link.path()) == (THREADS, THREADS)
    assert scene.row("SELECT count(*) FROM alerts WHERE sgtin = %s", link.sgtin) == (1,)


def test_evidence_that_came_behind_the_snapshot_is_read_again(scene, pool):
    """The scan waits for the item's row with an old snapshot; meanwhile the fifth confirmed visitor is committed."""
    product = scene.add_product()
    copy_threshold(scene, product, 5)
    link = scene.issue(product).link()
    for _ in range(4):
        confirmed(scene, link)
    with psycopg.connect(scene.url) as other:
        other.execute("UPDATE items SET seq = seq + 1, counted = counted + 1 WHERE sgtin = %s", (link.sgtin,))
        other.execute(
            "INSERT INTO sightings SELECT sgtin, '\\xaa', brand_id, '\\xbb', first_at, counted_at, counted_id,"
            " counted_id, true, false, country, latitude, longitude, radius_km, network FROM sightings"
            " WHERE sgtin = %s LIMIT 1",
            (link.sgtin,),
        )
        waiting = pool.submit(scene.scan, link)
        until(
            lambda: scene.rows("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%seq%%'")
        )
        other.commit()
        checked = waiting.result()

    assert checked.verdict.reason is Reason.POSSIBLE_COPY
    assert checked.verdict.facts.scan_number == 6


def test_a_held_row_gives_the_signature_verdict_and_leaves_the_breaker_closed(scene):
    link = scene.codes.link()
    scene.scan(link)
    with psycopg.connect(scene.url) as other:
        other.execute("SELECT 1 FROM items WHERE sgtin = %s FOR UPDATE", (link.sgtin,))
        start = time.perf_counter()
        checked = scene.scan(link)
        took = time.perf_counter() - start
        elsewhere = scene.scan(scene.codes.link())

    assert checked.verdict.reason is Reason.UNAVAILABLE
    assert checked.verdict.facts.signature.kid is not None
    assert checked.receipt is None
    assert 0.2 < took < 0.6
    assert elsewhere.verdict.reason is Reason.FIRST_CHECK
    assert scene.counts(link.path()) == (1, 0)


def test_scans_and_confirmations_of_one_item_never_deadlock(scene, pool):
    product = scene.add_product()
    copy_threshold(scene, product, 8)
    link = scene.issue(product).link()
    (before,) = scene.row("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")

    def visit(_):
        for _ in range(5):
            confirmed(scene, link)

    list(pool.map(visit, range(8)))

    scene.admin.execute("SELECT pg_stat_force_next_flush()")
    assert scene.row("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == (before,)
    assert scene.counts(link.path()) == (40, 40)
    assert scene.row("SELECT count(*) FROM alerts WHERE sgtin = %s", link.sgtin) == (1,)


# --- What is written --------------------------------------------------------------------------------------------------


@pytest.fixture
def statements(monkeypatch) -> list[str]:
    """Return the list of the statements that this thread runs from here on; the keeper polls in one of its own."""
    run, seen, here = prepared.run, [], threading.get_ident()

    def noted(connection, ready, statement, params):
        if threading.get_ident() == here:
            seen.append(statement)
        return run(connection, ready, statement, params)

    monkeypatch.setattr(prepared, "run", noted)
    return seen


def test_a_normal_scan_is_one_statement(scene, statements):
    link = scene.codes.link()

    scene.scan(link)
    scene.scan(link)

    assert statements == [sql.SCAN_ITEM] * 2


def test_a_forged_scan_reads_no_item(scene, statements):
    scene.scan(scene.codes.link(), token="AQAB")

    assert statements == [sql.REJECT]


def test_reading_writes_nothing_and_is_nobodys_first_check(scene):
    link, rt = scene.codes.link(), scene.rt
    before = scene.fingerprint()

    def read():
        return scanning.scan(
            rt.held, rt.connections, link, link.extension("s"), None, at=scene.clock(), new_id=rt.new_id
        )

    given = [read() for _ in range(3)]

    assert {(c.verdict.reason, c.verdict.facts.scan_number, c.receipt) for c in given} == {
        (Reason.CHECKED_BEFORE, None, None)
    }
    assert scene.fingerprint() == before
    assert scene.scan(link).verdict.reason is Reason.FIRST_CHECK
    assert (read().verdict.facts.scan_number, read().verdict.facts.first_at is not None) == (None, True)


@pytest.mark.parametrize("why", ["bot", "head", "prefetch", "datacentre"])
def test_automated_scans_count_nothing(scene, why):
    link = scene.codes.link()

    checked = scene.scan(link, automated=why)

    assert scene.counts(link.path()) == (0, 0)
    assert checked.may_confirm is (why in {"prefetch", "datacentre"})
    assert scene.row("SELECT automated, is_counted FROM scans WHERE id = %s", checked.receipt) == (why, False)
    assert scene.scan(link).verdict.reason is Reason.FIRST_CHECK


def test_a_scan_stores_pseudonyms_and_a_coarse_place(scene):
    seen = scene.presentation(network=Network.MOBILE)

    checked = scene.scan(scene.codes.link(), seen)

    stored = "SELECT visitor, prefix, country, radius_km, network, channel FROM scans WHERE id = %s"
    assert scene.row(stored, checked.receipt) == (seen.visitor, seen.prefix, "DE", 300.0, "mobile", "camera")


def test_a_product_that_is_not_tracked_writes_nothing_whoever_asks(scene):
    wine = scene.add_product(granularity="batch", tracking="none", token="none")
    lot = scene.issue(wine, 1, lot="2024")
    serial = scene.issue(scene.add_product(tracking="none"))
    before = scene.fingerprint()

    assert reason(scene, lot.path(0)) is Reason.LOT_ONLY
    assert reason(scene, serial.path()) is Reason.CHECKED_BEFORE
    assert reason(scene, forge(serial.path())) is Reason.FORGED
    assert scene.fingerprint() == before


def test_what_a_scan_may_not_write(scene):
    with psycopg.connect(scene.url, autocommit=True) as connection:
        connection.execute(f"SET ROLE {db.SCAN_ROLE}")
        for table in ("brands", "brand_prefixes", "products", "lots", "runs", "recalls", "signing_keys", "serial_keys"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"DELETE FROM {table}")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(
                    f"UPDATE {table} SET brand_id = brand_id" if table != "brands" else "UPDATE brands SET name = 'x'"
                )
        for table in ("scans", "items", "sightings", "rejections", "alerts"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"DELETE FROM {table}")


# --- Without a database -----------------------------------------------------------------------------------------------


@pytest.fixture
def nowhere() -> Iterator[Connections]:
    connections = Connections("postgresql://postgres@127.0.0.1:1/none", probe_s=10)
    yield connections
    connections.close()


def without(scene: Scene, connections: Connections, path: str) -> scanning.Checked:
    link = DigitalLink.parse(path)
    return scanning.scan(
        scene.rt.held, connections, link, link.extension("s"), scene.presentation(), at=scene.clock(),
        new_id=scene.rt.new_id,
    )  # fmt: skip


def test_unavailable_says_what_the_signature_says(scene, nowhere):
    good = without(scene, nowhere, scene.codes.path())

    assert (good.verdict.reason, good.verdict.outcome) == (Reason.UNAVAILABLE, Outcome.NONE)
    assert good.verdict.facts.signature.kid == f"{scene.halden.id}.1"
    assert (good.receipt, good.may_confirm) == (None, False)
    assert without(scene, nowhere, forge(scene.codes.path())).verdict.reason is Reason.FORGED
    assert without(scene, nowhere, scene.codes.path().partition("?")[0]).verdict.reason is Reason.UNAVAILABLE


def test_nothing_is_called_unknown_before_the_register_was_read(scene):
    """A process that starts while the database is down knows no brand; that says nothing about a code."""
    link = scene.codes.link()
    seen = scene.presentation()

    checked = scanning.scan(
        holdings.NOTHING, scene.rt.connections, link, link.extension("s"), seen, at=seen.at, new_id=scene.rt.new_id
    )

    assert checked.verdict.reason is Reason.UNAVAILABLE
    assert rejections(scene, seen.id) == []


def test_a_month_without_a_partition_still_gives_the_signature_verdict(scene):
    link = scene.codes.link()

    checked = scene.scan(link, at=scene.clock() + timedelta(days=400))

    assert checked.verdict.reason is Reason.UNAVAILABLE
    assert checked.verdict.facts.signature.kid is not None
    assert scene.counts(link.path()) == (0, 0)


def test_every_reason_has_an_outcome():
    assert set(OUTCOMES) == set(Reason)


def until(condition, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this never became true"
        threading.Event().wait(0.005)
