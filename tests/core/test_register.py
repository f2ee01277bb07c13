import uuid

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from authsvc.core.keyring import ED25519, BrandKeysInfo, KeyState, PublicKeySet, VerificationKey, jwks
from authsvc.core.register import Brand, Granularity, Product, Register, reaches_gtin_8

HALDEN, RIVAL, SMALL = (uuid.UUID(int=n) for n in (1, 2, 3))
BRANDS = {
    HALDEN: Brand(id=HALDEN, slug="halden", name="Halden", prefixes=("9506000", "4012345")),
    RIVAL: Brand(id=RIVAL, slug="rival", name="Rival", prefixes=("95060001", "952110")),
    SMALL: Brand(id=SMALL, slug="small", name="Small"),
}


def product(gtin, brand_id, **values):
    return Product(gtin=gtin, brand_id=brand_id, name="X", granularity=Granularity.SERIAL, **values)


PRODUCTS = [product("09506000134352", SMALL), product("09506000200002", HALDEN), product("00000096385074", HALDEN)]
REGISTER = Register(BRANDS, {p.gtin: p for p in PRODUCTS})


@pytest.mark.parametrize(
    ("key", "slug"),
    [
        ("09506000134352", "small"),  # registered: beats every prefix
        ("09506000134369", "rival"),  # the longest prefix wins
        ("09506000999999", "halden"),
        ("19506000999999", "halden"),  # the indicator digit is no part of a prefix
        ("395060009999999999", "halden"),  # nor is the extension digit of an SSCC
        ("04012345000001", "halden"),
        ("00000096385074", "halden"),  # a GTIN-8 has no prefix and must be registered
        ("00000012345670", None),
        ("09999999999999", None),
        ("", None),
    ],
)
def test_the_brand_follows_from_the_number(key, slug):
    found = REGISTER.find_brand(key)

    assert (found.slug if found else None) == slug


GREEDY = {
    HALDEN: Brand(id=HALDEN, slug="halden", name="Halden", prefixes=("0000", "00000", "000001234")),
    RIVAL: Brand(id=RIVAL, slug="rival", name="Rival", prefixes=("0001", "9506000", "950600012")),
}
GREEDY_PRODUCTS = [
    product("00000096385074", RIVAL),
    product("00000012345670", HALDEN),
    product("09506000134352", HALDEN),
]
GREEDY_REGISTER = Register(GREEDY, {p.gtin: p for p in GREEDY_PRODUCTS})


def published(register):
    """Return the register as a verifier without a database has it."""
    public = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    keys = [VerificationKey(brand, 1, ED25519, KeyState.ACTIVE, public) for brand in register.brands]
    infos = {b.id: BrandKeysInfo(b.prefixes, register.gtins_without_prefix(b.id)) for b in register.brands.values()}
    return PublicKeySet.parse(jwks(keys, infos))


PUBLISHED = published(GREEDY_REGISTER)


@given(
    st.one_of(
        st.builds(
            lambda first, start, rest, length: (first + start + rest)[:length],
            st.sampled_from("0139"),
            st.sampled_from(("", "000", "0000", "00000", "000001234", "9506000", "950600012")),
            st.text("0123456789", min_size=17, max_size=17),
            st.sampled_from((14, 18)),
        ),
        st.sampled_from([p.gtin for p in GREEDY_PRODUCTS]),
        st.text("0123456789", max_size=20),
    )
)
@example("00000096385074")  # registered
@example("00000055123457")  # a GTIN-8 that nobody has registered, under a prefix that claims all of them
@example("300000551234570000")  # an SSCC has no such exception
@example("0000012345")
def test_a_verifier_without_a_database_finds_the_same_brand(key):
    found = GREEDY_REGISTER.find_brand(key)

    assert PUBLISHED.brand_of(key) == (found.id if found else None)


@pytest.mark.parametrize(
    ("prefix", "does"),
    [("0000", True), ("00000", True), ("000001", True), ("00001", False), ("0001", False), ("0614141", False)],
)
def test_a_prefix_that_claims_gtin_8_is_known(prefix, does):
    assert reaches_gtin_8(prefix) is does


def test_a_product_is_found_by_its_14_digits_alone():
    assert REGISTER.find_product("09506000134352").brand_id == SMALL
    assert REGISTER.find_product("9506000134352") is None


def test_products_that_no_prefix_covers_are_listed():
    assert REGISTER.gtins_without_prefix(SMALL) == ("09506000134352",)
    assert REGISTER.gtins_without_prefix(HALDEN) == ("00000096385074",)
    assert REGISTER.gtins_without_prefix(RIVAL) == ()


def test_a_product_of_a_brand_that_is_gone_has_no_brand():
    orphan = product("09999999999994", uuid.UUID(int=9))

    assert Register(BRANDS, {orphan.gtin: orphan}).find_brand(orphan.gtin) is None


def test_products_are_in_the_order_of_their_gtin():
    assert [p.gtin for p in REGISTER.products()] == sorted(p.gtin for p in PRODUCTS)


def test_a_later_change_of_what_came_in_changes_nothing():
    brands = dict(BRANDS)
    register = Register(brands, {})
    brands.clear()

    assert register.find_brand("09506000999999").slug == "halden"


@pytest.mark.parametrize(
    ("attributes", "noun"),
    [({}, "item"), ({"noun": "watch"}, "watch"), ({"noun": ""}, "item"), ({"noun": 3}, "item")],
)
def test_the_noun_of_a_product(attributes, noun):
    assert product("09506000134352", HALDEN, attributes=attributes).noun == noun
