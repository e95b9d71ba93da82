// One frame drawn on a canvas: D's surface, the real and generated points, G's gradient as arrows, the grid of noise.
const REAL = "#1f5fa8", FAKE = "#d9730d"
const ARROW_PIXELS = 52 // length of an arrow at the greatest value of an int16

// The canvas at the resolution of the screen, cleared: [pen, width, height], or null while it has no size.
function clearCanvas(canvas) {
  const ratio = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect()
  if (!box.width) return null
  const width = Math.round(box.width * ratio), height = Math.round(box.height * ratio)
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height }
  const pen = canvas.getContext("2d")
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, box.width, box.height)
  return [pen, box.width, box.height]
}

// visible: which layers are drawn; shownClass: "both", "0" or "1"; dark: is the page dark?
function drawPlane(canvas, frame, visible, shownClass, dark) {
  const cleared = clearCanvas(canvas)
  if (!cleared) return
  const [pen, side] = cleared, { head } = frame, scale = (2 * head.reach) / 32767 // int16 to coordinates
  const x = (v) => ((v + head.reach) / (2 * head.reach)) * side, y = (v) => side - x(v)
  const place = (i) => [x(frame.places[2 * i] * scale), y(frame.places[2 * i + 1] * scale)]
  const isShown = (label) => shownClass === "both" || head.views === 1 || Number(shownClass) === label
  const isB = (label) => head.views > 1 && label
  if (visible.field) drawSurface(pen, side, frame, isShown, dark)
  if (visible.grid) drawGrid(pen, head, place, isShown, dark)
  if (visible.real) head.real.forEach(([px, py], i) => {
    if (isShown(head.classes[i])) drawMark(pen, x(px), y(py), isB(head.classes[i]) ? "square" : "circle", REAL, "#fff")
  })
  if (visible.arrows) drawArrows(pen, frame, place, isShown, dark)
  if (visible.fake) for (let i = 0; i < head.shown; i++) {
    if (isShown(head.asked[i])) drawMark(pen, ...place(i), isB(head.asked[i]) ? "plus" : "diamond", FAKE, "#000")
  }
}

// D's answer as a color: blue for real, orange for generated, the background for 50 %; the mean over the classes shown.
function drawSurface(pen, side, frame, isShown, dark) {
  const { field: n, views } = frame.head, shownViews = [...Array(views).keys()].filter(isShown)
  const small = new OffscreenCanvas(n, n), ink = small.getContext("2d"), image = ink.createImageData(n, n)
  const background = dark ? [24, 30, 38] : [255, 255, 255]
  const blue = dark ? [38, 92, 150] : [140, 186, 235], orange = dark ? [150, 84, 22] : [246, 190, 130]
  for (let row = 0; row < n; row++) for (let column = 0; column < n; column++) {
    const sum = shownViews.reduce((total, view) => total + frame.field[view * n * n + row * n + column], 0)
    const answer = sum / shownViews.length / 127.5 - 1, color = answer > 0 ? blue : orange
    const at = 4 * ((n - 1 - row) * n + column), strength = Math.sqrt(Math.abs(answer))
    for (let c = 0; c < 3; c++) image.data[at + c] = background[c] + (color[c] - background[c]) * strength
    image.data[at + 3] = 255
  }
  ink.putImageData(image, 0, 0)
  pen.imageSmoothingEnabled = true; pen.imageSmoothingQuality = "high"
  pen.drawImage(small, 0, 0, side, side)
}

// What G makes of a regular grid of its input, one for each class shown.
function drawGrid(pen, head, place, isShown, dark) {
  const n = head.lines
  pen.strokeStyle = dark ? "#ffffffb0" : "#000000a0"; pen.lineWidth = 1
  for (let view = 0; view < head.views; view++) {
    if (!isShown(view)) continue
    const node = (row, column) => place(head.shown + view * n * n + row * n + column)
    pen.beginPath()
    for (let a = 0; a < n; a++) for (let b = 0; b + 1 < n; b++) {
      pen.moveTo(...node(a, b)); pen.lineTo(...node(a, b + 1))
      pen.moveTo(...node(b, a)); pen.lineTo(...node(b + 1, a))
    }
    pen.stroke()
  }
}

function drawArrows(pen, frame, place, isShown, dark) {
  pen.strokeStyle = dark ? "#fff" : "#000"; pen.lineWidth = 1.3
  for (let i = 0; i < frame.head.arrows; i++) {
    if (!isShown(frame.head.asked[i])) continue
    const [px, py] = place(i)
    const dx = (frame.arrows[2 * i] / 32767) * ARROW_PIXELS, dy = -(frame.arrows[2 * i + 1] / 32767) * ARROW_PIXELS
    const length = Math.hypot(dx, dy)
    if (length < 1) continue
    const tip = Math.min(5, length / 2), angle = Math.atan2(dy, dx)
    pen.beginPath(); pen.moveTo(px, py); pen.lineTo(px + dx, py + dy)
    for (const turn of [2.6, -2.6]) {
      pen.moveTo(px + dx, py + dy); pen.lineTo(px + dx + tip * Math.cos(angle + turn), py + dy + tip * Math.sin(angle + turn))
    }
    pen.stroke()
  }
}

function drawMark(pen, x, y, shape, fill, edge) {
  pen.fillStyle = fill; pen.strokeStyle = edge; pen.lineWidth = 0.8
  pen.beginPath()
  if (shape === "circle") pen.arc(x, y, 3, 0, 2 * Math.PI)
  else if (shape === "square") pen.rect(x - 2.8, y - 2.8, 5.6, 5.6)
  else if (shape === "diamond") { pen.moveTo(x, y - 4.4); pen.lineTo(x + 4.4, y); pen.lineTo(x, y + 4.4); pen.lineTo(x - 4.4, y); pen.closePath() }
  else { pen.rect(x - 1.3, y - 4.4, 2.6, 8.8); pen.rect(x - 4.4, y - 1.3, 8.8, 2.6) }
  pen.fill(); pen.stroke()
}
