// The laboratory: plays the frames of a game, takes single steps, and reports to Python the position where the user stops.
// It follows moves.js, frames.js, plane.js and curves.js in one script: see laboratory.py.
const LAYERS = { field: "D's surface", real: "Real points", fake: "Generated points", arrows: "Arrows", grid: "Grid of noise" }
const FRAME_MS = { slow: 700, fast: 110, faster: 110 }
const STATUS_MS = 3000 // least time between two status lines of a fast game: a screen reader reads each of them
const AT_THE_END = `That is as far as this laboratory goes: ${MAX_ROUNDS.toLocaleString("en")} rounds, ${MAX_PARTS} changes of rhythm. Choose Reset to begin again.`

class Laboratory {
  constructor(root) {
    this.root = root
    this.at = (selector) => root.querySelector(selector)
    this.visible = { field: true, real: true, fake: true, arrows: true, grid: false }
    this.shownClass = "both"
    this.playing = false
    this.addLayerSwitches()
    this.at(".play").onclick = () => (this.playing ? this.pause() : this.play())
    this.at(".both").onclick = () => this.step("dg")
    this.at(".d").onclick = () => this.step("d")
    this.at(".g").onclick = () => this.step("g")
    this.at(".reset").onclick = () => { this.pause(false); this.go([], true) }
    this.at(".time").oninput = (event) => { this.pause(false); this.show(this.frames[event.target.value]) }
    this.at(".time").onchange = () => this.report()
    this.at(".link").onclick = () => this.copyLink()
    this.resizes = new ResizeObserver(() => this.draw())
    this.resizes.observe(this.at(".plane"))
  }

  addLayerSwitches() {
    for (const [name, label] of Object.entries(LAYERS)) {
      const line = document.createElement("label"), tick = document.createElement("input")
      tick.type = "checkbox"; tick.checked = this.visible[name]
      tick.onchange = () => { this.visible[name] = tick.checked; this.draw() }
      line.append(tick, label); this.at(".show").append(line)
    }
  }

  // Called at each run of the page. data: {game, at, answer_at, labels, modes} of laboratory.py; report(text): sets the position.
  update(data, report) {
    this.data = data; this.onReport = report
    if (data.game !== this.chunks?.game) this.begin()
    else if (data.at !== this.reported && data.at !== undefined && this.now && data.at !== this.now.moves && !this.playing) {
      if (this.requested !== data.at) { this.requested = data.at; this.go(parseMoves(data.at), false) }
    } else this.draw()
  }

  begin() {
    const wasPlaying = this.playing
    this.pause(false)
    this.chunks = new Chunks(this.data.game)
    this.frames = []
    this.charts = chartsOf(this.data.modes)
    this.at(".charts").replaceChildren(...this.charts.map(chartFigure))
    this.addClassChoice()
    this.say(this.data.at ? "Going to the position in the link." : "Press Play, or take one step at a time.")
    this.go(parseMoves(this.data.at), false).then(() => (wasPlaying || this.playWhenReady) && this.play())
  }

  addClassChoice() {
    this.at(".show").querySelector("select")?.remove()
    if (!this.data.labels) { this.shownClass = "both"; return }
    const choice = document.createElement("select")
    choice.setAttribute("aria-label", "Class that is shown")
    for (const [value, name] of [["both", "Both classes"], ["0", "Class A only"], ["1", "Class B only"]]) choice.append(new Option(name, value))
    choice.value = this.shownClass; choice.onchange = () => { this.shownClass = choice.value; this.draw() }
    this.at(".show").append(choice)
  }

  // Positions. Go to one; the frames before it are fetched afterwards.
  async go(moves, report) {
    const chunks = this.chunks
    this.setBusy(true)
    try {
      const chunk = await chunks.get("one", moves)
      if (chunks !== this.chunks) return false
      if (!chunk.frames.length) { this.explode(chunk); return false }
      const turns = everyTurn(moves)
      this.frames = this.frames.filter((frame) => {
        const theirs = everyTurn(parseMoves(frame.moves))
        return theirs.startsWith(turns) || turns.startsWith(theirs)
      })
      this.keep(chunk.frames.slice(0, 1))
      this.show(chunk.frames[0])
      this.note("")
      this.fetchPast(moves)
      if (report) this.report()
      return true
    } catch (error) { if (chunks === this.chunks) this.note(error.message); return false }
    finally { this.setBusy(false) }
  }

