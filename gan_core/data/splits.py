"""Which images are cut from train for test and for validation where these are not given: stratified, by groups, from a seed."""

from collections.abc import Sequence

import numpy as np

KEPT_FOR_TRAINING = 5  # a class gives none of its last so many: training needs them
LEAST_TO_VALIDATE = 8  # images of a class in all splits: a smaller one gives none to validation
TEST, VALIDATION = 0, 1  # each cut draws numbers of its own


def cut(
    labels: Sequence[int] | np.ndarray,
    may_leave: Sequence[bool] | np.ndarray,
    groups: np.ndarray,
    share: float,
    seed: int,
    which: int = TEST,
) -> np.ndarray:
    """bool [N]: which images leave the training split. A pure function of its arguments.

    Of each class of n images round(n * share) leave, at least one where 5 stay to train on, and never so many that fewer
    than 5 stay; only those that may leave. groups int64 [N]: images of one group, near duplicates, leave or stay together; a
    group with an image that may not leave stays. So where groups are large, the share is met as nearly as they allow; where
    none is small enough, single images leave, since no image at all would be worse. share 0 cuts nothing. which: TEST or
    VALIDATION, which draw different images from one seed.
    """
    generator = np.random.Generator(np.random.PCG64(seed if which == TEST else [seed, which]))
    all_labels, candidates = np.asarray(labels), np.asarray(may_leave, dtype=bool)
    candidates = candidates & ~np.isin(groups, groups[~candidates])
    leave = np.zeros(len(all_labels), dtype=bool)
    for label in np.unique(all_labels):
        rows = np.flatnonzero(all_labels == label)
        drawn = generator.permutation(rows[candidates[rows]])
        if share > 0 and len(rows) > KEPT_FOR_TRAINING:
            wanted = max(round(len(rows) * share), 1)
            leave[whole_groups(drawn, groups, wanted, len(rows) - KEPT_FOR_TRAINING)] = True
    return leave


def whole_groups(drawn: np.ndarray, groups: np.ndarray, wanted: int, most: int) -> list[int]:
    """Rows of whole groups, in the order in which they were drawn, as near to `wanted` as they come; `most` at the most."""
    members: dict[int, list[int]] = {}
    for row, group in zip(drawn.tolist(), groups[drawn].tolist(), strict=True):
        members.setdefault(group, []).append(row)
    chosen: list[int] = []
    for rows in members.values():
        after = len(chosen) + len(rows)
        if after <= most and abs(after - wanted) < wanted - len(chosen):
            chosen += rows
        if len(chosen) >= wanted:
            break
    if not chosen and members:  # each group is larger than what is wanted
        smallest = min(members.values(), key=len)
        chosen = smallest if len(smallest) <= most else drawn[: min(wanted, most)].tolist()
    return chosen


def torn_classes(labels: np.ndarray, groups: np.ndarray, splits: np.ndarray) -> list[int]:
    """The classes with a group on two sides: nothing but near duplicates was there to choose from. splits [N]: of each image."""
    first: dict[int, object] = {}
    torn = [
        label
        for label, group, split in zip(labels.tolist(), groups.tolist(), splits.tolist(), strict=True)
        if first.setdefault(group, split) != split
    ]
    return sorted(set(torn))


def large_enough(labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """bool [N]: whether the class of an image has enough of them in all splits, counts [K], to give some to validation."""
    return counts[labels] >= LEAST_TO_VALIDATE
