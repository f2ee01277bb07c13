"""Programs of a brand that call beside the operations of the API: whose they are, by the same keys and permissions."""

from uuid import UUID

from authsvc.audit import Actor, record
from authsvc.web.api import door

__all__ = ["get_caller", "record"]


def get_caller(scope: str) -> tuple[UUID, Actor]:
    """
    Return the brand whose program asks with a key that has *scope*, and how the log names it.

    Raises:
        ApiKeyNeeded: No key came, or one that opens nothing.
        TooManyRequests: The key, or a network that tries keys, asks too much.
        ScopeNeeded: The key may not do it.
        Unavailable: The database does not answer.
    """
    found = door.enter(scope)
    return found.brand_id, found.actor
