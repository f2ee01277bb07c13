"""Cameras for tests: a browser that films a code, a server that notes what it sent, and the page of resellers there."""

import contextlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor

import chromium
import pytest
import segno
from PIL import Image
from playwright.sync_api import expect, sync_playwright
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler

FLAGS = ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream"]

KEPT = """async (name) => {
  for (const store of await caches.keys())
    for (const request of await (await caches.open(store)).keys()) if (request.url.endsWith(name)) return true;
  return false;
}"""


class Handler(WSGIRequestHandler):
    """Werkzeug's, without its log."""

    def log_request(self, *_: object) -> None:
        pass


class Server(BaseWSGIServer):
    """
    A server with threads that live as long as it does: each keeps its connection to the database.

    It notes what it sent, because a browser tells a page nothing of what its workers fetch.
    """

    def __init__(self, app):
        self.pool = ThreadPoolExecutor(8)
        self.sent = []
        super().__init__("127.0.0.1", 0, self._noting(app), Handler)

    def _noting(self, app):
        def noting(environ, start_response):
            def start(status, headers, exc_info=None):
                length = 0 if environ["REQUEST_METHOD"] == "HEAD" else int(dict(headers).get("Content-Length", 0))
                self.sent.append((environ["PATH_INFO"], length))
                return start_response(status, headers, exc_info)

            return app(environ, start)

        return noting

    def process_request(self, request, client_address):
        self.pool.submit(self._answer, request, client_address)

    def _answer(self, request, client_address):
        with contextlib.suppress(OSError):
            self.finish_request(request, client_address)
        self.shutdown_request(request)


@pytest.fixture(scope="module")
def server(scene):
    server = Server(scene.app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
    server.pool.shutdown()


@pytest.fixture(scope="module")
def address(server):
    return f"http://127.0.0.1:{server.port}"


@pytest.fixture(scope="module")
def playwright():
    with sync_playwright() as playwright:
        yield playwright


def symbol(text):
    """Draw a QR code as a camera would see it: grey, and not filling the picture."""
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="png", scale=6, border=4)
    picture = Image.new("RGB", (640, 480), (190, 188, 180))
    code = Image.open(drawn).convert("RGB")
    picture.paste(code, ((640 - code.width) // 2, (480 - code.height) // 2))
    return picture


def film(file, text):
    """Write a film of a code: an MJPEG file is JPEG pictures one after the other."""
    frame = io.BytesIO()
    symbol(text).save(frame, "JPEG", quality=85)
    file.write_bytes(frame.getvalue() * 10)
    return file


@pytest.fixture(scope="module")
def launch(playwright):
    browsers = []

    def launch(film=None):
        flags = [*FLAGS, f"--use-file-for-fake-video-capture={film}"] if film else FLAGS
        # Nobody gives the shell a permission to use a camera.
        browsers.append(playwright.chromium.launch(executable_path=chromium.WHOLE, args=flags))
        return browsers[-1]

    yield launch
    for browser in browsers:
        browser.close()


def title(page):
    return page.locator("main h1").first


def is_ready(page):
    expect(page.locator("#ready")).to_contain_text("Ready for use offline", timeout=15_000)
    is_kept(page, "zxing_reader.wasm")


def is_kept(page, name):
    """Wait until the worker has kept a file; to wait for a function would not wait for what it promises."""
    for _ in range(150):
        if page.evaluate(KEPT, name):
            return
        page.wait_for_timeout(100)
    raise AssertionError(name)
