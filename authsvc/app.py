"""
The composition root: settings in, an application out. The list of blueprints is the list of what is served.

Digital Links are answered in front of the framework (``web.consumer``); everything else goes through it, and leaves
with the same headers and the same shape of refusal.
"""

import os
import threading
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, Map

from authsvc import db, languages, logs
from authsvc.alert_feed import Feed
from authsvc.config import Config
from authsvc.connections import Connections
from authsvc.desk import Desk
from authsvc.errors import AuthsvcError, BadConfig
from authsvc.places import Locator, Systems
from authsvc.runtime import Runtime
from authsvc.web import (
    api,
    console,
    dealer_api,
    dealer_trade_ins,
    demo,
    epcis,
    following,
    messaging,
    own,
    permit_api,
    privacy,
    problems,
    production_lines,
    published,
    rendering,
    reporting,
    reseller,
    resolver,
    site,
    visitors,
)
from authsvc.web.consumer import DigitalLinks
from authsvc.web.front import Front
from authsvc.web.limits import Limits
from authsvc.web.wire import HSTS, SECURITY, Answer

MAX_BODY = 16 * 1024
ENGLISH = ("/console", "/static/", "/demo", "/metrics", "/livez", "/readyz")
"""What is for people of the brand, and for machines, is in English."""
BLUEPRINTS = (
    site.bp,
    reporting.bp,
    following.bp,
    privacy.bp,
    api.bp,
    dealer_api.bp,
    dealer_trade_ins.bp,
    permit_api.bp,
    epcis.bp,
    messaging.bp,
    production_lines.bp,
    reseller.bp,
    published.bp,
    resolver.bp,
    demo.bp,
    own.bp,
    console.bp,
)


def create_app(config: Config | None = None, *, runtime: Runtime | None = None) -> Flask:
    """
    Make the application of one process.

    Raises:
        BadConfig: The settings are not complete, or a page of the console does not say who may see it.
    """
    config = config or Config.from_env(os.environ)
    rt = runtime or _runtime(config)
    rt.keeper.start()
    app = Flask("authsvc", static_folder=None, template_folder="web/templates")
    rendering.equip(app)
    app.url_map.converters["int"] = _Number
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # of Flask's default provider
    app.extensions["authsvc"] = rt
    counted = app.extensions["authsvc.limits"] = Limits(config.ratelimit_url, rt.limit_key)
    app.extensions["authsvc.desk"] = Desk(_console_url(config))
    app.extensions["authsvc.feed"] = Feed(_console_url(config), most=console.alert_stream.MOST)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    console.check(app)
    app.register_error_handler(AuthsvcError, _refuse)
    app.register_error_handler(HTTPException, _refuse_http)
    app.register_error_handler(Exception, _accident)
    app.before_request(_choose_language)
    app.before_request(site.check_query)
    app.after_request(_harden)
    app.after_request(_keep_language)
    app.wsgi_app = DigitalLinks(app.wsgi_app, rt, counted)  # type: ignore[method-assign]  # Flask's own way to wrap
    return app


class _Number(IntegerConverter):
    """A number in an address; one that no column holds leads nowhere."""

    def __init__(self, map: Map, **options: Any) -> None:  # noqa: A002  the name that it has there
        super().__init__(map, **{"max": 2**31 - 1, **options})


def create_front(*, threads: int) -> Front:
    """Make the application of one process with an event loop before it, as ``authsvc serve`` runs it."""
    app = create_app()
    # Beside the first answers and not before them: it takes most of a second, and scans need none of it.
    threading.Thread(target=rendering.warm, args=(app,), name="warm", daemon=True).start()
    rt: Runtime = app.extensions["authsvc"]
    return Front(
        app.wsgi_app,
        rt,
        app.extensions["authsvc.limits"],
        threads=threads,
        on_stop=app.extensions["authsvc.feed"].close,
    )


def _runtime(config: Config) -> Runtime:
    url = config.scan_database_url or config.database_url
    if url is None:
        raise BadConfig("A web process needs AUTHSVC_DATABASE_URL. `authsvc serve` starts the database and sets it.")
    connections = Connections(url, role=db.SCAN_ROLE, wait_s=config.breaker_wait_s)
    locator = Locator(config.places_file) if config.places_file else Locator()
    systems = Systems(config.asn_database) if config.asn_database else None
    return Runtime.make(config, connections, locator.locate, find_asn=systems.find if systems else None)


def _choose_language() -> None:
    """Speak the language of whoever asks; the console has one, and a thread keeps none of an earlier request."""
    if request.path.startswith(ENGLISH):
        languages.speak(languages.Spoken(languages.get(languages.DEFAULT)))
        return
    language, is_chosen = languages.choose(
        request.query_string.decode("latin-1"), request.headers.get("Accept-Language", "")
    )
    languages.speak(languages.Spoken(language, is_chosen, _here()))


def _here() -> str:
    """Return where this page can be had in another language; an answer to a form is had at the form."""
    here = visitors.raw_target(request.environ)
    if request.method in {"GET", "HEAD"}:
        return here
    path, routes = request.path, current_app.create_url_adapter(request)
    while path != "/" and routes is not None and not routes.test(path, "GET"):
        path = path.rpartition("/")[0] or "/"
    return path


def _keep_language(response: Response) -> Response:
    """Name what the answer depends on; where the address has chosen a language, let its links lead on in it."""
    if request.path.startswith(ENGLISH):
        return response
    spoken = languages.now_spoken()
    if response.mimetype == "text/html":
        response.vary.add("Accept-Language")
        if spoken.is_chosen and not response.is_streamed and "Content-Encoding" not in response.headers:
            response.set_data(languages.carry(response.get_data(as_text=True), spoken.language.code))
    if spoken.is_chosen and response.location and response.location.startswith("/"):
        response.location = languages.carried(response.location, spoken.language.code)
    return response


def _console_url(config: Config) -> str:
    url = config.console_database_url or config.scan_database_url or config.database_url
    # Tests hand in a runtime whose connections lead nowhere; the desk then connects to nothing, when it is asked.
    return url or "postgresql://"


def _asked(rt: Runtime) -> dict[str, Any]:
    wants_page = request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
    return {
        "request_id": problems.request_id(request.environ, rt.random(8).hex()),
        "as_json": request.path.startswith("/api/") or not wants_page,
        "base_url": rt.config.base_url,
    }


def _respond(answer: Answer) -> Response:
    return Response(answer.body, answer.status, answer.headers, content_type=answer.media_type)


def _refuse(error: AuthsvcError) -> Response:
    for_people = True if request.path.startswith("/own/") else None
    return _respond(problems.of_error(error, **_asked(site.runtime()), for_people=for_people))


def _refuse_http(error: HTTPException) -> Response:
    title, detail = problems.words_of_http(error, request.path)
    response = _respond(problems.of_status(error.code or 500, title, detail, **_asked(site.runtime())))
    for name, value in error.get_headers(request.environ):
        if name in {"Allow", "Location"}:
            response.headers[name] = value
    return response


def _accident(error: Exception) -> Response:
    return _respond(problems.of_accident(error, **_asked(site.runtime())))


def _harden(response: Response) -> Response:
    for name, value in SECURITY:
        response.headers.setdefault(name, value)
    if site.runtime().config.is_secure:
        response.headers.setdefault(*HSTS)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


logs.configure()
