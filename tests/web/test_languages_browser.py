"""Other languages in Chromium: nothing is too wide at 320 px, right to left as well, and an item goes its way."""

import re

import pytest
from dealing import Shop
from looking import violations
from paper import text_of
from playwright.sync_api import expect
from reading import Reader, narrow
from scene import PHONE, forge
from verdict_pages import every_page, opened
from walking import browser, site

from authsvc import languages
from tools import messages

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ACCENTS = str.maketrans("aceinosuyACEINOSUY", "áçéíñóšúýÁÇÉÍÑÓŠÚÝ")
LOOKED_AT = {"ar/first-check", "ar/possible-copy", "ar/recalled", "ar/problem"}
LONG = ("first-check", "possible-copy", "form", "outage")
KEPT = re.compile(r"(%\([a-z_]+\)s|\{[^}]*\}|<[^>]+>|%%)")


class Pseudo:
    """A catalogue that has every text, with accents and two fifths longer: what it leaves plain is in no catalogue."""

    def __init__(self):
        self.plain = {text for message in messages.texts() if message.id for text in forms(message.id)}

    def gettext(self, message):
        assert message in self.plain, message
        parts = KEPT.split(message)
        said = "".join(part if KEPT.fullmatch(part) else part.translate(ACCENTS) for part in parts)
        return f"{said} {'lóñg ' * (len(message) * 2 // 25)}".strip()

    def ngettext(self, one, many, number):
        return self.gettext(one if number == 1 else many)


def forms(text):
    return list(text) if isinstance(text, tuple | list) else [text]


@pytest.fixture(scope="module")
def watches(scene):
    product = scene.add_product(name="Meridian 38", warranty_months="24", claim="required")
    return scene.issue(product, 50, lot="W1")


def test_every_verdict_fits_a_small_phone_in_every_language(browser):
    found, shown = [], {}
    spoken = {language.code: language for language in languages.offered()}
    for code, language in {**spoken, "pseudo": languages.Language("de", Pseudo())}.items():
        with languages.speaking(language):
            pages = every_page()
        shown |= {f"{code}/{name}": pages[name] for name in (pages if code in {"ar", "pseudo"} else LONG)}
    page, _, complaints = opened(browser, shown, bypass_csp=True, viewport={"width": 320, "height": 800})
    for name in shown:
        page.goto(f"https://verify.halden.example/p/{name}")
        found += narrow(page, name)
        if name in LOOKED_AT:
            found += [(name, *fault) for fault in violations(page)]
        found += [(name, said) for said in complaints]
        complaints.clear()

    assert found == []


@pytest.mark.parametrize("code", ["de", "ar"])
def test_an_item_goes_from_owner_to_owner_in_another_language(scene, site, browser, watches, code):
    found, path = [], watches.path()
    seller = Reader(scene, site, browser, code, f"seller-{code}@example.com", found)
    buyer = Reader(scene, site, browser, code, f"buyer-{code}@example.com", found)

    seller.register(path)
    seller.follow("Sell or give away")
    seller.press("Make an offer")
    seller.heading("Your offer is open")
    offer = re.search(r"/own/take/[0-9A-Z]{16}", seller.page.inner_text("main"))[0]
    buyer.go(path)
    buyer.go(offer)
    buyer.fill("Your e-mail address", buyer.email)
    buyer.press("Send me the link")
    buyer.heading("Open the link in your mail")
    buyer.mail()
    buyer.press("Accept the offer")
    buyer.heading("One step is left: the seller confirms")
    seller.mail()
    seller.press("Confirm: it is theirs")
    seller.heading("You have handed it over")
    buyer.mail()
    buyer.heading("It is yours")
    buyer.follow("Open its page")
    with buyer.page.expect_download() as download:
        buyer.follow("Certificate (PDF)")

    certificate = text_of(download.value.path().read_bytes())
    assert set(buyer.say("Certificate of registration").split()) <= set(certificate.split())
    assert found == []
    seller.context.close()
    buyer.context.close()


