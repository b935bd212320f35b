"""Teams over HTTP: who works with whom and who supervises them, from day to day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from app.api.asking import ActingAs, AskedBy, answer
from app.api.fields import Cursor, Day, In, Limit, Name, Text
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.api.versions import MeantVersion, etag
from app.domain.audit import iso
from app.domain.teams import Part
from app.services import teams
from app.services.teams import KnownMembership, KnownTeam

router = APIRouter(prefix="/v1", tags=["access"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


class TeamIn(In):
    """A new team. A supervisor of its parent supervises it, too; the parent never changes."""

    name: Name
    parent_id: Text | None = None


class TeamChangeIn(In):
    """Another name."""

    name: Name


class TeamOut(BaseModel):
    """A team."""

    id: str
    version: int
    name: str
    parent_id: str | None
    created_by: str
    created_at: datetime


class MembershipIn(In):
    """Somebody is a member or a supervisor of the team, from a day to a day, both included, or until further notice."""

    person: Text
    part: Part = Part.MEMBER
    from_on: Day
    to_on: Day | None = None


class MembershipChangeIn(In):
    """Another last day; null is until further notice."""

    to_on: Day | None


class MembershipOut(BaseModel):
    """Somebody's days in a team."""

    id: str
    version: int
    team_id: str
    person: str
    part: Part
    from_on: date
    to_on: date | None
    created_by: str
    created_at: datetime


@router.post("/teams", status_code=201, response_model=TeamOut, responses={409: {"model": Problem}})
def create_team(body: TeamIn, acting: ActingAs) -> Response:
    """Add a team, at the top or beneath another."""
    name = " ".join(body.name.split())
    team = acting.write(
        lambda connection, principal: teams.create(connection, acting.desk, principal, name, body.parent_id)
    )
    return answer(_team(team), 201, {"Location": f"/v1/teams/{team.id}", **etag(team.version)})


@router.get("/teams", response_model=ListOut[TeamOut])
def list_teams(by: AskedBy, limit: Limit = 50, cursor: Cursor | None = None) -> Response:
    """Teams, newest first; a supervisor is told of their own and of those beneath."""
    question = fingerprint("teams", by.principal.id)
    after = read_cursor(cursor, question, str)
    found = teams.listed(by.connection, by.principal, after=after[0] if after else None, limit=limit + 1)
    shown, where = page(found, limit, question, lambda team: (team.id,))
    return answer({"data": [_team(team) for team in shown], "page": where})


@router.get("/teams/{team_id}", response_model=TeamOut, responses={404: {"model": Problem}})
def get_team(team_id: AnyId, by: AskedBy) -> Response:
    """One team with its parent."""
    team = teams.get(by.connection, by.principal, team_id)
    return answer(_team(team), headers=etag(team.version))


@router.patch("/teams/{team_id}", response_model=TeamOut, responses={409: {"model": Problem}, 412: {"model": Problem}})
def change_team(team_id: AnyId, body: TeamChangeIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Rename a team."""
    name = " ".join(body.name.split())
    team = acting.write(
        lambda connection, principal: teams.rename(connection, acting.desk, principal, team_id, name, version=version)
    )
    return answer(_team(team), headers=etag(team.version))


@router.post(
    "/teams/{team_id}/memberships", status_code=201, response_model=MembershipOut, responses={409: {"model": Problem}}
)
def create_membership(team_id: AnyId, body: MembershipIn, acting: ActingAs) -> Response:
    """Put somebody into a team for some days: what they gave on those days is what the team's supervisors read."""
    made = acting.write(
        lambda connection, principal: teams.join(
            connection,
            acting.desk,
            principal,
            team_id,
            person=body.person,
            part=body.part,
            from_on=body.from_on,
            to_on=body.to_on,
        )
    )
    return answer(_membership(made), 201, etag(made.version))


@router.get("/teams/{team_id}/memberships", response_model=ListOut[MembershipOut])
def list_memberships(
    team_id: AnyId, by: AskedBy, on: Day | None = None, limit: Limit = 50, cursor: Cursor | None = None
) -> Response:
    """Who is or was in a team, newest first; those of a day, if asked."""
    question = fingerprint("memberships", team_id, on)
    after = read_cursor(cursor, question, str)
    found = teams.memberships(
        by.connection, by.principal, team_id, on, after=after[0] if after else None, limit=limit + 1
    )
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": [_membership(one) for one in shown], "page": where})


@router.patch(
    "/memberships/{membership_id}",
    response_model=MembershipOut,
    responses={409: {"model": Problem}, 412: {"model": Problem}},
)
def change_membership(
    membership_id: AnyId, body: MembershipChangeIn, version: MeantVersion, acting: ActingAs
) -> Response:
    """Say until when somebody is in the team."""
    known = acting.write(
        lambda connection, principal: teams.end(
            connection, acting.desk, principal, membership_id, body.to_on, version=version
        )
    )
    return answer(_membership(known), headers=etag(known.version))


def _team(team: KnownTeam) -> dict[str, Any]:
    return team._asdict() | {"created_at": iso(team.created_at)}


def _membership(one: KnownMembership) -> dict[str, Any]:
    return {
        "id": one.id,
        "version": one.version,
        "team_id": one.team_id,
        "person": one.person,
        "part": one.part,
        "from_on": one.from_on.isoformat(),
        "to_on": one.to_on.isoformat() if one.to_on else None,
        "created_by": one.created_by,
        "created_at": iso(one.created_at),
    }
