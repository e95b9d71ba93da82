"""Pydantic's errors as plain sentences: why a setting is refused."""

from typing import Any

from pydantic import BaseModel

from gan_core.text import no_such

# Names that other programs have for settings, where no spelling leads to ours.
OTHER_NAMES = {
    **dict.fromkeys(("learning_rate", "lr"), ("lr_G", "lr_D")),
    **dict.fromkeys(("batch_size", "minibatch"), ("batch",)),
    **dict.fromkeys(("latent_dim", "nz", "latent_size"), ("z_dim",)),
    **dict.fromkeys(("channels", "ngf", "ndf", "base_channels"), ("width",)),
    **dict.fromkeys(("r1", "r1_gamma", "gp_weight", "lambda_gp"), ("gamma",)),
    **dict.fromkeys(("n_critic", "d_updates"), ("d_steps",)),
    **dict.fromkeys(("augmentation", "diffaugment", "ada"), ("augment",)),
    **dict.fromkeys(("amp", "fp16", "mixed_precision"), ("precision",)),
    **dict.fromkeys(("ema", "ema_decay"), ("ema_images",)),
    **dict.fromkeys(("time", "max_minutes"), ("minutes",)),
}


def refused(model: type[BaseModel], name: str, error: dict[str, Any]) -> str:
    """One plain sentence for one pydantic error of the field `name`."""
    if error["type"] == "extra_forbidden":
        if name in OTHER_NAMES and all(one in model.model_fields for one in OTHER_NAMES[name]):
            return f"There is no setting {name!r}; did you mean {' or '.join(map(repr, OTHER_NAMES[name]))}?"
        return no_such("setting", name, model.model_fields)
    title, context, got = model.model_fields[name].title, error.get("ctx", {}), error.get("input")
    wanted = {
        "greater_than": "must be above {gt}",
        "greater_than_equal": "must be at least {ge}",
        "less_than": "must be below {lt}",
        "less_than_equal": "must be at most {le}",
        "finite_number": "must be a finite number",
        "int_type": "must be a whole number",
        "int_from_float": "must be a whole number",
        "int_parsing": "must be a whole number",
        "float_parsing": "must be a number",
        "float_type": "must be a number",
        "bool_type": "must be true or false",
        "bool_parsing": "must be true or false",
        "string_type": "must be text",
        "too_long": "may hold at most {max_length} values",
        "missing": "is missing",
        "literal_error": "must be one of {expected}",
    }.get(error["type"], "cannot be used: " + error["msg"])
    wanted = wanted.format(
        **{key: value if isinstance(value, str) else in_words(value) for key, value in context.items()}
    )
    return f"{title} ({name}) {wanted}" + (
        "." if got is None or error["type"] == "missing" else f", not {in_words(got)}."
    )


def in_words(value: Any) -> str:
    """A value as a sentence has it: 0 and not 0.0."""
    return f"{value:.10g}" if isinstance(value, float) else repr(value)
