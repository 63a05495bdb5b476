# weir: report.html: charts of every ratio, drawn as SVG, and the costs behind them.
# SPDX-License-Identifier: MIT
import math
import time
from html import escape

LABEL_WIDTH, PLOT_WIDTH, VALUE_WIDTH, ROW, HEAD = 230, 460, 190, 20, 34
TICKS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50, 100)

STYLE = """
:root { color-scheme: light dark; --page: #fcfcfb; --text: #1d1d1b; --soft: #6b6a65; --line: #d9d8d3; --band: #ecebe6;
  --weir: #1f6fd0; --libevent: #c2571a; --libuv: #8a4fb8; --asio: #1a8f6a; --limit: #77756e; --goal: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --page: #1a1a19; --text: #ecebe6; --soft: #a3a19a; --line: #3a3a37; --band: #2a2a28;
  --weir: #5aa2f5; --libevent: #ee8a4f; --libuv: #bd8ee6; --asio: #43c39a; --limit: #a8a69e; --goal: #ff8a80; } }
body { background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .3rem; } p, li { max-width: 45rem; } .soft { color: var(--soft); } .failed { color: var(--goal); }
.wide { overflow-x: auto; } svg { display: block; } svg text { font: 12px system-ui, sans-serif; fill: var(--text); }
svg .soft { fill: var(--soft); } svg .group { font-weight: 600; } svg .goal { fill: var(--goal); }
.grid { stroke: var(--line); } .one { stroke: var(--soft); stroke-width: 1.5; } .goal-line { stroke: var(--goal); stroke-dasharray: 4 3; } .goal-mark { stroke: var(--goal); stroke-width: 2; }
.band { fill: var(--band); } .weir { --ink: var(--weir); } .libevent { --ink: var(--libevent); } .libuv { --ink: var(--libuv); } .asio { --ink: var(--asio); } .limit { --ink: var(--limit); }
.range { stroke: var(--ink); stroke-width: 2; } .dot { fill: var(--ink); stroke: var(--page); stroke-width: 1.5; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: .2rem .8rem .2rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
"""


