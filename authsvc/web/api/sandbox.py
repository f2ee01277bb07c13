"""What people do, played for the programs of a sandbox."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from authsvc import sandbox_people
from authsvc.errors import Conflict, Forbidden, NotFound
from authsvc.registrations import Keys
from authsvc.sandbox_people import Deed, Stage
from authsvc.web.api.door import Call, Reply
from authsvc.web.api.items import find_subject
from authsvc.web.api.operations import operation
from authsvc.web.api.shapes import Given, Told, example, line


class DeedGiven(Given):
    """What an invented person does, with which item."""

    model_config = example({"sgtin": "09529000000003.0XES7CJNVN09GQYH", "deed": "register"})

    sgtin: Annotated[str, line(50)]
    deed: Annotated[
        Deed,
        Field(
            strict=False,
            description="`register` with the claim code; `register-used` with a proof, which waits for the brand where "
            "the product wants the code; `transfer` to somebody else; `dispute` what was just transferred.",
        ),
    ]


class DeedDone(Told):
    """What came of it."""

    model_config = example(
        {
            "sgtin": "09529000000003.0XES7CJNVN09GQYH", "deed": "register",
            "registration": "0197a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", "transfer": None,
        }
    )  # fmt: skip

    sgtin: str
    deed: Deed
    registration: Annotated[UUID, Field(description="The one that the item has now.")]
    transfer: UUID | None


@operation("POST", "/sandbox/deeds", scope="items:write", tells={201: DeedDone},
           refuses=(Forbidden, NotFound, Conflict))  # fmt: skip
def play_deed(call: Call, body: DeedGiven) -> Reply:
    """
    Play an owner.

    For keys of a sandbox alone: an invented person registers an item, passes it on, or disputes that, so that
    registrations, transfers, their decisions and their webhooks can be tried. Nobody is mailed.
    """
    if not call.caller.is_test:
        raise Forbidden("Only in a sandbox are people played. Send a key that begins with authsvc_test_.")
    subject = find_subject(call, body.sgtin)
    rt = call.rt
    stage = Stage(
        keys=Keys(wrapping=rt.wrapping_key, people=rt.people_key), now=call.at, new_id=rt.new_id, random=rt.random
    )
    with call.as_owners() as session:
        done = sandbox_people.play(session, subject, body.deed, stage)
    call.record("sandbox.deed", subject.sgtin, {"deed": body.deed.value})
    told = DeedDone(
        sgtin=subject.sgtin, deed=body.deed, registration=done.registration.id,
        transfer=None if done.transfer is None else done.transfer.id,
    )  # fmt: skip
    return Reply(told=told, status=201)
