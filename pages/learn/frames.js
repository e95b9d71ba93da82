// Chunks of frames from the server, in the binary form of gan_core/learn/frames.py: each is fetched once.
const CHUNK_ROUNDS = { fast: 50, slow: 10 }

// The moves that the chunk of a position begins after.
function chunkStart(moves, kind) {
  let head = moves, rounds = 0
  const [letter, count] = moves[moves.length - 1] ?? ["", 0]
  if (letter === "d") head = addMoves(moves.slice(0, -1), "d", count - 1) // half a round: the chunk begins before D's turn
  const [last, before] = head[head.length - 1] ?? ["", 0]
  if (last === "r") { head = head.slice(0, -1); rounds = before }
  return addMoves(head, "r", rounds - (rounds % CHUNK_ROUNDS[kind]))
}

function unpackChunk(buffer) {
  const length = new DataView(buffer).getUint32(0, true)
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)))
  const fieldBytes = header.views * header.field * header.field
  const places = 2 * (header.shown + header.views * header.lines * header.lines), arrows = 2 * header.arrows
  let at = 4 + length
  for (const frame of header.frames) {
    frame.field = new Uint8Array(buffer, at, fieldBytes); at += fieldBytes
    frame.places = new Int16Array(buffer.slice(at, at + 2 * places)); at += 2 * places
    frame.arrows = new Int16Array(buffer.slice(at, at + 2 * arrows)); at += 2 * arrows
    frame.head = header
  }
  return header
}

class Chunks {
  constructor(game) { this.game = game; this.fetched = new Map() }

  // kind: "one" frame, or the "fast" or "slow" frames that follow. A chunk that could not be fetched is asked for again.
  get(kind, moves) {
    const name = `${kind}?at=${movesText(moves)}`
    if (!this.fetched.has(name)) {
      const chunk = fetch(`/api/lab/${name}&game=${encodeURIComponent(this.game)}`).then(async (answer) => {
        if (answer.ok) return unpackChunk(await answer.arrayBuffer())
        const refused = await answer.json().catch(() => ({}))
        throw new Error(refused.what ? `${refused.what} ${refused.todo}` : "The laboratory did not answer. Reload the page.")
      })
      chunk.catch(() => this.fetched.delete(name))
      this.fetched.set(name, chunk)
    }
    return this.fetched.get(name)
  }
}
