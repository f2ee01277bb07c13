import time

import pytest

from authsvc.web.crawlers import LONGEST, is_crawler

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko)"
PROGRAMS = [
    "WhatsApp/2.23.20.0 A",
    "WhatsApp/2.2413.51 N",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
    # A preview in Apple's Messages.
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 "
        "Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0"
    ),
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slackbot 1.0 (+https://api.slack.com/robots)",
    "Twitterbot/1.0",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    "Viber",
    "Snap URL Preview Service; bot; snapchat; https://developers.snap.com/robots",
    "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/t/scrap/33984",
    "facebookexternalhit/1.1;line-poker/1.0",
    "Mozilla/5.0 (compatible; redditbot/1.0; +http://www.reddit.com/feedback)",
    "Mozilla/5.0 (compatible; Pinterestbot/1.0; +http://www.pinterest.com/bot.html)",
    "Bluesky Cardyb/1.1; mailto:support@bsky.app Bluesky/1.0",
    "http.rb/5.1.1 (Mastodon/4.2.1; +https://mastodon.social/) Bot",
    "Iframely/1.3.1 (+https://iframely.com/docs/about)",
    "Mozilla/5.0 (compatible; Embedly/0.2; +http://support.embed.ly/)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    (
        f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) {CHROME} Chrome/137.0.0.0 Mobile Safari/537.36 "
        "(compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    ),
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 "
        "Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)"
    ),
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    f"Mozilla/5.0 {CHROME}; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)",
    f"Mozilla/5.0 (X11; Linux x86_64) {CHROME} HeadlessChrome/137.0.0.0 Safari/537.36",
    "curl/8.5.0",
    "python-requests/2.32.3",
    "Wget/1.21.4",
]
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
PEOPLE = [
    f"{IPHONE} Version/18.5 Mobile/15E148 Safari/604.1",
    f"{IPHONE} CriOS/137.0.7151.79 Mobile/15E148 Safari/604.1",
    f"{IPHONE} FxiOS/139.0 Mobile/15E148 Safari/605.1.15",
    f"{IPHONE} EdgiOS/137.0.3296.62 Version/18.0 Mobile/15E148 Safari/604.1",
    f"{IPHONE} GSA/372.0.768535417 Mobile/15E148 Safari/604.1",
    f"{IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/512.0.0.37.111;FBDV/iPhone16,2;FBMD/iPhone;FBSN/iOS;FBSV/18.5]",
    f"{IPHONE} Mobile/15E148 Instagram 382.0.0.28.86 (iPhone16,2; iOS 18_5; de_DE; de; scale=3.00; 1290x2796)",
    f"{IPHONE} Mobile/15E148 Snapchat/13.43.0.42 (like Safari/8621.2.5.10.10, panda)",
    f"{IPHONE} Mobile/15E148 MicroMessenger/8.0.59(0x18003b2c) NetType/WIFI Language/zh_CN",
    f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Chrome/137.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 15; SM-S938B) {CHROME} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Android 15; Mobile; rv:139.0) Gecko/139.0 Firefox/139.0",
    f"Mozilla/5.0 (Linux; Android 10; CUBOT_X18_Plus) {CHROME} Chrome/124.0.0.0 Mobile Safari/537.36",
    (
        f"Mozilla/5.0 (Linux; Android 15; CPH2557 Build/AP3A.240617.008; wv) {CHROME} Version/4.0 Chrome/142.0.0.0 "
        "Mobile Safari/537.36 Instagram 406.0.0.58.159 Android (35/15; 480dpi; 1080x2400; OPPO; CPH2557; en_MY)"
    ),
    (
        f"Mozilla/5.0 (Linux; Android 16; Pixel 10 Pro XL Build/CP1A.260305.018; wv) {CHROME} Version/4.0 "
        "Chrome/146.0.7680.174 Mobile Safari/537.36 MetaIAB Facebook"
    ),
    (
        f"Mozilla/5.0 (Linux; U; Android 14; zh-cn; 23127PN0CC Build/UKQ1.230804.001) {CHROME} Version/4.0 "
        "Chrome/109.0.5414.118 Mobile Safari/537.36 XiaoMi/MiuiBrowser/18.2.150514"
    ),
    (
        f"Mozilla/5.0 (Linux; Android 12; HUAWEI P50) {CHROME} Chrome/114.0.5735.196 HuaweiBrowser/15.0.4.312 Mobile "
        "Safari/537.36"
    ),
    (
        f"Mozilla/5.0 (Linux; Android 13; SM-A536B) {CHROME} Version/4.0 Chrome/137.0.7151.61 Mobile Safari/537.36 "
        "SogouMSE,SogouMobileBrowser/6.4.8"
    ),
    f"Mozilla/5.0 (Linux; Android 11; KFTRWI) {CHROME} Silk/137.2.1 like Chrome/137.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Chrome/137.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Chrome/137.0.0.0 Safari/537.36 Edg/137.0.0.0",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Chrome/135.0.0.0 Safari/537.36 OPR/120.0.0.0",
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
        "Safari/605.1.15"
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0",
    f"Mozilla/5.0 (Linux; Android 14; KAIOS/3.1) {CHROME} DuckDuckGo/5 Chrome/137.0.0.0 Mobile Safari/537.36",
]


@pytest.mark.parametrize("user_agent", PROGRAMS)
def test_a_program_is_a_crawler(user_agent):
    assert is_crawler(user_agent)


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_a_browser_of_people_is_no_crawler(user_agent):
    assert not is_crawler(user_agent)


def test_nobody_is_not_a_known_crawler():
    assert not is_crawler("")
    assert not is_crawler("abc")


def test_only_the_beginning_is_looked_at():
    assert not is_crawler("x" * LONGEST + "Googlebot/2.1")


@pytest.mark.parametrize("word", ["Spider", "ContextualBot", "Current", "BlogTraffic/1.", "(((((", "\\", "é", "S"])
def test_no_user_agent_takes_long(word):
    started = time.perf_counter()
    is_crawler(word * 100_000)

    assert time.perf_counter() - started < 0.05
