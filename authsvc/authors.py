"""
Authors: who may say that something was wrong which somebody has written down, be it a record or an event of a partner.

What was written stays. A further record corrects it, or an error declaration does, and that is for whoever wrote it and
for the brand: no partner takes back what another has said.
"""

from uuid import UUID

from authsvc.audit import Actor


def may_correct(author: UUID | None, by: Actor, *, is_brand: bool) -> bool:
    """
    Say whether somebody may correct what *author* wrote; *is_brand* says that they speak for the brand itself.

    Of what has no author that is known, as from a database of before, the brand alone says that it was wrong.
    """
    # By the id, which stays when a key gets a new secret; names are given anew, and two may be alike.
    return is_brand or (by.id is not None and author == by.id)
