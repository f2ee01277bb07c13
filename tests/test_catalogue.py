import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from authsvc import catalogue, issuing
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.models import BrandHost, BrandPrefix, Image

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
WATCH = {"gtin": "09506000134352", "brand": "halden", "name": "Watch", "granularity": "serial"}


def load(session, now, *rows, files=None):
    def read_image(name):
        if name not in (files or {}):
            raise FileNotFoundError(2, "No such file or directory")
        return files[name]

    return catalogue.import_products(session, list(enumerate(rows, start=2)), read_image=read_image, now=now)


def test_brand_comes_back_as_it_was_added(session, make_brand):
    brand = make_brand(
        session, hosts=("id.halden.example", "a.halden.example"), contact="help@halden.example", is_sandbox=True
    )

    assert catalogue.get_brand(session, "halden") == brand
    assert catalogue.list_brands(session) == [brand]
    assert catalogue.get_brand_by_id(session, brand.id) == brand


@pytest.mark.parametrize("prefix", ["9506000", "950600", "95060001", "9506", "950600012345"])
def test_a_prefix_that_overlaps_another_brands_is_refused(session, brand, make_brand, prefix):
    with pytest.raises(Conflict, match="overlaps with 9506000, which brand halden holds"):
        make_brand(session, "rival", prefixes=(prefix,))


def test_a_prefix_that_covers_another_brands_gtin_is_refused(session, make_brand, make_product):
    holder = make_brand(session, prefixes=())
    make_product(session, holder)

    with pytest.raises(Conflict, match="covers the GTIN 09506000134352, which brand halden holds"):
        make_brand(session, "rival", prefixes=("9506000",))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"slug": "Halden"}, "lower-case"),
        ({"slug": "-x"}, "lower-case"),
        ({"name": " "}, "printable"),
        ({"prefixes": ("950",)}, "4 to 12 digits"),
        ({"prefixes": ("9506000123456",)}, "4 to 12 digits"),
        ({"prefixes": ("٩٥٠٦",)}, "4 to 12 digits"),
        ({"prefixes": ("0000",)}, "would claim every GTIN-8"),
        ({"prefixes": ("000001234",)}, "would claim every GTIN-8"),
        ({"hosts": ("https://id.example.com",)}, "without https"),
        ({"hosts": ("id.example.com/x",)}, "without https"),
        ({"prefixes": ("4999999", "4999999")}, "4999999 is given more than once"),
        ({"hosts": ("id.example.com", "id.example.com")}, "id.example.com is given more than once"),
    ],
)
def test_a_malformed_brand_is_refused(session, make_brand, values, sentence):
    with pytest.raises(BadInput, match=sentence):
        make_brand(session, **values)


def test_a_slug_is_taken_once(session, brand, make_brand):
    with pytest.raises(Conflict, match="already"):
        make_brand(session, prefixes=())


def test_a_host_belongs_to_one_brand(session, make_brand):
    make_brand(session, hosts=("a.example", "id.example"))

    with pytest.raises(Conflict, match=r"The host id\.example belongs to brand halden"):
        make_brand(session, "rival", prefixes=(), hosts=("id.example",))


def test_a_host_belongs_to_one_brand_whoever_writes_it(session, brand, rival_brand):
    session.add(BrandHost(host="id.example", brand_id=brand.id, position=0))
    session.flush()

    with pytest.raises(IntegrityError, match="pk_brand_hosts"):
        session.execute(insert(BrandHost).values(host="id.example", brand_id=rival_brand.id, position=0))


def test_import_stores_every_column(session, brand, now):
    row = {
        **WATCH,
        "category": "watches",
        "description": "Steel",
        "warranty_months": "24",
        "claim": "required",
        "token": "compact",
        "release": "on-commission",
        "tracking": "none",
        "markets": "DE, FR",
        "attributes": '{"noun": "watch", "copy_threshold": 4, "facts": [["Case", "Steel"]]}',
    }

    assert load(session, now, row) == catalogue.Imported(created=1, updated=0)
    product = catalogue.get_product(session, WATCH["gtin"])
    assert (product.category, product.description, product.warranty_months) == ("watches", "Steel", 24)
    assert (product.claim, product.token, product.release) == ("required", "compact", "on-commission")
    assert (product.is_tracked, product.markets, product.copy_threshold) == (False, ("DE", "FR"), 4)
    assert (product.noun, product.attributes) == ("watch", {"noun": "watch", "facts": [["Case", "Steel"]]})


