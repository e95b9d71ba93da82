// Shows the grids of one or two runs, A and B. What has been shown is kept when the page runs again with the same id.
const FETCHED_AHEAD = 4, CACHED = 64 // pictures
const players = new WeakMap()

export default function ({ parentElement, data, setStateValue }) {
  const at = (selector) => parentElement.querySelector(selector)
  let player = players.get(parentElement)
  if (!player || player.id !== data.id) {
    clearTimeout(player?.timer)
    player = { id: data.id, a: data.a.at, b: data.b?.at ?? 0, playing: false, loaded: new Map() }
    at(".together input").checked = Boolean(data.together)
    players.set(parentElement, player)
  }
  const play = at(".play"), speed = at(".speed"), together = at(".together input")
  const last = (run) => data[run].files.length - 1
  const address = (run, number) => data[run].base + data[run].files[number]
  const epoch = (run, number) => `epoch ${data[run].epochs[number].toFixed(1)}`

  const draw = (run) => {
    const { name, title, seen } = data[run], number = player[run]
    const slider = at(`.row.${run} input`), pane = at(`.pane.${run}`), image = pane.querySelector("img")
    slider.max = last(run); slider.value = number
    slider.setAttribute("aria-valuetext", epoch(run, number))
    at(`.row.${run} span`).textContent = name ? `${name}: ${epoch(run, number)}` : epoch(run, number).replace("e", "E")
    pane.querySelector("h3").textContent = `${title}, ${epoch(run, number)}`
    image.src = address(run, number)
    image.alt = `Generated images, a row per class, after ${seen[number].toLocaleString("en")} images seen`
  }
  const load = (source) => {
    let loading = player.loaded.get(source)
    if (!loading) {
      const image = new Image()
      image.src = source
      loading = image.decode().catch(() => null)
      player.loaded.set(source, loading)
      if (player.loaded.size > CACHED) player.loaded.delete(player.loaded.keys().next().value)
    }
    return loading
  }
  const moveB = () => { // to the epoch nearest to that of A
    if (!data.b || !together.checked) return
    const wanted = data.a.epochs[player.a], epochs = data.b.epochs
    const nearer = (best, value, i) => (Math.abs(value - wanted) < Math.abs(epochs[best] - wanted) ? i : best)
    player.b = epochs.reduce(nearer, 0)
    draw("b")
  }
  const report = () => {
    setStateValue("a", data.a.seen[player.a])
    if (data.b) setStateValue("b", data.b.seen[player.b])
  }
  const stop = () => {
    clearTimeout(player.timer)
    player.playing = false; play.textContent = "Play"
  }
  const step = async () => {
    const next = player.a + 1
    if (next > last("a")) { stop(); report(); return }
    await load(address("a", next))
    if (!player.playing || players.get(parentElement) !== player) return
    player.a = next; draw("a"); moveB()
    for (let i = next + 1; i <= Math.min(last("a"), next + FETCHED_AHEAD); i++) load(address("a", i))
    player.timer = setTimeout(step, 1000 / Number(speed.value))
  }
  play.onclick = () => {
    if (player.playing) { stop(); report(); return }
    player.playing = true; play.textContent = "Pause"
    if (player.a >= last("a")) player.a = -1
    step()
  }
  together.onchange = () => { moveB(); report() }
  for (const run of ["a", "b"]) {
    const slider = at(`.row.${run} input`)
    slider.oninput = () => { stop(); player[run] = Number(slider.value); draw(run); if (run === "a") moveB() }
    slider.onchange = report
  }

  player.a = Math.min(player.a, last("a"))
  if (!player.playing) draw("a")
  at(".controls").hidden = at(".row.a").hidden = last("a") < 1
  at(".together").hidden = !data.b
  at(".row.b").hidden = !data.b || last("b") < 1
  const pane = at(".pane.b")
  pane.hidden = !data.b && !data.real
  if (data.b) { player.b = Math.min(player.b, last("b")); draw("b") }
  else if (data.real) {
    pane.querySelector("h3").textContent = "Real"
    pane.querySelector("img").src = data.real
    pane.querySelector("img").alt = "Real images, a row per class"
  }
  return () => { clearTimeout(player.timer); players.delete(parentElement) }
}
