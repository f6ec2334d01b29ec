"""Curves of growth as SVG: users on a logarithmic axis, one line a series."""

import html
import math
import statistics

from verdict import number

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 110, 40, 45
COLOURS = ("#1b6ca8", "#c1440e", "#3b7d3b")
STEPS_MAX = 5


def curves(points):
    """The text of each picture by its file's name, made of the sizes that `scale` measured."""

    def series(name, value):
        return name, [(point["users"], value(point)) for point in points]

    def median(name):
        return lambda point: statistics.median(point[name])

    kinds = (("gate", "gate"), ("list", "list of analyses"), ("login", "login"))
    return {
        "rate.svg": picture("Requests a second", [series(title, median(name)) for name, title in kinds]),
        "latency.svg": picture("p99 at that rate, ms", [series(title, median(f"{name}_p99")) for name, title in kinds]),
        "memory.svg": picture("Memory, MB", [series("Redis", lambda point: point["redis_bytes"] / 1e6),
                                             series("process", lambda point: point["resident_mib"] * 2**20 / 1e6)]),
        "file.svg": picture("The ledger's file, MB", [series("file", lambda point: point["file_bytes"] / 1e6)]),
    }  # fmt: skip


def picture(title, lines):
    """One chart."""
    users = [at for _, line in lines for at, _ in line]
    low, high = math.log10(min(users)), math.log10(max(users))
    step = step_of(max(value for _, line in lines for _, value in line))
    top = step * math.ceil(max(value for _, line in lines for _, value in line) / step)

    def x(at):
        return LEFT + (math.log10(at) - low) / max(high - low, 1e-9) * (WIDTH - LEFT - RIGHT)

    def y(value):
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        text(LEFT, 22, title, "start", 14),
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "users", "middle"),
    ]
    for number_of in range(round(top / step) + 1):
        value = number_of * step
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>')
        parts.append(text(LEFT - 6, y(value) + 4, number(value), "end"))
    parts += [text(x(at), HEIGHT - BOTTOM + 18, f"{at:,}", "middle") for at in sorted(set(users))]
    for (name, line), colour, at_y in zip(lines, COLOURS, label_places([y(line[-1][1]) for _, line in lines])):
        path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="3" fill="{colour}"/>' for at, value in line]
        parts.append(text(WIDTH - RIGHT + 8, at_y + 4, name, "start", colour=colour))
    return "\n".join([*parts, "</svg>"]) + "\n"


def step_of(most):
    """A round distance of lines, so that there are at most `STEPS_MAX`."""
    size = 10 ** math.floor(math.log10(most / STEPS_MAX)) if most > 0 else 1
    return next(size * factor for factor in (1, 2, 5, 10) if most / (size * factor) <= STEPS_MAX)


def label_places(wanted):
    """Heights for the names of lines, no two nearer than a line of text."""
    placed = list(wanted)
    order = sorted(range(len(placed)), key=lambda at: placed[at])
    for before, at in zip(order, order[1:]):
        placed[at] = max(placed[at], placed[before] + 14)
    return placed


def text(x, y, words, anchor, size=12, colour="#222"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{html.escape(words)}</text>'
