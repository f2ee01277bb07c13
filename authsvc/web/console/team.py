"""The team of a brand: who is in it, in which role, who is invited."""

from uuid import UUID

from flask import request
from werkzeug.wrappers import Response

from authsvc import catalogue, staff, staff_mails
from authsvc.errors import AuthsvcError, BadInput
from authsvc.staff import ROLE_TEXTS, Role
from authsvc.web.console import guard, rendering
from authsvc.web.site import runtime


@guard.page("/team", role=Role.VIEWER, nav="Team")
def team() -> str:
    """Show the people of the brand; an admin who has just proved who they are may change the team here."""
    return _team()


@guard.page("/team/invitations", role=Role.ADMIN, methods=["POST"], step_up=True)
def invite() -> str | tuple[str, int]:
    """Invite somebody, and show the one-time link once."""
    me, email = guard.me(), request.form.get("email", "")
    try:
        role = _role(request.form.get("role", ""))
        with guard.session() as session:
            invited = staff.invite(
                session, catalogue.get_brand_by_id(session, me.brand_id), email, role,
                invited_by=f"{me.name} ({me.email})", now=guard.now(), new_id=runtime().new_id, random=runtime().random,
            )  # fmt: skip
            staff_mails.mail_invitation(
                session, invited, base_url=runtime().config.base_url, seal_key=runtime().mail_key,
                nonce=runtime().random(12), now=guard.now(),
            )  # fmt: skip
            me.record(session, "staff.invite", invited.email, {"role": role.value})
    except AuthsvcError as error:
        return _team(fault=str(error), email=email), error.status
    return _team(invited=invited)


@guard.page("/team/invitations/<uuid:invitation_id>/withdraw", role=Role.ADMIN, methods=["POST"], step_up=True)
def withdraw(invitation_id: UUID) -> Response:
    """Make an invitation useless."""
    with guard.session() as session:
        email = staff.withdraw(session, guard.me().brand_id, invitation_id, now=guard.now())
        guard.me().record(session, "staff.invite-withdraw", email)
    return guard.done(f"The invitation of {email} is withdrawn.", "/console/team")


@guard.page("/team/<uuid:account_id>/role", role=Role.ADMIN, methods=["POST"], step_up=True)
def change_role(account_id: UUID) -> Response:
    """Give somebody another role, from their next click on."""
    with guard.session() as session:
        staff.get_member(session, guard.me().brand_id, account_id)  # Whether there is somebody, before all else.
        role = _role(request.form.get("role", ""))
        before = staff.set_role(session, guard.me().brand_id, account_id, role)
        guard.me().record(session, "staff.role", before.email, {"from": before.role.value, "to": role.value})
    return guard.done(f"{before.name} is {role} now.", "/console/team")


@guard.page("/team/<uuid:account_id>/deactivate", role=Role.ADMIN, methods=["POST"], step_up=True)
def deactivate(account_id: UUID) -> Response:
    """Take somebody out of the team, at once."""
    with guard.session() as session:
        before = staff.deactivate(session, guard.me().brand_id, account_id, now=guard.now())
        guard.me().record(session, "staff.deactivate", before.email, {"role": before.role.value})
    return guard.done(f"{before.name} is no longer in the team.", "/console/team")


def _team(*, fault: str | None = None, email: str = "", invited: staff.Invitation | None = None) -> str:
    me = guard.me()
    with guard.session() as session:
        members = staff.list_members(session, me.brand_id)
        invitations = staff.list_invitations(session, me.brand_id, now=guard.now())
    is_admin = me.role.may(Role.ADMIN)
    return rendering.show(
        "console/team.html", title="Team", me=me, members=members, invitations=invitations, roles=ROLE_TEXTS,
        is_admin=is_admin, may_change=is_admin and guard.signed().is_proved(guard.now()), fault=fault,
        email=email[:200],
        link=None if invited is None else runtime().config.base_url + invited.path, invited=invited,
    )  # fmt: skip


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise BadInput(f"A role is one of {', '.join(Role)}.") from None
