// The player of the laboratory: fetches chunks of frames (gan_core/plane), draws them, and tells Python where it stands.
// A position is the moves that led to it, "r120d5g2", in the one form of gan_core/learn/moves.py.

const LONG = { fast: 50, slow: 10 }, MOST_ROUNDS = 4000, MOST_PARTS = 40
const REAL = "#1f5fa8", FAKE = "#d9730d"
const SHOW = { field: "D's surface", real: "Real points", fake: "Generated points", arrows: "Arrows", grid: "Grid of noise" }
const PACE = { slow: 700, fast: 110, faster: 110 } // ms a picture
const TELL_MS = 3000 // how often the line of words follows a fast game: a screen reader reads each of them

// Moves.
const parse = (text) => [...text.matchAll(/([rdg])(\d+)/g)].map((part) => [part[1], Number(part[2])])
const text = (moves) => moves.map(([letter, count]) => letter + count).join("")
const turns = (moves) => moves.reduce((sum, [letter, count]) => sum + count * (letter === "r" ? 2 : 1), 0)
function add(moves, letter, count) {
  if (!count) return moves
  if (!moves.length) return [[letter, count]]
  const head = moves.slice(0, -1), [last, before] = moves[moves.length - 1]
  if (last === letter) return [...head, [letter, before + count]]
  if (last === "d" && letter === "g") return add(add(add(head, "d", before - 1), "r", 1), "g", count - 1)
  return [...moves, [letter, count]]
}
const letters = (moves) => moves.map(([letter, count]) => (letter === "r" ? "dg" : letter).repeat(count)).join("")
const rounds = (moves) => moves.reduce((sum, [letter, count]) => sum + (letter === "r" ? count : 0), 0)

// The prefix that a chunk begins at, for a position that lies in it.
function begin(moves, kind) {
  let head = moves, n = 0
  const [letter, count] = moves[moves.length - 1] ?? ["", 0]
  if (letter === "d") head = add(moves.slice(0, -1), "d", count - 1) // half a round: its chunk begins before D's turn
  const [last, whole] = head[head.length - 1] ?? ["", 0]
  if (last === "r") { head = head.slice(0, -1); n = whole }
  return add(head, "r", n - (n % LONG[kind]))
}

function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true)
  const told = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)))
  const fieldBytes = told.views * told.field * told.field
  const places = 2 * (told.shown + told.views * told.lines * told.lines), arrows = 2 * told.arrows
  let at = 4 + length
  for (const frame of told.frames) {
    frame.field = new Uint8Array(buffer, at, fieldBytes); at += fieldBytes
    frame.places = new Int16Array(buffer.slice(at, at + 2 * places)); at += 2 * places
    frame.arrows = new Int16Array(buffer.slice(at, at + 2 * arrows)); at += 2 * arrows
    frame.head = told
  }
  return told
}

class Lab {
  constructor(root) {
    this.root = root
    this.at = (selector) => root.querySelector(selector)
    this.shown = { field: true, real: true, fake: true, arrows: true, grid: false }
    this.view = "both"
    this.chunks = new Map()
    this.playing = false
    this.game = null
    const box = this.at(".show")
    for (const [name, label] of Object.entries(SHOW)) {
      const line = document.createElement("label"), tick = document.createElement("input")
      tick.type = "checkbox"; tick.checked = this.shown[name]
      tick.onchange = () => { this.shown[name] = tick.checked; this.draw() }
      line.append(tick, label); box.append(line)
    }
    this.at(".play").onclick = () => (this.playing ? this.pause() : this.play())
    this.at(".both").onclick = () => this.step("dg")
    this.at(".d").onclick = () => this.step("d")
    this.at(".g").onclick = () => this.step("g")
    this.at(".reset").onclick = () => { this.pause(false); this.go([], true) }
    this.at(".time").oninput = (event) => { this.pause(false); this.look(this.track[event.target.value]) }
    this.at(".time").onchange = () => this.report()
    this.at(".link").onclick = () => this.copy()
    this.watch = new ResizeObserver(() => this.draw())
    this.watch.observe(this.at(".plane"))
  }

  // What Python says: the game, and where a link wants to be. Called again at each rerun of the page.
  take(data, tell) {
    this.data = data; this.tell = tell
    if (data.game !== this.game) {
      const goOn = this.playing
      this.pause(false)
      this.game = data.game
      this.chunks.clear()
      this.charts()
      this.said(data.at ? "Going to the place in the link." : "Press Play, or take one step at a time.")
      this.go(parse(data.at), false).then(() => (goOn || this.wanted) && this.play())
    } else if (data.at !== this.told && data.at !== undefined && this.now && data.at !== this.now.moves && !this.playing) {
      if (this.askedFor !== data.at) { this.askedFor = data.at; this.go(parse(data.at), false) }
    } else this.draw()
  }

