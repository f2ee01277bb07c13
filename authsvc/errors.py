"""
Every refusal of the service, in one place.

A *family* carries the HTTP status, a *leaf* carries the stable code and the title of its problem document (RFC 9457).
``str(error)`` is shown to people: it says what was expected, what came and what to do, and holds no SQL, key or
personal data. A verdict is never an exception: forged, copied and recalled are answers, not refusals.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class AuthsvcError(Exception):
    """
    Something that we cannot or will not serve.

    A *sentence* with ``{names}`` gets its *values* apart, so that it can be said in other languages too.
    """

    status = 500
    code = "internal"
    title = "Internal error"
    headers: Sequence[tuple[str, str]] = ()

    @property
    def members(self) -> Mapping[str, Any]:
        """What a program is told beside the members that every problem document has."""
        return {}

    def __init__(self, sentence: str = "", /, **values: object) -> None:
        super().__init__(sentence.format(**values) if values else sentence)
        self.sentence = sentence
        self.values = values


class BadRequest(AuthsvcError):
    """The request cannot be understood."""

    status = 400
    code = "bad-request"
    title = "The request is not understood"


class BadDigitalLink(BadRequest):
    """The text is not a GS1 Digital Link URI that this service can read."""

    code = "bad-digital-link"
    title = "Not a GS1 Digital Link"


class BadInput(BadRequest):
    """A field of the request or a row of a file is wrong."""

    code = "bad-input"
    title = "A value is not accepted"


class BadFields(BadInput):
    """Fields of a request are wrong; each is named with what was expected."""

    code = "bad-fields"
    title = "Fields are not accepted"

    def __init__(self, sentence: str, faults: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(sentence)
        self.faults = faults

    @property
    def members(self) -> Mapping[str, Any]:
        """The faults: where each is, and what was expected there."""
        return {"errors": list(self.faults)}


class IdempotencyKeyNeeded(BadRequest):
    """A request that changes something came without the key by which it can be told from its repetition."""

    code = "idempotency-key-needed"
    title = "An idempotency key is needed"


class BadSeal(BadRequest):
    """An evidence file and its seal do not belong together, or the key behind the seal is not good."""

    code = "bad-seal"
    title = "The seal does not hold"


class WrongClaimCode(BadRequest):
    """The claim code is not the one of this item, or is missing where the product asks for it."""

    code = "wrong-claim-code"
    title = "The claim code does not match"


class WrongTransferCode(BadRequest):
    """The transfer code is that of no offer."""

    code = "wrong-transfer-code"
    title = "Transfer code does not match"


class Forbidden(AuthsvcError):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"
    title = "Not allowed"


class SignInNeeded(AuthsvcError):
    """Nobody is signed in, or the session has ended."""

    status = 401
    code = "sign-in-needed"
    title = "Sign in first"


class ApiKeyNeeded(AuthsvcError):
    """No API key came, or one that opens nothing."""

    status = 401
    code = "api-key-needed"
    title = "An API key is needed"
    headers = (("WWW-Authenticate", 'Bearer realm="authsvc"'),)


class ScopeNeeded(Forbidden):
    """The API key is good and lacks a permission."""

    code = "scope-needed"
    title = "The API key may not do this"


class ProofNeeded(Forbidden):
    """The person is signed in and has to prove once more that it is them."""

    code = "proof-needed"
    title = "Confirm that it is you"


class ForeignForm(Forbidden):
    """A form was sent by another site, or stood open for too long."""

    code = "foreign-form"
    title = "This form cannot be accepted"


class NotFound(AuthsvcError):
    """The thing asked for does not exist, or not for this caller."""

    status = 404
    code = "not-found"
    title = "Not found"


class UnknownCode(NotFound):
    """No such code was issued, so there is nothing to tell of it."""

    code = "unknown-code"
    title = "No such code"


class Conflict(AuthsvcError):
    """The thing exists but is not in a state that allows this."""

    status = 409
    code = "conflict"
    title = "Conflicting state"


class AlreadyRegistered(Conflict):
    """Somebody holds the registration of this item."""

    code = "already-registered"
    title = "This item is registered already"


class TransferOver(Conflict):
    """Nothing can come of this transfer any more."""

    code = "transfer-over"
    title = "This offer is over"


class ProofOver(Conflict):
    """A seller's proof shows nothing: it is none, or its time is over, or the item has passed on."""

    code = "proof-over"
    title = "This is not a proof, or no longer"


class PermitOver(Forbidden):
    """A permit that allows nothing, or nothing any more."""

    code = "permit-over"
    title = "This permit does not allow it"


class LinkSpent(Conflict):
    """A link from a mail was used, or is too old."""

    code = "link-spent"
    title = "This link does not work any more"


class KeyNotUsable(Conflict):
    """A key that is not active was asked to sign."""

    code = "key-not-usable"
    title = "The key does not sign"


class ChangedMeanwhile(AuthsvcError):
    """What was to be changed is no longer what the caller has seen."""

    status = 412
    code = "changed-meanwhile"
    title = "Changed meanwhile"


class VersionNeeded(AuthsvcError):
    """A change of what others may change too came without the version that the caller has seen."""

    status = 428
    code = "version-needed"
    title = "Say which version you change"


class IdempotencyKeyReused(AuthsvcError):
    """An idempotency key came again with another request."""

    status = 422
    code = "idempotency-key-reused"
    title = "The idempotency key was used for another request"


class AnsweredBefore(Conflict):
    """A request came again that was done, and its answer was too long to be kept."""

    code = "answered-before"
    title = "It was done before"


class WrongMediaType(AuthsvcError):
    """The body is of a type that is not read here."""

    status = 415
    code = "wrong-media-type"
    title = "The body must be JSON"


class TooLarge(AuthsvcError):
    """The body or a count in it is over the limit."""

    status = 413
    code = "too-large"
    title = "Too large"


class TooManyRequests(AuthsvcError):
    """The hard limit on requests of one network is reached."""

    status = 429
    code = "too-many-requests"
    title = "Too many requests"


class Unavailable(AuthsvcError):
    """A part that this needs does not answer; nothing was changed."""

    status = 503
    code = "unavailable"
    title = "Not available now"


class BadConfig(AuthsvcError):
    """The settings are incomplete or wrong; every fault is listed."""

    code = "bad-config"
    title = "The settings are not complete"


class BadKey(AuthsvcError):
    """A key is malformed, weak, or kept in a place that others can read."""

    code = "bad-key"
    title = "The key is not accepted"


class BadToken(AuthsvcError):
    """
    A token does not prove that the brand issued this link.

    Turned into the verdict ``forged``, never into an HTTP error. ``detail`` is one of
    ``encoding``, ``length``, ``format``, ``unknown-key``, ``signature``, for the log and the analyst.
    """

    code = "bad-token"
    title = "The token proves nothing"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
