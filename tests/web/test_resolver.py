"""
What GS1's own test suite for resolvers checks, by its ids, and what it cannot see: no way out to a foreign host.

Of its ids, ``isHttps``, ``tlsOK`` and ``httpVersion`` are of the server in front and not of this application. Where the
suite wants a redirect to the default link, the page of the code answers at that very address.
"""

import hashlib
import json
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import psycopg
import pytest
from browsing import BASE_URL
from scene import forge

from authsvc import links
from authsvc.core import link_types, linksets
from authsvc.links import Draft
from authsvc.runtime import new_id

SCHEMAS = Path(__file__).parents[1] / "vectors" / "gs1"
VOC = link_types.VOCABULARY
SITE = "https://www.halden.example"
FORMATS = jsonschema.Draft7Validator.FORMAT_CHECKER


def validate(document, name):
    schema = json.loads((SCHEMAS / name).read_text())
    jsonschema.Draft7Validator(schema, format_checker=FORMATS).validate(document)


@pytest.fixture(scope="module")
def linked(scene):
    """Give the watch links at each level; return the code of one item, in the lot L2410."""
    code = scene.codes.link(7)
    drafts = [
        Draft(link_type="gs1:pip", href=f"{SITE}/watch?from=code#top", title="Meridian 36"),
        Draft(link_type="gs1:instructions", href=f"{SITE}/en/manual", title="Manual", languages=("en",)),
        Draft(link_type="gs1:instructions", href=f"{SITE}/fr/manuel", title="Manuel", languages=("fr", "fr-CA")),
        Draft(link_type="gs1:instructions", href=f"{SITE}/manual.pdf", title="Manual", languages=("en",),
              media_type="application/pdf"),
        Draft(link_type="gs1:support", href=f"{SITE}/help", title="Help", media_type="text/html"),
        Draft(link_type="gs1:support", href=f"{SITE}/chat", title="Chat", media_type="text/html"),
        Draft(link_type="gs1:safetyInfo", href=f"{SITE}/safety", title="Safety"),
        Draft(link_type="gs1:safetyInfo", href=f"{SITE}/safety/L2410", title="Safety of L2410", lot="L2410"),
        Draft(link_type="gs1:dpp", href=f"{SITE}/dpp/7", title="Passport", serial=code.serial),
    ]  # fmt: skip
    with scene.owner_session() as session:
        links.add_host(session, scene.halden.id, "www.halden.example", now=scene.clock())
        for draft in drafts:
            links.add_link(session, scene.watch, draft, id=new_id(), now=scene.clock())
    return code


@pytest.fixture
def ask(scene):
    """Return a function that asks as a program does, which takes anything."""
    visitor = scene.visitor(agent="suite")

    def ask(path, method="GET", **headers):
        return visitor.open(path, method, headers={"Accept": "*/*", **headers})

    return ask


def anchors(response):
    return {urlsplit(context["anchor"]).path: context for context in response.json["linkset"]}


def query(path, more):
    return f"{path}{'&' if '?' in path else '?'}{more}"


def test_schemas_are_those_that_were_brought_in():
    lines = [line.split() for line in (SCHEMAS / "CHECKSUMS").read_text().splitlines()]

    assert {name for _, name in lines} == {file.name for file in SCHEMAS.glob("*.json")}
    assert all(hashlib.sha256((SCHEMAS / name).read_bytes()).hexdigest() == digest for digest, name in lines)


# --- The suite, by its ids --------------------------------------------------------------------------------------------


def test_rd_file(ask):
    response = ask("/.well-known/gs1resolver")

    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    validate(response.json, "description-file-schema.json")
    assert response.json["resolverRoot"] == BASE_URL
    assert response.json["supportedPrimaryKeys"] == ["01", "00"]


