"""The game: G and D in the plane, turn by turn. The same settings and moves give the same weights, bit for bit.

Every turn has its own random stream, from the seed and the number of the turn, so a game can be saved and continued anywhere.
"""

import numpy as np

from gan_core.learn import moves, networks
from gan_core.learn.data import source
from gan_core.learn.losses import LOSSES
from gan_core.learn.settings import Settings

WIDTH, BATCH = 32, 128
RAN_AWAY = 1e5  # a game with larger logits of D or points of G has diverged
NEAR = 0.5  # distance of the crowding feature


class Exploded(Exception):
    """The numbers diverged. The game cannot go on."""


class Game:
    """The weights, the state of both Adam optimizers, and the number of turns."""

    def __init__(self, settings: Settings):
        self.settings, self.loss = settings, LOSSES[settings.loss]
        self.source = source(settings.shape, settings.drawing)
        rng = np.random.Generator(np.random.Philox(key=settings.seed))
        columns = 2 if settings.labels else 0
        self.G = networks.new(2 + columns, WIDTH, 2, rng)
        self.D = networks.new(2 + columns + settings.crowd, WIDTH, 1, rng)
        self.adam_G, self.adam_D = networks.Adam(self.G), networks.Adam(self.D)
        self.turns = 0
        self.loss_d = self.loss_g = float("nan")

    def take(self, letters: str) -> None:
        """Play turns in order; 'd' is a turn of D, 'g' one of G. Raises Exploded."""
        with np.errstate(all="ignore"):
            for letter in letters:
                rng = np.random.Generator(np.random.Philox(key=[self.settings.seed, 1 + self.turns]))
                self.turn_of_d(rng) if letter == "d" else self.turn_of_g(rng)
                self.turns += 1

    # The inputs of the networks.

    def noise(self, n: int, rng: np.random.Generator) -> np.ndarray:
        z = rng.uniform(-1, 1, (n, 2)).astype(np.float32)
        if self.settings.noise == "line":
            z[:, 1] = 0
        return z

    def with_class(self, x: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """x [N, 2], with the class as two more columns where the networks get it."""
        return np.concatenate([x, np.eye(2, dtype=np.float32)[classes]], axis=1) if self.settings.labels else x

    def seen_by_d(self, x: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """x [N, 2] as D gets it: with its class, and with the crowding of its batch around it."""
        x = self.with_class(x, classes)
        return np.concatenate([x, crowding(x[:, :2], x[:, :2])[:, None]], axis=1) if self.settings.crowd else x

    # The two turns.

    def turn_of_d(self, rng: np.random.Generator) -> None:
        for _ in range(self.settings.d_steps):
            n = BATCH
            real, classes = self.source.draw(n, rng)
            asked = rng.integers(2, size=n)
            fake, _ = networks.forward(self.G, self.with_class(self.noise(n, rng), asked))
            if self.settings.blur:
                real, fake = (
                    x + self.settings.blur * rng.standard_normal((n, 2), dtype=np.float32) for x in (real, fake)
                )
            both = np.concatenate([self.seen_by_d(real, classes), self.seen_by_d(fake, asked)])
            logits, seen = networks.forward(self.D, both)
            self.check(logits)
            self.loss_d, by_real, by_fake = self.loss.d(logits[:n, 0], logits[n:, 0])
            slopes, _ = networks.backward(self.D, seen, np.concatenate([by_real, by_fake])[:, None])
            if self.settings.gamma:
                _, more = networks.gradient_penalty(self.D, seen, self.settings.gamma / 2 / n)
                slopes = [slope + add for slope, add in zip(slopes, more, strict=True)]
            self.adam_D.step(self.D, slopes, self.settings.lr_d)

    def turn_of_g(self, rng: np.random.Generator) -> None:
        n = BATCH
        real, classes = self.source.draw(n, rng)
        asked = rng.integers(2, size=n)
        fake, seen_g = networks.forward(self.G, self.with_class(self.noise(n, rng), asked))
        self.check(fake)
        self.loss_g, gradient = self.gradient_of_g(real, classes, fake, asked, rng)
        slopes, _ = networks.backward(self.G, seen_g, gradient)
        self.adam_G.step(self.G, slopes, self.settings.lr_g)

    def gradient_of_g(
        self, real: np.ndarray, classes: np.ndarray, fake: np.ndarray, asked: np.ndarray, rng: np.random.Generator
    ) -> tuple[float, np.ndarray]:
        """(G's loss, its gradient by each fake point [N, 2])."""
        n = len(fake)
        if self.settings.blur:
            real, fake = (
                x + self.settings.blur * rng.standard_normal((len(x), 2), dtype=np.float32) for x in (real, fake)
            )
        of_real, _ = networks.forward(self.D, self.seen_by_d(real, classes))
        of_fake, seen_d = networks.forward(self.D, self.seen_by_d(fake, asked))
        self.check(of_fake)
        value, _, by_fake = self.loss.g(of_real[:, 0], of_fake[:, 0])
        _, by_input = networks.backward(self.D, seen_d, by_fake[:, None])
        by_point = by_input[:, :2]
        if self.settings.crowd:
            by_point = by_point + crowding_slope(fake, by_input[:, -1])
        return value, by_point.reshape(n, 2)

    def check(self, values: np.ndarray) -> None:
        if not np.isfinite(values).all() or np.abs(values).max() > RAN_AWAY:
            raise Exploded

    # A saved game.

    def kept(self) -> dict[str, np.ndarray]:
        """Everything that the next turn depends on, as arrays."""
        arrays: dict[str, np.ndarray] = {}
        for name, net, adam in (("G", self.G, self.adam_G), ("D", self.D, self.adam_D)):
            for number, parts in enumerate(zip(net, adam.mean, adam.square, strict=True)):
                arrays |= {f"{name}{number}{part}": array for part, array in zip("wms", parts, strict=True)}
        counts = [self.turns, self.adam_G.count, self.adam_D.count]
        return arrays | {"counts": np.array(counts), "losses": np.array([self.loss_d, self.loss_g])}

    @classmethod
    def restored(cls, settings: Settings, kept: dict[str, np.ndarray]) -> "Game":
        game = cls(settings)
        for name, net, adam in (("G", game.G, game.adam_G), ("D", game.D, game.adam_D)):
            for number in range(len(net)):
                for part, arrays in zip("wms", (net, adam.mean, adam.square), strict=True):
                    arrays[number] = kept[f"{name}{number}{part}"].copy()
        game.turns, game.adam_G.count, game.adam_D.count = (int(count) for count in kept["counts"])
        game.loss_d, game.loss_g = (float(loss) for loss in kept["losses"])
        return game


def crowding(x: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Crowding [N]: mean of exp(-(distance / NEAR)^2) from each point of x [N, 2] to the others [M, 2]."""
    square = np.square(x[:, None] - others[None]).sum(axis=2)
    return np.exp(-square / NEAR**2).mean(axis=1).astype(np.float32)


def crowding_slope(x: np.ndarray, by_feature: np.ndarray) -> np.ndarray:
    """Gradient of a loss by x [N, 2], from its gradient by crowding(x, x) [N]."""
    apart = x[:, None] - x[None]
    near = np.exp(-np.square(apart).sum(axis=2) / NEAR**2)
    weight = near * (by_feature[:, None] + by_feature[None]) * (-2 / NEAR**2 / len(x))
    return (weight[:, :, None] * apart).sum(axis=1).astype(np.float32)


def play(settings: Settings, way: str) -> Game:
    """A new game after the moves `way`."""
    game = Game(settings)
    game.take(moves.letters(moves.parse(way)))
    return game
