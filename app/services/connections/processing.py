"""Processing: what arrived is folded into what is known of each record, and what follows from that is settled.

Folding and settling are two transactions, and both may be repeated: whoever dies in between, or is replayed, comes to
the same end. What cannot be done for now is tried again; what cannot be done at all is a dead letter with its reason.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection

from app.domain.connections import (
    UNHEARD_OF,
    Counterpart,
    Event,
    Noun,
    ReceiptState,
    UnreadableEvent,
    Verb,
    fold,
    mentioned,
    read,
    stamp_of,
    went_into,
)
from app.domain.refusals import Refusal
from app.services import secrets
from app.services.connections.fetching import Fetcher, FetchLater, FetchRefused
from app.services.connections.people import settle_contact
from app.services.connections.proposing import Unsettled, settle_hospitality
from app.services.connections.receiving import raw_of
from app.services.desk import Desk
from app.storage import connections, counterparts, receipts
from app.storage.connections import KnownConnection
from app.storage.counterparts import Key, KnownCounterpart
from app.storage.database import DatabaseAway
from app.storage.ids import new_id
from app.storage.receipts import KnownReceipt

_log = logging.getLogger(__name__)
_AT_ONCE = 50
_LEASE = timedelta(minutes=5)
_DELAYS_S = (1, 5, 30, 300, 3600)


class Clerk:
    """Processes for one process, one message after another, in order of what happened first."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._fetcher = desk, Fetcher(desk)

    def run(self, stop: threading.Event, *, every_s: int = 1) -> None:
        """Processes until asked to stop; looks again at intervals."""
        while not stop.is_set():
            if not self._stepped():
                stop.wait(every_s)

    def _stepped(self) -> bool:
        try:
            return self.step() > 0
        except DatabaseAway as away:
            _log.warning("nothing is processed: %s", away.detail)
        except Exception:  # noqa: BLE001 - whatever it is, it may be over at the next look
            _log.exception("the clerk stumbled")
        return False

    def step(self) -> int:
        """Processes what is due, as many as are taken at once; how many those were."""
        desk, lease = self._desk, new_id("lse")
        now = desk.clock()
        claimed = desk.database.write(
            lambda connection: receipts.claim(connection, lease=lease, now=now, until=now + _LEASE, limit=_AT_ONCE)
        )
        for one in claimed:
            self._settled(self.process(one), lease)
        return len(claimed)

    def _settled(self, after: KnownReceipt, lease: str) -> None:
        kept = self._desk.database.write(lambda connection: receipts.settle(connection, after, lease=lease))
        if not kept:
            _log.warning("receipt %s took so long that somebody else has it", after.id)

    def process(self, one: KnownReceipt) -> KnownReceipt:
        """A receipt as it stands after it was processed; it never raises but where the database is away."""
        try:
            state = self._carry_out(one)
        except (UnreadableEvent, Unsettled, FetchRefused) as error:
            return self._dead(one, str(error))
        except FetchLater as error:
            return self._failed(one, str(error))
        except (secrets.Unreadable, secrets.NoSecretKey):
            return self._dead(one, "sealed with another key")
        except DatabaseAway:
            raise
        except Refusal as refusal:
            return self._failed(one, refusal.code)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next message is not to suffer from it
            _log.exception("receipt %s could not be processed", one.id)
            return self._failed(one, type(error).__name__)
        return one._replace(state=state.value, reason="", next_attempt_at=None, processed_at=self._desk.clock())

    def _carry_out(self, one: KnownReceipt) -> ReceiptState:
        """What the receipt is afterwards: nothing is kept of what was said of people who were forgotten."""
        desk = self._desk
        with desk.database.reading() as connection:
            known = connections.by_ids(connection, [one.connection_id])[one.connection_id]
        event = read(known.provider, raw_of(desk, one))
        touched = desk.database.write(lambda connection: fold_in(connection, desk, known, event, one.fingerprint))
        if event.thin and (found := self._fetcher.fetch(known, event)) is not None:
            stated, digest = found
            desk.database.write(lambda connection: fold_in(connection, desk, known, stated, digest))
        erased = desk.database.write(lambda connection: settle(connection, desk, known, touched))
        return ReceiptState.ERASED if erased else ReceiptState.PROCESSED

    def _dead(self, one: KnownReceipt, reason: str) -> KnownReceipt:
        at = self._desk.clock()
        state = ReceiptState.DEAD.value
        return one._replace(
            state=state, reason=reason[:200], attempts=one.attempts + 1, next_attempt_at=None, processed_at=at
        )

    def _failed(self, one: KnownReceipt, reason: str) -> KnownReceipt:
        if one.attempts >= len(_DELAYS_S):
            return self._dead(one, reason)
        again = self._desk.clock() + timedelta(seconds=_DELAYS_S[one.attempts])
        return one._replace(reason=reason[:200], attempts=one.attempts + 1, next_attempt_at=again)


def fold_in(
    connection: Connection, desk: Desk, known: KnownConnection, event: Event, fingerprint: str
) -> Sequence[Key]:
    """Adds an event to what is known of the records it is about; which those are."""
    if event.noun is None or event.ignored:
        return []
    stamp, day = stamp_of(event, fingerprint), desk.day_of(event.occurred_at)
    source, noun = known.source, event.noun
    if event.verb is Verb.MERGED:
        gone = [str(id) for id in event.fields.get("merged", ())]
        for id in sorted([*gone, event.into]):
            row = _held(connection, desk, Key(source, noun.value, id))
            _keep(connection, desk, row, went_into(row.facts, event.into, stamp) if id != event.into else row.facts)
        return [Key(source, noun.value, id) for id in (event.into, *gone)]
    row = _held(connection, desk, Key(source, noun.value, event.external_id))
    ours = known.mapping.ours(known.provider, noun, event.fields)
    _keep(connection, desk, row, fold(row.facts, event, ours, stamp, day))
    return [row.key]


def settle(connection: Connection, desk: Desk, known: KnownConnection, touched: Sequence[Key]) -> bool:
    """Lets follow what follows, for these records and for those that speak of them. Raises Unsettled.

    Returns whether one of the records is of somebody who was forgotten.
    """
    erased = False
    for key in dict.fromkeys(_with_mentioning(connection, touched)):
        row = counterparts.held(connection, key)
        if row is not None and row.noun == Noun.CONTACT:
            erased |= key in touched and row.facts.erased is not None
            settle_contact(connection, desk, known, row)
        elif row is not None and row.noun in (Noun.MEETING, Noun.EXPENSE):
            settle_hospitality(connection, desk, known, row)
    return erased


def _with_mentioning(connection: Connection, touched: Sequence[Key]) -> Sequence[Key]:
    """The records, then those that speak of them: of a contact's organization, of whom it is now, of who took part."""
    return [*touched, *(other for key in touched for other in counterparts.mentioning(connection, key))]


def _held(connection: Connection, desk: Desk, key: Key) -> KnownCounterpart:
    found = counterparts.held(connection, key)
    if found is not None:
        return found
    made = KnownCounterpart(*key, UNHEARD_OF, UNHEARD_OF.state, "{}", 0, None, None, desk.clock())
    counterparts.add(connection, made)
    return made


def _keep(connection: Connection, desk: Desk, row: KnownCounterpart, facts: Counterpart) -> None:
    counterparts.keep(connection, row._replace(facts=facts, state=facts.state, changed_at=desk.clock()))
    counterparts.mention(connection, row.key, mentioned(facts))
