"""Charts: SVG drawn on the server from whole minor units.

No style attributes and no script: colours come from classes, so the same markup works in dark mode, on paper and under
a policy without 'unsafe-inline'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

from app.console.showing import full_day

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MANY_DOTS = 200
_HEAD_ROOM = (118, 100)


@dataclass(frozen=True, slots=True)
class Point:
    """One entry that counts: its day, the total up to and with it, and whether the case is about it."""

    on: date
    before: int
    total: int
    this: bool = False


@dataclass(frozen=True, slots=True)
class Totals:
    """What a running total's chart shows. Amounts are minor units or counts, written by `write` or `brief`."""

    id: str
    label: str
    points: Sequence[Point]
    not_counted: Sequence[date]
    limit: int
    warn: int | None
    start: date
    end: date
    today: date
    write: Callable[[int], str]
    brief: Callable[[int], str]

    @property
    def total(self) -> int:
        """The last total."""
        return self.points[-1].total if self.points else 0


class _Frame:
    """Where days and amounts lie on the drawing."""

    def __init__(self, shown: Totals, width: int, height: int) -> None:
        self.left, self.right, self.top, self.bottom = 58, 84, 18, 30
        self.width, self.height = width, height
        self.start, self.end = shown.start, shown.end
        self.days = max((shown.end - shown.start).days, 1)
        self.most = max(max(shown.limit, shown.total) * _HEAD_ROOM[0] // _HEAD_ROOM[1], 1)

    def x(self, on: date) -> float:
        inside = min(max(on, self.start), self.end)
        return round(self.left + (inside - self.start).days / self.days * (self.width - self.left - self.right), 1)

    def y(self, value: int) -> float:
        return round(self.top + (1 - value / self.most) * (self.height - self.top - self.bottom), 1)


def running_total(shown: Totals, *, width: int = 820, height: int = 250) -> Markup:
    """A step line of the counted total with the limit; the part above it hatched, ✕ for what does not count."""
    frame = _Frame(shown, width, height)
    parts = [
        *_heading(shown, frame),
        *_grid(shown, frame),
        *_line(shown, frame),
        *_limits(shown, frame),
        *_marks(shown, frame),
        "</svg>",
    ]
    # Every text inside went through escape().
    return Markup("".join(parts))  # noqa: S704


def _heading(shown: Totals, frame: _Frame) -> Iterator[str]:
    said = f"{len(shown.points)} entries counted from {full_day(shown.start)} to {full_day(shown.end)}. "
    over = shown.total > shown.limit
    said += f"Total {shown.write(shown.total)}, {'over' if over else 'within'} the limit of {shown.write(shown.limit)}."
    yield (
        f'<svg class="ch" viewBox="0 0 {frame.width} {frame.height}" role="img" '
        f'aria-labelledby="{shown.id}-t {shown.id}-d">'
        f'<title id="{shown.id}-t">{escape(shown.label)}</title><desc id="{shown.id}-d">{escape(said)}</desc>'
        f'<defs><pattern id="{shown.id}-h" width="6" height="6" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>'
    )


def _grid(shown: Totals, frame: _Frame) -> Iterator[str]:
    right, floor = frame.width - frame.right, frame.height - frame.bottom
    if shown.today < shown.end:
        x = frame.x(shown.today)
        yield (
            f'<rect class="fut" x="{x}" y="{frame.top}" width="{round(right - x, 1)}" height="{floor - frame.top}"/>'
        )
    for value in range(0, frame.most + 1, _step(frame.most)):
        y = frame.y(value)
        yield (
            f'<line class="{"grid" if value else "axis"}" x1="{frame.left}" x2="{right}" y1="{y}" y2="{y}"/>'
            f'<text x="{frame.left - 8}" y="{y + 4}" text-anchor="end">{escape(shown.brief(value))}</text>'
        )
    yield from _months(shown, frame)


def _months(shown: Totals, frame: _Frame) -> Iterator[str]:
    every = 1 + frame.days // 400
    on, place = date(shown.start.year, shown.start.month, 1), 0
    last = frame.width - frame.right
    while on <= shown.end:
        if on >= shown.start and place % every == 0 and frame.x(on) < last - 12:
            year = f" {on.year}" if on.month == 1 and shown.start.year != shown.end.year else ""
            yield f'<text x="{frame.x(on)}" y="{frame.height - 10}">{_MONTHS[on.month - 1]}{year}</text>'
        place += 1
        if (on.year, on.month) == (date.max.year, 12):
            return
        on = date(on.year + on.month // 12, on.month % 12 + 1, 1)


def _step(most: int) -> int:
    """A round step of which at most five fit."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if most // (step * factor) <= 5:
                return step * factor
        step *= 10


def _line(shown: Totals, frame: _Frame) -> Iterator[str]:
    corners: list[tuple[float, int]] = [(frame.x(shown.start), 0)]
    for point in shown.points:
        corners += [(frame.x(point.on), point.before), (frame.x(point.on), point.total)]
    last = max([shown.today, *(point.on for point in shown.points[-1:])])
    corners.append((frame.x(min(last, shown.end)), shown.total))
    path = "M" + " L".join(f"{x} {frame.y(min(value, shown.limit))}" for x, value in corners)
    floor = frame.y(0)
    yield f'<path class="area" d="{path} L{corners[-1][0]} {floor} L{corners[0][0]} {floor} Z"/>'
    yield f'<path class="ln" d="{path}"/>'
    if shown.total > shown.limit:
        yield from _above(shown, frame, corners)


def _above(shown: Totals, frame: _Frame, corners: Sequence[tuple[float, int]]) -> Iterator[str]:
    """What lies above the limit, hatched."""
    high = [(x, value) for x, value in corners if value > shown.limit]
    first = high[0][0]
    last = max(high[-1][0], first + 4)
    limit = frame.y(shown.limit)
    steps = " L".join(f"{x} {frame.y(value)}" for x, value in [*high, (last, shown.total)])
    closed = f"M{first} {limit} L{steps} L{last} {limit} Z"
    yield f'<path class="over" d="{closed}"/><path fill="url(#{shown.id}-h)" d="{closed}"/>'
    yield f'<path class="ln-over" d="M{first} {limit} L{steps}"/>'


def _limits(shown: Totals, frame: _Frame) -> Iterator[str]:
    right = frame.width - frame.right
    lines = [("lim", "Limit", shown.limit)]
    if shown.warn is not None and frame.y(shown.warn) - frame.y(shown.limit) > 12:
        lines.insert(0, ("warn", "Warn", shown.warn))
    for kind, word, value in lines:
        y = frame.y(value)
        yield (
            f'<line class="{kind}" x1="{frame.left}" x2="{right}" y1="{y}" y2="{y}"/>'
            f'<text class="t-{kind}" x="{right + 6}" y="{y + 4}">{word} {escape(shown.brief(value))}</text>'
        )


def _marks(shown: Totals, frame: _Frame) -> Iterator[str]:
    floor = frame.height - frame.bottom
    if shown.start <= shown.today < shown.end:
        x = frame.x(shown.today)
        yield (
            f'<line class="now" x1="{x}" x2="{x}" y1="{frame.top}" y2="{floor}"/>'
            f'<text x="{x}" y="{frame.top - 6}" text-anchor="middle">Today</text>'
        )
    for on in shown.not_counted[-_MANY_DOTS:]:
        yield f'<path class="x" d="M{round(frame.x(on) - 3.5, 1)} {round(frame.y(0) - 3.5, 1)} l7 7 m0 -7 l-7 7"/>'
    few = len(shown.points) <= _MANY_DOTS
    for point in shown.points:
        if few or point.this:
            kind, radius = ("dot hot", 4.5) if point.this else ("dot", 3.5)
            yield f'<circle class="{kind}" cx="{frame.x(point.on)}" cy="{frame.y(point.total)}" r="{radius}"/>'
    if shown.points:
        kind = "t-tot" if shown.total > shown.limit else "t-ok"
        x = frame.x(shown.points[-1].on)
        left = x > frame.left + 90
        anchor = f'x="{round(x - 9, 1)}" text-anchor="end"' if left else f'x="{round(x + 9, 1)}"'
        yield f'<text class="{kind}" {anchor} y="{frame.y(shown.total) - 7}">{escape(shown.write(shown.total))}</text>'


def meter(
    used: int,
    limit: int,
    *,
    new: int = 0,
    held: int = 0,
    said: str,
    warn: bool = False,
    wide: int = 160,
    kind: str = "",
) -> Markup:
    """A bar: counted so far, held, then this entry; the limit is the dark tick. The text beside it says the amounts."""
    total = used + held + new
    most = max(limit, total, 1)
    scale = wide / most if total <= limit else wide / (most * 1.02)
    parts = [f'<rect class="m-track" width="{wide}" height="8" rx="2"/>']
    at = 0
    near = "m-warn" if warn and total <= limit and not new else "m-use"
    for amount, inside, outside in ((used, near, "m-over"), (held, "m-com", "m-over"), (new, "m-new", "m-newover")):
        if amount <= 0:
            continue
        below = max(0, min(amount, limit - at))
        if below:
            parts.append(_bar(inside, at * scale, below * scale))
        if amount > below:
            parts.append(_bar(outside, (at + below) * scale, (amount - below) * scale))
        if at:
            parts.append(_bar("m-gap", at * scale - 0.5, 1))
        at += amount
    if total > limit:
        x = round(limit * scale, 1)
        parts.append(f'<line class="m-lim" x1="{x}" x2="{x}" y1="-1" y2="9"/>')
    head = f'<svg class="meter {kind}" viewBox="0 0 {wide} 8" preserveAspectRatio="none" role="img" '
    return Markup(f'{head}aria-label="{escape(said)}">{"".join(parts)}</svg>')  # noqa: S704


def _bar(kind: str, x: float, width: float) -> str:
    return f'<rect class="{kind}" x="{round(x, 1)}" width="{round(width, 1)}" height="8"/>'
