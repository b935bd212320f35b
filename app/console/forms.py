"""Forms: what a browser posts, read within bounds, field by field, with a fault for each that needs attention."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from app.console.asking import desk_of
from app.console.security import require_same_site
from app.domain.refusals import Malformed, Refusal, TooLarge, WrongMediaType

_MOST_FIELDS = 2000
_UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_FIRST, _LAST = date(1900, 1, 1), date(2999, 12, 31)


class FormTooLarge(TooLarge):
    code = "form_too_large"


class NotAForm(WrongMediaType):
    code = "form_expected"


class BadForm(Malformed):
    code = "bad_form"


class Form:
    """The fields of a post, and what is wrong with them by the name of the field."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.pairs = pairs
        self.faults: dict[str, str] = {}

    def text(self, name: str) -> str:
        """A field as it was typed, without spaces around it; empty where it is absent."""
        return next((value.strip() for key, value in self.pairs if key == name), "")

    def all(self, name: str) -> list[str]:
        """All values of a field."""
        return [value for key, value in self.pairs if key == name]

    def fault(self, name: str, sentence: str) -> None:
        """A field needs attention; the first sentence stays."""
        self.faults.setdefault(name, sentence)

    def required(self, name: str, sentence: str, *, most: int = 200, least: int = 1) -> str:
        """A text that must be there."""
        value = self.optional(name, most=most)
        if len(value) < least:
            self.fault(name, sentence)
        return value

    def optional(self, name: str, *, most: int = 200) -> str:
        """A text that may be empty."""
        value = self.text(name)
        if _UNREADABLE.search(value):
            self.fault(name, "This holds characters that cannot be read. Type it anew")
        elif len(value) > most:
            self.fault(name, f"Write at most {most:,} characters; these are {len(value):,}")
        return value

    def whole(self, name: str) -> int | None:
        """A whole number of at most nine digits, or None."""
        value = self.text(name)
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None

    def day(self, name: str, sentence: str) -> date | None:
        """A day as a date field sends it."""
        found = read_day(self.text(name))
        if found is None:
            self.fault(name, sentence)
        return found

    def take(self, refusal: Refusal, names: Mapping[str, str], otherwise: str) -> None:
        """The faults of what a service refused, at the fields that its pointers mean."""
        for fault in refusal.faults:
            head = fault.pointer.strip("/").partition("/")[0]
            self.fault(names.get(fault.pointer.strip("/"), names.get(head, otherwise)), sentence_of(fault.detail))
        if not refusal.faults:
            self.fault(otherwise, sentence_of(refusal.detail))


def sentence_of(detail: str) -> str:
    """A service's word on a field as a sentence: without the field's technical name in front."""
    head, colon, rest = detail.partition(": ")
    said = rest if colon and head.replace("_", "").isalpha() and head.islower() else detail
    return said[:1].upper() + said[1:]


def read_day(text: str) -> date | None:
    """A day from its ISO text, or None for anything else."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if _FIRST <= found <= _LAST else None


async def read_form(request: Request) -> Form:
    """The posted form. Raises CrossSite, NotAForm, FormTooLarge and BadForm."""
    require_same_site(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("", "application/x-www-form-urlencoded"):
        raise NotAForm("Send the form as a browser does")
    limit = desk_of(request).settings.body_limit_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise FormTooLarge(f"A form may have {limit:,} bytes")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except (ValueError, UnicodeError) as error:
        raise BadForm("The form cannot be read") from error
    form = Form(pairs)
    request.state.form = form
    return form


Posted = Annotated[Form, Depends(read_form)]