  chunk(kind, moves) {
    const name = `${kind}?at=${text(moves)}`
    if (!this.chunks.has(name)) {
      const game = this.game
      const coming = fetch(`/api/lab/${name}&game=${encodeURIComponent(game)}`).then(async (answer) => {
        if (!answer.ok) {
          const refused = await answer.json().catch(() => ({}))
          throw new Error(refused.what ? `${refused.what} ${refused.todo}` : "The laboratory did not answer. Reload the page.")
        }
        return unpack(await answer.arrayBuffer())
      })
      coming.catch(() => this.chunks.delete(name))
      this.chunks.set(name, coming)
    }
    return this.chunks.get(name)
  }

  // Go to a position by a step or a link; its own past is fetched behind it.
  async go(moves, report) {
    const game = this.game
    this.busy(true)
    try {
      const told = await this.chunk("one", moves)
      if (game !== this.game) return false
      if (!told.frames.length) { this.explode(told); return false }
      const frame = told.frames[0], way = letters(moves)
      this.track = (this.track?.length && this.track[0].game === game ? this.track : []).filter((other) => {
        const theirs = letters(parse(other.moves))
        return theirs.startsWith(way) || way.startsWith(theirs)
      })
      this.keep([frame])
      this.look(frame)
      this.note("")
      this.past(moves, game)
      if (report) this.report()
      return true
    } catch (error) { if (game === this.game) this.note(error.message); return false }
    finally { this.busy(false) }
  }

  // Fetch what led to a position, so that the slider and the curves begin at the beginning.
  async past(moves, game) {
    const way = letters(moves)
    for (let i = 0; i < moves.length; i++) {
      const head = moves.slice(0, i), [letter, count] = moves[i]
      for (let n = 0; n < count; n += letter === "r" ? LONG.fast : Math.ceil(count / 20)) {
        const told = await this.chunk(letter === "r" ? "fast" : "one", add(head, letter, n)).catch(() => null)
        if (!told || game !== this.game || !letters(parse(this.now.moves)).startsWith(way)) return
        this.keep(told.frames.filter((frame) => way.startsWith(letters(parse(frame.moves)))))
      }
    }
    this.slide(); this.curves()
  }

  keep(frames) {
    const known = new Set(this.track.map((frame) => frame.moves))
    for (const frame of frames) if (!known.has(frame.moves)) { frame.game = this.game; this.track.push(frame) }
    this.track.sort((a, b) => a.turns - b.turns)
  }

  async step(way) {
    this.pause(false)
    if (!this.now || this.stepping) return
    let moves = parse(this.now.moves)
    for (const letter of way) moves = add(moves, letter, 1)
    if (moves.length > MOST_PARTS || turns(moves) > 2 * MOST_ROUNDS) return this.note("That is as far as this laboratory goes. Choose Reset to begin again.")
    this.stepping = true
    await this.go(moves, true)
    this.stepping = false
  }

  // The picture after this one, or null at the end.
  async next(speed) {
    const kind = speed === "slow" ? "slow" : "fast", now = this.now
    let from = begin(parse(now.moves), kind)
    for (let tries = 0; tries < 2; tries++) {
      const told = await this.chunk(kind, from)
      let later = told.frames.filter((frame) => frame.turns > now.turns)
      const whole = later.filter((frame) => rounds(parse(frame.moves)) % 20 === 0)
      this.keep(later.slice(0, speed === "faster" ? later.length : 1))
      if (speed === "faster" && whole.length) return whole[0]
      if (speed !== "faster" && later.length) return later[0]
      if (told.exploded) { this.explode(told); return null }
      from = add(from, "r", LONG[kind])
      if (turns(from) >= 2 * MOST_ROUNDS) { this.said(`That is as far as this laboratory goes: ${MOST_ROUNDS.toLocaleString("en")} rounds.`); return null }
    }
    return null
  }

  async play() {
    if (!this.now) this.wanted = true // pressed before the first picture was there
    if (this.playing || !this.now) return
    this.wanted = false
    this.playing = true
    const mine = (this.run = {}), game = this.game
    this.at(".play").textContent = "Pause"
    while (this.playing && this.run === mine) {
      const speed = this.at(".speed").value, started = performance.now()
      let frame = null
      try {
        frame = await this.next(speed)
        if (frame) this.ahead(frame, speed === "slow" ? "slow" : "fast")
      } catch (error) { this.note(error.message) }
      if (!this.playing || this.run !== mine || game !== this.game) return
      if (!frame) return this.pause()
      const before = rounds(parse(this.now.moves))
      this.look(frame)
      const after = rounds(parse(frame.moves))
      if (before < this.data.tell_at && after >= this.data.tell_at) this.report() // the answer of the chapter can be shown
      await new Promise((done) => setTimeout(done, Math.max(0, PACE[speed] - (performance.now() - started))))
    }
  }

