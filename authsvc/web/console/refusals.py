"""Refusals inside the console: a page of the console for people, the usual problem document for programs."""

from flask import Response, g, request

from authsvc.errors import AuthsvcError, ProofNeeded
from authsvc.web import problems
from authsvc.web.console import guard, rendering
from authsvc.web.site import runtime


@guard.bp.errorhandler(AuthsvcError)
def refuse(error: AuthsvcError) -> Response:
    """Show a refusal, and the way on where there is one."""
    wants_page = "text/html" in request.headers.get("Accept", "")
    number = problems.request_id(request.environ, runtime().random(8).hex())
    if not wants_page or "browser" not in g:
        answer = problems.of_error(error, request_id=number, as_json=not wants_page, base_url=runtime().config.base_url)
        return Response(answer.body, answer.status, answer.headers, content_type=answer.media_type)
    page = rendering.show_plain(
        "console/problem.html", title=error.title, detail=str(error), status=error.status, request_id=number,
        to_confirm=f"{guard.PREFIX}/confirm?{guard.remember()}" if isinstance(error, ProofNeeded) else None,
    )  # fmt: skip
    headers = {"X-Request-Id": number}
    if error.status in problems.RETRY_AFTER_S:
        headers["Retry-After"] = str(problems.RETRY_AFTER_S[error.status])
    return Response(page, error.status, headers, mimetype="text/html")
