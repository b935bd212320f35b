"""The OpenAPI document of the application as it is, operation by operation, and the routes behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from fastapi.routing import iter_route_contexts

from app.main import create_app
from app.settings import Settings
from tests.api.examples import EXAMPLES

APP = create_app(Settings())
DOCUMENT: dict[str, Any] = APP.openapi()


class Operation(NamedTuple):
    """One operation of the document."""

    id: str
    method: str
    path: str
    said: dict[str, Any]

    @property
    def takes_body(self) -> bool:
        """Whether it takes a body of JSON; a file is another thing."""
        return "application/json" in self.said.get("requestBody", {}).get("content", {})

    @property
    def is_list(self) -> bool:
        """Whether its answer comes in pages."""
        return "cursor" in self.parameters("query")

    def parameters(self, place: str) -> list[str]:
        """The names of its parameters in the path, the query or the headers."""
        return [one["name"] for one in self.said.get("parameters", []) if one["in"] == place]


OPERATIONS = {
    said["operationId"]: Operation(said["operationId"], method.upper(), path, said)
    for path, methods in DOCUMENT["paths"].items()
    for method, said in methods.items()
}
KNOWN = [id for id in OPERATIONS if id in EXAMPLES]  # that nothing is missing, test_openapi.py says once for all
WITH_BODY = [id for id in KNOWN if OPERATIONS[id].takes_body]
LISTS = [id for id in KNOWN if OPERATIONS[id].is_list]


def routes(app: Any = APP) -> Iterator[tuple[str, str]]:
    """(method, path) of every route of an application, those that the document leaves out among them."""
    for one in iter_route_contexts(app.routes):
        yield from ((method, str(one.path)) for method in one.methods or ())