  ahead(frame, kind) { // computed while these are played
    let from = begin(parse(frame.moves), kind)
    for (let i = 0; i < 2; i++) {
      from = add(from, "r", LONG[kind])
      if (turns(from) < 2 * MOST_ROUNDS) this.chunk(kind, from).catch(() => {})
    }
  }

  pause(report = true) {
    const was = this.playing
    this.playing = false; this.run = null
    this.at(".play").textContent = "Play"
    if (was && report) this.report()
    if (was && this.now) this.tellNumbers()
  }

  look(frame) {
    if (!frame) return
    this.now = frame
    const n = rounds(parse(frame.moves)), slow = this.at(".speed").value === "slow"
    this.at(".round").textContent = n.toLocaleString("en") + (parse(frame.moves).some(([letter]) => letter !== "r") ? " and single steps" : "")
    this.slide()
    this.draw(); this.numbers(); this.curves()
    if (!this.playing || slow || performance.now() - this.toldAt > TELL_MS) this.tellNumbers()
  }

  slide() {
    const time = this.at(".time")
    time.max = Math.max(0, this.track.length - 1)
    time.value = this.track.indexOf(this.now)
    time.setAttribute("aria-valuetext", `Round ${rounds(parse(this.now.moves))}`)
  }

  // Words.
  said(words) { this.at(".said").textContent = words }
  note(words) { const note = this.at(".note"); note.hidden = !words; if (note.textContent !== words) note.textContent = words }
  busy(on) { this.at(".lab").setAttribute("aria-busy", String(on)) }

  explode(told) {
    const last = told.frames[told.frames.length - 1] ?? this.now
    const n = last ? rounds(parse(last.moves)) : 0
    if (last && last !== this.now && told.frames.includes(last)) { this.keep([last]); this.look(last) }
    this.pause(false)
    this.note(`Exploded: after round ${n} the numbers ran away, and that is the lesson: steps this large overshoot, and each correction ` +
      "is larger than the last. Choose Reset, then a smaller learning rate or a penalty.")
    this.report()
  }

  tellNumbers() {
    const frame = this.now, last = parse(frame.moves).pop()?.[0], modes = frame.of ? ` ${frame.modes} of ${frame.of} blobs found.` : ""
    const turn = !last ? "Nobody has learnt anything yet: G's points lie where its random weights put them." :
      last === "d" ? "D's turn: D moved its surface, blue towards real points, orange towards generated ones." :
      last === "g" ? "G's turn: G moved its points along the arrows, to where D says real." :
      `${rounds(parse(frame.moves)).toLocaleString("en")} rounds played: D moved its surface, then G its points.`
    const sure = frame.d_real == null ? "" : ` D says real to ${percent(frame.d_real)} of real and ${percent(frame.d_fake)} of generated points.`
    this.toldAt = performance.now()
    this.said(turn + modes + sure)
    this.at(".plane").setAttribute("aria-label", `The plane with real and generated points over D's surface. ${turn}${modes}${sure}`)
  }

  numbers() {
    const frame = this.now, list = this.at(".numbers")
    const rows = [["Blobs found", frame.of ? `${frame.modes} of ${frame.of}` : null], ["Points on a blob", frame.on == null ? null : percent(frame.on)],
      ["Right class", frame.right == null ? null : percent(frame.right)], ["Distance (JS)", fixed(frame.js)], ["Distance (KL)", fixed(frame.kl)],
      ["Loss of D", fixed(frame.loss_d)], ["Loss of G", fixed(frame.loss_g)]]
    list.replaceChildren(...rows.filter((row) => row[1] != null).map(([name, value]) => {
      const line = document.createElement("div"), dt = document.createElement("dt"), dd = document.createElement("dd")
      dt.textContent = name; dd.textContent = value; line.append(dt, dd); return line
    }))
  }

  report() {
    if (!this.now) return
    this.told = this.now.moves; this.askedFor = this.told
    this.tell(this.told)
  }

  async copy() {
    this.report()
    const url = new URL(window.location.href)
    if (this.now.moves) url.searchParams.set("lab_at", this.now.moves); else url.searchParams.delete("lab_at")
    try { await navigator.clipboard.writeText(url.href); this.at(".copied").textContent = "Copied." }
    catch { this.at(".copied").textContent = url.href }
  }