def test_json_rows_bring_their_own_types(session, brand, now):
    load(session, now, {**WATCH, "warranty_months": 24, "markets": ["FR", "DE"], "attributes": {"noun": "watch"}})

    product = catalogue.get_product(session, WATCH["gtin"])
    assert (product.warranty_months, product.markets, product.noun) == (24, ("DE", "FR"), "watch")


def test_import_again_changes_the_columns_that_are_there(session, brand, now):
    load(session, now, {**WATCH, "warranty_months": "24", "category": "watches"})

    assert load(session, now, {**WATCH, "name": "New", "warranty_months": ""}) == catalogue.Imported(0, 1)
    product = catalogue.get_product(session, WATCH["gtin"])
    assert (product.name, product.warranty_months, product.category) == ("New", None, "watches")


def test_every_fault_is_named_and_nothing_is_stored(session, brand, now):
    rows = (
        WATCH,
        {**WATCH, "gtin": "09506000134369", "claim": "maybe", "warranty_months": "-1"},
        {**WATCH, "gtin": "09506000134353"},
        {**WATCH, "gtin": "9506000134376", "brand": "nobody"},
    )

    with pytest.raises(BadInput) as refused, session.begin_nested():
        load(session, now, *rows)
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()[1:]] == [
        "row 3, claim",
        "row 3, warranty_months",
        "row 4, gtin",
        "row 5, gtin",
    ]
    assert catalogue.list_products(session) == []


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ({"gtin": "9506000134352"}, "write 9506000134352 as 09506000134352"),
        ({"gtin": ""}, "is required"),
        ({"name": " "}, "is required"),
        ({"name": "a\x00b"}, "control character"),
        ({"name": 7}, "expected text"),
        ({"granularity": "box"}, "batch, serial, hybrid"),
        ({"brand": "nobody"}, "no brand 'nobody'"),
        ({"colour": "red"}, "is no column"),
        ({"markets": "Germany"}, "capital letters"),
        ({"markets": [1]}, "capital letters"),
        ({"warranty_months": True}, "whole number of months"),
        ({"warranty_months": "1201"}, "whole number of months"),
        ({"attributes": "{"}, "is no JSON"),
        ({"attributes": "[]"}, "JSON object"),
        ({"attributes": {"noun": ""}}, '"noun"'),
        ({"attributes": {"copy_threshold": 1}}, '"copy_threshold"'),
        ({"attributes": {"facts": [["a"]]}}, '"facts"'),
        ({"attributes": {"x": "\x00"}}, "NUL"),
        ({"granularity": "batch", "claim": "required"}, "use none"),
        ({"granularity": "batch", "release": "on-commission"}, "use on-issue"),
        ({"image": "none.png"}, "cannot be read: No such file"),
        ({"image": "large.png"}, "at most 18 KB"),
        ({"image": "text.png"}, "no WebP, AVIF, PNG or JPEG"),
    ],
)
def test_a_wrong_cell_is_refused(session, brand, now, cells, fault):
    files = {"large.png": PNG + bytes(18 * 1024), "text.png": b"hello"}

    with pytest.raises(BadInput, match="row 2, ") as refused:
        load(session, now, {**WATCH, **cells}, files=files)
    assert fault in str(refused.value)


def test_a_gtin_stands_once_in_a_file(session, brand, now):
    with pytest.raises(BadInput, match="row 3, gtin: 09506000134352 is in the file already, in row 2"):
        load(session, now, WATCH, WATCH)


def test_a_gtin_of_another_brand_is_refused(session, make_brand, make_product, now):
    make_product(session, make_brand(session, prefixes=()))
    make_brand(session, "rival", prefixes=())

    with pytest.raises(BadInput, match="belongs to brand halden, and a GTIN keeps its brand for ever"):
        load(session, now, {**WATCH, "brand": "rival"})


def test_a_gtin_under_another_brands_prefix_is_refused(session, brand, rival_brand, now):
    with pytest.raises(BadInput, match="lies under a company prefix of brand halden"):
        load(session, now, {**WATCH, "brand": "rival"})


def test_a_gtin_8_lies_under_no_prefix(session, brand, rival_brand, now):
    session.add(BrandPrefix(prefix="0000", brand_id=rival_brand.id))  # of a release that accepted it

    load(session, now, {**WATCH, "gtin": "00000096385074"})
    assert catalogue.get_product(session, "00000096385074").brand_id == brand.id


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("png", PNG),
        ("jpeg", b"\xff\xd8\xff\xe0" + bytes(20)),
        ("webp", b"RIFF\x00\x00\x00\x00WEBPVP8 "),
        ("avif", b"\x00\x00\x00\x20ftypavif"),
    ],
)
def test_a_picture_is_stored_by_its_content(session, brand, now, kind, data):
    load(session, now, {**WATCH, "image": "a"}, files={"a": data})

    image = session.scalars(select(Image)).one()
    assert (image.brand_id, image.media_type, image.data) == (brand.id, f"image/{kind}", data)
    assert catalogue.get_product(session, WATCH["gtin"]).image == f"{image.sha256}.{kind}"


