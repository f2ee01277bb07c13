"""
What the brand decides of registrations and disputed transfers, and the mails that tell it: all of it or none.

Each runs in the role of the owner pages, in which alone addresses open. The log is for whoever decides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from authsvc import disputes, languages, mails, owners, waiting_registrations
from authsvc.disputes import Decision
from authsvc.errors import NotFound
from authsvc.handovers import Handover
from authsvc.investigations import Subject
from authsvc.languages import later
from authsvc.owners import Person
from authsvc.ownership import Registered

LONGEST_REASON = 500
_TOLD = {
    Decision.STANDS: later("the transfer stands, and the buyer is the owner"),
    Decision.RETURNS: later("the transfer is taken back, and the seller is the owner again"),
    Decision.BLOCKS: later("the code of the item is blocked"),
}
_TAKEN = later("it counts"), later("The brand has taken your proof of purchase. It is yours now:")
_DECLINED = (
    later("not taken"),
    later("The brand has not taken your proof of purchase. Contact it, or use the claim code."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What is needed to write to people: where links lead, whose key opens addresses, and that of mails."""

    base_url: str
    people_key: bytes = field(repr=False)
    mail_key: bytes = field(repr=False)
    new_id: Callable[[], UUID]
    random: Callable[[int], bytes]

    def send(
        self, session: Session, person: Person, template: str, values: Mapping[str, str], *, now: datetime
    ) -> None:
        """Queue a mail to an owner, in their language."""
        draft = mails.Draft(
            id=self.new_id(), brand_id=person.brand_id, template=template, to=person.email, values=dict(values),
            language=person.language,
        )  # fmt: skip
        mails.enqueue(session, draft, seal_key=self.mail_key, nonce=self.random(12), now=now)


def decide_dispute(
    session: Session, subject: Subject, transfer_id: UUID, decision: Decision, *, reason: str, by: str, post: Post,
    now: datetime,
) -> Handover:  # fmt: skip
    """Decide a disputed transfer and tell both sides; raises as ``disputes.decide`` does."""
    done = disputes.decide(
        session, subject, transfer_id, decision, reason=reason, by=by, now=now, new_id=post.new_id
    )  # fmt: skip
    for party in disputes.parties(session, done, key=post.people_key):
        if (person := party.person) is not None:
            values = {
                "product": name_of(subject), "serial": done.sgtin.partition(".")[2],
                "decision": languages.get(person.language).gettext(_TOLD[decision]),
                "link": f"{post.base_url}/own/transfers/{done.id}",
            }  # fmt: skip
            post.send(session, person, "owner-decided", values, now=now)
    return done


def decide_registration(
    session: Session, subject: Subject, registration_id: UUID, *, is_taken: bool, post: Post, now: datetime
) -> Registered:
    """Take the proof of purchase behind a registration or not, and tell; raises as ``waiting_registrations`` does."""
    done = waiting_registrations.decide(session, subject, registration_id, is_taken=is_taken, now=now)
    try:
        person = owners.get(session, done.owner_id, key=post.people_key)
    except NotFound:
        return done
    language = languages.get(person.language)
    title, answer = (language.gettext(text) for text in (_TAKEN if is_taken else _DECLINED))
    values = {"product": name_of(subject), "title": title, "answer": answer, "link": f"{post.base_url}/own"}
    post.send(session, person, "owner-proof-decided", values, now=now)
    return done


def name_of(subject: Subject) -> str:
    """Return what a mail calls an item."""
    return "an item" if subject.product is None else subject.product.name
