"""The form of a product in further languages, looked at: small and large, dark and light."""

import pytest
from playwright.sync_api import expect
from reading import Reader
from walking import Walk, browser, site

from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ARABIC = {"name.ar": "ساعة ميدانية", "description.ar": "ميناء أزرق", "facts.ar": '[["الهيكل", "فولاذ 40 mm"]]'}


@pytest.fixture(scope="module")
def product(scene):
    facts = {"facts": [["Case", "Steel, 40 mm"]]}
    return scene.add_product(name="Field watch", description="Blue dial", language="en", attributes=facts, **ARABIC)


def test_a_language_is_added_in_the_form(cast, site, browser, product):
    operator = cast.add(Role.OPERATOR)
    walk = Walk.seen(browser, site)
    page = walk.page
    walk.sign_in(operator.email, operator.password)
    page.goto(f"{site}/console/products/{product.gtin}")
    walk.look("product-languages")
    page.goto(f"{site}/console/products/{product.gtin}/edit")
    walk.click("Add a language")
    expect(page.get_by_role("group", name="In another language")).to_have_count(2)
    walk.look("product-languages-form")

    assert walk.found == []
    assert walk.complaints == []


@pytest.mark.parametrize("code", ["ar", "el"])
def test_a_card_has_the_words_of_its_reader_or_says_whose_they_are(scene, site, browser, product, code):
    found = []
    reader = Reader(scene, site, browser, code, f"{code}@example.com", found, javascript=True)
    reader.is_looked_at = True
    reader.go(scene.issue(product, 3, lot="C1").path())
    name = reader.page.locator(".prod h3")

    expect(name).to_have_text("ساعة ميدانية" if code == "ar" else "Field watch")
    expect(name.locator("span[lang=en]")).to_have_count(0 if code == "ar" else 1)
    assert found == []
