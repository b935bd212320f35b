"""Policies: what they are (model) and how they are written and checked (form, document, writing)."""

from app.domain.policies.document import FORM, InvalidPolicy, ParsedPolicy, count_key, parse, to_document
from app.domain.policies.model import (
    CLAIMS,
    OUTSIDE_BUSINESS,
    Authority,
    Basis,
    Dated,
    ItemFloor,
    Measure,
    Period,
    PeriodType,
    Policy,
    PolicyBook,
    Rule,
    Settings,
    Valuation,
)

__all__ = [
    "CLAIMS",
    "FORM",
    "OUTSIDE_BUSINESS",
    "Authority",
    "Basis",
    "Dated",
    "InvalidPolicy",
    "ItemFloor",
    "Measure",
    "ParsedPolicy",
    "Period",
    "PeriodType",
    "Policy",
    "PolicyBook",
    "Rule",
    "Settings",
    "Valuation",
    "count_key",
    "parse",
    "to_document",
]
