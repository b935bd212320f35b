"""Mappings: what the words of another system are in ours; said by an administrator, per connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from app.domain.connections.model import NOTHING, ExpensePolicy, Facts, MergePolicy, Noun, Provider
from app.domain.connections.reading import names_of
from app.domain.connections.texts import text


class ConnectionMapping(NamedTuple):
    """What an administrator said. Their values are compared without case.

    `fields`: per noun, our name of a field by theirs, beside those that every system of that kind has. `employers`: our
    name of an employer by their id or name of it. `reps`: our person by their owner of a record. `kinds`: what kind of
    entry an activity or expense is; where nothing is said of it, `default_kind`, and without that there is none.
    """

    fields: Mapping[str, Mapping[str, str]] = NOTHING
    types: Mapping[str, str] = NOTHING
    default_type: str = "institutional_employee"
    employers: Mapping[str, str] = NOTHING
    reps: Mapping[str, str] = NOTHING
    default_rep: str = ""
    kinds: Mapping[str, str] = NOTHING
    default_kind: str = "meal"
    merges: MergePolicy = MergePolicy.PROPOSE
    expenses: ExpensePolicy = ExpensePolicy.DRAFT

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """The mapping that was kept as `kept` gives it."""
        values = {name: value for name, value in said.items() if name in cls._fields}
        values["merges"] = MergePolicy(values.get("merges", MergePolicy.PROPOSE))
        values["expenses"] = ExpensePolicy(values.get("expenses", ExpensePolicy.DRAFT))
        return cls(**values)

    def kept(self) -> dict[str, Any]:
        """As it is kept and shown."""
        said = {name: dict(one) if isinstance(one, Mapping) else one for name, one in self._asdict().items()}
        return {**said, "merges": self.merges.value, "expenses": self.expenses.value}

    def ours(self, provider: Provider, noun: Noun, fields: Facts) -> dict[str, Any]:
        """Fields by our names, as far as we know them; what the firm said counts before what its kind says."""
        names = names_of(provider, noun)
        known = {our: fields[their] for their, our in names.items() if their in fields}
        return known | {our: fields[their] for their, our in self.fields.get(noun.value, {}).items() if their in fields}

    def type_of(self, said: Any) -> str:
        """The recipient type of what they call a person."""
        return _found(self.types, said) or self.default_type

    def employer_of(self, *said: Any) -> str:
        """The employer that was said for the first of their ids or names that has one; empty where none has."""
        return next((name for one in said if (name := _found(self.employers, one))), "")

    def rep_of(self, said: Any) -> str:
        """Our person behind an owner of theirs; empty where nobody was said."""
        return _found(self.reps, said) or self.default_rep

    def kind_of(self, said: Any) -> str:
        """The kind of entry that an activity or an expense is; empty for none."""
        return _found(self.kinds, said) or self.default_kind


def _found(table: Mapping[str, str], said: Any) -> str:
    wanted = text(said).casefold()
    return next((ours for theirs, ours in table.items() if theirs.casefold() == wanted), "") if wanted else ""
