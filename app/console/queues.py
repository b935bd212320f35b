"""C1: the review queue in its views, narrowed and sorted by the address, with a preview beside it and acts on many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import JSONResponse, RedirectResponse

from app.console import places, sentences
from app.console.asking import ActingAs, Asked, AskedBy, Page
from app.console.forms import Posted, sentence_of
from app.console.pages import fragment, page, preferences
from app.console.showing import words
from app.console.violations import preview
from app.domain.access import Permission, Principal
from app.domain.policies import Rule
from app.domain.refusals import Refusal
from app.domain.review_codes import SEVERITIES
from app.services import queues, reviews
from app.services.desk import Connection
from app.services.queues import MOST_COUNTED, Named, Narrowed, Order, Place, View
from app.services.violations import KnownViolation

router = APIRouter(route_class=Page)
_VIEWS = {
    View.OPEN: "Open",
    View.MINE: "Mine",
    View.UNASSIGNED: "Unassigned",
    View.WAITING: "Waiting on rep",
    View.ESCALATED: "Escalated",
    View.WEEK: "Due this week",
    View.DECIDED: "Decided",
}
_ORDERS = {
    Order.DUE: "due soonest",
    Order.SEVERITY: "severity",
    Order.AMOUNT_OVER: "amount over",
    Order.NEWEST: "newest",
}
_TYPES_SHOWN = 30
_KINDS: dict[Order, tuple[type, ...]] = {
    Order.DUE: (date, str),
    Order.SEVERITY: (int, str),
    Order.AMOUNT_OVER: (int, str),
    Order.NEWEST: (str,),
}
Several = Annotated[list[str], Query(max_length=20)]
Short = Annotated[str, Query(max_length=200)]
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


@dataclass(frozen=True, slots=True)
class Asking:
    """What the address asks of the queue."""

    view: View
    narrowed: Narrowed
    order: Order

    @classmethod
    def of(cls, view: str, sev: Sequence[str], rule: Sequence[str], type: str, q: str, sort: str) -> Asking:
        """What words in an address mean; what they cannot mean is left out."""
        chosen = View(view) if view in set(View) else View.OPEN
        usual = Order.NEWEST if chosen is View.DECIDED else Order.DUE
        text = " ".join(q.replace("\x00", "").split())
        return cls(
            chosen,
            Narrowed(
                tuple(one for one in SEVERITIES if one in sev),
                tuple(one for one in dict.fromkeys(rule) if one.isprintable()),
                type if type and type.isprintable() else None,
                text,
            ),
            Order(sort) if sort in set(Order) else usual,
        )

    def query(self, **other: object) -> dict[str, object]:
        """The address's parameters, some of them otherwise."""
        said: dict[str, object] = {
            "view": self.view.value,
            "sev": self.narrowed.severity,
            "rule": self.narrowed.rule,
            "type": self.narrowed.type,
            "q": self.narrowed.text,
            "sort": self.order.value,
        }
        return said | other

    def address(self, **other: object) -> str:
        """The queue asked so."""
        return places.address("/console/queue", **self.query(**other))

    @property
    def is_narrowed(self) -> bool:
        """Whether more than the view is asked for."""
        return self.narrowed != Narrowed()


def asking(
    view: Short = "open",
    sev: Several = [],  # noqa: B006
    rule: Several = [],  # noqa: B006
    type: Short = "",
    q: Short = "",
    sort: Short = "",
) -> Asking:
    """The queue's parameters of any page that goes through it."""
    return Asking.of(view, sev, rule, type, q, sort)


AskedFor = Annotated[Asking, Depends(asking)]


class Row(NamedTuple):
    """One line of the queue."""

    case: KnownViolation
    rule: Rule
    title: str
    who: str
    employer: str | None
    type: str | None
    href: str


