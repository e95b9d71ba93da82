"""Nearest neighbors: the same as by brute force whatever the blocks, exact where images are copies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_core.errors import UserError
from gan_core.evaluation import neighbors
from gan_core.evaluation.neighbors import distance_blocks, nearest, radii


def cloud(n: int, d: int = 12, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def brute_force(queries, base):
    return np.sqrt(np.square(queries[:, None].astype(np.float64) - base[None]).sum(axis=2))


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(neighbors, "QUERY_ROWS", 7)
    monkeypatch.setattr(neighbors, "BASE_ROWS", 5)


@pytest.mark.parametrize("k", [1, 3, 8, 31])
def test_it_equals_brute_force_over_many_blocks(small_blocks, k):
    queries, base = cloud(23), cloud(31, seed=1)
    distances, rows = nearest(queries, base, k)
    expected = np.sort(brute_force(queries, base), axis=1)[:, :k]
    np.testing.assert_allclose(distances, expected, rtol=1e-6)
    np.testing.assert_array_equal(rows, np.argsort(brute_force(queries, base), axis=1)[:, :k])
    assert distances.dtype == np.float32 and rows.dtype == np.int64


def test_no_row_is_its_own_neighbor_but_a_copy_in_another_row_is(small_blocks):
    x = cloud(20)
    x[13] = x[2]
    distances, rows = nearest(x, x, 2, skip_self=True)
    assert not (rows == np.arange(20)[:, None]).any()
    assert (rows[2, 0], rows[13, 0]) == (13, 2) and distances[2, 0] == distances[13, 0] == 0
    assert (nearest(x, x)[0] == 0).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 40), st.integers(1, 6), st.integers(1, 40), st.integers(1, 40))
def test_radii_are_the_last_of_the_nearest_others_whatever_the_blocks(n, k, query_rows, base_rows):
    k = min(k, n - 1)
    x = cloud(n, 3, seed=n)
    x[n // 2] = x[0]
    expected = np.sort(brute_force(x, x) + np.diag([np.inf] * n), axis=1)[:, k - 1]
    before = neighbors.QUERY_ROWS, neighbors.BASE_ROWS
    neighbors.QUERY_ROWS, neighbors.BASE_ROWS = query_rows, base_rows
    try:
        np.testing.assert_allclose(radii(x, k), expected, rtol=1e-6)
    finally:
        neighbors.QUERY_ROWS, neighbors.BASE_ROWS = before


def test_near_duplicates_far_from_the_origin_keep_their_distance():
    """In single precision |x|^2 would swallow a step of one grey level."""
    base = np.random.default_rng(0).integers(0, 256, (40, 3072)).astype(np.float32)
    queries = base.copy()
    queries[:, 7] += 1
    distances, rows = nearest(queries, base)
    np.testing.assert_allclose(distances[:, 0], 1, rtol=1e-5)
    np.testing.assert_array_equal(rows[:, 0], np.arange(40))


def test_copies_are_at_distance_0_also_with_the_rounding_of_another_batch():
    x = np.abs(cloud(30, 2048)) + 5
    assert (nearest(x, x * np.float32(1 + 1e-7))[0] == 0).all()


def test_equal_distances_go_to_the_lower_row():
    base = np.array([[1.0], [-1.0], [1.0], [3.0]], np.float32)
    distances, rows = nearest(np.zeros((1, 1), np.float32), base, 4)
    assert rows.tolist() == [[0, 1, 2, 3]] and distances.tolist() == [[1, 1, 1, 3]]


def test_a_memory_map_will_do(tmp_path):
    np.save(tmp_path / "x.npy", cloud(30))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(
        nearest(x, x, 2, skip_self=True)[1], nearest(cloud(30), cloud(30), 2, skip_self=True)[1]
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_blocks_tile_all_pairs_once(n, m, query_rows, base_rows):
    before = neighbors.QUERY_ROWS, neighbors.BASE_ROWS
    neighbors.QUERY_ROWS, neighbors.BASE_ROWS = query_rows, base_rows
    try:
        seen = np.zeros((n, m), int)
        for block in distance_blocks(cloud(n), cloud(m, seed=1)):
            seen[block.queries, block.base] += 1
            assert block.distances.shape == seen[block.queries, block.base].shape
    finally:
        neighbors.QUERY_ROWS, neighbors.BASE_ROWS = before
    assert (seen == 1).all()


def test_what_cannot_be_answered_is_refused():
    x = cloud(5)
    assert nearest(x, x, 5)[0].shape == (5, 5)
    for k, skip_self in ((6, False), (5, True)):
        with pytest.raises(UserError) as few:
            nearest(x, x, k, skip_self)
        assert few.value.code == "too_few_images"
    with pytest.raises(UserError) as broken:
        nearest(x, np.full((5, 12), np.nan, np.float32))
    assert broken.value.code == "bad_features"
    with pytest.raises(ValueError, match="one length"):
        nearest(x, x[:, :3])
    with pytest.raises(ValueError, match="same rows"):
        nearest(x[:3], x, skip_self=True)
