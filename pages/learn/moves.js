// How far a game has gone, as the moves that led there: "r120d5g2". The same rules as gan_core/learn/moves.py.
const MAX_ROUNDS = 4000, MAX_PARTS = 40

const parseMoves = (text) => [...text.matchAll(/([rdg])(\d+)/g)].map((part) => [part[1], Number(part[2])])
const movesText = (moves) => moves.map(([letter, count]) => letter + count).join("")
const turnsOf = (moves) => moves.reduce((sum, [letter, count]) => sum + count * (letter === "r" ? 2 : 1), 0)
const roundsOf = (moves) => moves.reduce((sum, [letter, count]) => sum + (letter === "r" ? count : 0), 0)
const everyTurn = (moves) => moves.map(([letter, count]) => (letter === "r" ? "dg" : letter).repeat(count)).join("")

function addMoves(moves, letter, count) {
  if (!count) return moves
  if (!moves.length) return [[letter, count]]
  const head = moves.slice(0, -1), [last, before] = moves[moves.length - 1]
  if (last === letter) return [...head, [letter, before + count]]
  if (last === "d" && letter === "g") return addMoves(addMoves(addMoves(head, "d", before - 1), "r", 1), "g", count - 1)
  return [...moves, [letter, count]]
}
