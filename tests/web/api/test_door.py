"""The door of the API: keys and their limits, what is done once, versions, pages, faults that name their field."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from programs import Program, make_key, program

from authsvc import api_keys
from authsvc.web import path_keys


@pytest.fixture(scope="module")
def erp(scene):
    return program(scene)


def code_of(answer):
    assert answer.mimetype == "application/problem+json", answer.text
    return answer.status_code, answer.json["type"].rpartition("/")[2]


def lots(scene, erp, count):
    product = scene.add_product()
    for n in range(count):
        assert erp.put(f"/lots/{product.gtin}/L{n}", {}).status_code == 201
    return product


# --- Keys ------------------------------------------------------------------------------------------------------------


def test_without_a_key_or_with_one_that_opens_nothing_nothing_is_told(scene):
    good = make_key(scene).text
    for secret in ("", "authsvc_", good[:-1] + ("A" if good[-1] != "A" else "B"), good.lower(), "x" * 60):
        answer = Program(scene.app, secret).get("/products")
        assert code_of(answer) == (401, "api-key-needed")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    without = scene.visitor().open("/api/v1/products")
    assert code_of(without) == (401, "api-key-needed")


def test_a_key_ends_at_its_time(scene, later):
    key = program(scene, days=1)
    assert key.get("/products").status_code == 200
    later(hours=25)
    assert code_of(key.get("/products")) == (401, "api-key-needed")


def test_a_key_sees_its_brand_alone(scene, erp):
    rival = program(scene, scene.rival)
    product = scene.add_product(scene.rival)
    scene.recall(scene.watch, lot="L2410")
    number = scene.row("SELECT max(id) FROM recalls WHERE brand_id = %s", scene.halden.id)[0]

    assert erp.get(f"/products/{product.gtin}").status_code == 404
    assert rival.get(f"/products/{product.gtin}").status_code == 200
    assert rival.get(f"/recalls/{number}").status_code == 404
    assert rival.get(f"/items/{scene.codes.link().sgtin}").status_code == 404
    assert rival.put(f"/lots/{scene.watch.gtin}/L1", {}).status_code == 404
    assert {row["gtin"] for row in rival.get("/products").json["products"]} == {product.gtin}


def test_write_holds_read_and_a_narrow_scope_holds_nothing(scene):
    writer = program(scene, None, "lots:write")
    assert writer.get(f"/lots?gtin={scene.watch.gtin}").status_code == 200
    assert code_of(writer.get("/runs")) == (403, "scope-needed")
    line = program(scene, None, "items:commission")
    assert code_of(line.get(f"/items?gtin={scene.watch.gtin}")) == (403, "scope-needed")


def test_a_key_has_a_limit_of_its_own_and_is_told_what_is_left(scene):
    few, other = program(scene, per_minute=3), program(scene, per_minute=3)
    answers = [few.get("/products") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit"].partition(";t")[0] for answer in answers] == [
        f'"key";r={left}' for left in (2, 1, 0, 0)
    ]
    assert answers[0].headers["RateLimit-Policy"] == '"key";q=3;w=60'
    assert 0 < int(answers[3].headers["Retry-After"]) <= 60
    assert other.get("/products").status_code == 200


def test_use_is_noted_once_a_minute(scene, later):
    made = make_key(scene)
    asked = "SELECT last_used_at FROM api_secrets WHERE key_id = %s"
    key = Program(scene.app, made.text)
    key.get("/products")
    first = scene.row(asked, made.key.id)
    key.get("/products")
    assert scene.row(asked, made.key.id) == first
    later(minutes=2)
    key.get("/products")
    assert scene.row(asked, made.key.id)[0] - first[0] >= timedelta(minutes=1)


# --- Nothing is done twice -------------------------------------------------------------------------------------------


def test_a_repeated_request_is_done_once_and_answered_alike(scene, erp, later):
    body = {"gtin": scene.watch.gtin, "lot": "L2410", "reason": "It may break"}
    first, second = (erp.post("/recalls/drafts", body, repeats="one") for _ in range(2))
    assert (first.status_code, first.data, first.location) == (second.status_code, second.data, second.location)
    assert (first.headers.get("Idempotency-Replayed"), second.headers["Idempotency-Replayed"]) == (None, "true")
    assert scene.row("SELECT count(*) FROM recall_drafts WHERE id = %s", first.json["id"]) == (1,)
    sealed = scene.row("SELECT sealed FROM api_answers WHERE idempotency_key = 'one'")[0]
    assert b"It may break" not in bytes(sealed)

    other = erp.post("/recalls/drafts", {**body, "reason": "Another"}, repeats="one")
    assert code_of(other) == (422, "idempotency-key-reused")
    elsewhere = program(scene).post("/recalls/drafts", body, repeats="one")
    assert elsewhere.json["id"] != first.json["id"]
    later(hours=24, minutes=1)
    assert erp.post("/recalls/drafts", body, repeats="one").json["id"] != first.json["id"]


def test_what_was_refused_may_be_asked_again_under_the_same_key(scene, erp):
    product = scene.add_product()
    wanted = {"gtin": product.gtin, "lot": "N1", "reason": "It may break"}
    assert erp.post("/recalls/drafts", wanted, repeats="again").status_code == 404
    assert erp.put(f"/lots/{product.gtin}/N1", {}).status_code == 201
    assert erp.post("/recalls/drafts", wanted, repeats="again").status_code == 201


def test_of_many_at_once_one_does_it(scene, erp, pool: ThreadPoolExecutor):
    scene.admin.execute("UPDATE errands SET state = 'cancelled'")
    body = {"gtin": scene.watch.gtin, "count": 3}
    answers = list(pool.map(lambda _: erp.post("/runs/orders", body, repeats="race"), range(6)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert scene.row("SELECT count(*) FROM run_orders WHERE id = %s", answers[0].json["id"]) == (1,)


def test_a_post_needs_an_idempotency_key(scene):
    made = make_key(scene)
    answer = scene.app.test_client().post(
        "/api/v1/recalls/drafts", json={}, headers={"Authorization": f"Bearer {made.text}"}
    )
    # The body is read first: what is wrong with it is the first thing that somebody wants to know.
    assert code_of(answer) == (400, "bad-fields")
    body = {"gtin": scene.watch.gtin, "reason": "It may break"}
    answer = scene.app.test_client().post(
        "/api/v1/recalls/drafts", json=body, headers={"Authorization": f"Bearer {made.text}"}
    )
    assert code_of(answer) == (400, "idempotency-key-needed")


# --- Versions, pages, faults -----------------------------------------------------------------------------------------


def test_nobody_overwrites_what_they_have_not_seen(scene, erp):
    product = scene.add_product()
    path = f"/lots/{product.gtin}/L1"
    made = erp.put(path, {"origin": "Biel"})
    assert code_of(erp.put(path, {"origin": "Genf"})) == (428, "version-needed")
    changed = erp.put(path, {"origin": "Genf"}, If_Match=made.headers["ETag"])
    assert (changed.status_code, changed.json["origin"]) == (200, "Genf")
    assert code_of(erp.put(path, {}, If_Match=made.headers["ETag"])) == (412, "changed-meanwhile")
    assert erp.get(path).headers["ETag"] == changed.headers["ETag"] != made.headers["ETag"]
    assert erp.put(path, {}, If_Match="*").json["origin"] is None


def test_two_who_add_the_same_lot_at_once_do_not_lose_each_other(scene, erp, pool: ThreadPoolExecutor):
    product = scene.add_product()
    answers = list(pool.map(lambda n: erp.put(f"/lots/{product.gtin}/L1", {"origin": str(n)}), range(6)))

    assert sorted(answer.status_code for answer in answers) == [201, 428, 428, 428, 428, 428]


def test_pages_hold_everything_once_while_things_are_added(scene, erp):
    product = lots(scene, erp, 5)
    path, seen = f"/lots?gtin={product.gtin}&limit=2", []
    while path:
        page = erp.get(path)
        seen += [lot["lot"] for lot in page.json["lots"]]
        erp.put(f"/lots/{product.gtin}/new{len(seen)}", {})
        following = page.headers.get("Link", "")
        assert bool(following) == (page.json["next"] is not None)
        path = following.partition(">")[0].removeprefix("</api/v1") if following else None
    assert seen == ["L4", "L3", "L2", "L1", "L0"]
    for family in ("products", "runs", "runs/orders", "recalls"):
        assert erp.get(f"/{family}?limit=1").status_code == 200
        assert code_of(erp.get(f"/{family}?cursor=x")) == (400, "bad-fields")


@pytest.mark.parametrize(
    ("body", "at", "expected"),
    [
        ({"count": 5}, "body.gtin", "required"),
        ({"gtin": "1", "count": 5}, "body.gtin", "a GTIN-14: 14 digits with a right check digit, got '1'; 13 digits"),
        ({"gtin": "09506000134353", "count": 5}, "body.gtin", "got '09506000134353'; the check digit should be 2"),
        ({"gtin": 9506000134352, "count": 5}, "body.gtin", "a valid string"),
        ({"gtin": "09506000134352", "count": "5"}, "body.count", "valid integer"),
        ({"gtin": "09506000134352", "count": 0}, "body.count", "greater than or equal to 1"),
        ({"gtin": "09506000134352", "count": 1, "lott": "x"}, "body.lott", "no such field"),
        ({"gtin": "09506000134352", "count": 1, "lot": "a\0"}, "body.lot", "pattern"),
        ([], "body", "object"),
    ],
)
def test_a_fault_names_its_field_and_what_was_expected(erp, body, at, expected):
    answer = erp.post("/runs/orders", body)

    assert code_of(answer) == (400, "bad-fields")
    (fault,) = answer.json["errors"]
    assert fault["at"] == at
    assert expected in fault["expected"]


def test_a_mistyped_number_is_named_in_a_query_and_in_a_path(erp):
    query = erp.get("/items?gtin=9506000134352")
    assert code_of(query) == (400, "bad-fields")
    assert "query.gtin: expected a GTIN-14" in query.json["detail"]
    assert "put zeros before it: 09506000134352" in query.json["detail"]
    for path, said in (
        ("/products/09506000134353", ("gtin: expected a GTIN-14: 14 digits with a right check digit, got "
                                     "'09506000134353'; the check digit should be 2")),
        ("/lots/123/B1", "got '123'; 11 digits are missing"),
        ("/items/09506000134353.A", "got '09506000134353'; the check digit should be 2"),
        ("/items/00.106141412345678907", "an SSCC: 18 digits with a right check digit, got '106141412345678907'"),
    ):  # fmt: skip
        answer = erp.get(path)
        assert code_of(answer) == (404, "not-found")
        assert said in answer.json["detail"]


def test_unknown_and_double_parameters_are_refused(erp):
    for query, at in (("limt=3", "query.limt"), ("limit=3&limit=4", "query.limit"), ("limit=0", "query.limit")):
        answer = erp.get(f"/products?{query}")
        assert code_of(answer) == (400, "bad-fields")
        assert answer.json["errors"][0]["at"] == at


def test_other_types_other_methods_and_large_bodies_are_told(scene, erp):
    made = {"Authorization": f"Bearer {erp.secret}", "Idempotency-Key": "x"}
    client = scene.app.test_client()
    form = client.post("/api/v1/runs/orders", data={"count": "1"}, headers=made)
    assert code_of(form) == (415, "wrong-media-type")
    assert client.delete("/api/v1/products", headers=made).status_code == 405
    large = client.post("/api/v1/runs/orders", data=b"{" + b" " * 20_000, headers=made, content_type="application/json")
    assert large.status_code == 413


def test_an_item_with_a_slash_in_its_serial_has_an_address(scene, erp):
    product = scene.add_product()
    codes = scene.issue(product, texts=("A/B%1", "AB2"))
    assert erp.get(f"/items/{product.gtin}.AB2").json["serial"] == "AB2"
    assert erp.get(f"/items/{path_keys.spell(f'{product.gtin}.A/B%1')}").json["serial"] == "A/B%1"
    assert codes.run


# --- Checks by key ---------------------------------------------------------------------------------------------------


def test_a_check_by_key_counts_for_the_key_and_is_nobodys_first(scene):
    codes = scene.issue(scene.add_product())
    key, path = program(scene, None, "verify"), codes.path()
    uri = f"https://id.example.com{path}"
    send = {"Authorization": f"Bearer {key.secret}"}

    def check(body, route="/api/v1/verify"):
        return scene.app.test_client().post(route, json=body, headers=send)

    assert [check({"uri": uri}).json["api_checks"] for _ in range(3)] == [1, 2, 3]
    assert scene.counts(path) == (0, 0)
    assert check({"uris": [uri]}, "/api/v1/verify/bulk").status_code == 200
    assert check({"uri": uri.replace("s=", "s=x")}).json["api_checks"] is None
    quiet = scene.add_product(tracking="none")
    hidden = check({"uri": f"https://id.example.com{scene.issue(quiet).path()}"}).json
    assert hidden["api_checks"] is None
    assert scene.visitor().check(path)["reason"] == "first-check"
    assert scene.row("SELECT count FROM api_checks WHERE sgtin = %s", codes.link(0).sgtin) == (3,)
    assert code_of(scene.app.test_client().post("/api/v1/verify", json={"uri": uri}, headers={
        "Authorization": f"Bearer {program(scene, None, 'runs:read').secret}"
    })) == (403, "scope-needed")  # fmt: skip


def test_a_program_cannot_approve_what_two_people_must(scene, erp):
    scene.admin.execute("UPDATE brands SET approves_runs = true WHERE id = %s", (scene.halden.id,))
    try:
        order = erp.post("/runs/orders", {"gtin": scene.watch.gtin, "count": 5})
        assert order.json["state"] == "awaiting"
        taken_back = erp.post(f"{order.location}/cancel")
        assert taken_back.json["state"] == "refused"
    finally:
        scene.admin.execute("UPDATE brands SET approves_runs = false")


def test_a_key_is_asked_for_only_what_makes_sense(scene):
    with scene.owner_session() as session, pytest.raises(api_keys.BadInput, match="1 to 3,650 days"):
        api_keys.make_key(
            session, scene.halden.id, "x", ["verify"], id=scene.halden.id, made_by="x", days=9999,
            random=scene.random, now=scene.clock(),
        )  # fmt: skip


def test_a_part_of_a_path_has_its_form_so_each_address_says_its_own_methods(erp):
    for path, methods in (("/products/imports", "POST"), ("/recalls/drafts", "POST"), ("/runs/orders", "GET, POST")):
        answer = erp.open("PATCH", path, {})
        assert answer.status_code == 405, path
        allowed = {method.strip() for method in answer.headers["Allow"].split(",")}
        assert allowed - {"HEAD", "OPTIONS"} == set(methods.split(", "))
    for path in ("/products/1", "/recalls/0", "/alerts/x", "/cases/x"):
        assert code_of(erp.get(path)) == (404, "not-found")
