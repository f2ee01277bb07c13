"""Single sign-on against a provider over HTTP: what it says is believed only where it can be."""

import time

import pytest
from identity_provider import CLIENT, SECRET, IdentityProvider
from joserfc.jwk import OctKey, RSAKey

from authsvc import staff, staff_sso
from authsvc.core.wrapping import derive_key
from authsvc.errors import BadInput
from authsvc.oidc import Provider, check_issuer
from authsvc.runtime import new_id
from authsvc.staff import Role

CALLBACK = "https://id.example.com/console/sso/callback"


@pytest.fixture
def provider(scene):
    provider = IdentityProvider()
    provider.redirects.add(CALLBACK)
    with scene.owner_session() as session:
        staff_sso.set_provider(
            session, scene.halden.id, Provider(provider.issuer, CLIENT, SECRET),
            key=derive_key(scene.config.secret, "staff"), now=scene.clock(), random=scene.random,
        )  # fmt: skip
    yield provider
    provider.close()


@pytest.fixture
def person(cast, provider):
    """Return an analyst of Halden whom the provider knows."""
    person = cast.add(Role.ANALYST)
    provider.person = {"sub": f"u-{person.email}", "email": person.email, "email_verified": True, "name": "A"}
    return person


def go(person, provider, query="brand=halden"):
    """Walk to the provider and back, and return the answer at the end."""
    sent = person.get(f"/console/sso?{query}")
    assert sent.status_code == 303, sent.text
    return person.get(provider.authorize(sent.location).removeprefix("https://id.example.com"))


def test_a_member_of_the_team_signs_in_by_the_provider(person, provider):
    answer = go(person, provider, "brand=halden&next=/console/audit")

    assert (answer.status_code, answer.location) == (303, "/console/audit")
    assert person.get("/console/audit").status_code == 200
    assert provider.asked[0]["nonce"] != provider.asked[0]["state"]


def test_the_number_of_the_provider_stays_when_the_address_changes(person, provider):
    go(person, provider)
    provider.person["email"] = "changed@halden.example"

    assert go(person, provider).status_code == 303


def test_who_is_invited_joins_by_the_provider(cast, scene, provider):
    newcomer = cast.add()  # for the browser alone
    email = "joins@halden.example"
    with scene.owner_session() as session:
        staff.invite(
            session, scene.halden, email, Role.OPERATOR, invited_by="x", now=scene.clock(), new_id=new_id,
            random=scene.random,
        )  # fmt: skip
    provider.person = {"sub": "u-9", "email": email, "email_verified": True, "name": "Joins"}

    assert go(newcomer, provider).status_code == 303
    assert "operator" in newcomer.get("/console/account").text


LIES = {
    "issuer": {"iss": "https://evil.example"},
    "audience": {"aud": "another-client"},
    "two audiences without azp": {"aud": ["another-client", CLIENT]},
    "another azp": {"azp": "another-client"},
    "nonce": {"nonce": "A" * 43},
    "expired": {"exp": int(time.time()) - 3600},
    "not yet": {"iat": int(time.time()) + 3600, "nbf": int(time.time()) + 3600},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_is_not_for_us_now_is_refused(person, provider, lie):
    provider.lie = lambda claims: {**claims, **LIES[lie]}

    assert go(person, provider).status_code == 400
    assert person.get("/console/account").status_code == 303


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "exp", "iat", "nonce"])
def test_a_token_without_what_it_needs_is_refused(person, provider, missing):
    provider.lie = lambda claims: {name: value for name, value in claims.items() if name != missing}

    assert go(person, provider).status_code == 400


def test_a_token_signed_by_another_key_is_refused(person, provider):
    provider.signs_with = RSAKey.generate_key(2048)

    assert go(person, provider).status_code == 400


def test_a_token_signed_with_the_secret_of_the_client_is_refused(person, provider):
    provider.signs_with, provider.algorithm = OctKey.import_key(SECRET), "HS256"

    assert go(person, provider).status_code == 400


def test_a_token_that_nobody_signed_is_refused(person, provider):
    signed = provider.token

    def strip(form):
        answer = signed(form)
        body = answer["id_token"].split(".")[1]
        return {**answer, "id_token": f"eyJhbGciOiJub25lIn0.{body}."}

    provider.token = strip

    assert go(person, provider).status_code == 400


def test_a_provider_that_calls_itself_another_is_refused(person, provider):
    provider.names_issuer = "https://evil.example"

    assert person.get("/console/sso?brand=halden").status_code == 503


def test_a_state_is_good_once_and_in_its_own_browser(person, cast, provider):
    thief = cast.add()
    thief.get("/console/sign-in")
    sent = person.get("/console/sso?brand=halden")
    back = provider.authorize(sent.location).removeprefix("https://id.example.com")

    assert thief.get(back).status_code == 404
    assert person.get(back).status_code == 303
    assert person.get(back).status_code == 404
    assert person.get("/console/sso/callback?code=x&state=made-up").status_code == 404


def test_an_address_that_the_provider_has_not_verified_is_nobody(person, provider):
    provider.person["email_verified"] = False

    assert go(person, provider).status_code == 404


def test_a_stranger_of_the_company_is_nobody(cast, provider):
    provider.person = {"sub": "u-5", "email": "stranger@halden.example", "email_verified": True, "name": "S"}

    assert go(cast.add(), provider).status_code == 404


def test_a_provider_speaks_for_its_own_brand_alone(person, cast, provider, scene):
    cast.hire(person.email, Role.ADMIN, scene.rival)
    go(person, provider)

    assert "Rival" not in person.get("/console/brands").text
    assert person.post("/console/brands", brand=str(scene.rival.id)).status_code == 404
    assert person.post("/console/account/password", password=person.password, new="x" * 20).status_code == 403
    assert person.get("/console/account/app").status_code == 403


def test_whom_the_provider_knows_from_an_hour_ago_has_not_proved_anything(person, provider):
    provider.lie = lambda claims: {**claims, "auth_time": int(time.time()) - 3600}
    go(person, provider)

    assert person.get("/console/account/app").location.startswith("/console/confirm")
    assert "again=1" in person.get("/console/confirm").text
    go(person, provider, "brand=halden&again=1")
    assert (provider.asked[-1]["prompt"], provider.asked[-1]["max_age"]) == ("login", "0")


def test_who_has_left_the_team_does_not_come_back_by_the_provider(person, provider, scene):
    go(person, provider)
    with scene.owner_session() as session:
        staff.deactivate(session, scene.halden.id, person.account_id, now=scene.clock())

    assert person.get("/console/account").location.startswith("/console/brands")
    assert go(person, provider).status_code == 404


@pytest.mark.parametrize(
    "issuer", ["http://login.example.com", "ftp://x", "https://", "https://u:p@x.example", "https://x.example/?a=b"]
)
def test_an_issuer_is_https_or_on_this_machine(issuer):
    with pytest.raises(BadInput):
        check_issuer(issuer)
