"""Single-line faults that somebody could make in connections, and the test that must notice each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import pytest

from tests.connections import test_processing as processing
from tests.connections import test_receiving as receiving
from tests.connections.firm import Firm
from tests.connections.senders import ours
from tests.faults.engine import Fault as Line
from tests.faults.engine import rewritten

_VERIFYING = "app.domain.connections.verifying:"
_COUNTERPARTS = "app.domain.connections.counterparts:"
_RECEIVING = "app.services.connections.receiving:"
_PROCESSING = "app.services.connections.processing:"
_PEOPLE = "app.services.connections.people:"


class Fault(NamedTuple):
    """A line of a function, what somebody wrote instead, and who notices."""

    sentence: str
    function: str
    right: str
    wrong: str
    noticed_by: Callable[[Firm], None]


def _of(test: Callable[..., None], *arguments: Any) -> Callable[[Firm], None]:
    return lambda firm: test(firm, *arguments)


def _created_after_deletion(firm: Firm) -> None:
    """A creation that says it is younger than the deletion, as clocks of two servers do."""
    connection = firm.connect("standard_webhooks")
    firm.told(
        connection,
        ours("contact.deleted", "c1", firm.earlier(days=2), key=2),
        ours("contact.created", "c1", firm.earlier(days=1), key=1, name="Dana Whitfield"),
    )
    assert firm.rows("SELECT state FROM counterparts") == [("deleted",)]


FAULTS = [
    Fault(
        "a signature from the future holds",
        f"{_VERIFYING}_hubspot",
        "abs(now_ms - int(said))",
        "(now_ms - int(said))",
        _of(receiving.test_a_signature_holds_for_five_minutes_either_way, "hubspot", 301, 401),
    ),
    Fault(
        "a stale signature holds",
        f"{_VERIFYING}_standard",
        "abs(now_ms - int(said) * 1000) > TOLERANCE_S * 1000",
        "int(said) * 1000 - now_ms > TOLERANCE_S * 1000",
        _of(receiving.test_a_signature_holds_for_five_minutes_either_way, "standard_webhooks", -301, 401),
    ),
    Fault(
        "only one of the secrets is tried",
        f"{_VERIFYING}is_authentic",
        "for secret in secrets:",
        "for secret in secrets[:1]:",
        _of(receiving.test_both_secrets_prove_until_the_overlap_ends, "pipedrive"),
    ),
    Fault(
        "any user will do",
        f"{_VERIFYING}_pipedrive",
        'b64encode(f"{USER}:{secret}".encode())',
        "said.strip().encode()",
        receiving.test_the_user_of_pipedrive_is_ours,
    ),
    Fault(
        "whatever is sent is taken",
        f"{_RECEIVING}receive",
        "if not is_authentic(",
        "if is_authentic is None and not is_authentic(",
        _of(receiving.test_nothing_that_is_not_proved_changes_or_says_anything, "cloudevents"),
    ),
    Fault(
        "a copy is another message",
        f"{_RECEIVING}_keep",
        "_fingerprint(one.event.identity): one for one in messages",
        "_fingerprint([*one.event.identity, str(now)]): one for one in messages",
        _of(receiving.test_a_copy_is_taken_again_and_kept_once, "dataverse"),
    ),
    Fault(
        "the organization is not looked at",
        f"{_RECEIVING}_messages",
        "if by_name and not all(",
        "if not by_name and not all(",
        receiving.test_an_outbound_message_of_another_organization_is_not_proved,
    ),
    Fault(
        "what is older counts, too",
        f"{_COUNTERPARTS}_put",
        "into[name][1] <= stamp",
        "into[name][1] is not None",
        processing.test_what_is_older_changes_nothing,
    ),
    Fault(
        "a late creation brings back what was deleted",
        f"{_COUNTERPARTS}fold",
        "case Verb.RESTORED:",
        "case Verb.RESTORED | Verb.CREATED:",
        _created_after_deletion,
    ),
    Fault(
        "who was forgotten is remembered",
        f"{_COUNTERPARTS}fold",
        "_forgotten(after) if after.erased else after",
        "after",
        _of(processing.test_who_asks_to_be_forgotten_has_no_name_here_and_the_regulated_record_stays, False),
    ),
    Fault(
        "whoever speaks of a record is not told",
        f"{_PROCESSING}_with_mentioning",
        "counterparts.mentioning(connection, key)",
        "()",
        processing.test_an_organization_gives_its_contacts_their_employer_whichever_comes_first,
    ),
    Fault(
        "what an officer corrected is overwritten",
        f"{_PEOPLE}_three_ways",
        "not in ours]",
        "not in ours and one.effective_from == ALWAYS]",
        processing.test_what_an_officer_corrected_stays,
    ),
    Fault(
        "an employment holds from the day that we heard of it",
        f"{_PROCESSING}fold_in",
        "desk.day_of(event.occurred_at)",
        "desk.today()",
        processing.test_an_employment_changes_on_the_day_it_changed_whenever_that_is_told,
    ),
    Fault(
        "a merge is carried out whatever the policy",
        f"{_PEOPLE}_merged",
        "known.mapping.merges is MergePolicy.APPLY",
        "known.mapping.merges is not None",
        _of(processing.test_a_merge_there_is_proposed_to_an_officer, False),
    ),
    Fault(
        "a message that cannot be processed is forgotten",
        f"{_PROCESSING}Clerk._dead",
        "ReceiptState.DEAD.value",
        "ReceiptState.PROCESSED.value",
        processing.test_a_meeting_of_nobody_we_know_is_a_dead_letter_until_the_mapping_names_them,
    ),
]


def plant(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the wrong line in the place of the right one, wherever the application refers to the function."""
    module, _, path = fault.function.partition(":")
    owner: Any = import_module(module)
    space = vars(owner)
    *inside, name = path.split(".")
    for cls in inside:
        owner = getattr(owner, cls)
    right = vars(owner)[name]
    wrong = rewritten(right, Line(*fault[:4]), space)
    if inside:
        monkeypatch.setattr(owner, name, wrong)
        return
    for known in [module for name, module in sys.modules.items() if name.startswith("app.")]:
        for attribute, value in list(vars(known).items()):
            if value is right:
                monkeypatch.setattr(known, attribute, wrong)
            elif isinstance(value, dict):
                for key in [key for key, one in value.items() if one is right]:
                    monkeypatch.setitem(value, key, wrong)
