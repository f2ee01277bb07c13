"""Webhooks: where a brand is told of events, and the secrets that sign what is sent there."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from authsvc import webhooks
from authsvc.core.webhooks import EVENT_TYPES
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.web.api.door import Call, Reply
from authsvc.web.api.operations import Param, operation
from authsvc.web.api.shapes import Given, Moment, Told, example, line
from authsvc.webhooks import EndpointInfo

ENDPOINT = Param(
    name="endpoint_id",
    text="The endpoint, as a list names it.",
    pattern="[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    example="5d1f7c62-0a3e-4a57-8a2d-7f1b6c9e0d35",
    format="uuid",
    read=UUID,
)
_EXAMPLE = {
    "id": "5d1f7c62-0a3e-4a57-8a2d-7f1b6c9e0d35", "url": "https://hooks.example.com/authsvc",
    "description": "Ticket system", "types": ["alert.opened", "recall.created"], "created_at": "2026-05-01T12:00:00Z",
    "failing_since": None, "disabled_at": None, "disabled_reason": None,
}  # fmt: skip


class EndpointTold(Told):
    """A place that is told of events."""

    model_config = example(_EXAMPLE)

    id: UUID
    url: str
    description: str
    types: Annotated[list[str], Field(description="Which events; an empty list is every event.")]
    created_at: Moment
    failing_since: Moment | None
    disabled_at: Moment | None
    disabled_reason: str | None


class EndpointsTold(Told):
    """Every endpoint of the brand, the oldest first."""

    model_config = example({"webhooks": [_EXAMPLE]})

    webhooks: list[EndpointTold]


class NewSecretTold(EndpointTold):
    """An endpoint with a new secret, which is told now and never again."""

    model_config = example({**_EXAMPLE, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})

    secret: Annotated[str, Field(description="Standard Webhooks 1.0: check `webhook-signature` with it.")]


class EndpointGiven(Given):
    """A place to tell of events."""

    model_config = example(
        {"url": "https://hooks.example.com/authsvc", "description": "Ticket system", "types": ["alert.opened"]}
    )

    url: Annotated[str, line(2_000), Field(description="A public https address on port 443 or 8443.")]
    description: Annotated[str, line(200, 0)] = ""
    types: Annotated[
        tuple[Annotated[str, line(60)], ...],
        Field(max_length=40, description=f"Every event where it is empty. There are {', '.join(EVENT_TYPES)}."),
    ] = ()


@operation("GET", "/webhooks", scope="webhooks:read", tells={200: EndpointsTold})
def list_webhooks(call: Call) -> Reply:
    """List webhooks."""
    found = webhooks.list_endpoints(call.session, call.caller.brand_id, now=call.at)
    return Reply(told=EndpointsTold(webhooks=[_told(one) for one in found]))


@operation("POST", "/webhooks", scope="webhooks:write", tells={201: NewSecretTold}, refuses=(BadInput, Conflict))
def add_webhook(call: Call, body: EndpointGiven) -> Reply:
    """
    Add a webhook.

    The answer has its secret, this once.
    """
    made = webhooks.add_endpoint(
        call.session, call.caller.brand_id, call.rt.new_id(), url=body.url, description=body.description,
        types=body.types, allow=call.rt.config.webhook_allow, wrapping_key=call.rt.wrapping_key,
        random=call.rt.random, now=call.at,
    )  # fmt: skip
    info = made.endpoint
    call.record("webhook.add", str(info.id), {"url": info.url, "types": list(info.types)})
    told = NewSecretTold(**_told(info).model_dump(), secret=made.text)
    return Reply(told=told, status=201, headers={"Location": f"/api/v1/webhooks/{info.id}"})


@operation("GET", "/webhooks/{endpoint_id}", scope="webhooks:read", params=(ENDPOINT,), tells={200: EndpointTold},
           refuses=(NotFound,))  # fmt: skip
def get_webhook(call: Call, endpoint_id: UUID) -> Reply:
    """Show a webhook."""
    found = webhooks.get_endpoint(call.session, call.caller.brand_id, endpoint_id, now=call.at)
    return Reply(told=_told(found))


@operation("DELETE", "/webhooks/{endpoint_id}", scope="webhooks:write", params=(ENDPOINT,), tells={204: None},
           refuses=(NotFound,))  # fmt: skip
def remove_webhook(call: Call, endpoint_id: UUID) -> Reply:
    """
    Remove a webhook.

    Its secrets end, and what waits for it goes to the dead list.
    """
    info = webhooks.remove_endpoint(call.session, call.caller.brand_id, endpoint_id, now=call.at)
    call.record("webhook.remove", str(endpoint_id), {"url": info.url})
    return Reply(status=204)


@operation("POST", "/webhooks/{endpoint_id}/secret", scope="webhooks:write", params=(ENDPOINT,),
           tells={200: NewSecretTold}, refuses=(NotFound,))  # fmt: skip
def rotate_webhook_secret(call: Call, endpoint_id: UUID) -> Reply:
    """
    Give a webhook a new secret.

    The one before signs beside it for a day.
    """
    made = webhooks.rotate_secret(
        call.session, call.caller.brand_id, endpoint_id, wrapping_key=call.rt.wrapping_key, random=call.rt.random,
        now=call.at,
    )  # fmt: skip
    call.record("webhook.rotate", str(endpoint_id))
    return Reply(told=NewSecretTold(**_told(made.endpoint).model_dump(), secret=made.text))


@operation("POST", "/webhooks/{endpoint_id}/test", scope="webhooks:write", params=(ENDPOINT,), tells={204: None},
           refuses=(NotFound, Conflict))  # fmt: skip
def test_webhook(call: Call, endpoint_id: UUID) -> Reply:
    """Send a test event to a webhook."""
    webhooks.send_test(call.session, call.caller.brand_id, endpoint_id, call.rt.new_id(), now=call.at)
    call.record("webhook.test", str(endpoint_id))
    return Reply(status=204)


# --- Private ---------------------------------------------------------------------------------------------------------


def _told(info: EndpointInfo) -> EndpointTold:
    return EndpointTold(
        id=info.id,
        url=info.url,
        description=info.description,
        types=list(info.types),
        created_at=info.created_at,
        failing_since=info.failing_since,
        disabled_at=info.disabled_at,
        disabled_reason=info.disabled_reason,
    )