  // Pictures.
  paint(canvas) {
    const ratio = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect()
    if (!box.width) return null
    const width = Math.round(box.width * ratio), height = Math.round(box.height * ratio)
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height }
    const pen = canvas.getContext("2d")
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, box.width, box.height)
    return [pen, box.width, box.height]
  }

  draw() {
    const frame = this.now
    const got = frame && this.paint(this.at(".plane"))
    if (!got) return
    const [pen, side] = got, { head } = frame, dark = isDark(this.at(".lab"))
    const x = (v) => ((v + head.reach) / (2 * head.reach)) * side, y = (v) => side - x(v)
    const wide = (2 * head.reach) / 32767 // int16 to places
    if (this.shown.field) this.field(pen, side, frame, dark)
    const per = head.lines * head.lines
    const one = (i) => this.view === "both" || head.views === 1 || Number(this.view) === i
    if (this.shown.grid) {
      pen.strokeStyle = dark ? "#ffffffb0" : "#000000a0"; pen.lineWidth = 1
      for (let v = 0; v < head.views; v++) {
        if (!one(v)) continue
        const place = (i) => { const at = 2 * (head.shown + v * per + i); return [x(frame.places[at] * wide), y(frame.places[at + 1] * wide)] }
        pen.beginPath()
        for (let a = 0; a < head.lines; a++) for (let b = 0; b + 1 < head.lines; b++) {
          pen.moveTo(...place(a * head.lines + b)); pen.lineTo(...place(a * head.lines + b + 1))
          pen.moveTo(...place(b * head.lines + a)); pen.lineTo(...place((b + 1) * head.lines + a))
        }
        pen.stroke()
      }
    }
    const edge = dark ? "#fff" : "#000"
    if (this.shown.real) head.real.forEach(([px, py], i) => {
      if (one(head.classes[i])) mark(pen, x(px), y(py), head.views > 1 && head.classes[i] ? "square" : "circle", REAL, "#fff")
    })
    if (this.shown.arrows) {
      pen.strokeStyle = edge; pen.lineWidth = 1.3
      for (let i = 0; i < head.arrows; i++) {
        if (!one(head.asked[i])) continue
        const px = x(frame.places[2 * i] * wide), py = y(frame.places[2 * i + 1] * wide)
        const dx = (frame.arrows[2 * i] / 32767) * 2 * 26, dy = -(frame.arrows[2 * i + 1] / 32767) * 2 * 26, long = Math.hypot(dx, dy)
        if (long < 1) continue
        const tip = Math.min(5, long / 2), turn = Math.atan2(dy, dx)
        pen.beginPath(); pen.moveTo(px, py); pen.lineTo(px + dx, py + dy)
        for (const side of [2.6, -2.6]) { pen.moveTo(px + dx, py + dy); pen.lineTo(px + dx + tip * Math.cos(turn + side), py + dy + tip * Math.sin(turn + side)) }
        pen.stroke()
      }
    }
    if (this.shown.fake) for (let i = 0; i < head.shown; i++) {
      if (one(head.asked[i])) mark(pen, x(frame.places[2 * i] * wide), y(frame.places[2 * i + 1] * wide), head.views > 1 && head.asked[i] ? "plus" : "diamond", FAKE, "#000")
    }
  }

  field(pen, side, frame, dark) {
    const { field: n, views } = frame.head
    const small = new OffscreenCanvas(n, n), ink = small.getContext("2d"), image = ink.createImageData(n, n)
    const none = dark ? [24, 30, 38] : [255, 255, 255], blue = dark ? [38, 92, 150] : [140, 186, 235], orange = dark ? [150, 84, 22] : [246, 190, 130]
    for (let row = 0; row < n; row++) for (let column = 0; column < n; column++) {
      let value = 0, count = 0
      for (let v = 0; v < views; v++) if (views === 1 || this.view === "both" || Number(this.view) === v) { value += frame.field[v * n * n + row * n + column]; count++ }
      const sure = value / count / 127.5 - 1, to = sure > 0 ? blue : orange, at = 4 * ((n - 1 - row) * n + column), much = Math.sqrt(Math.abs(sure))
      for (let c = 0; c < 3; c++) image.data[at + c] = none[c] + (to[c] - none[c]) * much
      image.data[at + 3] = 255
    }
    ink.putImageData(image, 0, 0)
    pen.imageSmoothingEnabled = true; pen.imageSmoothingQuality = "high"
    pen.drawImage(small, 0, 0, side, side)
  }

  charts() {
    const kinds = [["Distance to the real points (JS, 0 is the same)", [["js", "JS", REAL]], 0, 1],
      ["Losses: D solid, G dashed", [["loss_d", "D", REAL], ["loss_g", "G", FAKE, true]]]]
    if (this.data.modes) kinds.unshift([`Blobs found, of ${this.data.modes}`, [["modes", "blobs", REAL]], 0, this.data.modes])
    this.kinds = kinds
    this.at(".charts").replaceChildren(...kinds.map(([name]) => {
      const figure = document.createElement("figure"), caption = document.createElement("figcaption"), canvas = document.createElement("canvas")
      caption.textContent = name; canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", `${name}, over the rounds`)
      figure.append(caption, canvas); return figure
    }))
    this.at(".show").querySelector("select")?.remove()
    if (this.data.labels) {
      const pick = document.createElement("select")
      pick.setAttribute("aria-label", "Class that is shown")
      for (const [value, name] of [["both", "Both classes"], ["0", "Class A only"], ["1", "Class B only"]]) pick.append(new Option(name, value))
      pick.value = this.view; pick.onchange = () => { this.view = pick.value; this.draw() }
      this.at(".show").append(pick)
    } else this.view = "both"
  }

  curves() {
    const dark = isDark(this.at(".lab"))
    this.root.querySelectorAll("figure canvas").forEach((canvas, number) => {
      const got = this.paint(canvas)
      if (!got) return
      const [pen, width, height] = got, [name, series, low, high] = this.kinds[number]
      const seen = this.track.filter((frame) => frame.turns <= this.now.turns)
      const known = seen.flatMap((frame) => series.map(([key]) => frame[key])).filter((value) => value != null)
      const bottom = low ?? Math.min(0, ...known), top = high ?? Math.max(0.1, ...known), end = Math.max(100, this.now.turns)
      const x = (frame) => 34 + (frame.turns / end) * (width - 40), y = (value) => height - 6 - ((value - bottom) / (top - bottom || 1)) * (height - 14)
      pen.fillStyle = dark ? "#e6edf4" : "#1b2733"; pen.font = "11px sans-serif"
      pen.fillText(short(top), 3, 12); pen.fillText(short(bottom), 3, height - 4)
      for (const [key, , colour, dashed] of series) {
        pen.strokeStyle = dark ? (colour === REAL ? "#6fb1f2" : "#f2a65a") : colour; pen.lineWidth = 1.8; pen.setLineDash(dashed ? [5, 3] : [])
        pen.beginPath()
        let open = false
        for (const frame of seen) {
          if (frame[key] == null) continue
          open ? pen.lineTo(x(frame), y(frame[key])) : pen.moveTo(x(frame), y(frame[key])); open = true
        }
        pen.stroke()
      }
      pen.setLineDash([])
      const last = series.map(([key, label]) => `${label} ${short(this.now[key])}`).join(", ")
      if (!this.playing) canvas.setAttribute("aria-label", `${name}, over the rounds; now ${last}`)
    })
  }
}

