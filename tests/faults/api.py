"""Single-line faults that somebody could make between a request and its answer, and the test that must notice each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.api import test_access as access
from tests.api import test_bad_input as bad_input
from tests.api import test_idempotency as idempotency
from tests.api import test_openapi as openapi
from tests.api import test_paging as paging
from tests.api.examples import example_of
from tests.api.wire import Ask
from tests.api.world import World

Story = Callable[[World], None]


def prepared(world: World, operation: str) -> Ask:
    return example_of(operation, world)


def everybody(*routes: str) -> Story:
    """The matrix, for some routes."""

    def story(world: World) -> None:
        for route in routes:
            assert access.deviations(world, route) == []

    return story


def strictly(name: str) -> Story:
    """A body that is no JSON of ours."""
    change, status, code = next(one.values for one in bad_input.STRICT if one.id == name)
    return lambda world: bad_input.test_a_body_in_doubt_is_refused_on_every_route(world, prepared, change, status, code)


def a_field(name: str) -> Story:
    """A field of an entry that is not valid."""
    test = bad_input.test_a_field_of_an_entry_that_is_not_valid_is_pointed_out
    return lambda world: test(world, prepared, "create_entry", name)


def contradicting(name: str, operation: str = "create_entry") -> Story:
    """An entry that contradicts itself."""
    change, code, at = next(one.values for one in bad_input.CONTRADICTIONS if one.id == name)
    test = bad_input.test_an_entry_that_contradicts_itself_is_refused
    return lambda world: test(world, prepared, operation, change, code, at)


def keyed(test: Callable[[World, Ask], None]) -> Story:
    """A story about an idempotency key."""
    return lambda world: test(world, idempotency.with_a_key(world, "/v1/entries"))


def page_by_page(operation: str) -> Story:
    """A list of nine, two at a time."""

    def story(world: World) -> None:
        for number in range(9):
            paging.LISTINGS[operation].more(world, number)
        paging.test_every_item_comes_exactly_once_while_others_are_added(world, operation, 2)
        paging.test_a_cursor_fits_one_question_only(world, operation)

    return story


class Fault(NamedTuple):
    """A line of a function, what somebody wrote instead, and who notices."""

    sentence: str
    function: str
    right: str
    wrong: str
    noticed_by: Story


_REQUESTS = "app.api.requests:"
_RECORDING = "app.services.entries.recording:"
_READING = "app.services.entries.reading:"

FAULTS = [
    # Who may
    Fault(
        "every role may do everything",
        "app.domain.access:Principal.may",
        "permission in GRANTS[self.role]",
        "True",
        everybody("POST /v1/employers"),
    ),
    Fault(
        "a guard lets everybody through",
        "app.domain.access:Principal.require",
        "if not self.may(permission):",
        "if False:",
        everybody("GET /v1/audit/records"),
    ),
    Fault(
        "an ended key opens",
        "app.services.access:_opens",
        "and live",
        "",
        everybody("GET /v1/me"),
    ),
    Fault(
        "any secret opens",
        "app.services.access:_opens",
        "compare_digest(key.secret_digest, digest) and live",
        "live",
        everybody("GET /v1/me"),
    ),
    Fault(
        "everybody sees every entry",
        f"{_READING}may_see",
        "return principal.may_read(",
        "return principal.may(Permission.READ_OWN) or principal.may_read(",
        everybody("GET /v1/entries/{entry_id}"),
    ),
    Fault(
        "everybody's entries are listed",
        f"{_READING}_for",
        "own=principal.person",
        "own=None",
        access.test_nothing_of_one_representative_is_told_to_another,
    ),
    Fault(
        "everybody's violations are listed",
        "app.services.violations.reading:_for",
        "own=principal.person",
        "own=None",
        access.test_nothing_of_one_representative_is_told_to_another,
    ),
    Fault(
        "causes are told to everybody",
        "app.services.causes:known_to",
        "if principal.may(Permission.READ_ALL):",
        "if True:",
        access.test_nothing_of_one_representative_is_told_to_another,
    ),
    Fault(
        "a proof lays everything bare",
        "app.services.proofs:_shown",
        "read if principal.may(Permission.READ_ALL) else _own(connection, principal, read)",
        "read",
        access.test_nothing_of_one_representative_is_told_to_another,
    ),
    Fault(
        "whoever drafted a policy publishes it",
        "app.services.policies:require_publishable",
        "if users.key(known.drafted_by) == users.key(by):",
        "if False:",
        everybody("POST /v1/policies/{policy_id}/publication"),
    ),
    # What is read
    Fault(
        "JSON is read as anybody reads it",
        f"{_REQUESTS}parse",
        '_DECODER.decode(body.decode("utf-8"))',
        "json.loads(body)",
        strictly("a key twice"),
    ),
    Fault(
        "a fraction is read as a float",
        f"{_REQUESTS}parse",
        '_DECODER.decode(body.decode("utf-8"))',
        "json.JSONDecoder(object_pairs_hook=_object).decode(body.decode())",
        strictly("a fraction"),
    ),
    Fault(
        "an object may have as many members as it likes",
        f"{_REQUESTS}parse",
        '_DECODER.decode(body.decode("utf-8"))',
        "json.JSONDecoder(parse_float=_no_fraction).decode(body.decode())",
        strictly("a hundred thousand keys"),
    ),
    Fault(
        "a blank that nobody sees is text",
        "app.api.fields:_visible",
        'letter not in _BLANK_LETTERS and unicodedata.category(letter)[0] in "LNPS"',
        "True",
        a_field("/venue"),
    ),
    Fault(
        "a body may be nested without end",
        f"{_REQUESTS}_check",
        "if len(path) >= _DEEPEST:",
        "if False:",
        strictly("seventeen deep"),
    ),
    Fault(
        "half a character is text",
        f"{_REQUESTS}_check_text",
        "if not text.isascii() and _HALF.search(text):",
        "if False:",
        lambda world: bad_input.test_no_field_takes_what_cannot_be_written_or_read(world, "create_entries"),
    ),
    Fault(
        "a body is read to its end",
        f"{_REQUESTS}StrictRequest.read",
        "if size > limit:",
        "if False:",
        strictly("one byte too many"),
    ),
    Fault(
        "anything is read as JSON",
        f"{_REQUESTS}StrictRequest.read",
        'if kind != "application/json" and not kind.endswith("+json"):',
        "if False:",
        lambda world: bad_input.test_only_json_is_read(world, prepared, "text/plain"),
    ),
    Fault(
        "a parameter that nobody knows is passed over",
        f"{_REQUESTS}_check_query",
        "if not set(names) <= known:",
        "if False:",
        lambda world: bad_input.test_a_query_parameter_that_nobody_asked_for_is_refused_on_every_route(world, prepared),
    ),
    # What is said
    Fault(
        "what was rejected is repeated",
        "app.api.problems:of_validation",
        'Fault(pointer(_in_body(error["loc"])), error["type"], in_words(error))',
        'Fault(pointer(_in_body(error["loc"])), error["type"], f"{error[\'msg\']}: {error[\'input\']}")',
        a_field("/occurred_on"),
    ),
    Fault(
        "a fault points to nowhere",
        "app.api.problems:_in_body",
        'loc[1:-1] if loc[-1] == "[key]" else loc[1:]',
        "loc[1:]",
        a_field("/facts/Bad Key"),
    ),
    Fault(
        "a fault of an amendment points past the request",
        "app.api.problems:below",
        "pointer=pointer + fault.pointer",
        "pointer=fault.pointer",
        contradicting("nobody says who was there", "create_amendment"),
    ),
    Fault(
        "only the first route of a path is allowed",
        "app.api.problems:_allowed",
        "return sorted({method for one in here for method in one.methods or ()})",
        "return sorted(here[0].methods or ())",
        lambda world: access.test_a_method_that_was_not_declared_is_told_which_are(world, "/v1/entries"),
    ),
    Fault(
        "a field is told that nobody declared",
        "app.api.entries.writing:violation_out",
        '"id": case.id,',
        '"id": case.id, "subject": case.subject,',
        openapi.test_a_tour_is_told_what_the_document_says,
    ),
    # What is kept
    Fault(
        "a refused entry leaves its people behind",
        f"{_RECORDING}_weigh_all",
        "work.outcomes[place] = refusal",
        "work.outcomes[place] = refusal; recipients.create_planned("
        "_LEFT[0], roster, list(roster.new_people), set(), desk.journal(), work.stamp)",
        contradicting("the guest of nobody"),
    ),
    Fault(
        "a refused request keeps its key",
        f"{_RECORDING}_worth_keeping",
        "return work.submission.key is not None and any(isinstance(one, Recorded) for one in work.outcomes)",
        "return work.submission.key is not None",
        lambda world: idempotency.test_a_refused_request_leaves_no_key(world, {"occurred_on": "2030-01-01"}, 422),
    ),
    Fault(
        "a key is one key on every route",
        f"{_RECORDING}_key",
        "submission.route,",
        '"",',
        keyed(idempotency.test_a_key_belongs_to_who_used_it_and_where),
    ),
    Fault(
        "a key is one key for everybody",
        f"{_RECORDING}_key",
        "(principal.id,",
        '("",',
        keyed(idempotency.test_a_key_belongs_to_who_used_it_and_where),
    ),
    Fault(
        "what stands under a key is not compared",
        f"{_RECORDING}_admit",
        "if asked != submission.fingerprint:",
        "if False:",
        keyed(idempotency.test_a_key_with_another_body_is_refused),
    ),
    Fault(
        "a repetition is recorded again",
        f"{_RECORDING}_admit",
        "(before.status, before.body, True) if before else work",
        "work",
        keyed(idempotency.test_a_repeated_request_is_answered_byte_for_byte_and_happens_once),
    ),
    # Pages
    Fault(
        "a page begins after the item that was not shown",
        "app.api.paging:page",
        "place(shown[-1])",
        "place(items[limit])",
        page_by_page("list_entries"),
    ),
    Fault(
        "a page begins with the item that was shown last",
        "app.storage.access:listed",
        "ApiKeyRow.id < after",
        "ApiKeyRow.id <= after",
        page_by_page("list_keys"),
    ),
    Fault(
        "a cursor fits any question",
        "app.api.paging:read_cursor",
        "if isinstance(asked, str) and len(asked) == len(question) and asked != question:",
        "question = asked\n        if False:",
        page_by_page("list_employers"),
    ),
]


def remember_connections(world: World, left: list[Any]) -> None:
    """Lets a planted fault reach the transaction it is in."""
    database = world.server.desk.database
    write = database.write
    database.write = lambda work: write(lambda connection: (left.__setitem__(0, connection), work(connection))[1])  # type: ignore[method-assign]
