"""Programs of a brand that call beside the operations of the API: whose they are, by the same keys and permissions."""

from uuid import UUID

from authsvc.api_keys import Caller
from authsvc.audit import Actor, record
from authsvc.web.api import door

__all__ = ["get_caller", "get_key", "record"]


def get_caller(scope: str) -> tuple[UUID, Actor]:
    """
    Return the brand whose program asks with a key that has *scope*, and how the log names it.

    Raises:
        ApiKeyNeeded: No key came, or one that opens nothing.
        TooManyRequests: The key, or a network that tries keys, asks too much.
        ScopeNeeded: The key may not do it.
        Unavailable: The database does not answer.
    """
    found = get_key(scope)
    return found.brand_id, found.actor


def get_key(scope: str) -> Caller:
    """Return the key with all that it may do; raises as ``get_caller`` does."""
    return door.enter(scope)