@router.get("/queue")
def show_queue(
    by: AskedBy,
    asked: AskedFor,
    after: Short = "",
    before: Short = "",
    done: Short = "",
) -> Response:
    """A page of the queue."""
    by.require(Permission.READ_ALL)
    if (target := _by_id(asked.narrowed.text)) is not None:
        return RedirectResponse(target, 303)
    limit = preferences(by.request).rows
    wanted = queues.sought(by.connection, by.desk, by.principal, asked.view, asked.narrowed)
    earlier = _spot(before, asked.order)
    found = queues.page(
        by.connection,
        by.desk,
        by.principal,
        wanted,
        asked.order,
        after=_spot(after, asked.order),
        before=earlier,
        limit=limit + 1,
    )
    more = len(found.cases) > limit
    cases = (found.cases[1:] if earlier is not None else found.cases[:-1]) if more else found.cases
    has_next, has_previous = (True, more) if earlier is not None else (more, bool(_spot(after, asked.order)))
    rows = [_row(found, case, asked) for case in cases]
    return page(
        by,
        "queues/page.html",
        active="mine" if asked.view is View.MINE else "queue",
        asked=asked,
        views=_tabs(by, asked),
        rows=rows,
        total=_total(by, wanted),
        at_start=not has_previous,
        rules=_rules(found),
        severities=SEVERITIES,
        types=_types(found),
        orders=_ORDERS,
        next=asked.address(after=_word(cases[-1], asked.order)) if cases and has_next else None,
        previous=asked.address(before=_word(cases[0], asked.order)) if cases and has_previous else None,
        preview=preview(by, cases[0].id) if cases else None,
        last_decided=None if rows else queues.last_decided(by.connection, by.principal),
        done=done,
        export=places.address("/console/queue/export.csv", **asked.query()),
        said=_said(asked, found),
    )


def _by_id(text: str) -> str | None:
    """The page of something that is asked for by its id."""
    head = text.partition("_")[0]
    folder = {"vio": "cases", "ent": "entries", "rec": "recipients"}.get(head)
    plain = folder is not None and text.replace("_", "").isalnum() and text.isascii() and len(text) <= 64
    return f"/console/{folder}/{text}" if plain else None


def _spot(word: str, order: Order) -> Place | None:
    return places.read(word, *_KINDS[order])


def _word(case: KnownViolation, order: Order) -> str:
    return places.write(*queues.place_of(case, order))


def _row(found: Named, case: KnownViolation, asked: Asking) -> Row:
    rule = found.rule(case)
    person = found.people.get(case.shown)
    return Row(
        case,
        rule,
        sentences.title(rule, case),
        found.who(case),
        found.employer(case),
        case.recipient_type or (person.type if person else None),
        places.address(f"/console/cases/{case.id}", **asked.query()),
    )


def _tabs(by: Asked, asked: Asking) -> list[tuple[str, str, int, bool]]:
    plain = [queues.sought(by.connection, by.desk, by.principal, view) for view in _VIEWS]
    counted = queues.counts(by.connection, by.principal, plain)
    return [
        (word, places.address("/console/queue", view=view.value), many, view is asked.view)
        for (view, word), many in zip(_VIEWS.items(), counted, strict=True)
    ]


def _total(by: Asked, wanted: queues.Sought) -> str:
    many = queues.counts(by.connection, by.principal, [wanted])[0]
    return f"more than {MOST_COUNTED:,}" if many > MOST_COUNTED else f"{many:,}"


def _rules(found: Named) -> list[tuple[str, str]]:
    named = {rule.id: rule.name for policy in found.book.policies for rule in policy.rules}
    return sorted(named.items(), key=lambda pair: pair[1])


def _types(found: Named) -> list[str]:
    covered = {type for policy in found.book.policies for rule in policy.rules for type in rule.applies_to}
    seen = {person.type for person in found.people.values()}
    return sorted((covered | seen) - {"business"})[:_TYPES_SHOWN]


