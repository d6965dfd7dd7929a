"""Report → one self-contained HTML page: no script, nothing loaded from anywhere; for a phone, paper and a screen reader.

Each chart is an image with a sentence, and beside it, folded away, the same numbers as a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from agent.household import NO_BREAK
from agent.report.blocks import Chart, Document, Figure, Part, Section, Table
from agent.report.charts import svg
from agent.report.document import document
from agent.report.report import Report

MAX_BYTES = 60_000  # what a mail can carry inline without being clipped (Gmail: 102 kB) with room for the prompts around it

STYLE = """
:root{--paper:#fbfaf8;--card:#fff;--ink:#1d2327;--soft:#586069;--line:#dedbd5;--mark:#2f6f8f;--pale:#7096a9;--wash:#2f6f8f1f}
@media (prefers-color-scheme:dark){:root{--paper:#14181b;--card:#1c2226;--ink:#e6e8e9;--soft:#a2abb2;--line:#343c42;
--mark:#6fb3d2;--pale:#4d768a;--wash:#6fb3d22e}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
-webkit-text-size-adjust:100%}
main{max-width:41rem;margin:0 auto;padding:1.75rem 1.1rem 3rem}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .4rem;font-weight:650;letter-spacing:-.01em}
h2{font-size:1.12rem;line-height:1.3;margin:0 0 .6rem;font-weight:650}
p{margin:0 0 .6rem;text-wrap:pretty}
.lead,footer,.note,caption,figcaption,summary{color:var(--soft)}
.lead{margin-bottom:1.4rem;font-size:.92rem}
section{border-top:1px solid var(--line);padding:1.25rem 0 .5rem}
.figures{display:grid;grid-template-columns:1fr 1fr;gap:.6rem;margin:0 0 1.5rem}
.figures div{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.75rem .85rem}
.figures dt{color:var(--soft);font-size:.82rem}
.figures dd{margin:0}
.figures dd:nth-of-type(1){font-size:1.35rem;line-height:1.35;font-weight:600}
.figures .note{font-size:.8rem;line-height:1.4}
table{border-collapse:collapse;width:100%;font-size:.92rem;margin:0 0 .8rem;font-variant-numeric:tabular-nums}
caption,figcaption{text-align:left;font-size:.85rem;padding:0 0 .35rem}
th,td{padding:.4rem 0 .4rem .7rem;text-align:right;vertical-align:top;border-bottom:1px solid var(--line)}
th:first-child{text-align:left;padding-left:0}
thead th{color:var(--soft);font-weight:500;font-size:.82rem;vertical-align:bottom}
tbody th{font-weight:400}
tbody tr:last-child>*{border-bottom:0}
figure{margin:0 0 .8rem}
svg{display:block;width:100%;height:auto;max-width:29rem;font:10px system-ui,sans-serif}
rect,circle{fill:var(--mark)}
rect.s{fill:var(--pale)}
.l{fill:var(--soft)}
.v{fill:var(--ink);font-weight:600}
.m{text-anchor:middle}
.e{text-anchor:end}
.g{stroke:var(--line);stroke-width:.7}
.a{stroke:var(--soft);stroke-width:.8}
.f{fill:var(--wash)}
.c{fill:none;stroke:var(--mark);stroke-width:1.8}
details{margin:0}
summary{font-size:.85rem;cursor:pointer;padding:.75rem 0}
:focus-visible{outline:2px solid var(--mark);outline-offset:2px}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
footer{border-top:1px solid var(--line);padding-top:1rem;font-size:.85rem}
@media (max-width:26rem){table{font-size:.85rem}th,td{padding-left:.5rem}.figures dd:nth-of-type(1){font-size:1.15rem}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--mark:#2f6f8f;--pale:#7096a9;--wash:#2f6f8f1f}
html{font-size:10pt}main{max-width:none;padding:0}details{display:none}
figure{display:inline-block;width:48%;margin-right:1.5%;vertical-align:top}
figure,tr,.figures div{break-inside:avoid}h2,caption,figcaption{break-after:avoid}@page{margin:18mm}}
"""


def page(report: Report) -> str:
    """The page, some 20 kB of UTF-8."""
    return html(document(report))


def html(made: Document) -> str:
    title = escape(made.title)
    head = (
        f'<!doctype html>\n<html lang="{made.language}">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<header>\n<h1>{title}</h1>\n"
        f'<p class="lead">{escape(made.lead)}</p>\n</header>\n'
    )
    body = "".join([*_figures(made.figures), *(part for n, s in enumerate(made.sections, 1) for part in _section(s, n, made))])
    return f"{head}{body}<footer>\n<p>{escape(made.closing)}</p>\n</footer>\n</main>\n</body>\n</html>\n"


def _figures(figures: list[Figure]) -> Iterator[str]:
    if figures:
        yield '<dl class="figures">\n'
        for each in figures:
            notes = "".join(f'<dd class="note">{escape(note)}</dd>' for note in each.notes)
            yield f"<div><dt>{escape(each.label)}</dt><dd>{escape(each.value)}</dd>{notes}</div>\n"
        yield "</dl>\n"


def _section(section: Section, n: int, made: Document) -> Iterator[str]:
    yield f'<section aria-labelledby="s{n}">\n<h2 id="s{n}">{escape(section.title)}</h2>\n'
    for part in section.parts:
        yield _part(part, made)
    yield "</section>\n"


def _part(part: Part, made: Document) -> str:
    if isinstance(part, str):
        return f"<p>{escape(part)}</p>\n"
    if isinstance(part, Table):
        return _table(part)
    return _figure(part, made)


def _figure(chart: Chart, made: Document) -> str:
    """The caption of its table is for who hears it: the eye has the chart's own."""
    table = _table(chart.table, ' class="hidden"')
    folded = f"<details><summary>{escape(made.numbers)}</summary>\n{table}</details>\n"
    return f"<figure>\n<figcaption>{escape(chart.title)}</figcaption>\n{svg(chart, made.language)}\n{folded}</figure>\n"


def _table(table: Table, caption: str = "") -> str:
    head = "".join(f'<th scope="col">{escape(_breakable(cell))}</th>' for cell in table.head)
    rows = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in rest)}</tr>\n'
        for first, *rest in table.rows
    )
    return (
        f"<table>\n<caption{caption}>{escape(table.caption)}</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )


def _breakable(text: str) -> str:
    """A heading may be as narrow as its column."""
    return text.replace(NO_BREAK, " ")