def write_report(path, workloads, notes, failures):
    sections = "".join(section(workload, figures) for workload, figures in workloads)
    with open(path, "w") as file:
        file.write(f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>weir benchmarks</title><style>{STYLE}</style></head><body>
<h1>weir benchmarks</h1>
<p class="soft">{time.strftime("%Y-%m-%d %H:%M")}<br>{"<br>".join(escape(note) for note in notes)}</p>
{"".join(f'<p class="failed">failed: {escape(failure)}</p>' for failure in failures)}
<p>Every dot is the median ratio of paired runs, every line its range. Further left is cheaper. The grey band is the
range of one program against itself: what lies inside it cannot be told from noise. A red mark is a goal.</p>
{sections}</body></html>
""")


def section(workload, figures):
    html = f"<h2>{workload.identity} · {escape(workload.title)}</h2>"
    summary = workload.summary(figures)
    html += f"<p>{escape(summary)}</p>" if summary else ""
    for entry in workload.charts(figures):
        if entry.rows:
            html += f"<h3>{escape(entry.title)}</h3><div class='wide'>{chart(entry.rows, entry.goal)}</div>"
    return html + cost_table(workload, figures, figures.subjects)


def chart(rows, goal):
    """A dot and a range for each ratio, on a logarithmic axis."""
    low = min(ratio.low for row in rows for _, ratio, _ in row.ratios)
    high = max(ratio.high for row in rows for _, ratio, _ in row.ratios)
    axis = Axis(min(low, 0.85), max(high, 1.2))
    count = sum(len(row.ratios) for row in rows)
    height = HEAD + count * ROW + len(rows) * 8
    bands, marks, y = "", "", HEAD
    for row in rows:
        for again in (ratio for subject, ratio, _ in row.ratios if subject.endswith(" again")):
            left, right = axis.x(again.low), axis.x(again.high)
            bands += rectangle(left, y, right - left, len(row.ratios) * ROW)
        marks += text(0, y + 14, row.label, "group")
        for subject, ratio, row_goal in row.ratios:
            marks += ratio_row(subject, ratio, axis, y, row_goal)
            y += ROW
        y += 8
    return (f'<svg width="{LABEL_WIDTH + PLOT_WIDTH + VALUE_WIDTH}" height="{height}" role="img">'
            f"{bands}{grid(axis, height, goal)}{marks}</svg>")


class Axis:
    """Places ratios between `low` and `high` on the plot, logarithmically."""

    def __init__(self, low, high):
        self.low, self.high = low * 0.97, high * 1.03

    def x(self, ratio):
        share = math.log(ratio / self.low) / math.log(self.high / self.low)
        return round(LABEL_WIDTH + share * PLOT_WIDTH, 1)

    def ticks(self):
        """As many as can be read."""
        shown = []
        for tick in sorted(TICKS, key=lambda tick: (tick != 1, abs(math.log(tick)))):
            if self.low <= tick <= self.high and all(abs(self.x(tick) - self.x(other)) > 32 for other in shown):
                shown.append(tick)
        return shown


def grid(axis, height, goal):
    lines, above = "", ""
    for tick in axis.ticks():
        lines += line(axis.x(tick), HEAD - 6, axis.x(tick), height, "one" if tick == 1 else "grid")
        above += text(axis.x(tick), HEAD - 10, f"{tick:g}", "soft", "middle")
    if goal:
        lines += line(axis.x(goal), HEAD - 6, axis.x(goal), height, "goal-line")
        above += text(axis.x(goal), 10, f"goal {goal:g}", "goal", "middle")
    return lines + above


def ratio_row(subject, ratio, axis, y, goal):
    middle = y + ROW / 2
    value = f"{ratio.median:.3f}  ({ratio.low:.2f} – {ratio.high:.2f})"
    marks = line(axis.x(goal), y + 2, axis.x(goal), y + ROW - 2, "goal-mark") if goal else ""
    marks += line(axis.x(ratio.low), middle, axis.x(ratio.high), middle, "range")
    marks += f'<circle class="dot" cx="{axis.x(ratio.median)}" cy="{middle}" r="5"/>'
    return (f'<g class="{ink(subject)}"><title>{escape(subject)}: {value}, {ratio.count} pairs</title>{marks}</g>'
            + text(LABEL_WIDTH - 12, y + 14, subject, "soft", "end")
            + text(LABEL_WIDTH + PLOT_WIDTH + 14, y + 14, value, "goal" if goal and ratio.median > goal else ""))


def ink(subject):
    name = subject.split("-")[0].split(" ")[0]
    return {"evbuffer": "libevent", "cord": "asio"}.get(name, name if name in ("weir", "libevent", "libuv", "asio") else "limit")


def text(x, y, words, style, anchor="start"):
    return f'<text x="{x}" y="{y}" class="{style}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x1, y1, x2, y2, style):
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" class="{style}"/>'


def rectangle(x, y, width, height):
    return f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{height}" class="band"/>'


def cost_table(workload, figures, subjects):
    head = "".join(f"<th>{escape(subject)}</th>" for subject in subjects)
    body = ""
    for cell in workload.cells:
        costs = [figures.cost(cell.case, subject) for subject in subjects]
        columns = "".join(f"<td>{number(cost.median)} ({number(cost.low)} – {number(cost.high)})</td>" if cost else "<td></td>"
                          for cost in costs)
        body += f"<tr><td>{escape(cell.group)}</td><td>{escape(cell.label)}</td>{columns}</tr>"
    return (f"<h3>Costs: median and range</h3><p class='soft'>For orientation: times drift from minute to "
            f"minute, ratios do not.</p><div class='wide'><table><tr><th></th><th></th>{head}</tr>{body}</table></div>")


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
