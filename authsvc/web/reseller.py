"""
``/check``: for people who check before they buy, one code or a thousand, also without a connection.

Everything here only looks up: it counts nothing, stores nothing and sets no cookie. Without JavaScript the page takes
a number, a link or a whole list as one form; scanner, progress and offline use are added by scripts.
"""

import gzip
import hashlib
import json

from flask import Blueprint, Response, jsonify, request

from authsvc import languages
from authsvc.core import check_lists
from authsvc.errors import BadDigitalLink, BadInput, TooLarge
from authsvc.web import assets, lookups, reseller_pages, reseller_proofs, reseller_rows, vendored, wire
from authsvc.web.site import count_links, runtime

bp = Blueprint("reseller", __name__, url_prefix="/check")

WASM_POLICY = wire.POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
PAGE_HEADERS = {
    # A decoder in WebAssembly needs the word, and nothing else on the site may compile any.
    "Content-Security-Policy": f"{WASM_POLICY}; manifest-src 'self'",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}
KEPT = (
    "ui.css",
    "reseller/reseller.css",
    "icon.svg",
    *(f"reseller/{name}.js" for name in ("page", "bulk", "offline", "scanner", "signature")),
)
"""The files that the page needs without a connection; the decoder is kept too where the browser has none itself."""


@bp.get("")
def page() -> Response:
    """Show the page: scan, type, or check a list."""
    shown, spoken = reseller_pages.start(_addresses()), languages.now_spoken()
    if spoken.is_chosen:
        # Here, because nobody looks into what is compressed.
        shown = languages.carry(shown, spoken.language.code)
    return _small(Response(shown, headers=PAGE_HEADERS))


@bp.post("")
def check_one() -> Response | tuple[Response, int]:
    """Answer for one number or link, with what is known of the item."""
    count_links(1)
    typed = request.form.get("code", "").strip()
    if (secret := reseller_proofs.find_secret(typed)) is not None:
        return reseller_proofs.page(secret)
    try:
        checked = lookups.look_up(runtime(), typed)
    except BadDigitalLink as error:
        shown = reseller_pages.start(_addresses(), typed=typed[:200], fault=languages.of_error(error))
        return Response(shown, headers=PAGE_HEADERS), 400
    return Response(reseller_pages.item(checked, lookups.read(typed)))


@bp.get("/proof/<secret>")
def proof(secret: str) -> Response:
    """Show what a seller's proof says."""
    return reseller_proofs.page(secret)


@bp.post("/bulk")
def check_list() -> Response | tuple[Response, int]:
    """Answer for a list as a table, or as CSV where the other button was pressed."""
    try:
        codes = _codes()
    except (BadInput, TooLarge) as error:
        shown = reseller_pages.start(_addresses(), list_fault=languages.of_error(error))
        return Response(shown, headers=PAGE_HEADERS), error.status
    count_links(len(codes))
    rt = runtime()
    rows = reseller_rows.rows(codes, [lookups.document(rt, code) for code in codes])
    if request.form.get("as") != "csv":
        return Response(reseller_pages.table(rows))
    return Response(
        "".join(reseller_rows.csv_lines(rows)).encode("utf-8-sig"),  # Excel takes UTF-8 for another code without it.
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="checked-{rt.now():%Y-%m-%d}.csv"'},
    )


@bp.post("/list")
def read_list() -> Response:
    """Read a list for the script of the page, which asks about it in parts: one reader for both ways."""
    codes = _codes()
    repeats = {place + 1: first + 1 for place, first in check_lists.repeats(map(lookups.item_of, codes)).items()}
    return jsonify({"codes": codes, "repeats": repeats})


@bp.get("/keeper.js")
def keeper() -> Response:
    """Serve the service worker; it may look after ``/check``, one level above itself."""
    return _script("keeper", f"self.KEPT = {json.dumps(_kept())};\n", {"Service-Worker-Allowed": "/check"})


@bp.get("/decoder.js")
def decoder() -> Response:
    """Serve the worker that decodes pictures: a worker has a policy of its own, and this one compiles WebAssembly."""
    return _script("decoder", "", {"Content-Security-Policy": WASM_POLICY})


@bp.get("/app.webmanifest")
def manifest() -> Response:
    """Describe the page for those who put it on their home screen."""
    return Response(json.dumps(_manifest()), content_type="application/manifest+json")


@bp.get("/brands.json")
def brands() -> Response:
    """Name the brands whose keys are published, so that an answer without a connection can name them too."""
    held = runtime().held
    named = {str(key.brand_id) for key in held.keyring}
    found = {str(brand.id): brand.name for brand in held.register.brands.values() if str(brand.id) in named}
    return jsonify(found)


def _codes() -> list[str]:
    request.max_content_length = request.max_form_memory_size = wire.BULK_BYTES
    given = request.files.get("file")
    text = check_lists.decode(given.read()) if given is not None and given.filename else request.form.get("codes", "")
    codes = check_lists.read(text)
    if not codes:
        raise BadInput("The list is empty. Paste codes, one a line, or choose a CSV file.")
    if len(codes) > check_lists.MOST:
        raise TooLarge(
            "A list holds at most {most} codes, got {number}. Check it in parts.",
            most=f"{check_lists.MOST:,}",
            number=f"{len(codes):,}",
        )
    return codes


def _script(name: str, before: str, headers: dict[str, str]) -> Response:
    body = before + assets.text(f"reseller/{name}.js")
    return _small(Response(body, mimetype="text/javascript", headers={"Cache-Control": "no-cache", **headers}))


def _small(response: Response) -> Response:
    """Compress what is the same for everybody: no secret is in it, so that its length gives nothing away."""
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"]:
        response.data = gzip.compress(response.data, 9, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
    return response


def _addresses() -> dict[str, str]:
    """Return where the scripts of the page find each other: their names hold the hash of their bytes."""
    own = {name: assets.url(f"reseller/{name}.js") for name in ("bulk", "offline", "scanner", "signature")}
    return own | {
        "noble": vendored.url("noble-ed25519"),
        "zxing": vendored.url("zxing"),
        "wasm": vendored.url("zxing-wasm"),
    }


def _kept() -> dict[str, list[str]]:
    decoder_files = ["/check/decoder.js", vendored.url("zxing"), vendored.url("zxing-wasm")]
    page_hash = hashlib.sha256(reseller_pages.start(_addresses()).encode()).hexdigest()
    return {
        "page": [page_hash[:12]],  # A browser installs the worker anew when this changes.
        "always": ["/check", "/check/app.webmanifest", *map(assets.url, KEPT)],
        "noble": [vendored.url("noble-ed25519")],
        "decoder": decoder_files,
    }


def _manifest() -> dict[str, object]:
    icon = {"src": assets.url("icon.svg"), "type": "image/svg+xml", "sizes": "any"}
    pictures = [
        {"src": assets.url(f"reseller/icon-{size}.png"), "type": "image/png", "sizes": f"{size}x{size}"}
        for size in (192, 512)
    ]
    return {
        "id": "/check",
        "name": "Code check for resellers",
        "short_name": "Code check",
        "start_url": "/check",
        "scope": "/check",
        "display": "standalone",
        "background_color": "#f5f6f8",
        "theme_color": "#12263f",
        "icons": [icon, *pictures],
    }
