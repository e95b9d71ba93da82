// A canvas for real points. A point is two letters, x and y, as in gan_core/learn/data.py; row 0 is at the bottom.
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
const SIDE = 64, APART = 2 // places; points of one stroke lie at least so far apart

class Drawing {
  constructor(root) {
    this.canvas = root.querySelector("canvas"); this.status = root.querySelector(".status")
    this.points = []; this.cross = [32, 32]; this.given = null
    const place = (event) => {
      const box = this.canvas.getBoundingClientRect(), inside = (v) => Math.max(0, Math.min(SIDE - 1, Math.floor(v * SIDE)))
      return [inside((event.clientX - box.left) / box.width), inside(1 - (event.clientY - box.top) / box.height)]
    }
    this.canvas.onpointerdown = (event) => { this.canvas.setPointerCapture(event.pointerId); this.add(place(event)) }
    this.canvas.onpointermove = (event) => { if (event.buttons) this.add(place(event), true) }
    this.canvas.onkeydown = (event) => this.press(event)
    this.canvas.onfocus = this.canvas.onblur = () => this.draw()
    root.querySelector(".clear").onclick = () => { this.points = []; this.draw() }
    root.querySelector(".use").onclick = () => {
      if (!this.points.length) { this.say("Draw at least one point first."); return }
      this.given = this.text(); this.tell(this.given); this.draw()
    }
  }
  take(data, tell) {
    this.most = data.most; this.tell = tell
    if (data.drawing !== this.given) {
      this.given = data.drawing
      this.points = (data.drawing.match(/../g) ?? []).map((pair) => [...pair].map((letter) => LETTERS.indexOf(letter)))
    }
    this.draw()
  }
  text() { return this.points.map(([x, y]) => LETTERS[x] + LETTERS[y]).join("") }
  say(words) { this.status.textContent = words }
  add(point, dragged) {
    const last = this.points[this.points.length - 1]
    if (dragged && last && Math.hypot(last[0] - point[0], last[1] - point[1]) < APART) return
    if (this.points.length >= this.most) { this.say(`That is as much as a link can hold: ${this.most} points.`); return }
    this.points.push(point); this.draw()
  }
  press(event) {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key]
    if (by) this.cross = this.cross.map((v, i) => Math.max(0, Math.min(SIDE - 1, v + by[i] * (event.shiftKey ? 8 : 2))))
    else if (event.key === " ") this.add([...this.cross])
    else if (event.key === "Backspace") this.points.pop()
    else return
    event.preventDefault(); this.draw()
  }
  draw() {
    const pen = this.canvas.getContext("2d"), size = this.canvas.width, at = (v) => ((v + 0.5) / SIDE) * size
    pen.clearRect(0, 0, size, size)
    pen.fillStyle = "#1f5fa8"; pen.strokeStyle = "#fff"
    for (const [x, y] of this.points) { pen.beginPath(); pen.arc(at(x), size - at(y), 4, 0, 7); pen.fill(); pen.stroke() }
    if (this.canvas.getRootNode().activeElement === this.canvas) {
      const [x, y] = [at(this.cross[0]), size - at(this.cross[1])]
      pen.strokeStyle = "#d9730d"; pen.lineWidth = 2
      pen.beginPath(); pen.moveTo(x - 8, y); pen.lineTo(x + 8, y); pen.moveTo(x, y - 8); pen.lineTo(x, y + 8); pen.stroke(); pen.lineWidth = 1
    }
    const used = this.points.length && this.text() === this.given
    this.say(`${this.points.length} of ${this.most} points.${used ? " In use: the game at the top of the page plays it." : ""}`)
  }
}

const drawings = new WeakMap()

export default function ({ parentElement, data, setStateValue }) {
  if (!drawings.has(parentElement)) drawings.set(parentElement, new Drawing(parentElement))
  drawings.get(parentElement).take(data, (drawing) => setStateValue("drawing", drawing))
}
