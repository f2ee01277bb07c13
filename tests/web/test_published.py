import time
import uuid

from scene import sign

from authsvc.core import tokens
from authsvc.core.gs1 import DigitalLink
from authsvc.core.keyring import PublicKeySet, Revocation, RevocationMode

JWKS = "/.well-known/jwks.json"
PATIENCE_S = 5


def test_the_key_set_lets_anybody_verify(scene, visitor):
    link = scene.codes.link()

    published = PublicKeySet.parse(visitor.open(JWKS).json)

    brand_id = published.brand_of(link.gtin)
    assert brand_id == scene.halden.id
    assert tokens.verify(link.extension("s"), link.ais, brand_id, published.keyring).key_id == 1


def test_the_key_set_says_how_long_it_is_good(visitor):
    response = visitor.open(JWKS)

    assert response.content_type == "application/jwk-set+json"
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in response.headers


def test_an_unchanged_key_set_is_not_sent_again(scene, visitor):
    first = visitor.open(JWKS)
    tag = first.headers["ETag"]

    again = visitor.open(JWKS, headers={"If-None-Match": tag})
    scene.add_key(scene.rival)
    changed = visitor.open(JWKS, headers={"If-None-Match": tag})

    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


def test_the_key_set_of_one_brand(scene, visitor):
    ours = visitor.open(f"{JWKS}?brand={scene.halden.id}").json
    nobodys = visitor.open(f"{JWKS}?brand={uuid.uuid4()}").json

    assert {key["brand_id"] for key in ours["keys"]} == {str(scene.halden.id)}
    assert ours["keys"][0]["kid"] == f"{scene.halden.id}.1"
    assert ours["keys"][0]["gcp"] == ["9506000"]
    assert nobodys == {"keys": [], "revoked": []}


def test_a_brand_that_is_no_uuid_is_a_400(visitor):
    for wrong in ("x", "", "%00", "é" * 50, "1" * 3000):
        response = visitor.open(f"{JWKS}?brand={wrong}", headers={"Accept": "application/json"})
        assert (response.status_code, response.json["status"]) == (400, 400)


def test_a_revoked_key_stands_beside_the_others(scene, visitor):
    signer = scene.add_key(scene.rival)
    scene.revoke(signer, Revocation(RevocationMode.ALL))
    document = visitor.open(JWKS).json
    kid = f"{scene.rival.id}.{signer.key_id}"

    assert kid not in {key["kid"] for key in document["keys"]}
    (member,) = [key for key in document["revoked"] if key["kid"] == kid]
    assert (member["mode"], member["status"]) == ("all", "revoked")
    assert isinstance(member["from"], int)


def test_secret_keys_are_not_published(scene, visitor):
    signer = scene.add_key(scene.rival, "compact")

    assert f"{scene.rival.id}.{signer.key_id}" not in visitor.open(JWKS).text
    for word in ('"d"', '"k"', "oct"):
        assert word not in visitor.open(JWKS).text


def wait_for(condition) -> float:
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < PATIENCE_S
        time.sleep(0.05)
    return time.monotonic() - start


def test_a_running_server_learns_of_products_and_revocations_by_itself(scene, monkeypatch):
    """Nobody tells it: the scene's own refreshing is taken away."""
    monkeypatch.setattr(type(scene), "refresh", lambda _: None)
    signer = scene.add_key(scene.rival)
    product = scene.add_product(scene.rival)
    run = scene.issue(product)
    visitor = scene.visitor()

    wait_for(lambda: visitor.check(run.path())["reason"] == "first-check")
    scene.revoke(signer, Revocation(RevocationMode.ALL))
    wait_for(lambda: visitor.check(run.path(49))["reason"] == "withdrawn")


def test_a_new_key_of_another_process_is_no_forgery_for_long(scene, monkeypatch):
    monkeypatch.setattr(type(scene), "refresh", lambda _: None)
    signer = scene.add_key(scene.rival)
    product_run = scene.issue(scene.add_product(scene.rival))
    ais = dict(product_run.link(3).ais)
    path = sign(signer, ais)

    wait_for(lambda: scene.visitor().check(path)["signature"]["valid"])
    assert DigitalLink.parse(path).ais == ais


def test_livez_says_that_the_process_runs(visitor):
    response = visitor.open("/livez")

    assert (response.status_code, response.text) == (200, "ok\n")


def test_readyz_looks_at_database_register_and_partitions(scene, visitor):
    assert visitor.open("/readyz").json == {
        "ready": True,
        "checks": {"database": True, "register": True, "partitions": True},
    }
    (name,) = scene.row("SELECT 'scans_' || to_char(now() AT TIME ZONE 'UTC' + interval '1 month', 'YYYYMM')")
    scene.admin.execute(f"ALTER TABLE {name} RENAME TO gone")
    try:
        response = visitor.open("/readyz")
    finally:
        scene.admin.execute(f"ALTER TABLE gone RENAME TO {name}")

    assert (response.status_code, response.json["checks"]["partitions"]) == (503, False)


def test_metrics_count_by_reason_and_name_nobody(scene, visitor):
    path = scene.codes.path()
    visitor.check(path)

    text = visitor.open("/metrics").text

    assert 'authsvc_scans_total{reason="first-check"}' in text
    assert "authsvc_scan_seconds_bucket" in text
    assert visitor.address not in text
    assert DigitalLink.parse(path).serial not in text
