"""A player of sample grids: slider, play and pause in the browser itself, for one run beside real images or for two runs.

Playing needs no rerun of the page: the pictures never change, so the browser loads the next ones while it shows this one.
"""

from typing import Any, NamedTuple

import streamlit as st

from gan_core.storage.run_folder import Row
from pages.shared import urls

HTML = """
<div class="player">
  <div class="controls">
    <button type="button" class="play">Play</button>
    <label>Speed <select class="speed">
      <option value="2">2 a second</option><option value="5" selected>5 a second</option>
      <option value="10">10 a second</option><option value="20">20 a second</option>
    </select></label>
    <label class="both"><input type="checkbox"> B moves with A</label>
  </div>
  <label class="row a"><span></span><input type="range" min="0" step="1"></label>
  <label class="row b"><span></span><input type="range" min="0" step="1"></label>
  <div class="panes">
    <section class="pane a"><h3></h3><img></section>
    <section class="pane b"><h3></h3><img></section>
  </div>
</div>
"""

CSS = """
.player { container-type: inline-size; color: var(--st-text-color); font-family: var(--st-font); }
.controls { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; align-items: center; margin-bottom: .5rem; }
button, select { font: inherit; color: inherit; background: var(--st-background-color); padding: .35rem .8rem; cursor: pointer;
        border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); }
button { min-width: 6rem; font-weight: 600; }
:is(button, select, input):focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
input { accent-color: var(--st-primary-color); }
.row { display: grid; grid-template-columns: 11rem minmax(0, 1fr); gap: .75rem; align-items: center; margin: .35rem 0; }
.row span { overflow-wrap: anywhere; font-size: .9rem; }
.row input { width: 100%; margin: 0; min-height: 1.75rem; }
.panes { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1rem; margin-top: .75rem; }
.pane img { width: 100%; height: auto; display: block; border-radius: var(--st-base-radius); background: white; }
h3 { font-family: var(--st-heading-font); font-size: 1.15rem; font-weight: 600; margin: 0 0 .5rem; overflow-wrap: anywhere; }
[hidden] { display: none !important; }
@container (max-width: 600px) {
  .panes { grid-template-columns: minmax(0, 1fr); }
  .row { grid-template-columns: minmax(0, 1fr); gap: .1rem; }
}
"""

JS = """
const AHEAD = 4
const known = new WeakMap()

export default function ({ parentElement, data, setStateValue }) {
  const at = (selector) => parentElement.querySelector(selector)
  let m = known.get(parentElement)
  if (!m || m.id !== data.id) {
    clearTimeout(m?.timer)
    m = { id: data.id, a: data.a.at, b: data.b?.at ?? 0, playing: false, loaded: new Map() }
    at(".both input").checked = Boolean(data.together)
    known.set(parentElement, m)
  }
  const play = at(".play"), speed = at(".speed"), both = at(".both input")
  const last = (side) => data[side].files.length - 1
  const address = (side, number) => data[side].base + data[side].files[number]
  const epoch = (side, number) => `epoch ${data[side].epochs[number].toFixed(1)}`

  const draw = (side) => {
    const slider = at(`.row.${side} input`), pane = at(`.pane.${side}`), number = m[side]
    slider.max = last(side); slider.value = number
    slider.setAttribute("aria-valuetext", epoch(side, number))
    const alone = data[side].name === "Epoch"  // else A or B
    const said = epoch(side, number)
    at(`.row.${side} span`).textContent = alone ? said.replace("e", "E") : `${data[side].name}: ${said}`
    pane.querySelector("h3").textContent = `${data[side].title}, ${epoch(side, number)}`
    const image = pane.querySelector("img")
    image.src = address(side, number)
    image.alt = `Generated images, a row per class, after ${data[side].seen[number].toLocaleString("en")} images seen`
  }
  const ready = (source) => {
    let waiting = m.loaded.get(source)
    if (!waiting) {
      const image = new Image()
      image.src = source
      waiting = image.decode().catch(() => null)
      m.loaded.set(source, waiting)
      if (m.loaded.size > 64) m.loaded.delete(m.loaded.keys().next().value)
    }
    return waiting
  }
  const follow = () => {
    if (!data.b || !both.checked) return
    const wanted = data.a.epochs[m.a], epochs = data.b.epochs
    m.b = epochs.reduce((best, value, i) => Math.abs(value - wanted) < Math.abs(epochs[best] - wanted) ? i : best, 0)
    draw("b")
  }
  const keep = () => {
    setStateValue("a", data.a.seen[m.a])
    if (data.b) setStateValue("b", data.b.seen[m.b])
  }
  const stop = () => {
    clearTimeout(m.timer)
    m.playing = false; play.textContent = "Play"
  }
  const step = async () => {
    const next = m.a + 1
    if (next > last("a")) { stop(); keep(); return }
    await ready(address("a", next))
    if (!m.playing || known.get(parentElement) !== m) return
    m.a = next; draw("a"); follow()
    for (let i = next + 1; i <= Math.min(last("a"), next + AHEAD); i++) ready(address("a", i))
    m.timer = setTimeout(step, 1000 / Number(speed.value))
  }
  play.onclick = () => {
    if (m.playing) { stop(); keep(); return }
    m.playing = true; play.textContent = "Pause"
    if (m.a >= last("a")) m.a = -1
    step()
  }
  both.onchange = () => { follow(); keep() }
  for (const side of ["a", "b"]) {
    const slider = at(`.row.${side} input`)
    slider.oninput = () => { stop(); m[side] = Number(slider.value); draw(side); if (side === "a") follow() }
    slider.onchange = keep
  }

  m.a = Math.min(m.a, last("a"))
  if (!m.playing) draw("a")
  at(".controls").hidden = at(".row.a").hidden = last("a") < 1
  at(".both").hidden = !data.b
  at(".row.b").hidden = !data.b || last("b") < 1
  const pane = at(".pane.b")
  pane.hidden = !data.b && !data.real
  if (data.b) { m.b = Math.min(m.b, last("b")); draw("b") }
  else if (data.real) {
    pane.querySelector("h3").textContent = "Real"
    pane.querySelector("img").src = data.real
    pane.querySelector("img").alt = "Real images, a row per class"
  }
  return () => { clearTimeout(m.timer); known.delete(parentElement) }
}
"""

COMPONENT = st.components.v2.component("ganvas_player", html=HTML, css=CSS, js=JS)


class Side(NamedTuple):
    """One run in the player. name: of its slider; title: above its picture; at: the number of the grid that is shown first."""

    run: str
    name: str
    title: str
    grids: list[Row]
    at: int

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "base": urls.samples(self.run),
            "files": [row["file"] for row in self.grids],
            "epochs": [row["epoch"] for row in self.grids],
            "seen": [row["images_seen"] for row in self.grids],
            "at": self.at,
        }


def player(a: Side, b: Side | None, real: str | None, *, key: str, id: str) -> tuple[int | None, int | None]:
    """Images seen of the grids that were last chosen, None where nobody has yet. b: beside a, else the picture `real`.

    id: another one starts the player anew, at the grids that are given; with the same one it stays where the browser is.
    """
    data = {"id": id, "a": a.as_json(), "b": b and b.as_json(), "real": real, "together": b and b.run != a.run}
    chosen = COMPONENT(key=key, data=data, on_a_change=lambda: None, on_b_change=lambda: None)
    return chosen.a, chosen.b
