"""Single-line faults that somebody could make in the delivery of webhooks, and the story that must notice each."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, NamedTuple

import pytest

from tests.faults.engine import Fault as Line
from tests.faults.engine import rewritten
from tests.services import webhook_stories as stories
from tests.services.webhook_stories import Story

_SENDING = "app.services.deliveries.sending:"
_MAKING = "app.services.deliveries.fanning_out:"
_SCHEDULE = "app.domain.subscriptions.schedule:"


class Fault(NamedTuple):
    """A line of a function, what somebody wrote instead, and who notices."""

    sentence: str
    function: str
    right: str
    wrong: str
    noticed_by: Story


FAULTS = [
    Fault(
        "a redirect counts as arrived",
        f"{_SCHEDULE}is_delivered",
        "< 300",
        "< 400",
        stories.a_redirect_is_a_failure_and_nobody_goes_there,
    ),
    Fault(
        "a message is given up an attempt early",
        f"{_SCHEDULE}next_attempt",
        "made >= len(DELAYS_S)",
        "made >= len(DELAYS_S) - 1",
        stories.a_failure_is_tried_again_by_the_schedule_under_the_same_id,
    ),
    Fault(
        "every wait is the one before it",
        f"{_SCHEDULE}next_attempt",
        "DELAYS_S[made]",
        "DELAYS_S[made - 1]",
        stories.a_failure_is_tried_again_by_the_schedule_under_the_same_id,
    ),
    Fault(
        "whoever is gone is called again",
        f"{_SCHEDULE}next_attempt",
        " or is_gone(result)",
        "",
        stories.a_receiver_that_is_gone_is_left_alone,
    ),
    Fault(
        "rest is asked for in vain",
        f"{_SCHEDULE}pause",
        "result.status not in _SLOW_DOWN",
        "result.status in _SLOW_DOWN",
        stories.a_receiver_that_asks_for_rest_gets_it,
    ),
    Fault(
        "the moment is not signed",
        "app.domain.subscriptions.signing:signatures",
        'f"{message_id}.{timestamp_s}."',
        'f"{message_id}."',
        stories.a_strangers_receiver_verifies_every_message,
    ),
    Fault(
        "only the newest secret signs",
        "app.services.subscriptions:unsealed",
        "for one in held",
        "for one in held[:1]",
        stories.both_secrets_sign_until_the_overlap_ends,
    ),
    Fault(
        "a leaked secret goes on signing",
        "app.services.subscriptions:rotate",
        "if overlap else []",
        "",
        stories.a_secret_that_leaked_ends_at_once,
    ),
    Fault(
        "a record is left out between two looks",
        f"{_MAKING}fan_out",
        "records[-1].position + 1",
        "records[-1].position + 2",
        stories.every_committed_fact_is_told_once_and_in_the_logs_order,
    ),
    Fault(
        "every event is told to everybody",
        f"{_MAKING}fan_out",
        "if matches(one.events, record.action)",
        'if matches(["*"], record.action)',
        stories.only_what_was_subscribed_to_is_told,
    ),
    Fault(
        "a new subscription is told all that ever was",
        "app.services.subscriptions:create",
        "position=audit.size(connection, desk)",
        "position=0",
        stories.what_was_before_a_subscription_is_not_told,
    ),
    Fault(
        "a replay begins at the start of the log",
        f"{_MAKING}_repeat",
        "record.at >= replay.since",
        "True",
        stories.one_message_or_all_since_a_moment_go_again_under_their_ids,
    ),
    Fault(
        "a replay sends what is on its way",
        f"{_MAKING}_repeat",
        "if message_id(record) not in under_way",
        "",
        stories.what_is_still_on_its_way_is_not_sent_twice_by_a_replay,
    ),
    Fault(
        "a message has another id each time",
        "app.services.deliveries.asking:replay",
        "_fresh(again, stamp.at)._replace(",
        '_fresh(again, stamp.at)._replace(message_id=new_id("msg"), ',
        stories.one_message_or_all_since_a_moment_go_again_under_their_ids,
    ),
    Fault(
        "a lease means nothing",
        "app.storage.deliveries:_due",
        "DeliveryRow.leased_until < now",
        "DeliveryRow.leased_until.is_not(None)",
        stories.a_crash_between_sending_and_noting_sends_again_under_the_same_id,
    ),
    Fault(
        "a lease never ends",
        "app.storage.deliveries:_due",
        "or_(DeliveryRow.leased_until.is_(None), DeliveryRow.leased_until < now)",
        "DeliveryRow.leased_until.is_(None)",
        stories.a_crash_between_sending_and_noting_sends_again_under_the_same_id,
    ),
    Fault(
        "what is due tomorrow is sent today",
        "app.storage.deliveries:_due",
        "DeliveryRow.next_attempt_at <= now",
        "DeliveryRow.next_attempt_at.is_not(None)",
        stories.nothing_is_sent_before_its_time,
    ),
    Fault(
        "one slow receiver takes all the room",
        f"{_SENDING}Courier._room",
        "_AT_ONCE_FOR_ONE - busy[subscription_id]",
        "_AT_ONCE",
        stories.whoever_is_slow_does_not_hold_up_the_others,
    ),
    Fault(
        "failures are forgotten at each failure",
        "app.storage.subscriptions:note_failure",
        "mine, SubscriptionRow.failing_since.is_(None)",
        "mine",
        stories.days_of_nothing_but_failures_end_it_and_the_owner_is_told,
    ),
    Fault(
        "a success does not count",
        f"{_SENDING}Courier._keep",
        "rows.note_success(connection, one.subscription.id)",
        "pass",
        stories.one_success_among_failures_keeps_it_going,
    ),
    Fault(
        "redirects are followed",
        "app.services.targets:Caller._post",
        "follow_redirects=False",
        "follow_redirects=True",
        stories.a_redirect_is_a_failure_and_nobody_goes_there,
    ),
    Fault(
        "an answer is read to its end",
        "app.services.targets:Caller._read_a_little",
        "if read >= _READ_AT_MOST",
        "if read < 0",
        stories.of_an_endless_answer_little_is_read,
    ),
    Fault(
        "a message says whatever history says",
        "app.domain.subscriptions.events:_of_entry",
        'said = _only(entry, "occurred_on", "kind", "direction", "standing")',
        "said = dict(entry)",
        stories.a_message_says_no_name_and_no_word_that_a_person_wrote,
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
        for attribute in [attribute for attribute, value in vars(known).items() if value is right]:
            monkeypatch.setattr(known, attribute, wrong)