function mark(pen, x, y, shape, fill, edge) {
  pen.fillStyle = fill; pen.strokeStyle = edge; pen.lineWidth = 0.8
  pen.beginPath()
  if (shape === "circle") pen.arc(x, y, 3, 0, 2 * Math.PI)
  else if (shape === "square") pen.rect(x - 2.8, y - 2.8, 5.6, 5.6)
  else if (shape === "diamond") { pen.moveTo(x, y - 4.4); pen.lineTo(x + 4.4, y); pen.lineTo(x, y + 4.4); pen.lineTo(x - 4.4, y); pen.closePath() }
  else { pen.rect(x - 1.3, y - 4.4, 2.6, 8.8); pen.rect(x - 4.4, y - 1.3, 8.8, 2.6) }
  pen.fill(); pen.stroke()
}

const percent = (value) => `${Math.round(100 * value)} %`
const fixed = (value) => (value == null ? null : value.toFixed(2))
const short = (value) => (value == null ? "–" : Math.abs(value) >= 1000 ? value.toExponential(0) : String(Number(value.toPrecision(2))))
function isDark(element) {
  const [r, g, b] = (getComputedStyle(element).color.match(/\d+/g) ?? [0, 0, 0]).map(Number)
  return r + g + b > 384 // light letters
}

const labs = new WeakMap()

export default function ({ parentElement, data, setStateValue }) {
  if (!labs.has(parentElement)) labs.set(parentElement, new Lab(parentElement))
  const lab = labs.get(parentElement)
  lab.take(data, (moves) => setStateValue("at", moves))
  return () => { lab.pause(false); lab.watch.disconnect(); labs.delete(parentElement) }
}