  // The frames that led to a position, so that the slider and the curves begin at round 0.
  async fetchPast(moves) {
    const chunks = this.chunks, turns = everyTurn(moves)
    for (let i = 0; i < moves.length; i++) {
      const head = moves.slice(0, i), [letter, count] = moves[i]
      for (let n = 0; n < count; n += letter === "r" ? CHUNK_ROUNDS.fast : Math.ceil(count / 20)) {
        const chunk = await chunks.get(letter === "r" ? "fast" : "one", addMoves(head, letter, n)).catch(() => null)
        if (!chunk || chunks !== this.chunks || !everyTurn(parseMoves(this.now.moves)).startsWith(turns)) return
        this.keep(chunk.frames.filter((frame) => turns.startsWith(everyTurn(parseMoves(frame.moves)))))
      }
    }
    this.drawSlider(); this.drawCharts()
  }

  keep(frames) {
    const known = new Set(this.frames.map((frame) => frame.moves))
    this.frames.push(...frames.filter((frame) => !known.has(frame.moves)))
    this.frames.sort((a, b) => a.turns - b.turns)
  }

  async step(turns) {
    this.pause(false)
    if (!this.now || this.stepping) return
    let moves = parseMoves(this.now.moves)
    for (const letter of turns) moves = addMoves(moves, letter, 1)
    if (moves.length > MAX_PARTS || turnsOf(moves) > 2 * MAX_ROUNDS) return this.note(AT_THE_END)
    this.stepping = true
    await this.go(moves, true)
    this.stepping = false
  }

  // Playing.
  async play() {
    if (!this.now) this.playWhenReady = true // pressed before the first frame was there
    if (this.playing || !this.now) return
    this.playWhenReady = false
    this.playing = true
    const chunks = this.chunks, loop = (this.loop = {})
    this.at(".play").textContent = "Pause"
    while (this.playing && this.loop === loop) {
      const speed = this.at(".speed").value, started = performance.now()
      let frame = null
      try {
        frame = await this.nextFrame(speed)
        if (frame) this.fetchAhead(frame, speed === "slow" ? "slow" : "fast")
      } catch (error) { this.note(error.message) }
      if (!this.playing || this.loop !== loop || chunks !== this.chunks) return
      if (!frame) return this.pause()
      const before = roundsOf(parseMoves(this.now.moves)), after = roundsOf(parseMoves(frame.moves))
      this.show(frame)
      if (before < this.data.answer_at && after >= this.data.answer_at) this.report() // the page can show the answer
      await new Promise((done) => setTimeout(done, Math.max(0, FRAME_MS[speed] - (performance.now() - started))))
    }
  }

  // The frame to show after this one, or null at the end.
  async nextFrame(speed) {
    const kind = speed === "slow" ? "slow" : "fast", now = this.now
    let start = chunkStart(parseMoves(now.moves), kind)
    for (let tries = 0; tries < 2; tries++) {
      const chunk = await this.chunks.get(kind, start)
      const later = chunk.frames.filter((frame) => frame.turns > now.turns)
      const next = speed === "faster" ? later.find((frame) => roundsOf(parseMoves(frame.moves)) % 20 === 0) : later[0]
      this.keep(speed === "faster" ? later : later.slice(0, 1))
      if (next) return next
      if (chunk.exploded) { this.explode(chunk); return null }
      start = addMoves(start, "r", CHUNK_ROUNDS[kind])
      if (turnsOf(start) >= 2 * MAX_ROUNDS) { this.say(AT_THE_END); return null }
    }
    return null
  }

  // The server computes these chunks while the frames before them are played.
  fetchAhead(frame, kind) {
    let start = chunkStart(parseMoves(frame.moves), kind)
    for (let i = 0; i < 2; i++) {
      start = addMoves(start, "r", CHUNK_ROUNDS[kind])
      if (turnsOf(start) < 2 * MAX_ROUNDS) this.chunks.get(kind, start).catch(() => {})
    }
  }

