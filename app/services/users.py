"""Users: the firm's people who sign in, what they may do, and that somebody left."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain.access import GRANTS, Permission, Principal, Role
from app.domain.refusals import Conflict, Forbidden, NotFound, StaleVersion, Unprocessable
from app.services.access import OwnWaiverLimit, WaiverLimitNotTheirs
from app.services.desk import Desk
from app.storage import users as rows
from app.storage.ids import new_id
from app.storage.users import KnownUser as KnownUser
from app.storage.users import UserFilter as UserFilter


class UserNotFound(NotFound):
    code = "user_not_found"


class UserChanged(StaleVersion):
    code = "user_changed"
    title = "The user has another version by now"


class PersonTaken(Conflict):
    code = "person_taken"
    title = "Another user is this person"


class EmailTaken(Conflict):
    code = "email_taken"
    title = "Another user has this address"


class PersonSpelledOtherwise(Conflict):
    code = "person_spelled_otherwise"
    title = "API keys write this person otherwise"


class OwnUser(Forbidden):
    code = "own_user"
    title = "Nobody changes their own rights"


class NothingChangesOnUser(Unprocessable):
    code = "nothing_changes_on_user"
    title = "The change changes nothing"


@dataclass(frozen=True, slots=True)
class UserDraft:
    """What is said of a user. `waiver` is what they may waive alone, in minor units of a currency."""

    name: str
    email: str | None
    role: Role
    waiver: tuple[int, str] = (0, "")
    active: bool = True


def create(connection: Connection, desk: Desk, principal: Principal, person: str, draft: UserDraft) -> KnownUser:
    """A new user; `person` never changes, because entries name them by it.

    Raises RoleForbids, PersonTaken, EmailTaken, PersonSpelledOtherwise, WaiverLimitNotTheirs or OwnWaiverLimit.
    """
    principal.require(Permission.MANAGE_USERS)
    if rows.by_person(connection, [person]):
        raise PersonTaken.at("/person", "Another user is this person; upper and lower case make no difference")
    if otherwise := rows.spellings(connection, person) - {person}:
        raise PersonSpelledOtherwise.at("/person", f"API keys write this person {sorted(otherwise)[0]!r}: do the same")
    _check(connection, draft, None)
    if draft.waiver[0] and rows.key(person) == rows.key(principal.person):
        raise OwnWaiverLimit("Somebody else sets what you may waive alone")
    stamp = desk.stamp(principal.person)
    user = KnownUser(
        id=new_id("usr"),
        version=1,
        person=person,
        name=draft.name,
        email=draft.email,
        role=draft.role.value,
        active=draft.active,
        waiver_minor=draft.waiver[0],
        waiver_currency=draft.waiver[1],
        created_by=stamp.actor,
        created_at=stamp.at,
        changed_at=stamp.at,
    )
    rows.add(connection, user)
    _note(connection, desk, user, "user.created", {"person": person, **_facts(user)}, principal)
    return user


def change(
    connection: Connection, desk: Desk, principal: Principal, user_id: str, said: dict[str, object], *, version: int
) -> KnownUser:
    """A user after a change; `said` holds the fields of `UserDraft` that are to be otherwise.

    It holds from their next request on. Raises RoleForbids, UserNotFound, UserChanged, OwnUser, EmailTaken,
    WaiverLimitNotTheirs or NothingChangesOnUser.
    """
    principal.require(Permission.MANAGE_USERS)
    user = get(connection, principal, user_id)
    if user.version != version:
        raise UserChanged(f"The user is at version {user.version}; read it again")
    if rows.key(user.person) == rows.key(principal.person) and said.keys() & {"role", "active", "waiver"}:
        raise OwnUser("Somebody else changes your role, your waiver limit, and whether you may sign in")
    now: dict[str, object] = {
        "name": user.name,
        "email": user.email,
        "role": Role(user.role),
        "waiver": (user.waiver_minor, user.waiver_currency),
        "active": user.active,
    }
    draft = UserDraft(**(now | said))  # type: ignore[arg-type]
    _check(connection, draft, user)
    after = user._replace(
        name=draft.name,
        email=draft.email,
        role=draft.role.value,
        active=draft.active,
        waiver_minor=draft.waiver[0],
        waiver_currency=draft.waiver[1],
    )
    if after == user:
        raise NothingChangesOnUser("The user is all of this already")
    after = after._replace(version=version + 1, changed_at=desk.clock())
    if not rows.swap(connection, after):
        raise UserChanged("The user was changed at this moment; read it again")
    before, facts = _facts(user), _facts(after)
    changed = {name: fact for name, fact in facts.items() if fact != before[name]}
    _note(connection, desk, after, "user.changed", changed, principal)
    return after


def get(connection: Connection, principal: Principal, user_id: str) -> KnownUser:
    """One user. Raises RoleForbids or UserNotFound."""
    principal.require(Permission.MANAGE_USERS)
    found = rows.by_id(connection, user_id)
    if found is None:
        raise UserNotFound("There is no such user")
    return found


def listed(
    connection: Connection, principal: Principal, wanted: UserFilter, *, after: str | None, limit: int
) -> list[KnownUser]:
    """Users, newest first. Raises RoleForbids."""
    principal.require(Permission.MANAGE_USERS)
    return rows.listed(connection, wanted, after=after, limit=limit)


def _check(connection: Connection, draft: UserDraft, user: KnownUser | None) -> None:
    holder = rows.by_email(connection, draft.email) if draft.email is not None else None
    if holder is not None and (user is None or holder.id != user.id):
        raise EmailTaken.at("/email", "Another user has this address")
    if draft.waiver[0] and Permission.REVIEW not in GRANTS[draft.role]:
        raise WaiverLimitNotTheirs("A user of this role waives nothing: take the waiver limit away as well")


def _facts(user: KnownUser) -> dict[str, object]:
    return {
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "active": user.active,
        "waiver_minor": user.waiver_minor,
        "waiver_currency": user.waiver_currency,
    }


def _note(
    connection: Connection, desk: Desk, user: KnownUser, action: str, facts: dict[str, object], principal: Principal
) -> None:
    journal = desk.journal()
    journal.note(user.id, user.version, action, facts, desk.stamp(principal.person))
    journal.seal(connection)
