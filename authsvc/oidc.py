"""
OpenID Connect, as far as signing in needs it: the code flow with PKCE, state and nonce (Core 1.0, RFC 7636).

The addresses come from the provider that an operator has named on the command line, so they are trusted as far as that
provider is; all the same they must be https, or lead to this very machine. Nothing here follows a redirect.
"""

import hmac
import http.client
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from authsvc.errors import BadInput, Unavailable

ALGORITHMS = ["RS256", "PS256", "ES256", "Ed25519", "EdDSA"]
"""Signatures with a public key only: a token that is signed with the client's secret proves nothing to others."""

SCOPE = "openid email profile"
_LEEWAY_S = 60
_WAIT_S = 5
_MOST_BYTES = 256 * 1024
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}

Fetch = Callable[[str, Mapping[str, str] | None], dict[str, Any]]
"""Gets a JSON object; with a form, by POST."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Where the people of a brand sign in."""

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a provider has vouched for. ``proved_at`` is when that person typed a password there, if it says so."""

    issuer: str
    subject: str
    email: str | None
    name: str
    proved_at: datetime | None


def check_issuer(issuer: str) -> str:
    """
    Return the address of a provider as it is stored.

    Raises:
        BadInput: It is neither https nor on this machine.
    """
    parts = urlsplit(issuer)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not is_safe or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise BadInput(f"An issuer is an address such as https://login.example.com, got {issuer!r}.")
    return issuer


def sign_in_url(
    provider: Provider, fetch: Fetch, *, redirect_uri: str, state: str, nonce: str, verifier: str, is_again: bool
) -> str:
    """
    Return where to send the browser; *is_again* asks the provider for a fresh proof.

    Raises:
        Unavailable: The provider does not answer as one.
    """
    again = {"prompt": "login", "max_age": "0"} if is_again else {}
    url: str = prepare_grant_uri(
        _discover(provider, fetch, "authorization_endpoint"),
        client_id=provider.client_id,
        response_type="code",
        redirect_uri=redirect_uri,
        scope=SCOPE,
        state=state,
        nonce=nonce,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
        **again,
    )
    return url


def identify(
    provider: Provider, fetch: Fetch, code: str, *, redirect_uri: str, nonce: str, verifier: str, now: datetime
) -> Identity:
    """
    Trade the code of a callback for an identity that the provider has signed for us, now, in answer to *nonce*.

    Raises:
        BadInput: Issuer, audience, signature, time or nonce of the token are not right.
        Unavailable: The provider does not answer as one.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": provider.client_id,
        "code_verifier": verifier,
    } | ({"client_secret": provider.client_secret} if provider.client_secret else {})
    answer = fetch(_discover(provider, fetch, "token_endpoint"), form)
    keys = fetch(_discover(provider, fetch, "jwks_uri"), None)
    try:
        token = jwt.decode(str(answer.get("id_token")), KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]  # a key set is a JSON object
        claims = CodeIDToken(
            token.claims,
            token.header,
            options={
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": provider.client_id},
                "sub": {"essential": True},
                "nonce": {"essential": True},
            },
            params={"nonce": nonce, "client_id": provider.client_id, "access_token": answer.get("access_token")},
        )
        claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_S)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise BadInput("What your company's sign-in has sent does not prove who you are. Begin again.") from error
    if not hmac.compare_digest(str(claims["nonce"]), nonce):
        raise BadInput("What your company's sign-in has sent does not prove who you are. Begin again.")
    return _identity(provider, claims, now)


def fetch(url: str, form: Mapping[str, str] | None = None) -> dict[str, Any]:
    """
    Get a JSON object over the network, without proxies and redirects.

    Raises:
        Unavailable: There is no answer in time, or it is none.
    """
    parts = urlsplit(check_issuer(url.partition("?")[0]))
    secure = parts.scheme == "https"
    line = (
        http.client.HTTPSConnection(parts.netloc, timeout=_WAIT_S, context=ssl.create_default_context())
        if secure
        else http.client.HTTPConnection(parts.netloc, timeout=_WAIT_S)
    )
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    target = parts.path or "/"
    try:
        line.request("GET" if form is None else "POST", target, None if form is None else urlencode(form), headers)
        answer = line.getresponse()
        body = answer.read(_MOST_BYTES)
        found = json.loads(body) if answer.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unavailable("The sign-in of your company does not answer. Try again, or use a password.") from error
    finally:
        line.close()
    if not isinstance(found, dict):
        raise Unavailable("The sign-in of your company has refused us. Try again, or use a password.")
    return found


def _discover(provider: Provider, fetch: Fetch, what: str) -> str:
    """Return an address from the provider's own description (Discovery 1.0), which must name the same issuer."""
    found = fetch(provider.issuer.rstrip("/") + "/.well-known/openid-configuration", None)
    if found.get("issuer") != provider.issuer:
        raise Unavailable("The sign-in of your company describes itself as another one.")
    try:
        return check_issuer(str(found.get(what)))
    except BadInput:
        raise Unavailable("The sign-in of your company has no safe address for this.") from None


def _identity(provider: Provider, claims: Mapping[str, Any], now: datetime) -> Identity:
    email = claims.get("email") if claims.get("email_verified") is True else None
    auth_time = claims.get("auth_time")
    proved_at = None
    if isinstance(auth_time, int) and 0 < auth_time <= now.timestamp() + _LEEWAY_S:
        proved_at = min(datetime.fromtimestamp(auth_time, UTC), now)
    return Identity(
        issuer=provider.issuer,
        subject=str(claims["sub"]),
        email=email.strip().lower() if isinstance(email, str) else None,
        name=str(claims.get("name") or email or claims["sub"])[:80],
        proved_at=proved_at,
    )