def _said(asked: Asking, found: Named) -> str:
    """The filters in words."""
    names = dict(_rules(found))
    parts = []
    if asked.narrowed.severity:
        parts.append(f"severity is {' or '.join(asked.narrowed.severity)}")
    if asked.narrowed.rule:
        parts.append("rule is " + " or ".join(f"“{names.get(one, one)}”" for one in asked.narrowed.rule))
    if asked.narrowed.type:
        parts.append(f"recipient type is {words(asked.narrowed.type).lower()}")
    if asked.narrowed.text:
        parts.append(f"name, giver or rule is “{asked.narrowed.text}”")
    return " and ".join(parts)


@router.get("/queue/pane/{violation_id}")
def show_pane(by: AskedBy, violation_id: AnyId) -> Response:
    """The preview of one case."""
    by.require(Permission.READ_ALL)
    return fragment(by, "queues/pane.html", preview=preview(by, violation_id))


@router.get("/queue/count")
def count_queue(by: AskedBy) -> Response:
    """How many cases are open, for a page that looks again from time to time."""
    by.require(Permission.READ_ALL)
    return JSONResponse({"open": queues.waiting(by.connection, by.desk, by.principal).open})


# Acts on many


@router.post("/queue/bulk")
def act_on_many(acting: ActingAs, form: Posted) -> Response:
    """The same act on all that are ticked, each at the version that was shown; the queue says what became of it."""
    asked = Asking.of(
        form.text("view"), form.all("sev"), form.all("rule"), form.text("type"), form.text("q"), form.text("sort")
    )
    meant = [pair for word in form.all("case")[:200] if (pair := _meant(word)) is not None]
    if not meant:
        return RedirectResponse(asked.address(done="Tick at least one case first."), 303)
    verb, work = _many(acting, form)
    if work is None:
        return RedirectResponse(asked.address(done=verb), 303)

    def inside(connection: Connection, principal: Principal) -> Sequence[KnownViolation | Refusal]:
        return reviews.carry_out_each(connection, acting.desk, principal, meant, work)

    return RedirectResponse(asked.address(done=_outcome(verb, acting.write(inside))), 303)


def _meant(word: str) -> tuple[str, int] | None:
    id, _, version = word.partition("@")
    plain = id.isascii() and id.isprintable() and 0 < len(id) <= 64 and " " not in id
    return (id, int(version)) if plain and version.isascii() and version.isdigit() and len(version) < 10 else None


Work = Callable[[reviews.Reviewer, str, int], KnownViolation]


def _many(acting: ActingAs, form: Posted) -> tuple[str, Work | None]:
    """What is done, in words, and how; or why it cannot be."""
    match form.text("act"):
        case "assign-me":
            return "assigned to you", lambda reviewer, id, version: reviews.assign(
                reviewer, id, version, reviewer.principal.person
            )
        case "assign":
            person = form.required("assignee", "Say to whom.")
            if form.faults:
                return form.faults["assignee"], None
            return f"assigned to {person}", lambda reviewer, id, version: reviews.assign(reviewer, id, version, person)
        case "unassign":
            return "given back", lambda reviewer, id, version: reviews.assign(reviewer, id, version, None)
        case "snooze":
            until = form.day("until", "Say until which day.")
            if until is None:
                return form.faults["until"], None
            return f"put off until {until.isoformat()}", lambda reviewer, id, version: reviews.snooze(
                reviewer, id, version, until, "Put off from the queue"
            )
        case _:
            return "Choose what to do with them.", None


def _outcome(verb: str, results: Sequence[KnownViolation | Refusal]) -> str:
    refused = [one for one in results if isinstance(one, Refusal)]
    said = f"{len(results) - len(refused)} {verb}"
    why: dict[str, int] = {}
    for one in refused:
        why[sentence_of(one.detail)] = why.get(sentence_of(one.detail), 0) + 1
    return ". ".join([said, *(f"{many} not: {reason}" for reason, many in why.items())]) + "."


__all__: list[Any] = ["AskedFor", "Asking", "router"]
