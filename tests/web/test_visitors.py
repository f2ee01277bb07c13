import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core.clones import UNKNOWN_PLACE, Network, Place
from authsvc.places import Locator
from authsvc.web import visitors
from authsvc.web.visitors import Visitor

KEY = bytes(range(32))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COOKIE = "AAECAwQFBgcICQoLDA0ODw"
LINK = "/01/09506000134352/21/A%2FB?s=x%20y"


def fixed_random(count):
    return bytes(range(count))


def request(**environ):
    return {
        "REQUEST_METHOD": "GET",
        "REMOTE_ADDR": "198.51.100.7",
        "HTTP_HOST": "id.halden.example",
        "wsgi.url_scheme": "https",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        **environ,
    }


# The raw target


@pytest.mark.parametrize("name", ["RAW_URI", "REQUEST_URI"])
@pytest.mark.parametrize("sent", [LINK, "https://id.halden.example" + LINK, "http://user@[::1]:80" + LINK])
def test_raw_target_is_what_was_sent(name, sent):
    environ = request(**{name: sent, "PATH_INFO": "/01/09506000134352/21/A/B", "QUERY_STRING": "s=x%20y"})

    assert visitors.raw_target(environ) == LINK


def test_raw_target_keeps_a_path_of_two_slashes():
    assert visitors.raw_target(request(RAW_URI="//evil.example/01/1")) == "//evil.example/01/1"


@pytest.mark.parametrize("sent", ["https://id.halden.example", "https://id.halden.example?a=b", "*"])
def test_raw_target_begins_with_a_slash(sent):
    assert visitors.raw_target(request(RAW_URI=sent)).startswith("/")


@pytest.mark.parametrize(
    ("decoded", "escaped"),
    [
        ("/01/09506000134352/21/7K3M9", "/01/09506000134352/21/7K3M9"),
        ("/01/09506000134352/21/a%2Fb", "/01/09506000134352/21/a%252Fb"),
        ("/01/09506000134352/21/a?b#c d", "/01/09506000134352/21/a%3Fb%23c%20d"),
        ("/01/09506000134352/21/\xc3\xa9", "/01/09506000134352/21/%C3%A9"),
        ("/01/09506000134352/21/A/B", "/01/09506000134352/21/A%2FB"),
        ("/01/09506000134352/21//A//", "/01/09506000134352/21/%2FA%2F/"),
        ("/01/09506000134352/21/7K3M9/", "/01/09506000134352/21/7K3M9/"),
        ("/01/09506000134352/10/A/B", "/01/09506000134352/10/A%2FB"),
        ("/01/09506000134352/10/A/B/21/C/D", "/01/09506000134352/10/A%2FB/21/C%2FD"),
        ("/01/09506000134352/22/1/10/2/21/3", "/01/09506000134352/22/1/10/2/21/3"),
        ("/brand/01/09506000134352/21/A/B", "/brand/01/09506000134352/21/A%2FB"),
        # Not ours to mend: the parser says what is wrong with them.
        ("/01/09506000134352/21/A/10/B", "/01/09506000134352/21/A%2F10%2FB"),
        ("/01/09506000134352/01/1/21/A", "/01/09506000134352/01/1/21/A"),
        ("/00/395060001343520000/02/1/37/2", "/00/395060001343520000/02/1/37/2"),
        ("", "/"),
    ],
)
def test_a_decoded_path_is_escaped_again(decoded, escaped):
    assert visitors.raw_target(request(PATH_INFO=decoded)) == escaped
    assert visitors.raw_target(request(PATH_INFO=decoded, QUERY_STRING="s=%20+")) == escaped + "?s=%20+"


# The client's address


def test_without_proxies_no_header_is_believed():
    environ = request(HTTP_X_FORWARDED_FOR="203.0.113.9")

    assert visitors.client_address(environ, 0) == "198.51.100.7"


def test_a_hundred_forged_entries_are_one_address():
    forged = [", ".join(f"203.0.113.{n}" for n in range(start, start + 5)) for start in range(100)]
    found = {visitors.client_address(request(HTTP_X_FORWARDED_FOR=f"{f}, 192.0.2.1"), 1) for f in forged}

    assert found == {"192.0.2.1"}


@pytest.mark.parametrize(
    ("hops", "expected"), [(1, "192.0.2.3"), (2, "192.0.2.2"), (3, "192.0.2.1"), (4, "198.51.100.7")]
)
def test_the_hops_count_from_the_right(hops, expected):
    environ = request(HTTP_X_FORWARDED_FOR="192.0.2.1,192.0.2.2 , 192.0.2.3")

    assert visitors.client_address(environ, hops) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("192.0.2.1:4711", "192.0.2.1"),
        ("[2001:DB8::0001]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8:0:0:0:0:0:1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("\t192.0.2.1 ", "192.0.2.1"),
        ("unknown", "198.51.100.7"),
        ("", "198.51.100.7"),
        ("192.0.2", "198.51.100.7"),
        ("192.0.2.1\0", "198.51.100.7"),
        ("\u0661.1.1.1", "198.51.100.7"),
        ("<script>", "198.51.100.7"),
    ],
)
def test_an_entry_is_cleaned_or_not_believed(written, expected):
    assert visitors.client_address(request(HTTP_X_FORWARDED_FOR=written), 1) == expected


