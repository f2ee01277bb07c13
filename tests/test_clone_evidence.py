"""Clone evidence through the whole service: what a crowd, a flood, a bot and a counterfeiter come to."""

from datetime import timedelta

import pytest
from scene import BERLIN, Scene

from authsvc import investigations
from authsvc.core.clones import Network, Place

COPY = "Be careful: this code may have been copied"
COUNTRIES = {
    "VN": (10.8, 106.7), "BR": (-23.5, -46.6), "US": (40.7, -74.0), "AU": (-33.9, 151.2), "ZA": (-26.2, 28.0),
    "JP": (35.7, 139.7), "IN": (19.0, 72.8), "MX": (19.4, -99.1), "NG": (6.5, 3.4), "TR": (41.0, 29.0),
}  # fmt: skip
ABROAD = [Place(country, *point, 200.0) for country, point in COUNTRIES.items()]
BOTS = [
    "WhatsApp/2.23.20.0 A",
    "WhatsApp/2.2405.4 W",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
    "Facebot",
    "Twitterbot/1.0",
    "TelegramBot (like TwitterBot)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slack-ImgProxy (+https://api.slack.com/robots)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)",
    "Pinterest/0.2 (+http://www.pinterest.com/bot.html)",
    "Mozilla/5.0 (compatible; Pinterestbot/1.0; +http://www.pinterest.com/bot.html)",
    "Viber/13.3.0.0 LinkPreview",
    "kakaotalk-scrap/1.0 (+https://devtalk.kakao.com/)",
    "Mozilla/5.0 (compatible; line-poker/1.0)",
    "Mozilla/5.0 (compatible; redditbot/1.0; +http://www.reddit.com/feedback)",
    "Mozilla/5.0 (compatible; Embedly/0.2; +http://support.embed.ly/)",
    "Iframely/1.3.1 (+https://iframely.com/docs/about)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
    "Mozilla/5.0 (compatible; Applebot/0.1; +http://www.apple.com/go/applebot)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) AppleWebKit/537.36 Mobile Safari/537.36 (compatible; Google-Safety)",
    "curl/8.5.0",
    "python-requests/2.32.3",
]


@pytest.fixture(scope="module")
def world(scene: Scene):
    """Return a service of its own, whose visitors are where their address says."""
    places: dict[str, Place] = {}

    def locate(address: str):
        return places.get(address, BERLIN), Network.FIXED

    app = scene.start(given={"locate": locate})
    return app, places


@pytest.fixture(autouse=True)
def clock(scene):
    """Let time stand where it is for the next test."""
    yield
    scene.clock.ahead = timedelta()


def is_flagged(scene: Scene, link) -> bool:
    return scene.row("SELECT flagged_at IS NOT NULL FROM items WHERE sgtin = %s", link.sgtin)[0]


def pass_time(scene: Scene, app, hours: int) -> None:
    """Let time pass, for limits too."""
    scene.clock.ahead += timedelta(hours=hours)
    app.wsgi_app._limits = scene.forget_limits()


def path_of(link) -> str:
    return f"{link.path()}?s={link.extension('s')}"


def test_fifty_copies_in_ten_countries_are_flagged_and_their_owner_s_rescans_are_not(scene, world):
    app, places = world
    genuine, copied = scene.codes.link(), scene.codes.link()
    scene.clock.ahead = -timedelta(days=20)
    owner, first = scene.visitor(app), scene.visitor(app)
    first.confirm(first.scan(path_of(copied)))
    flagged_at = None

    for n in range(50):
        pass_time(scene, app, hours=24)
        if n < 40:
            page = owner.scan(path_of(genuine))
            owner.confirm(page)
            assert page.title
            assert page.title != COPY
        buyer = scene.visitor(app)
        places[buyer.address] = ABROAD[n % 10]
        page = buyer.scan(path_of(copied))
        buyer.confirm(page)
        if page.title == COPY and flagged_at is None:
            flagged_at = n

    assert flagged_at is not None
    assert is_flagged(scene, copied)
    assert scene.visitor(app).check(path_of(copied))["reason"] == "possible-copy"
    assert scene.row("SELECT count(*) FROM alerts WHERE sgtin = %s", copied.sgtin) == (1,)
    assert not is_flagged(scene, genuine)
    assert scene.rows("SELECT 1 FROM alerts WHERE sgtin = %s", genuine.sgtin) == []


def test_a_thousand_hostile_scans_from_five_prefixes_flag_no_genuine_item(scene, world):
    """Fifty browsers in five networks abroad, each back twenty times over ten days, all of them confirming."""
    app, places = world
    link = scene.codes.link()
    path = path_of(link)
    scene.clock.ahead = -timedelta(days=12)
    owner = scene.visitor(app)
    owner.confirm(owner.scan(path))
    hostile = [scene.visitor(app, address=f"93.{n % 5}.7.{n + 1}") for n in range(50)]
    for n, one in enumerate(hostile):
        places[one.address] = ABROAD[n % 5]

    scans = 0
    for day in range(20):
        pass_time(scene, app, hours=12)  # No limit helps here: the evidence itself must be worthless.
        for one in hostile:
            scans += 1
            if day < 2:
                page = one.scan(path)
                assert one.confirm(page).status_code == 204
                assert page.title != COPY
            else:
                assert one.check(path)["reason"] != "possible-copy"

    assert scans == 1000
    assert scene.row("SELECT count(*) FROM scans WHERE sgtin = %s AND is_counted", link.sgtin)[0] > 900
    assert not is_flagged(scene, link)
    assert scene.rows("SELECT 1 FROM alerts WHERE sgtin = %s", link.sgtin) == []


def test_previews_bots_head_and_prefetch_change_no_count(scene):
    path = scene.codes.path()
    person = scene.visitor()
    person.confirm(person.scan(path))
    before = scene.counts(path)

    for agent in BOTS:
        assert scene.visitor(agent=agent).open(path).status_code == 200
        assert scene.visitor(agent=agent).open(path, "HEAD").status_code == 200
    scene.visitor().open(path, "HEAD")
    for headers in ({"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}):
        scene.visitor().open(path, headers=headers)

    assert len(BOTS) >= 30
    assert before == (1, 1)
    assert scene.counts(path) == before


def test_one_autonomous_system_adds_at_most_three_sightings_a_day(scene):
    app = scene.start(given={"find_asn": lambda address: 64496 if address.startswith("93.") else None})
    link = scene.codes.link()
    path = path_of(link)
    for n in range(8):
        one = scene.visitor(app, address=f"93.10.{n}.1")
        one.confirm(one.scan(path))
    other = scene.visitor(app)
    other.confirm(other.scan(path))

    told = investigations.judge_again(scene.rt.connections, link.sgtin, None).history.sightings
    assert [seen.is_evidence for seen in told] == [True] * 3 + [False] * 5 + [True]
    stored = [asn for (asn,) in scene.rows("SELECT DISTINCT asn FROM sightings WHERE sgtin = %s", link.sgtin) if asn]
    assert len(stored) == 1
    assert b"64496" not in stored[0]
