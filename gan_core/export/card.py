"""The README.md inside an exported zip: what it holds, how it was made, how to load it."""

from typing import Any

from gan_core.data.split_names import Split
from gan_core.evaluation.lights import SUBJECTS, from_json, look
from gan_core.export.contents import FOLDERS
from gan_core.export.plan import FORMATS
from gan_core.export.safe_names import markdown

HELD_OUT: tuple[Split, ...] = ("validation", "test")
CARD = """# {dataset}, balanced

An image dataset with one folder per class. {made} The real training images are {originals} here.{notes}

## How to train on it

```sh
python train.py     # needs torch and torchvision alone
```

{use} `train.py` reads `recommended_use.json` and the metadata{promise}. To train in your own way, show each training image as often
as its `weight` says, for instance by `torch.utils.data.WeightedRandomSampler`: 0 means that the image is to be left out.

## Facts

| | |
|---|---|
| Images in `train/` | {train:,}: {real:,} real and {synthetic:,} synthetic ({share:.1%} synthetic) |
| Images in `val/` | {validation:,}, all real{given_validation}; no network trained on them, but choices come from them |
| Images in `test/` | {test:,}, all real{given_test}; nothing in `train/` was made from them, nothing decided by them |
| Duplicates left out | {duplicates} |
| Image size | {shape}, {mode} |
| Run | {run} |
| Recipe | {recipe} |
| Seed | {seed} |
| Checkpoint (SHA-256) | {checkpoint} |
| Copies of training images | {copying} |
| Images drawn and kept | {kept} |
{evidence}
## Classes

| Class | Folder | Real | Synthetic | Share synthetic | Validation | Test |
|---|---|---:|---:|---:|---:|---:|
{rows}

{files}
## Keep in mind

- **Synthetic is not anonymous.** A network can repeat training images nearly unchanged, above all where it saw few; changed
  copies and pasted objects are real images, slightly changed.
- Synthetic images carry the mistakes and the bias of how they were made and of the real images, and may miss their class.
- They help some classifiers and harm others: train with and without them, and compare on `val/`.
"""


IMAGEFOLDER = """## Files

- `train/<class>/real_000001.{ending}`: a real image. `train/<class>/gan_000001.{ending}`: one that the network drew.
  `classical_000001.{ending}`: a changed copy of a real training image. `composite_000001.{ending}`: an object of a real
  image on another background.
- `val/<class>/real_000001.{ending}`: real images to choose by. `test/<class>/real_000001.{ending}`: held-out real images.
  Evaluate on these only, and only once.
- `metadata.csv` in each of these folders (`metadata.jsonl` where a label could be taken for a number): file name, split, label,
  whether it is synthetic, the method, run and seed ("-" and -1 where there is none), weight, and the soft label, a list with the
  probability of each class ([] where the label is that of the folder). A label that a spreadsheet would run as a formula has an
  apostrophe in front.
- `train.py` trains a classifier, `recommended_use.json` says how.
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

both = load_dataset("imagefolder", data_dir=".")  # image, split, label, is_synthetic, method, run, seed, weight, soft_label
```
"""

WEBDATASET = """## Files

- `train-00000.tar`, ...: WebDataset shards of at most 10,000 images in a drawn order{held_out}.
  Of each image there is `KEY.{ending}`, `KEY.cls` (the number of its class, in the order above, from 0)
  and `KEY.json` (split, label, whether it is synthetic, method, run, seed, weight, soft label).
- `train.py` needs the layout with a folder for each class; it says so.
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
        validation=manifest["validation"],
        test=manifest["test"],
        given_validation=came(manifest, "validation"),
        given_test=came(manifest, "test"),
        duplicates="not known" if manifest["duplicates_left_out"] is None else f"{manifest['duplicates_left_out']:,}",
        use=markdown(manifest["use"]),
        promise=promise(manifest),
        evidence=evidence(manifest["evidence"]),
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
    splits = ["train", *(FOLDERS[split] for split in HELD_OUT if manifest[split])]
    held_out = "; `val-00000.tar`, ...: real images to choose by" if manifest["validation"] else ""
    held_out += "; `test-00000.tar`, ...: held-out real images, evaluate on these only" if manifest["test"] else ""
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


def came(manifest: dict[str, Any], split: str) -> str:
    """Who set the images of a split aside."""
    by_us = ", set aside by Ganvas"
    said = {"given": f", from the {split} folder of the upload", "cut": by_us, "cut later": by_us}
    return said.get(manifest["splits"].get(split, ""), "")


def promise(manifest: dict[str, Any]) -> str:
    """The accuracy that the app measured."""
    found = manifest["promise"]
    if found is None:
        return ""
    between = " ({:.1%} to {:.1%})".format(*found["ci95"]) if found["ci95"] else ""
    return f", and prints the balanced accuracy on `test/`: Ganvas measured {found['balanced_accuracy']:.1%}{between}"


def evidence(found: dict[str, Any]) -> str:
    """Rows of the table on what was measured of the drawn images and of their use."""
    rows = []
    if evaluation := found.get("evaluation"):
        other = "" if evaluation["same_checkpoint"] else ", measured on another checkpoint"
        distance, floor = evaluation["kernel_distance"], evaluation["kernel_distance_floor"]
        if distance is not None and floor is not None:
            times = evaluation["kernel_distance_over_floor"]
            over = f", {times:.1f} times as much" if times is not None else ""
            rows.append(
                f"| Distance to the real images | {distance:.4f}{over}; real images among themselves {floor:.4f} (kernel distance, "
                f"{markdown(evaluation['extractor'])}{other}) |"
            )
        if (accuracy := evaluation["detector_accuracy"]) is not None:
            rows.append(
                f"| A detector distinguishes them from real images | in {accuracy:.0%} of cases; 50 % is guessing{other} |"
            )
    for subject, light in from_json(found.get("lights", {})).items():
        if subject in ("realism", "variety", "right_class"):  # the others have rows of their own
            evaluated_other = light.color != "grey" and not found.get("evaluation", {}).get("same_checkpoint", True)
            other = " Measured on another checkpoint." if evaluated_other else ""
            rows.append(
                f"| {SUBJECTS[subject]} | {look(subject, light).word.lower()}: {markdown(light.sentence)}{other} |"
            )
    if utility := found.get("utility"):
        other = "" if utility["same_checkpoint"] else " Measured on another checkpoint."
        rows.append(
            f"| Do they help a classifier? | {markdown(utility['sentence'])} (Protocol {utility['protocol']}.{other}) |"
        )
    return "".join(f"{row}\n" for row in rows)


def table_row(row: dict[str, Any]) -> str:
    total = row["real"] + row["synthetic"]
    share = f"{row['synthetic'] / total:.1%}" if total else "none"
    return (
        f"| {markdown(row['name'])} | {markdown(row['folder'])} | {row['real']} | {row['synthetic']} | {share} | "
        f"{row['validation']} | {row['test']} |"
    )
