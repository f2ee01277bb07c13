"""What tests of events and deliveries share: endpoints on the loopback, and jobs that run when a test says so."""

import base64
import hashlib
import hmac
import ipaddress
import json
from uuid import UUID, uuid4

from sqlalchemy import text

from authsvc import deliveries, webhook_history, webhooks
from authsvc.core import webhooks as standard
from authsvc.core.verdicts import Disposition

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


def add(courier, brand, receiver, **values):
    with courier.sessions.begin() as session:
        return webhooks.add_endpoint(
            session,
            brand.id,
            uuid4(),
            **{
                "url": f"http://127.0.0.1:{receiver.port}/in",
                "allow": LOOPBACK,
                "wrapping_key": courier.wrapping_key,
                "random": courier.random,
                "now": courier.now(),
                **values,
            },
        )


TAKE = """
DELETE FROM procrastinate_jobs WHERE id = (
  SELECT id FROM procrastinate_jobs WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= :now)
  ORDER BY priority DESC, id LIMIT 1)
RETURNING task_name, args"""


def run(courier, at_most=50):
    """Run every job that is due, as a worker does, and return the names of their tasks."""
    ran = []
    for _ in range(at_most):
        with courier.sessions.begin() as session:
            row = session.execute(
                text(TAKE),
                {"now": courier.now()},
            ).one_or_none()
        if row is None:
            return ran
        ran.append(row.task_name)
        task = getattr(deliveries, row.task_name)
        task(courier, *(UUID(value) if isinstance(value, str) else value for value in row.args.values()))
    raise AssertionError("the queue does not end")


def bodies(receiver):
    return [json.loads(content) for _, _, content in receiver.requests]


def delivery(courier, brand):
    with courier.sessions() as session:
        [found] = webhook_history.list_deliveries(session, brand.id).deliveries
        return webhook_history.get_delivery(session, brand.id, found.id)


def is_signed(secret_text, headers, content):
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + content
    right = base64.b64encode(hmac.new(standard.parse_secret(secret_text), signed, hashlib.sha256).digest()).decode()
    return f"v1,{right}" in headers["webhook-signature"].split(" ")


def act_on_an_item(scene):
    """Set the condition of an item: the shortest way to an event."""
    link = scene.codes.link()
    scene.set_disposition(link, Disposition.STOLEN)
    return link
