"""Every verdict end to end on a real database: good codes, and codes that are not ours."""

from datetime import timedelta

import pytest
from scans import reason, rejections
from scene import derive, forge, sign

from authsvc.core import base64url, codes, tokens
from authsvc.core.gs1 import DigitalLink
from authsvc.core.verdicts import Outcome, Reason

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
