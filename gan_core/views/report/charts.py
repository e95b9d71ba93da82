"""Three small charts of the report as inline SVG, without scripts and outside files; every name is escaped."""

import html
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 240, 56, 34, 12
COLORS = ("#2f79c4", "#e07b1a", "#5b8f29", "#8a5aa8")  # readable on white and on black
DASHES = ("none", "7 4", "2 3", "10 3 2 3")
INK = "#8a97a5"


def histogram(edges: Sequence[float], series: Mapping[str, Sequence[float]], label: str) -> str:
    """Shares of each series by bin, as steps; edges has one value more than each series. label: what is on the x axis."""
    shares = {name: [value / (sum(counts) or 1) for value in counts] for name, counts in series.items()}
    x, y = scale(edges[0], edges[-1], LEFT, WIDTH - 8), scale(0, most(shares.values()), HEIGHT - BOTTOM, TOP)
    parts = axes(edges[0], edges[-1], 0, most(shares.values()), label, "share")
    for number, values in enumerate(shares.values()):
        steps = [f"M{x(edges[0]):.1f},{y(0):.1f}"]
        for at, value in enumerate(values):
            steps.append(f"L{x(edges[at]):.1f},{y(value):.1f}L{x(edges[at + 1]):.1f},{y(value):.1f}")
        steps.append(f"L{x(edges[-1]):.1f},{y(0):.1f}")
        parts.append(path("".join(steps), number, fill=number == 0))
    return svg(parts, list(series), HEIGHT)


def lines(series: Mapping[str, Sequence[tuple[float, float]]], marks: Mapping[str, float], label: str) -> str:
    """Curves of (x, y) points, and horizontal marks with their names. Series without a point are left out."""
    series = {name: points for name, points in series.items() if points}
    if not series:
        return ""
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points] + list(marks.values())
    low, high = min(0.0, *ys), max(1.0, *ys)
    x, y = scale(min(xs), max(xs), LEFT, WIDTH - 8), scale(low, high, HEIGHT - BOTTOM, TOP)
    parts = axes(min(xs), max(xs), low, high, label, "")
    for name, value in marks.items():
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - 8}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="{INK}" '
            f'stroke-dasharray="3 3"/>' + text(WIDTH - 10, y(value) - 4, name, "end")
        )
    for number, points in enumerate(series.values()):
        if len(points) == 1:
            at, value = points[0]
            parts.append(f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="4" fill="{COLORS[number % 4]}"/>')
        else:
            steps = "L".join(f"{x(at):.1f},{y(value):.1f}" for at, value in points)
            parts.append(path("M" + steps, number, fill=False))
    return svg(parts, list(series), HEIGHT)


def intervals(rows: Sequence[tuple[str, float, Sequence[float] | None]], label: str) -> str:
    """A dot with its interval for each (name, value, [low, high] or None), one below the other."""
    ends = [end for _, value, ci in rows for end in (value, *(ci or ()))]
    reach = (max(ends) - min(ends)) or 0.02
    low, high, left = min(ends) - reach / 10, max(ends) + reach / 10, 250
    height = 26 * len(rows) + BOTTOM + TOP
    x = scale(low, high, left, WIDTH - 24)
    parts = [
        text(x(value), height - 14, f"{value:.3g}", "middle")
        for value in (min(ends), (min(ends) + max(ends)) / 2, max(ends))
    ] + [text((left + WIDTH) / 2, height - 1, label, "middle")]
    for number, (name, value, ci) in enumerate(rows):
        y = TOP + 26 * number + 13
        parts.append(text(left - 10, y + 4, name if len(name) <= 36 else name[:35] + "…", "end"))
        if ci:
            parts.append(
                f'<line x1="{x(ci[0]):.1f}" x2="{x(ci[1]):.1f}" y1="{y}" y2="{y}" stroke="{COLORS[0]}" stroke-width="3"/>'
            )
        parts.append(f'<circle cx="{x(value):.1f}" cy="{y}" r="5" fill="{COLORS[0]}"/>')
    return svg(parts, [], height)


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """A function from [low, high] to [start, end]; an empty range becomes its start."""
    return lambda value: start + (end - start) * ((value - low) / (high - low) if high > low else 0)


def most(series: Iterable[Sequence[float]]) -> float:
    return max((value for values in series for value in values), default=0) or 1.0


def axes(x_low: float, x_high: float, y_low: float, y_high: float, x_label: str, y_label: str) -> list[str]:
    x, y = scale(x_low, x_high, LEFT, WIDTH - 8), scale(y_low, y_high, HEIGHT - BOTTOM, TOP)
    parts = [f'<path d="M{LEFT},{TOP}V{HEIGHT - BOTTOM}H{WIDTH - 8}" fill="none" stroke="{INK}"/>']
    for part in range(3):
        at = x_low + (x_high - x_low) * part / 2
        parts.append(text(x(at), HEIGHT - BOTTOM + 14, f"{at:.3g}", ("start", "middle", "end")[part]))
        at = y_low + (y_high - y_low) * part / 2
        parts.append(text(LEFT - 6, y(at) + 4, f"{at:.2g}", "end"))
    parts.append(text((LEFT + WIDTH) / 2, HEIGHT - 4, x_label, "middle"))
    if y_label:
        parts.append(text(LEFT + 6, TOP + 8, y_label, "start"))
    return parts


def path(steps: str, number: int, fill: bool) -> str:
    color = COLORS[number % len(COLORS)]
    inside = f'fill="{color}" fill-opacity="0.25"' if fill else 'fill="none"'
    return (
        f'<path d="{steps}" {inside} stroke="{color}" stroke-width="2" '
        f'stroke-dasharray="{DASHES[number % len(DASHES)]}"/>'
    )


def text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(words)}</text>'


def svg(parts: list[str], legend: list[str], height: int) -> str:
    """The parts, with a legend below: a line of the series' color and dash before each name."""
    lines_needed = math.ceil(len(legend) / 2)
    for number, name in enumerate(legend):
        x, y = 60 + 290 * (number % 2), height + 14 + 18 * (number // 2)
        parts.append(path(f"M{x},{y - 4}h28", number, fill=False) + text(x + 34, y, name, "start"))
    total = height + 18 * lines_needed + 4
    described = html.escape("Chart: " + ", ".join(legend), quote=True) if legend else "Chart"
    return f'<svg viewBox="0 0 {WIDTH} {total}" role="img" aria-label="{described}">{"".join(parts)}</svg>'
