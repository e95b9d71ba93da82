"""The allowed range of numbers that are no setting of a run, but belong to many requests."""

from gan_core.errors import UserError


def check_seed(seed: int) -> None:
    """Raise UserError bad_seed where a seed does not fit into 31 bits."""
    if not 0 <= seed < 2**31:
        raise UserError("bad_seed", f"The seed {seed} is out of range.", "Choose a whole number from 0 to 2147483647.")
