"""What the HTML report is built of: the file around it, tables, verdict boxes, pictures. All text is escaped here."""

import base64
import html
from collections.abc import Sequence

from gan_core.evaluation.vocabulary import Level

STYLE = """
:root { color-scheme: light dark; --line: #c9d5e2; --soft: #eef3f9; --ok: #2d7a3a; --amber: #a65c00; --red: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --line: #374655; --soft: #1c2630; --ok: #7ecb8b; --amber: #f2b45a; --red: #f28b82; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; overflow-wrap: anywhere; } h2 { margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th, td { white-space: nowrap; } thead th { vertical-align: bottom; white-space: normal; }
th:first-child, td:first-child, .words { text-align: left; white-space: normal; overflow-wrap: break-word; }
th:first-child, td:first-child { min-width: 7rem; max-width: 16rem; } td.words { min-width: 15rem; }
.facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; } .soft { color: #6b7885; font-size: .9rem; }
.verdict { background: var(--soft); border-left: 6px solid; padding: .6rem 1rem; }
.ok { border-color: var(--ok); } .amber { border-color: var(--amber); } .red { border-color: var(--red); }
.unknown { border-color: var(--line); }
.pairs { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; max-width: 100%; }
.pairs figure { width: 9rem; } .pairs img { width: 100%; }
img { max-width: 100%; image-rendering: pixelated; } figcaption { font-size: .8rem; }
svg { max-width: 44rem; width: 100%; display: block; } svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
"""
WORDS = 32
# Whatever a text may have smuggled in, the browser runs nothing and calls nobody.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def document(title: str, sections: Sequence[str]) -> str:
    """The whole file around its sections, which are HTML already."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{esc(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><style>{STYLE}</style></head>'
        f"<body><h1>{esc(title)}</h1>{''.join(sections)}</body></html>\n"
    )


def esc(value: object) -> str:
    return html.escape(str(value), quote=True)


def table(head: Sequence[str], rows: Sequence[Sequence[object]], caption: str) -> str:
    """Numbers stand right; a column with a text of WORDS letters or more wraps and stands left. Cells are escaped."""
    style = [' class="words"' if any(len(str(row[at])) >= WORDS for row in rows) else "" for at in range(len(head))]
    top = "".join(f'<th scope="col"{kind}>{esc(word)}</th>' for word, kind in zip(head, style, strict=True))
    body = ""
    for row in rows:
        body += f"<tr>{''.join(f'<td{kind}>{esc(value)}</td>' for value, kind in zip(row, style, strict=True))}</tr>"
    return (
        f'<div class="scroll"><table aria-label="{esc(caption)}"><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def verdict(kind: str, found: Level, sentence: object, todo: object = "") -> str:
    more = f" {esc(todo)}" if todo else ""
    return f'<p class="verdict {kind}"><strong>{found.sign} {esc(found.word)}.</strong> {esc(sentence)}{more}</p>'


def facts(rows: Sequence[tuple[str, object]], caption: str) -> str:
    """A table of names and what they are."""
    body = "".join(f'<tr><th scope="row">{esc(key)}</th><td>{esc(value)}</td></tr>' for key, value in rows)
    return f'<div class="scroll"><table class="facts" aria-label="{esc(caption)}"><tbody>{body}</tbody></table></div>'


def bullets(texts: Sequence[object]) -> str:
    """A list, '' where there is nothing in it."""
    return f"<ul>{''.join(f'<li>{esc(text)}</li>' for text in texts)}</ul>" if texts else ""


def picture(data: bytes, alt: str) -> str:
    return f'<img src="data:image/png;base64,{base64.b64encode(data).decode()}" alt="{esc(alt)}">'
