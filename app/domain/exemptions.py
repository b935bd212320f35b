"""Exemptions: a regulator's or the firm's written permission, with its number, its scope and its dates."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Exemption:
    """What a document exempts: results under its rules on its days, both ends included.

    Where it names recipients it covers only those, where it names employers only their people; with both, only those
    recipients while they work there.
    """

    rule_ids: tuple[str, ...]
    recipient_ids: tuple[str, ...]
    employer_ids: tuple[str, ...]
    effective_from: date
    effective_to: date

    def why_not(self, *, rule_id: str, recipients: Set[str], employers: Set[str], on: date) -> str | None:
        """Why a result is outside the scope, or None where it is covered. `recipients` are one person's records."""
        if rule_id not in self.rule_ids:
            return f"it covers {', '.join(self.rule_ids)}, not {rule_id}"
        if not self.effective_from <= on <= self.effective_to:
            return f"it holds from {self.effective_from} to {self.effective_to}, not on {on}"
        if self.recipient_ids and not recipients & set(self.recipient_ids):
            return "it names other recipients"
        if self.employer_ids and not employers & set(self.employer_ids):
            return "it names other employers"
        return None