  pause(report = true) {
    const wasPlaying = this.playing
    this.playing = false; this.loop = null
    this.at(".play").textContent = "Play"
    if (wasPlaying && report) this.report()
    if (wasPlaying && this.now) this.sayNumbers()
  }

  explode(chunk) {
    const last = chunk.frames[chunk.frames.length - 1]
    const rounds = last || this.now ? roundsOf(parseMoves((last ?? this.now).moves)) : 0
    if (last && last !== this.now) { this.keep([last]); this.show(last) }
    this.pause(false)
    this.note(`Exploded: after round ${rounds} the numbers grew without limit. Steps this large overshoot, and each correction is ` +
      "larger than the last. Choose Reset, then a smaller learning rate or a penalty.")
    this.report()
  }

  // What is shown.
  show(frame) {
    if (!frame) return
    this.now = frame
    const moves = parseMoves(frame.moves), hasSteps = moves.some(([letter]) => letter !== "r")
    this.at(".round").textContent = roundsOf(moves).toLocaleString("en") + (hasSteps ? " and single steps" : "")
    this.drawSlider(); this.draw(); this.drawNumbers(); this.drawCharts()
    const slow = this.at(".speed").value === "slow"
    if (!this.playing || slow || performance.now() - this.saidAt > STATUS_MS) this.sayNumbers()
  }

  drawSlider() {
    const time = this.at(".time")
    time.max = Math.max(0, this.frames.length - 1)
    time.value = this.frames.indexOf(this.now)
    time.setAttribute("aria-valuetext", `Round ${roundsOf(parseMoves(this.now.moves))}`)
  }

  draw() { if (this.now) drawPlane(this.at(".plane"), this.now, this.visible, this.shownClass, this.isDark()) }

  drawNumbers() {
    this.at(".numbers").replaceChildren(...numbersOf(this.now).map(([name, value]) => {
      const line = document.createElement("div"), dt = document.createElement("dt"), dd = document.createElement("dd")
      dt.textContent = name; dd.textContent = value; line.append(dt, dd); return line
    }))
  }

  drawCharts() {
    const frames = this.frames.filter((frame) => frame.turns <= this.now.turns), dark = this.isDark()
    this.root.querySelectorAll("figure canvas").forEach((canvas, number) => {
      const chart = this.charts[number]
      drawChart(canvas, chart, frames, dark)
      const values = chart.lines.map(([key, label]) => `${label} ${short(this.now[key])}`).join(", ")
      if (!this.playing) canvas.setAttribute("aria-label", `${chart.name}, over the rounds; now ${values}`)
    })
  }

  isDark() { // the page is dark where its letters are light
    const [r, g, b] = (getComputedStyle(this.at(".lab")).color.match(/\d+/g) ?? [0, 0, 0]).map(Number)
    return r + g + b > 384
  }

  say(words) { this.at(".status").textContent = words }
  note(words) { const note = this.at(".note"); note.hidden = !words; if (note.textContent !== words) note.textContent = words }
  setBusy(on) { this.at(".lab").setAttribute("aria-busy", String(on)) }

  sayNumbers() {
    const words = describe(this.now)
    this.saidAt = performance.now()
    this.say(words)
    this.at(".plane").setAttribute("aria-label", `The plane with real and generated points over D's surface. ${words}`)
  }

  // What is sent to others: the state of the page, and a link.
  report() {
    if (!this.now) return
    this.reported = this.requested = this.now.moves
    this.onReport(this.reported)
  }

  async copyLink() {
    this.report()
    const url = new URL(window.location.href)
    if (this.now.moves) url.searchParams.set("lab_at", this.now.moves); else url.searchParams.delete("lab_at")
    try { await navigator.clipboard.writeText(url.href); this.at(".copied").textContent = "Copied." }
    catch { this.at(".copied").textContent = url.href }
  }
}

const laboratories = new WeakMap()

export default function ({ parentElement, data, setStateValue }) {
  if (!laboratories.has(parentElement)) laboratories.set(parentElement, new Laboratory(parentElement))
  const laboratory = laboratories.get(parentElement)
  laboratory.update(data, (moves) => setStateValue("at", moves))
  return () => { laboratory.pause(false); laboratory.resizes.disconnect(); laboratories.delete(parentElement) }
}
