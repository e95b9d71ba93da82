"""The README.md inside an exported zip: what it holds, how it was made, how to load it."""

from typing import Any

from gan_core.export.plan import FORMATS
from gan_core.export.safe_names import markdown

CARD = """# {dataset}, balanced

An image dataset with one folder per class. {made} The real training images are {originals} here.{notes}

| | |
|---|---|
| Images in `train/` | {train:,}: {real:,} real and {synthetic:,} synthetic ({share:.1%} synthetic) |
| Images in `test/` | {test:,}, all real; nothing in `train/` was made from them |
| Image size | {shape}, {mode} |
| Run | {run} |
| Recipe | {recipe} |
| Seed | {seed} |
| Checkpoint (SHA-256) | {checkpoint} |
| Copies of training images | {copying} |
| Images drawn and kept | {kept} |

## Classes

| Class | Folder | Real | Synthetic | Share synthetic | Test |
|---|---|---:|---:|---:|---:|
{rows}

{files}
## Keep in mind

- **Synthetic is not anonymous.** A network can repeat training images nearly unchanged, above all where it saw few; changed
  copies and pasted objects are real images, slightly changed.
- Synthetic images carry the mistakes and the bias of how they were made and of the real images, and may miss their class.
- They help some classifiers and harm others: train with and without them, and compare on `test/`.
"""


IMAGEFOLDER = """## Files

- `train/<class>/real_000001.{ending}`: a real image. `train/<class>/gan_000001.{ending}`: one that the network drew.
  `classical_000001.{ending}`: a changed copy of a real training image. `composite_000001.{ending}`: an object of a real
  image on another background.
- `test/<class>/real_000001.{ending}`: held-out real images. Evaluate on these only.
- `metadata.csv` in `train/` and `test/` (`metadata.jsonl` where a label could be taken for a number): file name, label,
  whether it is synthetic, the method, run and seed ("-" and -1 where there is none). A label that a spreadsheet would run
  as a formula has an apostrophe in front.
- `manifest.json`: the same facts for programs, and of every synthetic file its class, method, run, checkpoint, seed, number, scores
  and the real training image it is nearest to or was made from.

## How to load it

```python
from torchvision.datasets import ImageFolder

train = ImageFolder("train")
test = ImageFolder("test")      # compare class_to_idx: a class with no test image has no folder here
```

```python
from datasets import load_dataset

both = load_dataset("imagefolder", data_dir=".")  # image, label, is_synthetic, method, run, seed
```
"""

WEBDATASET = """## Files

- `train-00000.tar`, ...: WebDataset shards of at most 10,000 images in a drawn order{held_out}.
  Of each image there is `KEY.{ending}`, `KEY.cls` (the number of its class, in the order above, from 0)
  and `KEY.json` (label, whether it is synthetic, method, run, seed).
- `manifest.json`: the same facts for programs, and of every synthetic file its class, method, run, checkpoint, seed, number, scores
  and the real training image it is nearest to or was made from.

## How to load it

```python
from datasets import load_dataset

both = load_dataset("webdataset", data_files={{{patterns}}}, streaming=True)
```
"""


def dataset_card(manifest: dict[str, Any]) -> str:
    """manifest (zip_writer.write_zip) -> Markdown. Names are escaped: they come from whoever made the dataset."""
    height, width, channels = manifest["image_shape"]
    return CARD.format(
        dataset=markdown(manifest["dataset"]),
        run=markdown(manifest["run"] or "none"),
        recipe=markdown(manifest["recipe"] or "none"),
        made=made(manifest["methods"]),
        notes="".join(f" {markdown(note)}" for note in manifest["notes"]),
        train=manifest["real"] + manifest["synthetic"],
        real=manifest["real"],
        synthetic=manifest["synthetic"],
        share=manifest["synthetic_share"],
        test=manifest["test"],
        shape=f"{width} pixels on the longer side" if manifest["unpadded"] else f"{width} x {height} pixels",
        files=files(manifest),
        mode="grey" if channels == 1 else "RGB",
        seed=manifest["seed"],
        checkpoint=manifest["checkpoint_sha256"] or "none",
        copying=markdown(manifest["copying"]),
        kept=markdown(manifest["gate_said"]),
        originals="included" if manifest["originals"] else "not included",
        rows="\n".join(table_row(row) for row in manifest["classes"]),
    )


def files(manifest: dict[str, Any]) -> str:
    """The section on the files of the zip and how to load them."""
    ending = FORMATS[manifest["format"]]
    if manifest["layout"] != "webdataset":
        return IMAGEFOLDER.format(ending=ending)
    splits = ["train", "test"] if manifest["test"] else ["train"]
    held_out = "; `test-00000.tar`, ...: held-out real images, evaluate on these only" if manifest["test"] else ""
    patterns = ", ".join(f'"{split}": "{split}-*.tar"' for split in splits)
    return WEBDATASET.format(ending=ending, held_out=held_out, patterns=patterns)


def made(methods: dict[str, int]) -> str:
    """How the synthetic images were made, in sentences."""
    sentences = []
    if drawn := methods.get("gan"):
        sentences.append(f"A generative adversarial network, trained on real images, drew {drawn:,} synthetic ones.")
    if copies := methods.get("classical"):
        sentences.append(f"{copies:,} are changed copies of real training images: moved, turned, enlarged, relit.")
    if pasted := methods.get("composite"):
        sentences.append(f"{pasted:,} show objects of real training images, cut out and pasted on others' backgrounds.")
    return " ".join(sentences)


def table_row(row: dict[str, Any]) -> str:
    total = row["real"] + row["synthetic"]
    share = f"{row['synthetic'] / total:.1%}" if total else "none"
    return (
        f"| {markdown(row['name'])} | {markdown(row['folder'])} | {row['real']} | {row['synthetic']} | {share} | "
        f"{row['test']} |"
    )
