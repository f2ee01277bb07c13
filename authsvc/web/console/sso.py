"""Single sign-on over HTTP: to the identity provider of a brand, and back."""

from flask import redirect, request
from werkzeug.wrappers import Response

from authsvc import audit, oidc, staff_sessions, staff_sso
from authsvc.errors import BadInput
from authsvc.staff import SECRET_BYTES, spell
from authsvc.web.console import guard, rendering, sign_in
from authsvc.web.site import runtime

_CALLBACK = "/console/sso/callback"


@guard.open_to_all("/sso")
def ask() -> str | Response:
    """Ask for the short name of the brand, and go to its provider."""
    to, slug = guard.safe_next(request.args.get("next")), request.args.get("brand", "").strip().lower()
    if not slug:
        return rendering.show_plain("console/sso.html", title="Sign in with your company", next=to)
    rt, is_again = runtime(), request.args.get("again") == "1"
    nonce, verifier = spell(rt.random(SECRET_BYTES)), spell(rt.random(SECRET_BYTES))
    with guard.desk().as_auth() as session:
        _, provider = staff_sso.get_provider(session, slug, key=guard.staff_key())
        # What the callback needs is kept here under the state, for this browser alone, and used once.
        state = staff_sessions.begin_flow(
            session, "sso", guard.browser(), data={"brand": slug, "nonce": nonce, "verifier": verifier, "next": to},
            now=guard.now(), random=rt.random,
        )  # fmt: skip
    url = oidc.sign_in_url(
        provider, oidc.fetch, redirect_uri=rt.config.base_url + _CALLBACK, state=state, nonce=nonce,
        verifier=verifier, is_again=is_again,
    )  # fmt: skip
    return redirect(url, 303)


@guard.open_to_all("/sso/callback")
def callback() -> Response:
    """Take what the provider sends back, and sign its bearer in for the brand of that provider alone."""
    rt, now = runtime(), guard.now()
    with guard.desk().as_auth() as session:
        kept = staff_sessions.take_flow(session, "sso", request.args.get("state", ""), guard.browser(), now=now).data
        brand_id, provider = staff_sso.get_provider(session, str(kept["brand"]), key=guard.staff_key())
    code = request.args.get("code", "")
    if not code or request.args.get("iss", provider.issuer) != provider.issuer:
        raise BadInput("Your company's sign-in has not let you in. Begin again.")
    # Between two transactions: the provider may take its time, and holds no connection meanwhile.
    identity = oidc.identify(
        provider, oidc.fetch, code, redirect_uri=rt.config.base_url + _CALLBACK, nonce=str(kept["nonce"]),
        verifier=str(kept["verifier"]), now=now,
    )  # fmt: skip
    with guard.desk().as_auth() as session:
        known = staff_sso.recognise(session, brand_id, identity, now=now, new_id=rt.new_id)
        if known.invitation is not None:
            actor = audit.Actor("staff", known.account_id, f"{known.name} <{known.email}>")
            details = {"role": known.invitation.role.value, "invited_by": known.invitation.invited_by}
            audit.record(session, brand_id, actor, "staff.join", known.email, details, at=now)
        return sign_in.welcome_by_provider(
            session, known.account_id, brand_id, str(kept["next"]), proved_at=identity.proved_at
        )
