"""What becomes of the results: a table (Markdown, which a terminal shows as well), JSON and a plot (SVG)."""
import json
from html import escape

COLORS = {"nginx": "#4c9a63", "haproxy": "#4a78b5", "h2o": "#c9a13b", "caddy": "#8f6bb0",
          "nghttpx": "#7f8c8d", "floor": "#c8c8c8", "dmpm": "#c0392b"}


def number(value):
    """Three digits, as long as that is not more than was measured."""
    if value is None:
        return "–"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def cell(metric, server):
    if server not in metric.values:
        return "–"
    text = number(metric.median(server))
    if len(metric.values[server]) > 1:
        text += f" ±{metric.spread(server) * 50:.0f}%"
    return text


def goal(metric):
    if metric.goal is None:
        return ""
    sign = "≥" if metric.grows else "≤"
    if metric.reference is None:
        return f"{sign} {metric.goal:g}"
    name = metric.reference_server() or metric.reference
    best = "best: " if metric.reference == "best" else ""
    return f"{sign} {metric.goal:.2f} × {best}{name}"


def verdict(metric):
    return {True: "yes", False: "**no**", None: ""}[metric.met()]


def ratio(metric):
    value = metric.ratio()
    return "" if value is None else f"{value:.2f}"


def about(environment):
    lines = [f"{environment['date']}, {environment['machine']}."]
    lines.append(", ".join(f"{name} {version}" for name, version in environment["versions"].items()) + ".")
    lines.append(f"Medians of {environment['rounds']} interleaved rounds; ± is half of what lies between "
                 "the least and the most.")
    return lines


def table(results, environment):
    servers = results.servers()
    head = ["workload", "unit", *servers, "dmpm / reference", "goal", "met"]
    lines = [*about(environment), "", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for metric in results:
        row = [metric.title, metric.unit, *(cell(metric, name) for name in servers), ratio(metric),
               goal(metric), verdict(metric)]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def write_json(path, results, environment):
    path.write_text(json.dumps({"environment": environment, "metrics": results.to_json()}, indent=2,
                               ensure_ascii=False) + "\n", encoding="utf-8")


# ---- the plot: for each line of the table one bar for each server, relative to the line's best peer ----

BAR, GAP, LEFT, WIDTH, RIGHT = 12, 14, 330, 520, 110
LONGEST = 3.0  # times the best peer; what is longer is cut, with its number beside it


def plot(results, environment):
    parts, y = [], 58
    metrics = [metric for metric in results if metric.reference_server() in metric.values]
    for metric in metrics:
        y = _group(parts, metric, results.servers(), y)
    height, width = y + 10, LEFT + WIDTH + RIGHT
    one = LEFT + WIDTH / LONGEST
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
            '<rect width="100%" height="100%" fill="white"/>',
            _text(10, 18, "Cost beside the peers: shorter is better; 1.0 is the goal's reference", 14),
            _text(10, 36, f"{environment['date']}, {environment['machine']}"),
            f'<line x1="{one:.1f}" y1="44" x2="{one:.1f}" y2="{height - 8}" stroke="#888" '
            'stroke-dasharray="3 3"/>']
    return "\n".join([*head, *parts, "</svg>\n"])


def _group(parts, metric, servers, y):
    parts.append(_text(10, y + 11, f"{metric.title}, {metric.unit}"))
    base = metric.median(metric.reference_server())
    for name in servers:
        if name not in metric.values or not base:
            continue
        value = metric.median(name)
        length = max(1.0, min(value / base, LONGEST) / LONGEST * WIDTH)
        parts.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR - 2}" '
                     f'fill="{COLORS.get(name, "#888")}"/>')
        parts.append(_text(LEFT + length + 5, y + 9, f"{name} {number(value)}"))
        y += BAR
    return y + GAP


def _text(x, y, text, size=11):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}">{escape(text)}</text>'
