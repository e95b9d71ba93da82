"""A grid of drawn images; a click, or Enter, enlarges one and shows the real images nearest to it. No rerun of the page."""

from typing import Any, NamedTuple

import streamlit as st

HTML = """
<div class="groups"></div>
<dialog aria-labelledby="title">
  <div class="top"><h3 id="title"></h3><button type="button" class="close">Close</button></div>
  <div class="body">
    <img class="big">
    <div class="beside">
      <p class="words"></p>
      <h4>Nearest real images, by their pixels</h4>
      <ol class="near"></ol>
    </div>
  </div>
  <div class="actions">
    <button type="button" class="previous">Previous</button>
    <button type="button" class="next">Next</button>
    <button type="button" class="from">Start a walk here</button>
    <button type="button" class="to">End a walk here</button>
    <a download>Download this image</a>
  </div>
  <p class="said" role="status"></p>
</dialog>
"""

CSS = """
.groups { color: var(--st-text-color); font-family: var(--st-font); }
.group { display: grid; grid-template-columns: 8rem minmax(0, 1fr); gap: .5rem; align-items: center; margin-bottom: .25rem; }
.group.alone { grid-template-columns: minmax(0, 1fr); }
.name { font-size: .9rem; overflow-wrap: anywhere; }
.cells { display: grid; grid-template-columns: repeat(8, minmax(0, 5.5rem)); gap: .25rem; }
.cell { padding: 0; border: 2px solid transparent; border-radius: .25rem; background: none; cursor: zoom-in; position: relative; }
.cell img { width: 100%; aspect-ratio: 1; display: block; }
.cell.copy { border-color: currentColor; border-style: dashed; }
.cell.copy::after { content: "copy"; position: absolute; left: 0; bottom: 0; font-size: .7rem; padding: 0 .25rem;
        background: var(--st-background-color); color: var(--st-text-color); }
img.small { image-rendering: pixelated; }
:is(button, a):focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
dialog { color: var(--st-text-color); background: var(--st-background-color); font-family: var(--st-font); max-width: 56rem;
        width: calc(100vw - 2rem); box-sizing: border-box; border: 1px solid var(--st-border-color);
        border-radius: var(--st-base-radius); padding: 1rem; }
dialog::backdrop { background: rgb(0 0 0 / .6); }
.top, .actions { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
.top h3 { flex: 1; margin: 0; font-size: 1.2rem; font-family: var(--st-heading-font); overflow-wrap: anywhere; }
.body { display: flex; flex-wrap: wrap; gap: 1rem; margin: .75rem 0; }
.big { width: min(20rem, 100%); aspect-ratio: 1; align-self: start; }
.beside { flex: 1 1 16rem; min-width: 0; }
.words { margin: 0 0 .75rem; }
h4 { margin: 0 0 .5rem; font-size: 1rem; }
.near { display: grid; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); gap: .75rem; list-style: none;
        margin: 0; padding: 0; }
.near img { width: 100%; aspect-ratio: 1; display: block; }
.near span { font-size: .85rem; line-height: 1.35; display: block; margin-top: .25rem; overflow-wrap: anywhere; }
dialog button { font: inherit; color: inherit; background: var(--st-background-color); cursor: pointer; padding: .35rem .8rem;
        border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); }
a { color: var(--st-link-color); }
.said { margin: .5rem 0 0; min-height: 1.2em; font-size: .9rem; }
[hidden] { display: none !important; }
@media (max-width: 600px) { .big { width: 60vw; } .group { grid-template-columns: minmax(0, 1fr); gap: .1rem; } }
"""

JS = """
const shown = new WeakMap()

export default function ({ parentElement, data, setTriggerValue }) {
  const at = (selector) => parentElement.querySelector(selector)
  const dialog = at("dialog"), groups = at(".groups")
  const images = data.groups.flatMap((group) => group.images)
  const make = (tag, values, ...inside) => {
    const element = Object.assign(document.createElement(tag), values)
    element.append(...inside)
    return element
  }
  const looks = data.small ? "small" : ""
  const picture = (source, alt) => make("img", { src: data.base + source, alt, loading: "lazy", className: looks })
  let number = 0

  const show = (wanted) => {
    number = (wanted + images.length) % images.length
    const one = images[number]
    at("#title").textContent = one.title
    Object.assign(at(".big"), { src: data.base + one.file, alt: `${one.title}, enlarged` })
    at(".big").classList.toggle("small", data.small)
    at(".words").textContent = one.words
    at(".near").replaceChildren(...one.near.map((real) =>
      make("li", {}, picture(real.file, real.alt), make("span", { textContent: real.text }))))
    Object.assign(at(".actions a"), { href: data.base + one.file, download: one.download })
    at(".said").textContent = ""
  }
  const cell = (one, i) => {
    const button = make("button", { type: "button", className: one.copy ? "cell copy" : "cell" }, picture(one.file, one.alt))
    button.onclick = () => { show(i); dialog.showModal() }
    return button
  }
  if (shown.get(parentElement) !== data.id) {
    shown.set(parentElement, data.id)
    let i = 0
    groups.replaceChildren(...data.groups.map((group) => {
      const cells = make("div", { className: "cells" }, ...group.images.map((one) => cell(one, i++)))
      if (!group.name) return make("div", { className: "group alone" }, cells)
      return make("div", { className: "group" }, make("span", { className: "name", textContent: group.name }), cells)
    }))
    if (dialog.open) dialog.close()
  }
  at(".close").onclick = () => dialog.close()
  at(".previous").onclick = () => show(number - 1)
  at(".next").onclick = () => show(number + 1)
  for (const end of ["from", "to"]) {
    const button = at(`.actions .${end}`)
    button.hidden = !data.walks
    button.onclick = () => {
      setTriggerValue("walk", { end, image: number })
      at(".said").textContent = end === "from" ? "The walk starts at this image." : "The walk ends at this image."
    }
  }
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close() }
  dialog.onkeydown = (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (by) { event.preventDefault(); show(number + by) }
  }
  return () => shown.delete(parentElement)
}
"""

COMPONENT = st.components.v2.component("ganvas_image_grid", html=HTML, css=CSS, js=JS)


class WalkEnd(NamedTuple):
    end: str  # from or to
    image: int  # its number in the grid


def image_grid(
    groups: list[dict[str, Any]], *, base: str, id: str, small: bool, walks: bool, key: str
) -> WalkEnd | None:
    """The end of a walk that was just chosen, else None. groups: {"name", "images": [{"file", "title", "alt", "words", "copy",
    "download", "near": [{"file", "alt", "text"}]}]}; files lie under base; small: few pixels, shown as squares when enlarged."""
    data = {"groups": groups, "base": base, "id": id, "small": small, "walks": walks}
    chosen = COMPONENT(key=key, data=data, on_walk_change=lambda: None).walk
    return WalkEnd(str(chosen["end"]), int(chosen["image"])) if chosen else None