@pytest.mark.parametrize("code", ["de", "ar"])
def test_somebody_reports_and_looks_around_in_another_language(scene, site, browser, watches, code):
    found = []
    reader = Reader(scene, site, browser, code, f"reader-{code}@example.com", found)

    for path in ("/", "/check", "/privacy", "/report", "/own/sign-in", "/own/take", "/nope"):
        reader.go(path)
    reader.go(forge(watches.path()))
    reader.follow("Report where you saw it")
    reader.fill("What is wrong?", "!")
    reader.press("Send the report")
    reader.heading("Your report has arrived")
    reader.go("/check")
    reader.page.get_by_label(reader.say("Number or link")).fill(watches.path())
    reader.press("Look it up")
    reader.look()

    assert found == []
    reader.context.close()


@pytest.mark.parametrize("code", ["de", "ar"])
def test_a_reseller_sees_a_theft_that_the_owner_has_reported(scene, site, browser, watches, code):
    found, path = [], watches.path()
    owner = Reader(scene, site, browser, code, f"owner-{code}@example.com", found)
    reseller = Reader(scene, site, browser, code, "", found)

    owner.register(path)
    owner.fill("What happened", "4711/26")
    owner.press("It was stolen")
    expect(owner.page.get_by_role("heading", name=owner.say("You have reported it stolen"))).to_be_visible()
    owner.look()
    reseller.go("/check")
    reseller.fill("Number or link", f"{site}{path}")
    reseller.press("Look it up")
    reseller.heading("This item is reported stolen")

    expect(reseller.page.get_by_text(reseller.say("Reported stolen"), exact=True)).to_be_visible()
    assert owner.email not in reseller.page.content()
    assert found == []
    owner.context.close()
    reseller.context.close()


@pytest.mark.parametrize("code", ["de", "ar"])
def test_a_dealer_keeps_stock_in_another_language(scene, site, browser, watches, code):
    found, shop = [], Shop(scene)
    dealer = Reader(scene, site, browser, code, shop.email, found)

    dealer.go("/own/dealer/sign-in")
    dealer.fill("E-mail address", shop.email)
    dealer.press("Send me a link")
    dealer.heading("Look into your mail")
    dealer.mail()
    dealer.press("Sign in")
    dealer.heading("Your stock")
    done = languages.get(code).ngettext("Done: %(count)s item", "Done: %(count)s items", 1) % {"count": 1}
    for codes, heading in (("12", dealer.say("Nothing was changed")), (f"{site}{watches.path()}", done)):
        dealer.fill("Codes, one a line", codes)
        dealer.press("Do it")
        dealer.heading(heading)
        dealer.follow("Back to the stock")
        dealer.heading("Your stock")
    dealer.page.get_by_role("link", name=dealer.say("Programs and phones")).click()
    dealer.fill("Name", "Till")
    dealer.press("Make a key")
    expect(dealer.page.locator("#key")).to_have_text(re.compile("adk_"))
    dealer.look()

    assert found == []
    dealer.context.close()


def test_a_language_is_chosen_on_the_page_and_stays(scene, site, browser, watches):
    context = browser.new_context(user_agent=PHONE, java_script_enabled=False, locale="en")
    page = context.new_page()

    page.goto(site + watches.path())
    page.get_by_label("Language").select_option("de")
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dieser Code ist echt")
    page.get_by_role("link", name="Ihre 2-Jahres-Garantie beginnen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ihre Garantie beginnen")
    page.get_by_label("Besitzcode").fill("XXXX-XXXX")
    page.get_by_label("E-Mail-Adresse").fill("chosen@example.com")
    page.get_by_role("button", name="Garantie beginnen").click()

    assert page.get_by_text("Das ist nicht der Besitzcode dieses Artikels.").is_visible()
    assert not [cookie for cookie in context.cookies() if "lang" in cookie["name"]]
    context.close()
