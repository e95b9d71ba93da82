"""Settings as JSON: what the form downloads and reads back, and what a run's config.json has."""

import json
from typing import Any

from gan_core.errors import FieldErrors, UserError
from gan_core.settings import recipes, schema
from gan_core.settings.schema import SCHEMA_VERSION, TrainConfig
from gan_core.text import no_such

LARGEST_BYTES = 100_000


def write(settings: TrainConfig) -> str:
    """What `read` takes: {"schema": 1, "config": {setting: value}}."""
    return json.dumps({"schema": SCHEMA_VERSION, "config": settings.model_dump()}, indent=2) + "\n"


def read(text: str | bytes, now: TrainConfig, *, size: int, train_images: int) -> TrainConfig:
    """The settings in `text`: the output of `write`, a run's config.json, or just {setting: value}.

    A setting that it leaves out keeps its value of `now`. Where it names another recipe, the rest is that recipe's for a dataset of
    `size` px and that many training images. Raises UserError where it is no such JSON, FieldErrors with a sentence for each setting
    that is unknown or refused.
    """
    if len(text) > LARGEST_BYTES:
        raise UserError("settings_too_large", "This is far too long for settings.", "Choose a JSON file of settings.")
    try:
        found = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        said = str(error) if isinstance(error, json.JSONDecodeError) else "it cannot be read"
        what = f"This is no JSON: {said}."
        raise UserError("not_json", what, "Download the settings of a run to see how they are written.") from None
    values = found.get("config", found) if isinstance(found, dict) else None
    if not isinstance(values, dict) or not values:
        raise UserError(
            "no_settings", "This JSON holds no settings.", 'Write them as {"batch": 32, "epochs": 10}, for example.'
        )
    version = found.get("schema", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise UserError(
            "other_schema",
            f"These settings are of version {version!r}, and this Ganvas knows {SCHEMA_VERSION}.",
            "Update Ganvas, or type the settings into the form.",
        )
    name = values.get("recipe", now.recipe)
    if not isinstance(name, str) or name not in recipes.RECIPES:
        raise FieldErrors(
            {"recipe": no_such("recipe", str(name), recipes.RECIPES)} | refusals(values | {"recipe": now.recipe})
        )
    if size not in recipes.RECIPES[name].sizes:
        sizes = ", ".join(map(str, recipes.RECIPES[name].sizes))
        what = f"The recipe {name!r} draws images of {sizes} px, but this dataset is {size} px."
        raise FieldErrors({"recipe": what} | refusals(values))
    base = now if name == now.recipe else recipes.start(name, size=size, train_images=train_images)
    return schema.build(base.model_dump() | values)


def refusals(values: dict[str, Any]) -> dict[str, str]:
    try:
        schema.build(values)
    except FieldErrors as errors:
        return errors.fields
    return {}


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; a name that comes twice is refused, as it is unclear which value counts."""
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError("named_twice", f"The setting {twice!r} is given twice.", "Leave one of the two out.")
    return value
