"""The results as a table: (name, unit, netimap, pymap, ratio) for each row of each store."""

_HEAD = ("", "netimap", "pymap", "ratio")


def text(results, circumstances):
    """For a terminal."""
    lines = [*circumstances, ""]
    for store, rows in results.items():
        cells = [(f"{store}, µs", *_HEAD[1:]), *map(_cells, rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(4)]
        lines += [
            "  ".join([row[0].ljust(widths[0]), *(row[column].rjust(widths[column]) for column in (1, 2, 3))])
            for row in cells
        ] + [""]
    return "\n".join([*lines, _summary(results)])


def markdown(results, circumstances):
    """For a page in Markdown."""
    lines = [*circumstances]
    for store, rows in results.items():
        lines += ["", f"| {store}, µs | netimap | pymap | ratio |", "|---|---:|---:|---:|"]
        lines += [f"| {' | '.join(_cells(row))} |" for row in rows]
    return "\n".join([*lines, "", _summary(results)])


def rst(results, circumstances):
    """For docs/performance.rst."""
    lines = [f"| {line}" for line in circumstances]
    for store, rows in results.items():
        lines += ["", ".. list-table::", "   :header-rows: 1", ""]
        for row in [(f"{store}, µs", *_HEAD[1:]), *map(_cells, rows)]:
            first, *rest = (cell.replace("*", "\\*") for cell in row)
            lines += [f"   * - {first}", *(f"     - {cell}" for cell in rest)]
    return "\n".join([*lines, "", _summary(results)])


FORMATS = {"text": text, "markdown": markdown, "rst": rst}


def _cells(row):
    name, unit, mine, theirs, ratio = row
    shown = f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.1g}"
    return (name if unit == "µs" else f"{name}, {unit}", _number(mine), _number(theirs), shown)


def _number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _summary(results):
    behind = [f"{row[0]} ({store})" for store, rows in results.items() for row in rows if row[4] >= 1]
    return f"netimap is dearer in: {', '.join(behind)}" if behind else "netimap is cheaper in every row."
