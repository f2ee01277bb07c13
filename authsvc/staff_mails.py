"""Mails to the people of a brand: the invitation, with the link that works once."""

from datetime import datetime

from sqlalchemy.orm import Session

from authsvc import mails
from authsvc.staff import ROLE_TEXTS, Invitation

TEMPLATE = "staff-invitation"


def mail_invitation(
    session: Session, invited: Invitation, *, base_url: str, seal_key: bytes, nonce: bytes, now: datetime
) -> None:
    """
    Queue the mail of an invitation that was just made; a brand's folder of mails or its relay takes it.

    Raises:
        BadInput: The address is one that mail servers do not take.
    """
    values = {
        "invited_by": invited.invited_by,
        "role": invited.role.value,
        "role_text": ROLE_TEXTS[invited.role],
        "until": f"{invited.expires_at:%Y-%m-%d %H:%M} UTC",
        "link": base_url + invited.path,
    }
    draft = mails.Draft(id=invited.id, brand_id=invited.brand_id, template=TEMPLATE, to=invited.email, values=values)
    mails.enqueue(session, draft, seal_key=seal_key, nonce=nonce, now=now)
