"""
The console of a brand's people. Nothing is served that does not say who may see it.

A page is a function in a module of this package, imported at the end of this file::

    @page("/items/<sgtin>/block", role=Role.OPERATOR, methods=["POST"], step_up=True)
    def block(sgtin: str) -> Response:
        me = guard.me()                                  # who: me.account_id, me.name, me.role, me.brand_id, me.brand
        with guard.session() as session:                 # the rows of me.brand alone; commits at the end of the block
            items.block(session, me.brand_id, sgtin, reason=request.form["reason"], now=guard.now())
            me.record(session, "item.block", sgtin, {"reason": request.form["reason"]})  # in the same transaction
        return guard.done(f"Item {sgtin} is blocked.", "/console/items")                 # 303, and a notice there

* ``role`` has no default; ``nav="Items"`` puts the page behind that entry of the side bar. ``step_up`` asks for a proof
  that is younger than five minutes: a GET leads there and back, a POST is refused with 403, so declare it on the page
  that shows the form too.
* Show a page with ``rendering.show("console/items.html", title="Items", ...)``. Its template extends
  ``console/base.html``; every POST form holds ``{{ form_token }}``, a script sends it as ``X-Form-Token``.
* What is unknown and what another brand owns both raise NotFound. ``tests/web/console/test_doors.py`` walks every route
  with every role; a new kind of ``<argument>`` needs an object of Halden in its ``OBJECTS``.
"""

from authsvc.web.console import (
    account,
    advisor,
    alert_acts,
    alert_bulk,
    alert_mail_settings,
    alert_page,
    alert_queue,
    alert_stream,
    api_keys,
    audit_log,
    brand_choice,
    case_contents,
    case_papers,
    cases,
    dealers,
    devices,
    disputes,
    exports,
    home,
    item_data,
    item_page,
    label_pages,
    lines,
    links,
    owner_desk,
    passkey_pages,
    products,
    recall_texts,
    recalls,
    refusals,
    reports,
    rules,
    run_page,
    runs,
    sandbox,
    search,
    serial_import,
    service_notes,
    sign_in,
    sso,
    team,
    webhook_deliveries,
    webhooks,
)
from authsvc.web.console.guard import bp, check

__all__ = [
    "account",
    "advisor",
    "alert_acts",
    "alert_bulk",
    "alert_mail_settings",
    "alert_page",
    "alert_queue",
    "alert_stream",
    "api_keys",
    "audit_log",
    "bp",
    "brand_choice",
    "case_contents",
    "case_papers",
    "cases",
    "check",
    "dealers",
    "devices",
    "disputes",
    "exports",
    "home",
    "item_data",
    "item_page",
    "label_pages",
    "lines",
    "links",
    "owner_desk",
    "passkey_pages",
    "products",
    "recall_texts",
    "recalls",
    "refusals",
    "reports",
    "rules",
    "run_page",
    "runs",
    "sandbox",
    "search",
    "serial_import",
    "service_notes",
    "sign_in",
    "sso",
    "team",
    "webhook_deliveries",
    "webhooks",
]
