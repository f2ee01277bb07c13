"""Languages of a recall in a browser: rows are added without a script of ours, and readers see and hear their own."""

import pytest
from playwright.sync_api import expect
from reading import Reader
from walking import Walk, browser, site

from authsvc.core.recall_texts import Text
from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

GERMAN = Text(
    "de", "Die Krone kann sich lösen und Wasser eindringen lassen", "Bringen Sie die Uhr in ein Halden-Geschäft"
)
ARABIC = Text("ar", "قد ينفصل تاج الساعة فيدخل الماء إليها", "أحضر الساعة إلى أي متجر من متاجر Halden")
ENGLISH = {"reason": "The crown can come off and let water in", "remedy": "Bring it to any Halden shop"}


@pytest.fixture(autouse=True)
def nothing_recalled(scene):
    yield
    scene.admin.execute("UPDATE recalls SET lifted_at = now() WHERE lifted_at IS NULL")


@pytest.fixture
def codes(scene):
    return scene.issue(scene.add_product(name="Meridian 38", warranty_months="24", markets="BE"), 9, lot="B1")


def test_a_language_is_added_to_a_draft_and_to_a_recall(cast, scene, site, browser, codes):
    operator = cast.add(Role.OPERATOR)
    walk = Walk.seen(browser, site)
    page = walk.page
    walk.sign_in(operator.email, operator.password)
    page.goto(f"{site}/console/recalls/new?scope=product")
    page.get_by_label("Product", exact=True).select_option(codes.recipe.gtin)
    page.get_by_label("Reason").first.fill(ENGLISH["reason"])
    page.get_by_label("What to do").fill(ENGLISH["remedy"])
    walk.click("Add a language")
    row = page.get_by_role("group", name="In another language")
    expect(row.get_by_label("Language")).to_have_value("nl")
    row.get_by_label("Language").select_option("de")
    row.get_by_label("Reason").fill(GERMAN.reason)
    row.get_by_label("What to do").fill(GERMAN.remedy)
    walk.look("recall-languages-new")
    walk.click("Look at what it hits")
    expect(page.get_by_text("Belgium: Dutch, French")).to_be_visible()
    walk.look("recall-languages-draft")
    page.get_by_label("I have looked at these figures").check()
    walk.click("Announce the recall")
    walk.look("recall-languages-one")
    walk.click("Languages", "link")
    walk.click("Add a language")
    row = page.get_by_role("group", name="In another language").nth(1)
    row.get_by_label("Language").select_option("ar")
    row.get_by_label("Reason").fill(ARABIC.reason)
    row.get_by_label("What to do").fill(ARABIC.remedy)
    walk.look("recall-languages-later")
    walk.click("Save")
    expect(page.get_by_role("status")).to_contain_text("Every page shows these texts")
    walk.look("recall-languages-all")

    assert walk.found == []
    assert walk.complaints == []


@pytest.mark.parametrize("code", ["de", "ar", "el"])
def test_a_reader_sees_their_language_or_the_original_as_what_it_is(scene, site, browser, codes, code):
    found = []
    scene.recall(scene.rt.held.register.find_product(codes.recipe.gtin), texts=[ARABIC, GERMAN], **ENGLISH)
    reader = Reader(scene, site, browser, code, f"{code}@example.com", found, javascript=code != "de")
    reader.is_looked_at = code != "de"
    reader.go(codes.path())
    quoted = reader.page.locator(".verdict span[lang]")

    if code == "el":
        expect(quoted).to_have_count(2)
        expect(quoted.first).to_have_text(ENGLISH["reason"])
        assert [quoted.nth(i).get_attribute("lang") for i in (0, 1)] == ["en", "en"]
        assert [quoted.nth(i).get_attribute("dir") for i in (0, 1)] == ["ltr", "ltr"]
    else:
        expect(quoted).to_have_count(0)
        expect(reader.page.locator(".verdict")).to_contain_text({"de": GERMAN, "ar": ARABIC}[code].reason)
    assert found == []
