"""A proof as a page shows it: the sum, the table of every entry that was read, and the chart of the same figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from app.console import sentences
from app.console.charts import Point, Totals
from app.console.showing import foreign, of_rule, stated, words
from app.domain.entries import Entry
from app.domain.policies import Measure, PeriodType, Rule
from app.services.screening import Proof, ProvedLine

SHOWN_AT_ONCE = 200
_LAST_ONES = 50
_LONGEST_CHART_DAYS = 1100


@dataclass(frozen=True, slots=True)
class Line:
    """One entry that was read."""

    entry: Entry
    what: str
    how: str
    why: str
    counts: bool
    this: bool
    amount: str
    running: str


@dataclass(frozen=True, slots=True)
class View:
    """A proof in words and figures, all of them the engine's own."""

    proof: Proof
    rule: Rule
    lines: Sequence[Line]
    before: str
    share: str
    total: str
    limit: str
    over: str
    today: date

    @property
    def counted(self) -> int:
        """How many of the entries count."""
        return sum(line.counts for line in self.lines)

    @property
    def last_lines(self) -> Sequence[Line]:
        """The lines that a page shows where there are very many."""
        return self.lines if len(self.lines) <= SHOWN_AT_ONCE else self.lines[-_LAST_ONES:]

    @property
    def is_over(self) -> bool:
        """Whether the total lies above the limit."""
        answer = self.proof.known.assessment
        return answer.aggregate > answer.limit

    @property
    def is_sum(self) -> bool:
        """Whether the rule adds several entries up."""
        return self.rule.period.type is not PeriodType.PER_EVENT and self.rule.measure is not Measure.PROHIBITION

    @property
    def has_chart(self) -> bool:
        """Whether a running total over days says anything."""
        span = self.proof.known.assessment.period
        return self.is_sum and (span.end - span.start).days <= _LONGEST_CHART_DAYS and self.counted > 0

    @property
    def sentence(self) -> str:
        """The rule as a sentence."""
        return sentences.allowed(self.rule, self.limit)

    @property
    def exactly(self) -> str:
        """The operator in words."""
        return sentences.exactly(self.rule, self.limit)

    def summary(self, who: str) -> Markup:
        """What the entry brought the total to, in two sentences."""
        line = self.lines[-1] if self.lines else None
        thing = line.what if line else "The entry"
        if not self.is_sum:
            return Markup("{}: <strong>{}</strong> for {}. {}").format(thing, self.share, who, self.sentence)
        said = Markup("The {} share of {} brought the total of {} to <strong>{}</strong>. {}")
        if self.rule.measure is Measure.COUNT:
            said = Markup("With {1} there are <strong>{3}</strong> for {2}. {4}")
        return said.format(self.share, thing, who, self.total, self.sentence)

    def chart(self, id: str, who: str) -> Totals:
        """The running total as a chart takes it."""
        answer = self.proof.known.assessment
        counted = [line for line in self.proof.lines if line.line.exclusion is None]
        rule = self.rule
        warn = None if rule.warn_at is None else int(answer.limit * rule.warn_at)
        return Totals(
            id=id,
            label=f"{who}, {sentences.things(rule).lower()}: running total against the limit of {self.limit}",
            points=[
                Point(one.entry.occurred_on, one.running - one.line.counted, one.running, one is self.proof.lines[-1])
                for one in counted
            ],
            not_counted=[one.entry.occurred_on for one in self.proof.lines if one.line.exclusion is not None],
            limit=answer.limit,
            warn=warn,
            start=answer.period.start,
            end=answer.period.end,
            today=self.today,
            write=lambda value: of_rule(value, rule),
            brief=lambda value: _brief(value, rule),
        )


def _brief(value: int, rule: Rule) -> str:
    if rule.measure is Measure.COUNT:
        return str(value)
    whole, rest = divmod(value, 10**rule.exponent)
    return f"{whole:,}" if rest == 0 else f"{whole:,}.{rest:0{rule.exponent}d}"


def view(proof: Proof, today: date) -> View:
    """A proof for a page."""
    answer, rule = proof.known.assessment, proof.rule
    last = proof.lines[-2].running if len(proof.lines) > 1 else 0
    over = answer.over_by
    return View(
        proof=proof,
        rule=rule,
        lines=[_line(proof, one) for one in proof.lines],
        before=of_rule(last, rule),
        share=of_rule(answer.line.counted, rule),
        total=of_rule(answer.aggregate, rule),
        limit=of_rule(answer.limit, rule),
        over=of_rule(max(over, 0), rule),
        today=today,
    )


def _line(proof: Proof, one: ProvedLine) -> Line:
    rule, entry = proof.rule, one.entry
    counts = one.line.exclusion is None
    steps = [step for step in one.steps if not step.what.startswith("excluded")]
    how = f"{words(entry.kind.value)} of {foreign(entry.total, entry.currency, rule.currency)}"
    if steps:
        how = " → ".join(f"{stated(step.amount, step.unit)}" for step in steps)
    why = "; ".join(step.what for step in steps) if counts else sentences.exclusion(one.line.exclusion or "")
    return Line(
        entry=entry,
        what=entry.purpose or words(entry.kind.value),
        how=how,
        why=why[:1].upper() + why[1:],
        counts=counts,
        this=one is proof.lines[-1],
        amount=of_rule(one.line.counted, rule) if counts else foreign(entry.total, entry.currency, rule.currency),
        running=of_rule(one.running, rule),
    )
