import time

import pytest

from authsvc import holdings
from authsvc.core.keyring import Revocation, RevocationMode
from authsvc.core.register import Release
from authsvc.core.wrapping import derive_key
from authsvc.errors import BadKey
from authsvc.runtime import Keeper


def load(scene):
    return holdings.load(scene.rt.connections, scene.wrapping_key)


def test_everything_that_a_signature_needs_is_held(scene):
    compact = scene.add_key(scene.halden, "compact")
    held = load(scene)
    link = scene.codes.link()

    assert held.register.find_brand(link.gtin).slug == "halden"
    assert held.register.find_product(link.gtin).noun == "watch"
    assert held.keyring.find(scene.halden.id, 1).public is not None
    assert held.keyring.find(scene.halden.id, compact.key_id).mac == compact.key
    assert set(held.serial_keys_of(scene.halden.id)) == {"0"}
    assert held.serial_keys_of(scene.brands()[0].id.__class__(int=0)) == {}


def test_a_product_is_held_with_all_its_columns(scene):
    product = scene.add_product(
        category="Watches", description="Steel", warranty_months=24, claim="required", release="on-commission",
        tracking="none", markets="DE;FR", attributes={"noun": "watch", "copy_threshold": 4},
    )  # fmt: skip

    held = load(scene).register.find_product(product.gtin)

    assert held == product
    assert (held.release, held.is_tracked, held.markets, held.copy_threshold) == (
        Release.ON_COMMISSION,
        False,
        ("DE", "FR"),
        4,
    )


def test_a_brand_is_held_with_its_hosts_in_their_order(scene):
    brand = scene.add_brand("hosted", hosts=("b.example", "a.example"))

    assert load(scene).register.brands[brand.id] == brand


def test_a_revocation_is_held_with_its_runs(scene):
    signer = scene.add_key(scene.rival)
    run = scene.issue(scene.add_product(scene.rival)).run
    scene.revoke(signer, Revocation(RevocationMode.RUN, runs=frozenset({run})))

    assert load(scene).keyring.find(scene.rival.id, signer.key_id).revocation.runs == {run}


@pytest.mark.parametrize("table", ["brands", "brand_prefixes", "products", "signing_keys", "serial_keys"])
def test_every_change_of_the_register_has_a_version(scene, table):
    before = holdings.find_version(scene.rt.connections)
    column = "id" if table == "brands" else "brand_id"
    scene.admin.execute(f"UPDATE {table} SET {column} = {column}")

    assert holdings.find_version(scene.rt.connections) > before
    scene.refresh()


def test_scans_recalls_and_dispositions_are_no_change(scene):
    product = scene.add_product()
    run = scene.issue(product, lot="A")
    before = holdings.find_version(scene.rt.connections)
    scene.visitor().check(run.path())
    scene.recall(product, lot="A")

    assert holdings.find_version(scene.rt.connections) == before


def test_the_wrong_secret_opens_nothing(scene):
    with pytest.raises(BadKey, match="AUTHSVC_SECRET"):
        holdings.load(scene.rt.connections, derive_key(bytes(32), "wrapping"))


def test_an_unchanged_register_is_not_loaded_again(scene):
    held = scene.rt.held
    scene.refresh()

    assert scene.rt.held is held


def until(condition) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "this never became true"
        time.sleep(0.02)


def test_the_keeper_survives_a_register_that_it_cannot_read(scene):
    """A newer release writes a word that this one does not know; a key revoked after that must still be heard of."""
    keeper = Keeper(scene.rt.connections, scene.wrapping_key, poll_s=0.05)
    keeper.start()
    scene.rt.keeper.stop()
    gtin = scene.watch.gtin
    try:
        scene.admin.execute("UPDATE products SET granularity = 'pallet' WHERE gtin = %s", (gtin,))
        time.sleep(0.3)
        held = keeper.held
        scene.admin.execute("UPDATE products SET granularity = 'serial' WHERE gtin = %s", (gtin,))
        until(lambda: keeper.held is not held)
    finally:
        keeper.stop()
    assert keeper.held.register.find_product(gtin) is not None


def test_a_stopped_keeper_has_stopped(scene):
    keeper = Keeper(scene.rt.connections, scene.wrapping_key, poll_s=0.01)
    keeper.start()
    keeper.stop()
    held = keeper.held
    scene.admin.execute("UPDATE products SET name = name")
    time.sleep(0.1)

    assert keeper.held is held
