"""The OpenAPI document: whole, said in words, and true of every answer that a tour of the service is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, TypeAdapter

from tests.api.document import APP, DOCUMENT, OPERATIONS, Operation
from tests.api.examples import EXAMPLES, able
from tests.api.hostile import places, pointer
from tests.api.judging import leads
from tests.api.wire import NOTHING, PROBLEM, Ask, Reply
from tests.api.world import World

SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
KEYWORDS = {
    "$ref", "additionalProperties", "anyOf", "const", "default", "description", "discriminator", "enum", "examples",
    "exclusiveMaximum", "exclusiveMinimum", "format", "items", "maxItems", "maxLength", "maximum", "minItems",
    "minLength", "minProperties", "maxProperties", "minimum", "oneOf", "allOf", "pattern", "patternProperties",
    "properties", "propertyNames", "required", "title", "type", "uniqueItems", "prefixItems",
}  # fmt: skip
TYPES = {"array", "boolean", "integer", "null", "object", "string"}
MODELS = {one.name: one.response_model for one in iter_route_contexts(APP.routes) if hasattr(one, "response_model")}


def schemas(value: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside a schema, with where it stands."""
    yield at, value
    for key in ("items", "additionalProperties", "propertyNames"):
        if isinstance(value.get(key), dict):
            yield from schemas(value[key], f"{at}/{key}")
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for place, one in enumerate(value.get(key, [])):
            yield from schemas(one, f"{at}/{key}/{place}")
    for name, one in value.get("properties", {}).items():
        yield from schemas(one, f"{at}/properties/{name}")


def all_schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, schema in SCHEMAS.items():
        yield from schemas(schema, name)
    for operation in OPERATIONS.values():
        for one in operation.said.get("parameters", []):
            yield from schemas(one["schema"], f"{operation.id} {one['name']}")
        for status, one in [*operation.said["responses"].items(), ("body", operation.said.get("requestBody", {}))]:
            for content in one.get("content", {}).values():
                yield from schemas(content["schema"], f"{operation.id} {status}")


# The document by itself


def test_every_operation_has_an_example():
    """Without one, the matrix, the hostile values and the tour do not reach it."""
    assert set(EXAMPLES) == set(OPERATIONS)


def test_the_document_is_of_the_version_it_says_and_names_itself():
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert DOCUMENT["info"]["title"] == "Propriety"
    assert {"version", "description"} <= DOCUMENT["info"].keys()
    assert {"openapi", "info", "paths", "components"} <= DOCUMENT.keys()


def test_every_reference_leads_somewhere_and_everything_is_referred_to():
    references = [value for path, value in places(DOCUMENT) if path and path[-1] == "$ref"]
    assert [one for one in references if not leads(DOCUMENT, one.removeprefix("#"))] == []
    assert set(SCHEMAS) == {one.rpartition("/")[2] for one in references}


def test_every_schema_is_one():
    strange = [
        (at, set(one) - KEYWORDS, one.get("type"))
        for at, one in all_schemas()
        if set(one) - KEYWORDS or not {one.get("type", "object")} <= TYPES
    ]
    assert strange == []
    for at, one in all_schemas():
        assert set(one.get("required", ())) <= one.get("properties", {}).keys(), at


def test_no_amount_is_a_number():
    """Nothing in the document is a number with a fraction."""
    assert [at for at, one in all_schemas() if one.get("type") == "number"] == []


