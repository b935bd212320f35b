"""Screening: entries against the policy in force. `count` reads one entry, `judge` adds up, `explain` proves."""

from app.domain.screening.counting import Line, Weighing, apportion, count, gathered, treated_as
from app.domain.screening.explaining import Step, explain
from app.domain.screening.judging import Assessment, Outcome, assess, judge, results
from app.domain.screening.periods import Span, reach, span

__all__ = [
    "Assessment",
    "Line",
    "Outcome",
    "Span",
    "Step",
    "Weighing",
    "apportion",
    "assess",
    "count",
    "explain",
    "gathered",
    "judge",
    "reach",
    "results",
    "span",
    "treated_as",
]