def test_no_address_is_no_network():
    assert visitors.client_address(request(REMOTE_ADDR="unix:"), 0) == ""
    assert visitors.network_prefix("") == ""
    assert visitors.limit_key("") == ""


def test_network_prefix_and_limit_key():
    assert visitors.network_prefix("192.0.2.77") == "192.0.2.0/24"
    assert visitors.network_prefix("2001:db8:1:2:3:4:5:6") == "2001:db8:1::/48"
    assert visitors.limit_key("192.0.2.77") == "192.0.2.77"
    assert visitors.limit_key("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64"


# People and machines

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("environ", "network", "reason"),
    [
        ({}, Network.UNKNOWN, None),
        ({}, Network.FIXED, None),
        ({}, Network.RELAY, None),
        ({}, Network.DATACENTRE, "datacentre"),
        ({"REQUEST_METHOD": "HEAD"}, Network.UNKNOWN, "head"),
        ({"HTTP_SEC_PURPOSE": "prefetch;prerender"}, Network.UNKNOWN, "prefetch"),
        ({"HTTP_SEC_PURPOSE": "prefetch;anonymous-client-ip"}, Network.RELAY, "prefetch"),
        ({"HTTP_PURPOSE": "prefetch"}, Network.UNKNOWN, "prefetch"),
        ({"HTTP_X_PURPOSE": "preview"}, Network.UNKNOWN, "prefetch"),
        ({"HTTP_X_MOZ": "Prefetch"}, Network.UNKNOWN, "prefetch"),
        ({"HTTP_SEC_PURPOSE": "document"}, Network.UNKNOWN, None),
        ({"HTTP_USER_AGENT": "WhatsApp/2.23.20.0 A"}, Network.UNKNOWN, "bot"),
        # Only a bot is automated for good, so nothing that a confirm ends may hide it.
        ({"HTTP_USER_AGENT": "bingbot/2.0", "HTTP_PURPOSE": "prefetch"}, Network.DATACENTRE, "bot"),
        ({"HTTP_USER_AGENT": ""}, Network.UNKNOWN, None),
    ],
)
def test_what_is_automated(environ, network, reason):
    assert visitors.is_automated(request(**{"HTTP_USER_AGENT": PHONE, **environ}), network) == reason


# Cookies


def test_a_first_visit_mints_a_cookie():
    visitor = visitors.visitor_cookie(request(), fixed_random)

    assert visitor == Visitor(COOKIE, is_new=True)
    assert visitors.set_cookie_header(visitor, secure=True) == (
        f"__Host-v={COOKIE}; Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=Lax"
    )


def test_a_minted_cookie_is_known_again():
    header = visitors.set_cookie_header(Visitor(COOKIE, is_new=True), secure=True).partition(";")[0]
    environ = request(HTTP_COOKIE=f"a=b; {header}; c=d")

    assert visitors.visitor_cookie(environ, fixed_random) == Visitor(COOKIE, is_new=False)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "__Host-v=",
        f"__Host-v={COOKIE}A",
        f"__Host-v={COOKIE[:-1]}",
        f"__Host-v={COOKIE[:-1]}x",  # Decodes to the same bytes.
        f"x__Host-v={COOKIE}",
        f"__host-v={COOKIE}",
        f'__Host-v="{COOKIE}"',
        f"v={COOKIE}",  # A page on plain http could have set it.
        f"__Host-v={COOKIE[:-2]}\u0661w",
    ],
)
def test_a_cookie_that_we_never_made_is_replaced(header):
    assert visitors.visitor_cookie(request(HTTP_COOKIE=header), fixed_random).is_new


@pytest.mark.parametrize(
    ("scheme", "host", "secure"),
    [
        ("https", "localhost", True),
        ("http", "id.halden.example", True),  # TLS ends at a proxy.
        ("http", "", True),
        ("http", "10.example.com", True),
        ("http", "localhost.example.com", True),
        ("http", "192.168.1.7.example.com:80", True),
        ("http", "8.8.8.8:8000", True),
        ("http", "localhost:8000", False),
        ("http", "127.0.0.1:8000", False),
        ("http", "[::1]:8000", False),
        ("http", "192.168.1.7:8000", False),
        ("http", "desk.local:8000", False),
    ],
)
def test_only_a_private_host_on_http_has_the_plain_cookie(scheme, host, secure):
    environ = request(**{"wsgi.url_scheme": scheme}, HTTP_HOST=host, HTTP_COOKIE=f"v={COOKIE}")

    assert visitors.is_secure(environ) is secure
    assert visitors.visitor_cookie(environ, fixed_random).is_new is secure