def test_what_comes_in_takes_nothing_that_is_not_declared():
    open_ones = [
        at
        for operation in OPERATIONS.values()
        if operation.takes_body
        for at, one in schemas(resolved(body_schema(operation)))
        if one.get("type") == "object" and "properties" in one and one.get("additionalProperties") is not False
    ]
    assert open_ones == []


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with everything that it refers to in its place."""
    if "$ref" in schema:
        return resolved(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    changed = dict(schema)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            changed[key] = resolved(schema[key])
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            changed[key] = [resolved(one) for one in schema[key]]
    if "properties" in schema:
        changed["properties"] = {name: resolved(one) for name, one in schema["properties"].items()}
    return changed


def body_schema(operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = operation.said["requestBody"]["content"]
    assert set(content) == {"application/json"}, operation.id
    schema: dict[str, Any] = content["application/json"]["schema"]
    return schema


def test_operations_are_named_once_and_said_in_words():
    ids = [said["operationId"] for methods in DOCUMENT["paths"].values() for said in methods.values()]
    assert len(set(ids)) == len(ids)
    for operation in OPERATIONS.values():
        assert operation.id.isidentifier()
        assert operation.id.islower()
        said = operation.said
        assert said.get("summary"), operation.id
        assert len(said.get("description", "")) > 10, operation.id
        assert said["description"].rstrip().endswith("."), operation.id
        assert said.get("tags"), operation.id


def test_paths_are_nouns_and_declare_what_stands_in_them():
    for operation in OPERATIONS.values():
        for step in operation.path.strip("/").split("/"):
            assert step.startswith("{") or step.replace("-", "").isalnum(), operation.path
            assert step.startswith("{") or step == step.lower(), operation.path
        in_path = {step.strip("{}") for step in operation.path.split("/") if step.startswith("{")}
        assert set(operation.parameters("path")) == in_path
        for one in operation.said.get("parameters", []):
            assert {"name", "in", "schema"} <= one.keys()
            assert one["in"] != "path" or one["required"] is True


def test_every_operation_says_how_it_refuses():
    """With a problem document, whatever the status; and a body that is not valid is a 422."""
    for operation in OPERATIONS.values():
        answers = operation.said["responses"]
        refusals = {status: one for status, one in answers.items() if status >= "4"}
        assert "default" in refusals, operation.id
        for status, one in refusals.items():
            assert one["description"], (operation.id, status)
            content = {kind: said["schema"] for kind, said in one["content"].items()}
            assert content == {PROBLEM: {"$ref": "#/components/schemas/Problem"}}, (operation.id, status)
        assert any("200" <= status < "300" for status in answers), operation.id
        assert not operation.takes_body or "422" in answers, operation.id


def test_every_success_says_what_it_gives():
    unsaid = {
        operation.id
        for operation in OPERATIONS.values()
        for status, one in operation.said["responses"].items()
        if "200" <= status < "300" and not any(kind.get("schema") for kind in one.get("content", {}).values())
    }
    # Their answer says nothing beyond its status, or is in the form that whoever sent it wants.
    assert unsaid <= {"get_liveness", "get_readiness", "receive_webhook"}


@pytest.mark.parametrize("operation", [one.id for one in OPERATIONS.values() if one.takes_body and one.id in EXAMPLES])
def test_every_field_of_every_body_stands_in_an_example(world: World, operation: str):
    """So that whatever is tried in every slot of the examples is tried in every field there is."""
    written: set[str] = set()
    for make in EXAMPLES[operation]:
        written |= {_general(pointer(path)) for path, _ in places(make(world, "rhea").body)}
    missing = {at for at in fields(body_schema(OPERATIONS[operation])) if at not in written}
    assert missing == set()


def _general(at: str) -> str:
    return "".join("/*" if step.isdigit() else f"/{step}" for step in at.split("/")[1:])


def fields(schema: dict[str, Any], at: str = "") -> Iterator[str]:
    """Pointers to every declared field of a schema, `*` for any item of a list."""
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    for name, one in schema.get("properties", {}).items():
        yield f"{at}/{name}"
        yield from fields(one, f"{at}/{name}")
    for one in schema.get("anyOf", []):
        yield from fields(one, at)
    if isinstance(schema.get("items"), dict):
        yield from fields(schema["items"], f"{at}/*")


# The document against the service


def shown(operation: Operation, reply: Reply) -> None:
    """The answer is one that is declared, of its kind, and has every declared field and no other."""
    declared = operation.said["responses"].get(str(reply.status)) or operation.said["responses"]["default"]
    assert reply.kind in declared.get("content", {"application/json": {}}), (operation.id, reply)
    if reply.kind == PROBLEM:
        TypeAdapter(SCHEMA_OF_PROBLEMS).validate_python(reply.json())
        return
    assert str(reply.status) in operation.said["responses"], (operation.id, reply.status, reply.body[:300])
    model = MODELS[operation.id]
    if model is not None and reply.status != 202:
        known = TypeAdapter(model)
        read = known.dump_python(known.validate_json(reply.body), mode="json", by_alias=True)
        assert list(undeclared(reply.json(), read)) == [], operation.id


class SCHEMA_OF_PROBLEMS(BaseModel, extra="forbid"):  # noqa: N801
    """What a client that reads the document strictly makes of a problem."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    errors: list[dict[str, str]] = []


def undeclared(told: Any, read: Any, at: str = "") -> Iterator[str]:
    """Fields of an answer that its model knows nothing of."""
    if isinstance(told, dict) and isinstance(read, dict):
        for name, member in told.items():
            if name not in read:
                yield f"{at}/{name}"
            else:
                yield from undeclared(member, read[name], f"{at}/{name}")
    elif isinstance(told, list) and isinstance(read, list):
        for place, (one, other) in enumerate(zip(told, read, strict=True)):
            yield from undeclared(one, other, f"{at}/{place}")
    elif isinstance(told, dict | list):
        yield at


