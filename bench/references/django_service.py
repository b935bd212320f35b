"""Django: an endpoint that only locks, adds up, inserts and commits; nothing is judged, kept for history or told.

The same body and the same tables. It runs in an environment of its own (`make bench-django`), under gunicorn with as
many threads as there are connections; the address of the database is in DATABASE, the day of all entries in DAY.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import models, transaction
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

_WHERE = urlsplit(os.environ["DATABASE"])

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    MIDDLEWARE=[],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _WHERE.path.lstrip("/"),
            "USER": _WHERE.username,
            "HOST": _WHERE.hostname,
            "PORT": _WHERE.port,
            "CONN_MAX_AGE": None,
        }
    },
)
django.setup()


class Recipient(models.Model):
    id = models.TextField(primary_key=True)
    employer_id = models.TextField(null=True)
    touched_sequence = models.BigIntegerField()

    class Meta:
        managed, app_label, db_table = False, "bench", "recipients"


class Entry(models.Model):
    id = models.TextField(primary_key=True)
    version = models.IntegerField(default=1)
    sequence = models.BigIntegerField()
    occurred_on = models.DateField()
    kind = models.TextField()
    direction = models.TextField(default="given")
    giver = models.TextField()
    total_minor = models.BigIntegerField()
    currency = models.TextField(default="USD")
    standing = models.TextField(default="live")
    submitted_by = models.TextField(default="nobody")
    recorded_at = models.DateTimeField()

    class Meta:
        managed, app_label, db_table = False, "bench", "entries"


class Share(models.Model):
    pk = models.CompositePrimaryKey("entry_id", "entry_version", "position")
    entry_id = models.TextField()
    entry_version = models.IntegerField(default=1)
    position = models.IntegerField()
    recipient_id = models.TextField()
    client_id = models.TextField()
    employer_id = models.TextField(null=True)
    amount_minor = models.BigIntegerField()
    currency = models.TextField(default="USD")

    class Meta:
        managed, app_label, db_table = False, "bench", "shares"


_PLACED = Entry.objects.filter(occurred_on__gte=date.fromisoformat(os.environ["DAY"]).replace(month=1, day=1))


def create_entry(request: HttpRequest) -> HttpResponse:
    """One transaction from the lock to the commit."""
    body = json.loads(request.body)
    ids = sorted({one["id"] for one in body["recipients"]})
    with transaction.atomic():
        people = list(Recipient.objects.filter(id__in=ids).order_by("id").select_for_update(no_key=True))
        return JsonResponse(_recorded(body, people), status=201)


def _recorded(body: dict[str, Any], people: list[Recipient]) -> dict[str, Any]:
    now, total = datetime.now(UTC), int(body["total"]["amount"].replace(".", ""))
    totals = dict(
        Share.objects.filter(recipient_id__in=[one.id for one in people], entry_id__in=_PLACED.values("id"))
        .values_list("recipient_id")
        .annotate(Sum("amount_minor"))
    )
    entry = Entry(
        id=f"ent_{uuid4().hex}",
        sequence=int(now.timestamp() * 1_000_000),
        occurred_on=body["occurred_on"],
        kind=body["kind"],
        giver=body["giver"],
        total_minor=total,
        recorded_at=now,
    )
    entry.save(force_insert=True)
    part = total // (len(people) + (body["kind"] == "meal"))
    Share.objects.bulk_create(
        Share(
            entry_id=entry.id,
            position=place,
            recipient_id=one.id,
            client_id=one.id,
            employer_id=one.employer_id,
            amount_minor=part,
        )
        for place, one in enumerate(people)
    )
    Recipient.objects.filter(id__in=[one.id for one in people]).update(touched_sequence=entry.sequence)
    return {"id": entry.id, "totals": {one.id: totals.get(one.id, 0) + part for one in people}}


urlpatterns = [path("v1/entries", create_entry)]
application = get_wsgi_application()
