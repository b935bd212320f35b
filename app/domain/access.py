"""Who may do what: roles, permissions, and the principal behind a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.domain.refusals import Forbidden, Unauthenticated
from app.domain.teams import NOBODY, Oversight, whose


class Role(StrEnum):
    REP = "rep"
    SUPERVISOR = "supervisor"
    OFFICER = "officer"
    SENIOR_OFFICER = "senior_officer"
    AUDITOR = "auditor"
    ADMIN = "admin"
    INTEGRATION = "integration"


class Permission(StrEnum):
    SUBMIT = "submit"
    SUBMIT_FOR_OTHERS = "submit_for_others"
    READ_OWN = "read_own"
    READ_TEAM = "read_team"
    READ_ALL = "read_all"
    KNOW_RECIPIENTS = "know_recipients"
    KNOW_PARTICULARS = "know_particulars"
    WRITE_RECIPIENTS = "write_recipients"
    REVIEW = "review"
    READ_POLICIES = "read_policies"
    MERGE_RECIPIENTS = "merge_recipients"
    APPROVE = "approve"
    WRITE_POLICIES = "write_policies"
    READ_AUDIT = "read_audit"
    DECIDE_ESCALATED = "decide_escalated"
    HOLD_RECORDS = "hold_records"
    MANAGE_KEYS = "manage_keys"
    MANAGE_USERS = "manage_users"
    MANAGE_SUBSCRIPTIONS = "manage_subscriptions"
    MANAGE_CONNECTIONS = "manage_connections"


_P = Permission
_REP = frozenset({_P.SUBMIT, _P.READ_OWN, _P.KNOW_RECIPIENTS, _P.READ_POLICIES})
_OFFICER = _REP | {
    _P.READ_TEAM,
    _P.SUBMIT_FOR_OTHERS,
    _P.READ_ALL,
    _P.KNOW_PARTICULARS,
    _P.WRITE_RECIPIENTS,
    _P.MERGE_RECIPIENTS,
    _P.APPROVE,
    _P.REVIEW,
    _P.WRITE_POLICIES,
    _P.READ_AUDIT,
    _P.HOLD_RECORDS,
    _P.MANAGE_SUBSCRIPTIONS,
}
GRANTS: dict[Role, frozenset[Permission]] = {
    Role.REP: _REP,
    Role.SUPERVISOR: _REP | {_P.READ_TEAM, _P.APPROVE},
    Role.OFFICER: _OFFICER,
    Role.SENIOR_OFFICER: _OFFICER | {_P.DECIDE_ESCALATED},
    Role.AUDITOR: frozenset(
        {_P.READ_OWN, _P.READ_ALL, _P.KNOW_RECIPIENTS, _P.KNOW_PARTICULARS, _P.READ_POLICIES, _P.READ_AUDIT}
    ),
    Role.ADMIN: frozenset(
        {_P.READ_POLICIES, _P.MANAGE_KEYS, _P.MANAGE_USERS, _P.MANAGE_SUBSCRIPTIONS, _P.MANAGE_CONNECTIONS}
    ),
    Role.INTEGRATION: frozenset(
        {
            _P.SUBMIT,
            _P.SUBMIT_FOR_OTHERS,
            _P.READ_OWN,
            _P.KNOW_RECIPIENTS,
            _P.KNOW_PARTICULARS,
            _P.WRITE_RECIPIENTS,
            _P.READ_POLICIES,
        }
    ),
}


class BadKey(Unauthenticated):
    code = "bad_key"
    title = "No valid API key"


class RoleForbids(Forbidden):
    code = "role_forbids"
    title = "Your role does not allow this"


@dataclass(frozen=True, slots=True)
class Principal:
    """The person or system behind a request. `person` is how entries name them as giver.

    `waiver_minor` is what they may waive without a second person, in minor units of `waiver_currency`. `ceiling` is
    what the way they came in allows at most, whatever the role grants; None where it allows all of it. `oversees` are
    the teams that they supervise today.
    """

    id: str
    name: str
    role: Role
    person: str
    waiver_minor: int = 0
    waiver_currency: str = ""
    user_id: str | None = None
    ceiling: frozenset[Permission] | None = None
    oversees: Oversight = NOBODY

    @property
    def permissions(self) -> frozenset[Permission]:
        """What they may do."""
        return GRANTS[self.role] if self.ceiling is None else GRANTS[self.role] & self.ceiling

    def may(self, permission: Permission) -> bool:
        """Whether the role grants a permission, and the way they came in does not withhold it."""
        return permission in GRANTS[self.role] and (self.ceiling is None or permission in self.ceiling)

    def require(self, permission: Permission) -> None:
        """Raises RoleForbids unless they have the permission."""
        if not self.may(permission):
            raise RoleForbids(f"The role {self.role} does not allow this")

    def owns(self, *, giver: str, submitted_by: str) -> bool:
        """Whether something is their own: they gave it or submitted it."""
        return self.person in (giver, submitted_by)

    def may_read(self, *, direction: str, giver: str, submitted_by: str, occurred_on: date) -> bool:
        """Whether they may read of an event: all of them, their own, or those of their team on its days."""
        if self.may(Permission.READ_ALL):
            return True
        if not self.may(Permission.READ_OWN):
            return False
        if self.owns(giver=giver, submitted_by=submitted_by):
            return True
        return self.oversees.covers(whose(direction=direction, giver=giver, submitted_by=submitted_by), occurred_on)
