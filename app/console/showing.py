"""Showing values: money, days and moments as people read them. The only place of the console that formats."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from app.domain.money import Currency, format_minor
from app.domain.policies import Measure, PeriodType, Rule

_SIGNS: Mapping[str, str] = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CHF": "CHF "}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEK = 7


def money(minor: int, currency: Currency) -> str:
    """An amount in the rules' currency: `$1,437.35`."""
    whole, dot, decimals = format_minor(abs(minor), currency.exponent).partition(".")
    sign = _SIGNS.get(currency.code, f"{currency.code} ")
    return f"{'−' if minor < 0 else ''}{sign}{int(whole):,}{dot}{decimals}"


def foreign(minor: int, currency: Currency, home: Currency) -> str:
    """An amount as it was paid: with its code where that is not the rules' currency."""
    if currency.code == home.code:
        return money(minor, currency)
    whole, dot, decimals = format_minor(abs(minor), currency.exponent).partition(".")
    return f"{currency.code} {int(whole):,}{dot}{decimals}"


def stated(amount: str, unit: str) -> str:
    """An amount that comes as a decimal string with its unit."""
    if unit == "count":
        return amount
    whole, dot, decimals = amount.partition(".")
    return f"{_SIGNS.get(unit, unit + ' ')}{int(whole):,}{dot}{decimals}" if whole.isdecimal() else f"{amount} {unit}"


def of_rule(value: int, rule: Rule) -> str:
    """What a rule adds up: money, or a plain number where it counts events."""
    return f"{value:,}" if rule.measure is Measure.COUNT else money(value, rule.currency)


def percent(part: int, whole: int) -> str:
    """One decimal, half up: `15.5%`."""
    if whole <= 0:
        return ""
    tenths = int(Fraction(part * 1000, whole) + Fraction(1, 2))
    return f"{tenths // 10}.{tenths % 10}%"


def day(on: date, today: date) -> str:
    """`18 Nov`, and the year where it is not the current one."""
    said = f"{on.day} {_MONTHS[on.month - 1]}"
    return said if on.year == today.year else f"{said} {on.year}"


def full_day(on: date) -> str:
    """`18 Nov 2026`."""
    return f"{on.day} {_MONTHS[on.month - 1]} {on.year}"


def timed(on: date, today: date) -> Markup:
    """A day as an element that machines read too."""
    return Markup('<time datetime="{}">{}</time>').format(on.isoformat(), day(on, today))


def moment(at: datetime, zone: ZoneInfo, today: date) -> Markup:
    """A moment in the firm's zone: `Today, 08:40` or `20 Nov, 14:03`."""
    local = at.astimezone(zone)
    said = "Today" if local.date() == today else day(local.date(), today)
    exact = f"{full_day(local.date())}, {local:%H:%M:%S} {local:%Z}"
    return Markup('<time datetime="{}" title="{}">{}, {}</time>').format(
        at.isoformat(timespec="seconds"), exact, said, f"{local:%H:%M}"
    )


def due(on: date, today: date, *, closed: bool = False) -> str:
    """By when, in words: `Today`, `Tomorrow`, `Wed 25 Nov`, `3 d late`."""
    if closed or on < today - timedelta(days=365):
        return day(on, today)
    if on < today:
        return f"{(today - on).days} d late"
    if on == today:
        return "Today"
    if on == today + timedelta(days=1):
        return "Tomorrow"
    return f"{_WEEKDAYS[on.weekday()]} {day(on, today)}"


def due_after_word(on: date, today: date) -> str:
    """The same after a word, as in `Due tomorrow`."""
    said = due(on, today)
    return said.lower() if said in ("Today", "Tomorrow") else said


def initials(person: str) -> str:
    """At most two letters for a person."""
    words = [word for word in person.replace(".", " ").replace("_", " ").replace("-", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    picked = words[0][:2] if len(words) == 1 else words[0][0] + words[-1][0]
    return picked.upper()


def words(code: str) -> str:
    """A code as words: `waiting_on_rep` is `Waiting on rep`."""
    said = code.replace("_", " ").replace("-", " ")
    return said[:1].upper() + said[1:]


_PERIODS: Mapping[PeriodType, str] = {
    PeriodType.CALENDAR_YEAR: "Calendar year",
    PeriodType.FISCAL_YEAR: "Fiscal year",
    PeriodType.ROLLING_365D: "365 days to the event",
    PeriodType.ROLLING_12M: "12 months to the event",
    PeriodType.PER_EVENT: "Each event",
    PeriodType.FIRST_GIFT_YEAR: "Year from the first gift",
}


def period(rule: Rule) -> str:
    """The window of a rule in words."""
    return _PERIODS[rule.period.type]


def marked(text: str, part: str) -> Markup:
    """A text with one part of it strong."""
    head, found, tail = text.partition(part)
    return Markup("{}<strong>{}</strong>{}").format(head, found, tail) if found else escape(text)