def test_what_printed_codes_mean_does_not_change(session, brand, make_product, now):
    product = make_product(session, brand, "batch", token="none")
    order = issuing.Order(count=1, lot="L1")
    run = issuing.open_run(session, brand, product, order, key=None, now=now)
    issuing.close_run(session, brand, product, run, now=now)
    row = {"gtin": product.gtin, "brand": "halden", "name": "Wine"}

    with pytest.raises(BadInput, match="granularity: codes were issued as batch"):
        load(session, now, {**row, "granularity": "serial"})
    with pytest.raises(BadInput, match="token: codes were issued without a token"):
        load(session, now, {**row, "granularity": "batch", "token": "ed25519"})
    assert load(session, now, {**row, "granularity": "batch"}).updated == 1


@pytest.mark.parametrize(("before", "after"), [("on-issue", "on-commission"), ("on-commission", "on-issue")])
def test_the_release_of_printed_codes_does_not_change(session, brand, make_product, now, before, after):
    product = make_product(session, brand, release=before, token="none")
    changed = {**WATCH, "token": "none", "release": after}
    order = issuing.Order(count=1, lot="L1")
    run = issuing.open_run(session, brand, product, order, key=None, now=now)
    assert load(session, now, changed).updated == 1
    assert load(session, now, {**changed, "release": before}).updated == 1
    issuing.close_run(session, brand, product, run, now=now)

    with pytest.raises(BadInput, match=f"release: codes were issued with {before}, and ") as refused:
        load(session, now, changed)
    assert "row 2" in str(refused.value)
    assert load(session, now, {**changed, "release": ""}).updated == 1
    assert catalogue.get_product(session, WATCH["gtin"]).release == before


def test_an_empty_choice_keeps_what_is_there(session, brand, now):
    chosen = {"claim": "required", "token": "compact", "release": "on-commission", "tracking": "none"}
    load(session, now, {**WATCH, **chosen})
    load(session, now, {**WATCH, **dict.fromkeys(chosen, " ")})

    product = catalogue.get_product(session, WATCH["gtin"])
    assert (product.claim, product.token, product.release) == ("required", "compact", "on-commission")
    assert not product.is_tracked


def test_an_empty_choice_of_a_new_product_is_the_default(session, brand, now):
    load(session, now, {**WATCH, **dict.fromkeys(("claim", "token", "release", "tracking"), "")})

    product = catalogue.get_product(session, WATCH["gtin"])
    assert (product.claim, product.token, product.release) == ("none", "ed25519", "on-issue")
    assert product.is_tracked


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ({"claim": "required"}, {"granularity": "hybrid", "claim": ""}, "row 2, claim: a code of a hybrid product"),
        ({"release": "on-commission"}, {"granularity": "batch"}, "row 2, release: the code of a lot"),
        ({"category": "EV battery"}, {"granularity": "batch"}, r"row 2, granularity: batch is not .* \(EU\) 2023/1542"),
        ({"attributes": {"battery": {"kind": "ev"}}}, {"granularity": "hybrid"}, "row 2, granularity: hybrid is not"),
        (
            {"markets": ["US"], "category": "EV battery"},
            {"granularity": "batch", "markets": "DE"},
            "batch is not allowed",
        ),
    ],
)
def test_what_is_kept_must_fit_what_is_new(session, brand, now, before, after, fault):
    load(session, now, {**WATCH, **before})

    with pytest.raises(BadInput, match=fault):
        load(session, now, {**WATCH, **after})


def test_a_market_outside_of_the_rule_is_kept_too(session, brand, now):
    load(session, now, {**WATCH, "markets": "US", "category": "EV battery"})

    assert load(session, now, {**WATCH, "granularity": "batch"}).updated == 1


def test_unknown_names_are_not_found(session):
    with pytest.raises(NotFound, match="no brand 'x'"):
        catalogue.get_brand(session, "x")
    with pytest.raises(NotFound, match="products import"):
        catalogue.get_product(session, "09506000134352")


def test_a_case_finds_its_brand_by_prefix(session, brand, rival_brand):
    assert catalogue.find_case_brand(session, "095060000000000022") == brand
    assert catalogue.find_case_brand(session, "195211010000000000") == rival_brand
    assert catalogue.find_case_brand(session, "040000000000000000") is None
