"""Fetching: the record behind a message that only points to it, from the system that sent it.

One client per kind of system; each goes through the same checks of addresses as everything that we call, with a
deadline, a bound on what is read, few requests a second, and no redirect. What may be over later is tried again.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx

from app.domain.connections import Event, Noun, Provider, Purpose, Verb
from app.domain.connections.texts import UnreadableDelivery, items, members, moment, parse, text
from app.domain.targets import TargetNotAllowed
from app.services import secrets, targets
from app.services.desk import Desk
from app.services.targets import CheckedTransport, NameNotFound
from app.storage import connections
from app.storage.connections import KnownConnection

_READ_AT_MOST = 1024 * 1024
_ATTEMPTS = 3
_A_SECOND = 8
_HUBSPOT = {
    Noun.CONTACT: ("contacts", "firstname,lastname,email,phone,company,associatedcompanyid,hubspot_owner_id"),
    Noun.ORGANIZATION: ("companies", "name"),
    Noun.MEETING: (
        "meetings",
        "hs_meeting_title,hs_meeting_start_time,hs_meeting_location,hubspot_owner_id,hs_activity_type",
    ),
}
_DATAVERSE = {
    Noun.CONTACT: (
        "contacts",
        "fullname,firstname,lastname,emailaddress1,telephone1,_parentcustomerid_value,_ownerid_value",
    ),
    Noun.ORGANIZATION: ("accounts", "name"),
    Noun.MEETING: ("appointments", "subject,scheduledstart,location,_ownerid_value"),
}


class FetchRefused(Exception):
    """The other system will not say, now or later: a wrong token, or an address that is never called."""


class FetchLater(Exception):
    """The other system does not say at this moment."""


class _Token(NamedTuple):
    text: str
    until: datetime


@dataclass
class Fetcher:
    """Fetches for one process; tokens are kept until they end."""

    desk: Desk
    certificates: ssl.SSLContext = field(default_factory=cache(httpx.create_ssl_context))
    _tokens: dict[str, _Token] = field(default_factory=dict)
    _last: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fetch(self, known: KnownConnection, event: Event) -> tuple[Event, str] | None:
        """The record as it is by now, as an event, and its fingerprint; None where there is no way or no such record.

        Raises FetchRefused or FetchLater.
        """
        url = url_of(known, event)
        if not known.base_url or url is None:
            return None
        token = self._token(known)
        found = self._answer(known, "GET", url, {"Authorization": f"Bearer {token}"} if token else {})
        if found is None:
            return None
        record = members(found)
        fields, at = _fields(known.provider, record)
        digest = sha256(json.dumps(record, sort_keys=True, default=str).encode()).hexdigest()
        stated = event._replace(verb=Verb.UPDATED, occurred_at=at or event.occurred_at, fields=fields, thin=False)
        return stated, digest

    def can_open(self, known: KnownConnection) -> bool:
        """Whether there is a token to fetch with, asking for one where that has to be asked for. Raises as `fetch`."""
        return bool(self._token(known))

    def _token(self, known: KnownConnection) -> str:
        """The token that we were given, or one fetched with the client secret that we were given. Raises as `fetch`."""
        now = self.desk.clock()
        with self.desk.database.reading() as connection:
            held = [one for one in connections.secrets(connection, known.id, now) if one.purpose == Purpose.FETCH]
        if not held:
            return ""
        given = secrets.unseal(self.desk.settings, held[0].sealed, owner=held[0].id).decode()
        if not known.token_url:
            return given
        kept = self._tokens.get(held[0].id)
        if kept is None or kept.until <= now:
            kept = self._tokens[held[0].id] = self._new_token(known, given, now)
        return kept.text

    def _new_token(self, known: KnownConnection, secret: str, now: datetime) -> _Token:
        form = {"grant_type": "client_credentials", "client_id": known.client_id, "client_secret": secret}
        if known.provider is Provider.DATAVERSE:
            form["scope"] = f"{known.base_url.rstrip('/')}/.default"
        said = members(self._answer(known, "POST", known.token_url, {}, form))
        token, lasts = text(said.get("access_token"), 4000), said.get("expires_in")
        if not token:
            raise FetchRefused("fetch_refused")
        seconds = lasts if isinstance(lasts, int) and not isinstance(lasts, bool) else 300
        return _Token(token, now + timedelta(seconds=max(0, min(seconds, 86_400) - 60)))

    def _answer(
        self, known: KnownConnection, method: str, url: str, headers: Mapping[str, str], form: Any = None
    ) -> Any:
        """What is answered, after a few attempts; None where there is no such thing."""
        for attempt in range(_ATTEMPTS):
            self._wait_for_my_turn(known.id)
            try:
                status, body = asyncio.run(self._asked(method, url, headers, form))
            except (TargetNotAllowed, httpx.InvalidURL):
                raise FetchRefused(TargetNotAllowed.code) from None
            except (TimeoutError, NameNotFound, httpx.HTTPError, ssl.SSLError, OSError):
                status, body = 0, b""
            if status == 200:
                return _parsed(body)
            if status in (404, 410):
                return None
            if status and status != 429 and status < 500:
                raise FetchRefused("fetch_refused")
            if attempt + 1 < _ATTEMPTS:
                time.sleep((attempt + 1) / 10)
        raise FetchLater("fetch_failed")

    async def _asked(self, method: str, url: str, headers: Mapping[str, str], form: Any) -> tuple[int, bytes]:
        settings = self.desk.settings
        inner = httpx.AsyncHTTPTransport(verify=self.certificates, trust_env=False, retries=0)
        transport = CheckedTransport(targets.allowed_by(settings), inner)
        said = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Propriety", **headers}
        async with (
            asyncio.timeout(settings.webhook_timeout_s),
            httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False) as client,
            client.stream(method, url, headers=said, data=form) as answer,
        ):
            body = b""
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > _READ_AT_MOST:
                    return 400, b""
            return answer.status_code, body

    def _wait_for_my_turn(self, connection_id: str) -> None:
        """Few requests a second to one system, whatever is waiting."""
        with self._lock:
            now = time.monotonic_ns()
            turn = max(now, self._last.get(connection_id, 0) + 1_000_000_000 // _A_SECOND)
            self._last[connection_id] = turn
        time.sleep((turn - now) / 1_000_000_000)


def _parsed(body: bytes) -> Any:
    try:
        return parse(body)
    except UnreadableDelivery:
        raise FetchLater("fetch_unreadable") from None


def url_of(known: KnownConnection, event: Event) -> str | None:
    """Where a record is; None where its system has no such address."""
    base, id = known.base_url.rstrip("/"), quote(event.external_id, safe="")
    if event.noun is None or not id:
        return None
    match known.provider:
        case Provider.HUBSPOT if event.noun in _HUBSPOT:
            path, names = _HUBSPOT[event.noun]
            more = list(known.mapping.fields.get(event.noun.value, {}))
            asked = quote(",".join([names, *more]), safe=",")
            beside = "&associations=contacts" if event.noun is Noun.MEETING else ""
            return f"{base}/crm/v3/objects/{path}/{id}?properties={asked}{beside}"
        case Provider.DATAVERSE if event.noun in _DATAVERSE:
            path, names = _DATAVERSE[event.noun]
            return f"{base}/api/data/v9.2/{path}({id})?$select={names},modifiedon"
        case Provider.SALESFORCE_FLOW | Provider.STANDARD_WEBHOOKS | Provider.CLOUDEVENTS:
            return f"{base}/{event.noun.value}s/{id}"
    return None


def _fields(provider: Provider, record: Mapping[str, Any]) -> tuple[dict[str, Any], datetime | None]:
    """What a fetched record says, by the names that its system's messages have, and when it was last changed."""
    if provider is Provider.HUBSPOT:
        said: dict[str, Any] = {name: text(value, 2000) for name, value in members(record.get("properties")).items()}
        linked = items(members(members(record.get("associations")).get("contacts")).get("results"))
        if linked:
            said["attendees"] = [{"external_id": text(members(one).get("id"))} for one in linked]
        return said, moment(record.get("updatedAt"))
    if provider is Provider.DATAVERSE:
        said = {_column(name): value for name, value in record.items() if not name.startswith("@")}
        return said, moment(record.get("modifiedon"))
    return dict(record), moment(record.get("updated_at"))


def _column(name: str) -> str:
    """A look-up column as messages name it."""
    return name[1:].removesuffix("_value") if name.startswith("_") and name.endswith("_value") else name