@pytest.mark.parametrize("operation", [id for id in OPERATIONS if id in EXAMPLES])
def test_answers_are_what_the_document_says(world: World, operation: str):
    """Every operation with each of its examples, and refused for each of the reasons that all can be refused for."""
    said = OPERATIONS[operation]
    for make in EXAMPLES[operation]:
        reply = world.ask(able(operation), make(world, "rhea"))
        assert reply.status < 300, reply
        shown(said, reply)
    ask = EXAMPLES[operation][0](world, None)
    for who in ("anonymous", "admin", "rep", able(operation)):
        shown(said, world.ask(who, ask))
    shown(said, world.ask(able(operation), ask.but(query=(("nonsense", "1"),))))
    if said.takes_body:
        for body in (b"{", b"[]", {"nonsense": 1}):
            shown(said, world.ask(able(operation), ask.but(body=body)))
    if said.is_list:
        shown(said, world.ask(able(operation), ask.but(query=(("cursor", "x"),))))


def test_a_tour_is_told_what_the_document_says(world: World):
    """A longer way through the service: over the limit, corrected, merged, parted, published, asked again."""
    tour = Tour(world)
    client, twin = world.person(), world.person()
    first = tour("rep", "create_entry", body=world.gift("rhea", "250.00", client))
    second = tour("rep", "create_entry", body=world.gift("rhea", "150.00", client, occurred_on="2026-04-20"))
    tour("rep", "create_assessment", body=world.gift("rhea", "1.00", client))
    key = {"Idempotency-Key": world.new("tour").replace(" ", "-")}
    tour("rep", "create_entries", headers=key, body={"entries": [world.gift("rhea", "1.00", twin), {}, {"kind": 1}]})
    dinner = world.gift("rhea", "900.00", client, twin, kind="meal", hosts_present=True, hosts=["rhea"], flags=["x"])
    third = tour("rep", "create_entry", body=dinner | {"facts": {"a": True, "agreement_on": "2026-01-01"}})
    for entry in (first, second, third):
        for operation in ("get_entry", "list_entry_versions", "get_entry_proofs"):
            tour("rep", operation, ids={"entry_id": entry["id"]})
    one, other = first["recipients"][0]["id"], third["recipients"][1]["id"]
    merged = tour("officer", "create_merge", ids={"recipient_id": one}, body={"recipient_id": other, "reason": "x"})
    ids = {"merge_id": merged["merge"]["id"]}
    tour("officer", "get_merge", ids=ids)
    for operation in ("get_recipient", "get_headroom"):
        tour("rep", operation, ids={"recipient_id": one})
        tour("officer", operation, ids={"recipient_id": other})
    tour("officer", "get_statement", ids={"recipient_id": one}, query=(("period", "2026"),))
    for case in tour("officer", "list_violations", query=(("recipient_id", one),))["data"]:
        tour("officer", "get_violation", ids={"violation_id": case["id"]})
        tour("officer", "get_violation_proof", ids={"violation_id": case["id"]})
    tour("officer", "delete_merge", ids=ids, query=(("reason", "two after all"),))
    tour("officer", "delete_merge", ids=ids, query=(("reason", "again"),), status=409)
    version = {"If-Match": '"v1"'}
    change = {"reason": "typo", "set": {"total": {"amount": "100.00", "currency": "USD"}}}
    tour("rep", "create_amendment", ids={"entry_id": first["id"]}, headers=version, body=change)
    tour("rep", "create_amendment", ids={"entry_id": first["id"]}, headers=version, body=change, status=412)
    tour("rep", "create_amendment", ids={"entry_id": first["id"]}, body=change, status=428)
    tour("rep", "create_withdrawal", ids={"entry_id": second["id"]}, headers=version, body={"reason": "never"})
    tour("rep", "create_return", ids={"entry_id": third["id"]}, headers=version, body={"reason": "sent back"})
    for operation in ("list_entries", "list_recipients", "list_employers", "list_policies"):
        tour("rep", operation, query=(("limit", "200"),))
    tour("auditor", "list_audit_records", query=(("limit", "200"),))
    assert tour.steps > 35


class Tour:
    """Asks on the way, and holds every answer against the document."""

    def __init__(self, world: World) -> None:
        self.world, self.steps = world, 0

    def __call__(self, who: str, operation: str, *, body: Any = NOTHING, status: int = 0, **asked: Any) -> Any:
        said = OPERATIONS[operation]
        reply = self.world.ask(who, Ask(said.method, said.path, body=body, **asked))
        assert reply.status == status if status else reply.status < 300, (operation, reply.body[:500])
        shown(said, reply)
        self.steps += 1
        return reply.json()
