"""What the service says no to: a kind, a code that never changes, and a sentence for a person.

Refusal
├── Malformed            400  the request cannot be read
├── Unauthenticated      401  nobody we know
├── Forbidden            403  known, but not allowed
├── NotFound             404  absent, or not yours: both answer alike
├── Conflict             409  the state of the thing does not allow it
├── StaleVersion         412  somebody changed it since you read it
├── VersionRequired      428  say which version you mean
├── TooLarge             413
├── WrongMediaType       415
├── Unprocessable        422  readable, but not acceptable
├── TooMany              429  too often; try again
└── Unavailable          503  not now; try again
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple


class Fault(NamedTuple):
    """One field that needs attention. `pointer` is an RFC 6901 pointer into the request body, '' for the whole."""

    pointer: str
    code: str
    detail: str


class Refusal(Exception):
    """A refusal carries a sentence for a person and, where fields are at fault, one Fault per field."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 422
    title: ClassVar[str] = "Refused"

    def __init__(self, detail: str, faults: Sequence[Fault] = (), *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults)
        self.retry_after_s = retry_after_s

    @classmethod
    def at(cls, pointer: str, detail: str) -> Refusal:
        """A refusal of one field, with the same sentence for the whole and for the field."""
        return cls(detail, [Fault(pointer, cls.code, detail)])


class Malformed(Refusal):
    code = "malformed"
    status = 400
    title = "The request cannot be read"


class Unauthenticated(Refusal):
    code = "unauthenticated"
    status = 401
    title = "Who are you?"


class Forbidden(Refusal):
    code = "forbidden"
    status = 403
    title = "Not allowed"


class NotFound(Refusal):
    code = "not_found"
    status = 404
    title = "Not found"


class Conflict(Refusal):
    code = "conflict"
    status = 409
    title = "The current state does not allow this"


class StaleVersion(Refusal):
    code = "stale_version"
    status = 412
    title = "Somebody changed this since you read it"


class TooLarge(Refusal):
    code = "too_large"
    status = 413
    title = "The request is too large"


class WrongMediaType(Refusal):
    code = "wrong_media_type"
    status = 415
    title = "This media type is not taken here"


class Unprocessable(Refusal):
    code = "validation_failed"
    status = 422
    title = "The request is not valid"


class VersionRequired(Refusal):
    code = "version_required"
    status = 428
    title = "Say which version you mean with If-Match"


class TooMany(Refusal):
    code = "too_many"
    status = 429
    title = "Too many requests"


class Unavailable(Refusal):
    code = "unavailable"
    status = 503
    title = "Not now; try again"
