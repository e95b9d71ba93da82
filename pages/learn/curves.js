// The numbers of a game: as words, as a table, and as curves over the rounds.
const percent = (value) => `${Math.round(100 * value)} %`
const fixed = (value) => (value == null ? null : value.toFixed(2))
const short = (value) => (value == null ? "–" : Math.abs(value) >= 1000 ? value.toExponential(0) : String(Number(value.toPrecision(2))))

// The charts of a game. lines: [key of a frame, label, color, dashed]; an axis without low or high fits its values.
function chartsOf(modes) {
  const charts = [
    { name: "Distance to the real points (JS, 0 is the same)", lines: [["js", "JS", REAL]], low: 0, high: 1 },
    { name: "Losses: D solid, G dashed", lines: [["loss_d", "D", REAL], ["loss_g", "G", FAKE, true]] },
  ]
  return modes ? [{ name: `Blobs found, of ${modes}`, lines: [["modes", "blobs", REAL]], low: 0, high: modes }, ...charts] : charts
}

function chartFigure({ name }) {
  const figure = document.createElement("figure"), caption = document.createElement("figcaption"), canvas = document.createElement("canvas")
  caption.textContent = name; canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", `${name}, over the rounds`)
  figure.append(caption, canvas)
  return figure
}

// frames: up to the one that is shown, in order.
function drawChart(canvas, { lines, low, high }, frames, dark) {
  const cleared = clearCanvas(canvas)
  if (!cleared) return
  const [pen, width, height] = cleared
  const values = frames.flatMap((frame) => lines.map(([key]) => frame[key])).filter((value) => value != null)
  const bottom = low ?? Math.min(0, ...values), top = high ?? Math.max(0.1, ...values)
  const end = Math.max(100, frames[frames.length - 1]?.turns ?? 0)
  const x = (frame) => 34 + (frame.turns / end) * (width - 40)
  const y = (value) => height - 6 - ((value - bottom) / (top - bottom || 1)) * (height - 14)
  pen.fillStyle = dark ? "#e6edf4" : "#1b2733"; pen.font = "11px sans-serif"
  pen.fillText(short(top), 3, 12); pen.fillText(short(bottom), 3, height - 4)
  for (const [key, , color, dashed] of lines) {
    pen.strokeStyle = dark ? (color === REAL ? "#6fb1f2" : "#f2a65a") : color; pen.lineWidth = 1.8; pen.setLineDash(dashed ? [5, 3] : [])
    pen.beginPath()
    frames.filter((frame) => frame[key] != null)
      .forEach((frame, i) => (i ? pen.lineTo(x(frame), y(frame[key])) : pen.moveTo(x(frame), y(frame[key]))))
    pen.stroke()
  }
  pen.setLineDash([])
}

function numbersOf(frame) {
  const share = (value) => (value == null ? null : percent(value))
  const rows = [["Blobs found", frame.of ? `${frame.modes} of ${frame.of}` : null], ["Points on a blob", share(frame.on)],
    ["Right class", share(frame.right)], ["Distance (JS)", fixed(frame.js)], ["Distance (KL)", fixed(frame.kl)],
    ["Loss of D", fixed(frame.loss_d)], ["Loss of G", fixed(frame.loss_g)]]
  return rows.filter(([, value]) => value != null)
}

// What the last turn did, in words.
function describe(frame) {
  const moves = parseMoves(frame.moves), last = moves[moves.length - 1]?.[0]
  const turn = !last ? "Nobody has learnt anything yet: G's points lie where its random weights put them." :
    last === "d" ? "D's turn: D moved its surface, blue towards real points, orange towards generated ones." :
    last === "g" ? "G's turn: G moved its points along the arrows, to where D says real." :
    `${roundsOf(moves).toLocaleString("en")} rounds played: D moved its surface, then G its points.`
  const found = frame.of ? ` ${frame.modes} of ${frame.of} blobs found.` : ""
  const answers = frame.d_real == null ? "" :
    ` On average D's answer is ${percent(frame.d_real)} real for real points, ${percent(frame.d_fake)} real for generated points.`
  return turn + found + answers
}
