"""Views over HTTP: questions with a name, checked as the list itself would check them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Response
from fastapi.dependencies.utils import request_params_to_args
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError
from starlette.datastructures import QueryParams

from app.api import entries, violations
from app.api.asking import ActingAs, AskedBy, answer
from app.api.fields import In, Text, read_fact
from app.api.problems import InvalidBody, Problem, pointer
from app.api.requests import StrictRoute, query_parameters, takes_several
from app.api.versions import MeantVersion, etag
from app.domain.access import Principal
from app.domain.audit import iso
from app.domain.refusals import Fault
from app.domain.views import Noun, Query
from app.services import views
from app.services.desk import Connection
from app.services.views import View

router = APIRouter(prefix="/v1", tags=["views"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
_TEXT = {"type": "string", "minLength": 1, "maxLength": 200}


def _values(value: Any) -> list[str]:
    """The values of a parameter: a text, or several."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not 1 <= len(texts) <= 20 or not all(isinstance(one, str) for one in texts):
        raise PydanticCustomError("values_format", "write a text, or a list of 1 to 20 texts")
    return [str(read_fact(one)) for one in texts]


Values = Annotated[
    list[str],
    BeforeValidator(_values),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 20}]}),
]
QueryIn = Annotated[
    dict[str, Values],
    Field(max_length=40, description="filters and `sort`, as the list takes them", examples=[{"state": ["open"]}]),
]
_OF_A_PAGE = frozenset({"limit", "cursor", "include", "format"})
_LISTS = {Noun.VIOLATIONS: violations.router, Noun.ENTRIES: entries.router}


class ViewIn(In):
    """A question and its name."""

    name: Text
    noun: Noun
    query: QueryIn


class ViewPatch(In):
    """Another name, another question, or both; what is left out stays."""

    name: Text | None = None
    query: QueryIn | None = None


class ViewOut(BaseModel):
    """A question with a name. One that is `shipped` stays as it is; `href` asks the question."""

    id: str
    version: int
    name: str
    noun: str
    query: dict[str, list[str]]
    href: str
    shipped: bool
    created_at: datetime | None
    changed_at: datetime | None


class ViewsOut(BaseModel):
    """What ships, then one's own by name."""

    data: list[ViewOut]


_REFUSALS: dict[int | str, dict[str, Any]] = {404: {"model": Problem}, 409: {"model": Problem}}


@router.post("/views", status_code=201, response_model=ViewOut, responses={409: {"model": Problem}})
def create_view(body: ViewIn, acting: ActingAs) -> Response:
    """Save a question under a name; nobody else sees it."""

    def save(connection: Connection, principal: Principal) -> View:
        views.require(principal)
        query = _checked(body.noun, body.query)
        return views.save(connection, acting.desk, principal, name=body.name, noun=body.noun.value, query=query)

    made = acting.write(save)
    return answer(_out(made), 201, {"Location": f"/v1/views/{made.id}", **etag(made.version)})


@router.get("/views", response_model=ViewsOut)
def list_views(by: AskedBy, noun: Noun | None = None) -> Response:
    """The views that ship, then one's own by name."""
    return answer({"data": [_out(view) for view in views.listed(by.connection, by.principal, noun=noun)]})


@router.get("/views/{view_id}", response_model=ViewOut, responses={404: {"model": Problem}})
def get_view(view_id: AnyId, by: AskedBy) -> Response:
    """One view that ships, or one's own."""
    view = views.get(by.connection, by.principal, view_id)
    return answer(_out(view), headers=etag(view.version))


@router.patch("/views/{view_id}", response_model=ViewOut, responses=_REFUSALS)
def update_view(view_id: AnyId, body: ViewPatch, meant: MeantVersion, acting: ActingAs) -> Response:
    """Change a view of one's own; If-Match holds its ETag."""

    def change(connection: Connection, principal: Principal) -> View:
        noun = Noun(views.get(connection, principal, view_id).noun)
        query = None if body.query is None else _checked(noun, body.query)
        return views.change(connection, acting.desk, principal, view_id, meant, name=body.name, query=query)

    view = acting.write(change)
    return answer(_out(view), headers=etag(view.version))


@router.delete("/views/{view_id}", response_model=ViewOut, responses=_REFUSALS)
def delete_view(view_id: AnyId, meant: MeantVersion, acting: ActingAs) -> Response:
    """Take a view of one's own away; the answer is what it was. If-Match holds its ETag."""
    view = acting.write(lambda connection, principal: views.remove(connection, acting.desk, principal, view_id, meant))
    return answer(_out(view))


def _checked(noun: Noun, said: Mapping[str, list[str]]) -> Query:
    """The query, if the list would take it. Raises InvalidBody with a pointer per parameter."""
    query = {name: tuple(values) for name, values in sorted(said.items())}
    fields = {one.alias: one for one in _parameters(noun) if one.alias not in _OF_A_PAGE}
    faults = [
        Fault(pointer(("query", name)), "unknown_parameter", f"known are: {', '.join(sorted(fields))}")
        for name in query
        if name not in fields
    ]
    asked = QueryParams([(name, value) for name, values in query.items() for value in values])
    for name in query.keys() & fields.keys():
        _, errors = request_params_to_args([fields[name]], asked)
        faults += [Fault(pointer(("query", name)), error["type"], error["msg"]) for error in errors[:1]]
        if not errors and len(query[name]) > 1 and not takes_several(fields[name].field_info.annotation):
            faults.append(Fault(pointer(("query", name)), "parameter_twice", "one value is meant"))
    if faults:
        raise InvalidBody("The list does not take this query", faults[:50])
    return query


def _parameters(noun: Noun) -> list[Any]:
    routes = (one for one in _LISTS[noun].routes if isinstance(one, APIRoute))
    return list(query_parameters(next(one for one in routes if one.name == f"list_{noun}").dependant))


def _out(view: View) -> dict[str, Any]:
    query = {name: list(values) for name, values in view.query.items()}
    asked = urlencode(query, doseq=True)
    return {
        "id": view.id,
        "version": view.version,
        "name": view.name,
        "noun": view.noun,
        "query": query,
        "href": f"/v1/{view.noun}" + (f"?{asked}" if asked else ""),
        "shipped": view.owner is None,
        "created_at": iso(view.created_at) if view.created_at else None,
        "changed_at": iso(view.changed_at) if view.changed_at else None,
    }
