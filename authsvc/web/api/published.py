"""``/api/openapi.json`` and ``/api/docs``: the API described, for programs and for people."""

from functools import lru_cache

from flask import Response, request

from authsvc.web import assets, pages
from authsvc.web.api import document, reference
from authsvc.web.api.door import bp
from authsvc.web.site import runtime

MAX_AGE_S = 300


@bp.get("/api/openapi.json")
def openapi() -> Response:
    """Publish the OpenAPI document."""
    response = Response(document.text(runtime().config.base_url), mimetype="application/json")
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
    response.headers["Access-Control-Allow-Origin"] = "*"  # Tools of other sites draw it.
    response.add_etag()
    response.make_conditional(request)
    return response


@bp.get("/api/docs")
def docs() -> str:
    """Show the document as a page."""
    return _page(runtime().config.base_url)


@lru_cache(maxsize=4)
def _page(base_url: str) -> str:
    found = document.document(base_url)
    return pages.template("api_docs.html").render(
        brand=None, title="The API", about=reference.about(), families=reference.families(found),
        shapes=reference.shapes(found), version=found["info"]["version"], css_of_docs=assets.url("api/docs.css"),
    )  # fmt: skip