def test_the_plain_cookie_claims_no_security():
    header = visitors.set_cookie_header(Visitor(COOKIE, is_new=True), secure=False)

    assert header == f"v={COOKIE}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"


def test_a_visitor_does_not_print_its_cookie():
    assert COOKIE not in repr(Visitor(COOKIE, is_new=False))


# Pseudonyms


def test_pseudonyms_of_two_items_cannot_be_joined():
    one = visitors.pseudonym(KEY, "09506000134352|1", COOKIE)

    assert one == visitors.pseudonym(KEY, "09506000134352|1", COOKIE)
    assert len(one) == 16
    assert one != visitors.pseudonym(KEY, "09506000134352|2", COOKIE)
    assert one != visitors.pseudonym(KEY[::-1], "09506000134352|1", COOKIE)


def test_a_stored_pseudonym_never_changes():
    """Visitors of a past release must stay the same people after an update."""
    assert visitors.pseudonym(KEY, "09506000134352|1", COOKIE).hex() == "d82fa96da8b47e9de77980fc8d313cf4"
    assert visitors.network_pseudonym(KEY, "192.0.2.0/24", date(2026, 3, 1)).hex() == "91f9130b4c2c5769"


def test_network_pseudonyms_change_with_the_month():
    of = {day: visitors.network_pseudonym(KEY, "192.0.2.0/24", day) for day in (date(2026, 3, 1), date(2026, 3, 31))}
    april, next_march = date(2026, 4, 1), date(2027, 3, 1)

    assert len(set(of.values())) == 1
    assert all(len(value) == 8 for value in of.values())
    assert visitors.network_pseudonym(KEY, "192.0.2.0/24", april) not in of.values()
    assert visitors.network_pseudonym(KEY, "192.0.2.0/24", next_march) not in of.values()
    assert visitors.network_pseudonym(KEY, "192.0.3.0/24", date(2026, 3, 1)) not in of.values()


# All of it


def test_seen_holds_no_address():
    german = Place("DE", 51.1, 10.4, 337.0)
    asked = []

    def locate(address):
        asked.append(address)
        return german, Network.DATACENTRE

    found = visitors.seen(
        request(HTTP_X_FORWARDED_FOR="192.0.2.7", HTTP_USER_AGENT=PHONE),
        key=KEY,
        at=NOW,
        locate=locate,
        proxy_hops=1,
        random=fixed_random,
    )

    assert asked == ["192.0.2.7"]
    assert (found.at, found.place, found.network, found.automated) == (
        NOW,
        german,
        Network.DATACENTRE,
        "datacentre",
    )
    assert found.cookie == Visitor(COOKIE, is_new=True)
    assert found.prefix == visitors.network_pseudonym(KEY, "192.0.2.0/24", NOW.date())
    assert not re.search(r"192\.0\.2|iPhone", repr(found))


NAMES = [
    "REQUEST_METHOD", "REMOTE_ADDR", "HTTP_HOST", "HTTP_COOKIE", "HTTP_USER_AGENT", "HTTP_X_FORWARDED_FOR",
    "HTTP_SEC_PURPOSE", "PATH_INFO", "QUERY_STRING", "SCRIPT_NAME", "RAW_URI", "REQUEST_URI", "wsgi.url_scheme",
]  # fmt: skip
ADDRESS_LIKE = st.text("0123456789abcf:.,[]% ", max_size=60)
LOCATOR = Locator()


@given(st.dictionaries(st.sampled_from(NAMES), st.text() | ADDRESS_LIKE), st.integers(0, 8))
def test_nothing_a_stranger_sends_raises(environ, hops):
    found = visitors.seen(environ, key=KEY, at=NOW, locate=LOCATOR.locate, proxy_hops=hops, random=fixed_random)
    target = visitors.raw_target(environ)

    assert len(found.prefix) == 8
    assert target.startswith("/")
    assert re.fullmatch(r"|[0-9.]+|[0-9a-f:.]+/64", visitors.limit_key(visitors.client_address(environ, hops)))


@given(st.text("AB/%?# é", min_size=1).map(lambda text: text.encode().decode("latin-1")))
def test_a_decoded_path_never_ends_early(serial):
    target = visitors.raw_target(request(PATH_INFO=f"/01/09506000134352/21/{serial}"))

    assert "?" not in target
    assert "#" not in target
    assert target.isascii()


def test_unknown_place_is_the_answer_of_last_resort():
    found = visitors.seen({}, key=KEY, at=NOW, locate=LOCATOR.locate, proxy_hops=0, random=fixed_random)

    assert (found.place, found.network, found.automated) == (UNKNOWN_PLACE, Network.UNKNOWN, None)