def test_cors_check_methods_check_link_on_redirect_legacy_link_headers(scene, linked, ask):
    path = scene.codes.path(7)
    plain, sent_on, options = ask(path, "HEAD"), ask(query(path, "linkType=gs1:pip")), ask(path, "OPTIONS")

    for response in (plain, sent_on, options):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert {"GET", "HEAD", "OPTIONS"} <= set(response.headers["Access-Control-Allow-Methods"].split(", "))
        assert {"Link", "Location"} <= set(response.headers["Access-Control-Expose-Headers"].split(", "))
    for response in (plain, sent_on):
        (only,) = response.headers.getlist("Link")
        assert 'rel="linkset"' in only
        assert 'rel="gs1:' not in only
        assert "s=" not in only
        assert ask(only[1:].partition(">")[0]).status_code == 200
    assert (options.status_code, options.data) == (204, b"")


@pytest.mark.parametrize("more", ["", "?linkType=linkset", "?linkType=gs1:pip"])
def test_report_with_400_no_error_with_200(linked, ask, more):
    response = ask(f"/01/{linked.gtin}/21/{linked.serial}/foo{more}")

    assert response.status_code == 400
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("more", ["", "?linkType=linkset", "?linkType=gs1:pip", "?linkType=gs1:nosuchlt"])
def test_trailing_slash(linked, ask, more):
    path = f"/01/{linked.gtin}/21/{linked.serial}"
    with_slash, without = ask(f"{path}/{more}"), ask(path + more)

    assert (with_slash.status_code, with_slash.location) == (without.status_code, without.location)


@pytest.mark.parametrize(
    ("more", "accept", "kind"),
    [
        ("?linkType=linkset", "*/*", linksets.MEDIA_TYPE),  # ltLinksetNoRedirect
        ("?linkType=all", "*/*", linksets.MEDIA_TYPE),  # ltAllNoRedirect
        ("", linksets.MEDIA_TYPE, linksets.MEDIA_TYPE),  # ltAcceptHeader, declaredContentType
        ("?linkType=gs1:pip", linksets.MEDIA_TYPE, linksets.MEDIA_TYPE),
        ("?linkType=linkset", "application/json", "application/json"),
        ("?linkType=linkset", "application/ld+json", "application/ld+json"),
    ],
)
def test_valid_linkset_linkset_jsonld_check(linked, ask, more, accept, kind):
    response = ask(f"/01/{linked.gtin}/21/{linked.serial}{more}", Accept=accept)
    document = {name: part for name, part in response.json.items() if name != "@context"}

    assert response.status_code == 200
    assert response.content_type == kind
    assert 'rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"' in response.headers["Link"]
    validate(document, "linkset-schema.json")
    assert ("@context" in response.json) == (kind == "application/ld+json")


def test_basic_walk_up_default_link_exists_single_default_link(linked, ask):
    path = f"/01/{linked.gtin}/21/{linked.serial}"
    found = anchors(ask(f"{path}?linkType=linkset"))

    assert list(found) == [path, f"/01/{linked.gtin}/10/L2410", f"/01/{linked.gtin}"]
    (default,) = found[path][VOC + "defaultLink"]
    assert default == {"href": BASE_URL + path, "title": "Check this code: Meridian 36"}
    # The target of the default stands under a type that says what it is, too.
    assert found[path][VOC + "registryEntry"][0]["href"] == default["href"]
    assert VOC + "dpp" in found[path]
    assert found[path]["description"] == f"Meridian 36, serial number {linked.serial}"
    assert found[f"/01/{linked.gtin}"]["description"] == "Meridian 36"


def test_link_types_defined_and_each_link_is_led_to(linked, ask):
    """``loFor…``: what a linkset names, can be had by its type; the nearest level counts, and two alike are a 300."""
    path = f"/01/{linked.gtin}/21/{linked.serial}"
    response = ask(f"{path}?linkType=linkset")
    seen = set()

    for context in response.json["linkset"]:
        for name, targets in context.items():
            if not name.startswith(VOC) or name in seen:
                continue
            seen.add(name)
            kind = name.removeprefix(VOC)
            assert kind in {*link_types.LINK_TYPES, "defaultLink"}
            answers = [
                ask(f"{path}?linkType=gs1:{kind}&lang={(one.get('hreflang') or ['en'])[0]}"
                    f"&mediaType={one.get('type', 'text/html')}")
                for one in targets
            ]  # fmt: skip
            if kind == "support":
                assert {answer.status_code for answer in answers} == {300}
                continue
            for one, answer in zip(targets, answers, strict=True):
                assert answer.status_code == 307
                assert answer.location.partition("?")[0] == one["href"].partition("?")[0].partition("#")[0]
    assert {VOC + "pip", VOC + "support", VOC + "instructions", VOC + "safetyInfo", VOC + "dpp"} <= seen


