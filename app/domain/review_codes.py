"""Review codes: the firm's words for why a case was decided so and what is done about it, each with its meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.domain.refusals import Fault, Unprocessable
from app.domain.violations import Outcome

NO_ACTION = "none"
WITHDRAWN_BY_RECALCULATION = "withdrawn_by_recalculation"
SEVERITIES = ("critical", "high", "medium", "low")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_MOST_DAYS = 260


class UnknownReasonCode(Unprocessable):
    code = "unknown_reason_code"
    title = "The reason code is not one of the firm's"


class UnknownCorrectiveAction(Unprocessable):
    code = "unknown_corrective_action"
    title = "The corrective action is not one of the firm's"


class CorrectiveActionRequired(Unprocessable):
    code = "corrective_action_required"
    title = "Say what is done about it"


class InvalidReviewCodes(Unprocessable):
    code = "invalid_review_codes"
    title = "The review codes are not valid"


@dataclass(frozen=True, slots=True)
class ReviewCode:
    """One word with its meaning, and the outcomes it goes with."""

    code: str
    definition: str
    outcomes: tuple[Outcome, ...]
    needs_exemption: bool = False


@dataclass(frozen=True, slots=True)
class ReviewCodes:
    """All words, and in how many business days a case of a severity is due."""

    reasons: Mapping[str, ReviewCode]
    actions: Mapping[str, ReviewCode]
    due_in_business_days: Mapping[str, int]

    def reason(self, code: str, outcome: Outcome) -> ReviewCode:
        """The reason of a decision. Raises UnknownReasonCode, which lists those that go with the outcome."""
        found = self.reasons.get(code)
        if found is None or outcome not in found.outcomes:
            raise UnknownReasonCode.at("/reason_code", _allowed(self.reasons.values(), outcome))
        return found

    def action(self, code: str | None, outcome: Outcome) -> str:
        """The corrective action of a decision, where nothing is said none.

        Raises UnknownCorrectiveAction, which lists those that go with the outcome, and CorrectiveActionRequired where a
        violation is confirmed and nothing is said.
        """
        if code is None and outcome is Outcome.CONFIRMED:
            raise CorrectiveActionRequired.at("/corrective_action", _allowed(self.actions.values(), outcome))
        found = self.actions.get(code or NO_ACTION)
        if found is None or outcome not in found.outcomes:
            raise UnknownCorrectiveAction.at("/corrective_action", _allowed(self.actions.values(), outcome))
        return found.code


def _allowed(codes: Iterable[ReviewCode], outcome: Outcome) -> str:
    words = ", ".join(one.code for one in codes if outcome in one.outcomes)
    return f"With {outcome}, write one of: {words or 'none is set up'}"


# Reading


def read(document: object) -> ReviewCodes:
    """The codes of a configuration document. Raises InvalidReviewCodes with a fault per place."""
    faults: list[Fault] = []
    keys = {"due_in_business_days", "reason_codes", "corrective_actions"}
    parts = _mapping(document, "", faults)
    faults += [Fault(f"/{key}", "unknown_key", f"known are {', '.join(sorted(keys))}") for key in parts.keys() - keys]
    codes = ReviewCodes(
        _codes(parts.get("reason_codes"), "/reason_codes", faults),
        _codes(parts.get("corrective_actions"), "/corrective_actions", faults),
        _days(parts.get("due_in_business_days"), "/due_in_business_days", faults),
    )
    faults += _missing(codes)
    if faults:
        raise InvalidReviewCodes(f"{len(faults)} places need attention: {_listed(faults)}", faults)
    return codes


def _listed(faults: list[Fault]) -> str:
    return "; ".join(f"{fault.pointer or '/'} {fault.detail}" for fault in faults[:5])


def _mapping(value: object, pointer: str, faults: list[Fault]) -> Mapping[str, object]:
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return value
    faults.append(Fault(pointer, "wrong_type", "write a mapping"))
    return {}


def _codes(value: object, pointer: str, faults: list[Fault]) -> dict[str, ReviewCode]:
    found = {}
    for code, said in _mapping(value, pointer, faults).items():
        place = f"{pointer}/{code}"
        if not _CODE.fullmatch(code):
            faults.append(Fault(place, "bad_code", "write a code in small letters, digits and _"))
        found[code] = _code(code, _mapping(said, place, faults), place, faults)
    return found


def _code(code: str, said: Mapping[str, object], pointer: str, faults: list[Fault]) -> ReviewCode:
    definition, outcomes = said.get("definition"), said.get("outcomes")
    needs_exemption = said.get("needs_exemption", False)
    if not isinstance(definition, str) or not definition.strip():
        faults.append(Fault(f"{pointer}/definition", "wrong_type", "write what the code means"))
    if not isinstance(outcomes, list) or not all(one in set(Outcome) for one in outcomes):
        faults.append(Fault(f"{pointer}/outcomes", "wrong_type", f"write a list of {', '.join(Outcome)}"))
        outcomes = []
    if not isinstance(needs_exemption, bool):
        faults.append(Fault(f"{pointer}/needs_exemption", "wrong_type", "write true or false"))
    return ReviewCode(code, str(definition), tuple(Outcome(one) for one in outcomes), needs_exemption is True)


def _days(value: object, pointer: str, faults: list[Fault]) -> dict[str, int]:
    found = {}
    for severity, days in _mapping(value, pointer, faults).items():
        whole = isinstance(days, int) and not isinstance(days, bool)
        if severity not in SEVERITIES or not whole or not 0 <= int(str(days)) <= _MOST_DAYS:
            faults.append(Fault(f"{pointer}/{severity}", "wrong_type", f"write days by {', '.join(SEVERITIES)}"))
        else:
            found[severity] = int(str(days))
    faults += [Fault(f"{pointer}/{one}", "missing", "write a number of days") for one in SEVERITIES if one not in found]
    return found


def _missing(codes: ReviewCodes) -> list[Fault]:
    """Every outcome needs a reason and an action, or nobody could decide so."""
    return [
        Fault(pointer, "missing", f"no code goes with {outcome}")
        for pointer, kind in (("/reason_codes", codes.reasons), ("/corrective_actions", codes.actions))
        for outcome in Outcome
        if not any(outcome in one.outcomes for one in kind.values())
    ]
