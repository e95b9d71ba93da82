"""How a run came to draw what it draws: python benchmarks/recipe_grids.py WORKSPACE RUN ... [--out assets/recipe-grids]

One picture for each run, <recipe>.webp: real images above, then five of its sample grids, from the first to the newest, evenly
chosen. With labels a row shows the first two images of each class, else the first images of the grid. A place is the same noise
in every row. Prints the epochs and images seen of each row, and the seconds of the run.
"""

import argparse
import json
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).parent.parent))

from gan_core.generation.animation import choose
from gan_core.generation.sampling import CELL_PX, COLUMNS
from gan_core.settings.schema import build
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace

ROOT = Path(__file__).parent.parent
GRIDS, ACROSS, GAP, MARGIN = 5, 20, 2, 74
MOST_PX = 44  # side of an image in the picture


def cells(grid: Image.Image, size: int, conditional: bool) -> list[Image.Image]:
    """At most ACROSS images of a sample grid: of each row the first ones, or with one class row after row."""
    cell = size * max(1, round(CELL_PX / size))
    margin = grid.width - COLUMNS * (cell + GAP) + GAP
    rows = (grid.height + GAP) // (cell + GAP)
    a_row = -(-ACROSS // rows) if conditional else COLUMNS
    places = [(row, column) for row in range(rows) for column in range(min(a_row, COLUMNS))][:ACROSS]
    corners = [(margin + column * (cell + GAP), row * (cell + GAP)) for row, column in places]
    side = min(cell, MOST_PX)
    return [grid.crop((x, y, x + cell, y + cell)).resize((side, side), Image.Resampling.BOX) for x, y in corners]


def picture(folder: Path, size: int, conditional: bool) -> tuple[Image.Image, list[dict]]:
    """The picture of a run's folder, and the lines of samples/index.jsonl that it shows."""
    lines = [json.loads(line) for line in (folder / "samples" / "index.jsonl").read_text().splitlines()]
    shown = [lines[at] for at in choose(len(lines), GRIDS)]
    files = ["reals.png", *(line["file"] for line in shown)]
    names = ["real", *(f"epoch {line['epoch']:.3g}" for line in shown)]
    strips = [cells(Image.open(folder / "samples" / file).convert("RGB"), size, conditional) for file in files]
    side = strips[0][0].height
    sheet = Image.new("RGB", (MARGIN + max(map(len, strips)) * (side + GAP), len(strips) * (side + GAP)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for row, (name, strip) in enumerate(zip(names, strips, strict=True)):
        pen.text((4, row * (side + GAP) + side / 2), name, fill="black", font=font, anchor="lm")
        for column, image in enumerate(strip):
            sheet.paste(image, (MARGIN + column * (side + GAP), row * (side + GAP)))
    return sheet, shown


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("workspace", type=Path)
    ask.add_argument("run", nargs="+")
    ask.add_argument("--out", type=Path, default=ROOT / "assets" / "recipe-grids")
    asked = ask.parse_args()
    workspace = Workspace(asked.workspace)
    store = Store(workspace)
    asked.out.mkdir(parents=True, exist_ok=True)
    for id in asked.run:
        run = store.run(id)
        folder, config = workspace.run(run.id), build(run.config)
        size = json.loads((workspace.dataset(run.dataset_id) / "dataset.json").read_text())["size"]
        sheet, shown = picture(folder, size, config.conditional)
        sheet.save(asked.out / f"{config.recipe}.webp", quality=80, method=6)
        status = json.loads((folder / "status.json").read_text())
        rows = [{key: line[key] for key in ("epoch", "images_seen")} for line in shown]
        print(
            json.dumps({"recipe": config.recipe, "seconds": round(status["elapsed_seconds"]), "rows": rows}), flush=True
        )


if __name__ == "__main__":
    main()