def test_default_target(scene, linked, ask):
    """No linkType: the default link is the address that was asked, and the page of the code answers there."""
    path = f"/01/{linked.gtin}/21/{linked.serial}"
    response = ask(query(scene.codes.path(7), "linkType=gs1:defaultLink&x=1"))
    plain = scene.visitor().check(scene.codes.path(7))

    assert response.location == f"{BASE_URL}{scene.codes.path(7)}&x=1"
    assert plain["reason"] == "first-check"
    assert ask(f"{path}?linkType=linkset").json["linkset"][0][VOC + "defaultLink"][0]["href"] == BASE_URL + path


def test_qs_passed_on(scene, linked, ask):
    path = scene.codes.path(7)
    token = path.partition("s=")[2]
    response = ask(query(path, "foo=bar%2Fbaz&linkType=gs1:pip"))

    assert response.location == f"{SITE}/watch?from=code&s={token}&foo=bar%2Fbaz&linkType=gs1:pip#top"
    assert ask(f"/01/{linked.gtin}?linkType=gs1:safetyInfo").location == f"{SITE}/safety?linkType=gs1:safetyInfo"


@pytest.mark.parametrize(
    "kind", ["gs1:nosuchlt", "nosuchlt", "gs1:", "%20", "", "gs1:linkset", "https://evil.example/"]
)
def test_specific_link_type_not_found(linked, ask, kind):
    assert ask(f"/01/{linked.gtin}?linkType={kind}").status_code == 404


# --- Which link, and which code ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("languages", "accept", "target"),
    [
        ("fr-CH, en;q=0.5", "*/*", "/fr/manuel"),
        ("fr-CA", "*/*", "/fr/manuel"),
        ("en-GB", "text/html", "/en/manual"),
        ("en", "application/pdf", "/manual.pdf"),
        ("de, *;q=0.1", "application/pdf", "/manual.pdf"),
        ("fr;q=0, en", "text/html", "/en/manual"),
    ],
)
def test_language_and_media_type_choose(linked, ask, languages, accept, target):
    path = f"/01/{linked.gtin}?linkType=gs1:instructions"

    assert urlsplit(ask(path, **{"Accept-Language": languages, "Accept": accept}).location).path == target


def test_what_nobody_can_decide_is_a_300_with_the_choices(linked, ask):
    response = ask(f"/01/{linked.gtin}?linkType=gs1:support")

    assert response.status_code == 300
    validate(response.json, "linkset-schema.json")
    assert [one["title"] for one in response.json["linkset"][0][VOC + "support"]] == ["Help", "Chat"]


@pytest.mark.parametrize("more", ["?linkType=linkset", "?linkType=gs1:pip"])
def test_a_code_that_was_never_issued_has_no_links(scene, linked, ask, more):
    assert ask(f"/01/{linked.gtin}/21/NOSUCHSERIAL{more}").status_code == 404
    assert ask(f"/01/{linked.gtin}/10/NOSUCHLOT{more}").status_code == 404
    assert ask(f"/01/04006381333931{more}").status_code == 404
    assert ask(f"/01/{linked.gtin}/10/L2410{more}").status_code in {200, 307}


def test_asking_for_links_is_no_scan_and_guessing_is_counted(scene, linked, monkeypatch):
    scene.forget_limits()
    path, before = scene.codes.path(9), scene.fingerprint()
    visitor = scene.visitor()
    for more in ("linkType=linkset", "linkType=gs1:pip", "linkType=gs1:none"):
        visitor.open(query(path, more))
        visitor.open(query(forge(path), more))
    assert scene.fingerprint() == before
    assert {visitor.open(query(path, "linkType=gs1:none")).status_code for _ in range(31)} == {404}

    answers = [visitor.open(f"/01/{linked.gtin}/21/GUESS{n}?linkType=linkset").status_code for n in range(31)]

    assert answers[0] == 404
    assert answers[-1] == 429


