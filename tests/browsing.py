"""Browsers of a scene: somebody with a cookie jar, an address and a user agent, and the pages they get."""

import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

BASE_URL = "https://id.example.com"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"


class Visitor:
    """Somebody with a browser of their own: a cookie jar, an address and a user agent."""

    def __init__(self, app: Flask, address: str, agent: str = PHONE) -> None:
        self.client = app.test_client()
        self.address = address
        self.agent = agent

    def open(self, path: str, method: str = "GET", **options: Any) -> TestResponse:
        """Send a request as this browser does."""
        headers = {"User-Agent": self.agent, "Accept": "text/html,*/*;q=0.8", **options.pop("headers", {})}
        environ = {"REMOTE_ADDR": self.address, **options.pop("environ", {})}
        return self.client.open(
            path, method=method, base_url=options.pop("base_url", BASE_URL), headers=headers, environ_base=environ,
            **options,
        )  # fmt: skip

    def check(self, path: str, **headers: str) -> dict[str, Any]:
        """Scan a code and return the verdict document."""
        response = self.open(path, headers={"Accept": "application/json", **headers})
        assert response.status_code == 200, response.text
        return dict(response.json)

    def scan(self, path: str, **headers: str) -> "Page":
        """Scan a code and return its page."""
        return Page(self.open(path, headers=headers))

    def confirm(self, page: "Page", nonce: str | None = None) -> TestResponse:
        """Post what the script of a page posts."""
        return self.open(
            f"/s/{page.receipt}/confirm",
            "POST",
            data={"nonce": (page.nonce or "") if nonce is None else nonce},
            headers={"Accept": "*/*"},
        )


class Page:
    """A page of the service, reduced to what a test asks it for."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self.status = response.status_code
        self.html = response.get_data(as_text=True)
        self.title = self._find(r"<h1[^>]*>(.*?)</h1>")
        self.reason = self._find(r'data-reason="([^"]+)"')
        self.receipt = self._find(r'data-receipt="([^"]+)"')
        self.nonce = self._find(r'data-nonce="([^"]+)"')
        self.cookies = response.headers.getlist("Set-Cookie")

    def _find(self, pattern: str) -> str | None:
        found = re.search(pattern, self.html, re.DOTALL)
        return found[1] if found else None
