"""Recipients and employers: how a person is named on a draft, and how a name is compared."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Named:
    """A person as a draft names them: by our id, by another system's id, or by name, employer and e-mail.

    `type` and `employer` are those of the day; where they are left out, what is known of the person holds.
    """

    id: str | None = None
    source: str | None = None
    external_id: str | None = None
    name: str | None = None
    employer: str | None = None
    employer_id: str | None = None
    email: str | None = None
    type: str | None = None


def name_key(name: str) -> str:
    """A name as it is compared: compatibility form, no case, single spaces, no full stops or commas."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return " ".join("".join(" " if letter in ".," else letter for letter in plain).split())


def match_key(name: str, employer_id: str | None, email: str | None) -> str:
    """What finds a person again who is named on an entry: the e-mail where there is one, else name and employer."""
    return f"email:{email.casefold()}" if email else f"name:{name_key(name)}|{employer_id or ''}"