def test_the_database_being_down_is_a_503(scene, linked):
    dead = scene.start(given={"connections": scene.rt.connections.__class__("postgresql://127.0.0.1:1/x")})
    path = f"/01/{linked.gtin}?linkType=linkset"

    assert scene.visitor(dead).open(path, headers={"Accept": "*/*"}).status_code == 503


def test_people_read_the_list_as_a_page(scene, linked):
    page = scene.visitor().scan(f"/01/{linked.gtin}?linkType=linkset")

    assert page.status == 200
    assert page.title == "Meridian 36"
    assert f'<a href="{SITE}/fr/manuel" hreflang="fr">Manuel</a>' in page.html
    data = json.loads(page.html.partition('ld+json">')[2].partition("</script>")[0])
    assert data.pop("@context") == linksets.CONTEXT
    validate(data, "linkset-schema.json")


# --- No way out to a foreign host -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "href",
    [
        "https://evil.example/", "http://www.halden.example/", "//www.halden.example/", "javascript:alert(1)",
        "https://www.halden.example@evil.example/", "https://www.halden.example\\@evil.example/",
        "https://www.halden.example.evil.example/", "https://evil.example/https://www.halden.example/",
        "https://www.halden.example/a\r\nSet-Cookie:x=1", "https://www.halden.example/ a", "https:///x",
        "https://user:pw@www.halden.example/", "https://127.0.0.1/", "https://www.halden.example:99999999/",
    ],
)  # fmt: skip
def test_a_link_to_another_host_is_refused(scene, linked, href):
    draft = Draft(link_type="gs1:pip", href=href, title="Out")
    with scene.owner_session() as session, pytest.raises((links.BadInput, links.Conflict)):
        links.add_link(session, scene.watch, draft, id=new_id(), now=scene.clock())


@pytest.mark.parametrize(
    "change",
    [
        "href = 'https://evil.example/'", "href = 'https://www.halden.example.evil.example/'",
        "href = 'https://www.halden.example'", "href = 'https://evil.example/', host = 'evil.example'",
    ],
)  # fmt: skip
def test_the_database_lets_no_link_lead_out(scene, linked, change):
    with pytest.raises(psycopg.errors.IntegrityError):
        scene.admin.execute(f"UPDATE links SET {change}")


@pytest.mark.parametrize(
    "more",
    ["linkType=gs1:pip&x=//evil.example", "linkType=gs1:pip&@evil.example/", "linkType=gs1:pip&x=%0d%0aLocation:%20x"],
)
def test_no_query_changes_the_host_that_one_is_led_to(linked, ask, more):
    response = ask(f"/01/{linked.gtin}?{more}")

    if response.status_code == 307:
        assert urlsplit(response.location).netloc == "www.halden.example"
    else:
        assert response.status_code == 400


def test_the_host_of_a_request_is_believed_only_where_it_is_the_brands(scene, linked):
    visitor = scene.visitor()
    path = f"/01/{linked.gtin}?linkType=linkset"

    answer = visitor.open(path, base_url="https://evil.example", headers={"Accept": "*/*"})

    assert "evil" not in answer.text


def test_links_of_another_brand_do_not_speak(scene, linked, ask):
    theirs = scene.add_product(scene.rival)
    with scene.owner_session() as session:
        links.add_host(session, scene.rival.id, "www.rival.example", now=scene.clock())
        links.add_link(
            session, theirs, Draft(link_type="gs1:pip", href="https://www.rival.example/", title="Theirs"),
            id=new_id(), now=scene.clock(),
        )  # fmt: skip

    assert urlsplit(ask(f"/01/{theirs.gtin}?linkType=gs1:pip").location).netloc == "www.rival.example"
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        scene.admin.execute("UPDATE links SET gtin = %s WHERE brand_id = %s", (linked.gtin, scene.rival.id))
