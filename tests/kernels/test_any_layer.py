"""Any layer's kernels: every channel is looked at, chance is chance, and nothing makes it stumble."""

import numpy as np
import pytest
from scipy import stats

from linesexp.kernels.any_layer import Layer, best_of, expected_shares, measure, slice_null
from linesexp.kernels.filter_records import filter_records
from linesexp.kernels.layer_records import corrected_together, layer_record
from linesexp.kernels.match import best_match, operator_bank
from linesexp.kernels.operators import get_operator
from linesexp.kernels.shape import shares


def random_kernels(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def records_of(kernels, **about):
    measured = measure(Layer("conv", kernels, **about))
    records = filter_records(measured)
    return records, layer_record(measured, records)


@pytest.mark.parametrize("channel", [0, 2, 6])
@pytest.mark.parametrize(("name", "detects"), [("prewitt", "vertical"), ("line", "horizontal")])
def test_a_planted_operator_is_found_in_its_filter_and_channel(channel, name, detects):
    kernels = random_kernels(5, 5, 7, 9)
    operator = get_operator(name, 3, detects)
    kernels[:, :, channel, 5] = 0
    kernels[1:4, 2:5, channel, 5] = -2 * operator.kernel
    record = records_of(kernels)[0][5]
    assert (record.match.operator, record.channel, record.detects) == (name, channel, detects)
    assert record.polarity == (-1 if operator.order == 1 else None)
    assert (record.match.size, record.match.row, record.match.column) == (3, 1, 2)
    assert record.match.cosine == pytest.approx(-1, abs=1e-6)
    assert record.match.p_initialiser < 0.001


LARGE = [(3, 3, 1, 3000), (5, 5, 4, 2000), (3, 3, 16, 3000), (3, 3, 64, 1500)]


@pytest.mark.parametrize(
    "shape", [(3, 3, 4, 1000), *(pytest.param(shape, marks=pytest.mark.slow) for shape in LARGE)]
)
def test_on_random_layers_p_of_the_best_of_all_channels_is_uniform(shape):
    p = measure(Layer("conv", random_kernels(*shape))).p_best
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_p_is_that_of_the_layers_own_initialiser():
    draws = random_kernels(3, 3, 1, 4)
    p = [measure(Layer("conv", draws, initializer=name)).p_best for name in ("he_uniform", "he_normal")]
    assert not np.array_equal(*p)


def test_the_best_of_many_is_what_simulation_says():
    rng = np.random.default_rng(0)
    smallest = rng.random((20000, 12)).min(axis=1)
    for p in (0.001, 0.02, 0.3):
        assert best_of(np.array([p]), np.array([12]))[0] == pytest.approx(np.mean(smallest <= p), abs=0.01)


def test_slices_are_measured_as_single_kernels_are():
    kernels = random_kernels(5, 5, 3, 4)
    slices = measure(Layer("conv", kernels)).slices
    flat = kernels.transpose(2, 3, 0, 1).reshape(-1, 5, 5)
    expected = shares(flat)
    for name in ("dc", "odd", "even", "axis_vertical", "axis_horizontal"):
        np.testing.assert_allclose(getattr(slices, name).ravel(), getattr(expected, name), atol=1e-6)
    np.testing.assert_allclose(slices.cosine.ravel(), best_match(flat, operator_bank(5)).cosine, atol=1e-6)
    np.testing.assert_allclose(slices.energy, (kernels**2).sum(axis=(0, 1)), rtol=1e-6)


def test_more_slices_than_are_measured_at_a_time(monkeypatch):
    layer = Layer("conv", random_kernels(3, 3, 20, 30))
    whole = measure(layer).slices
    monkeypatch.setattr("linesexp.kernels.any_layer.NUMBERS_AT_ONCE", 77)
    parts = measure(layer).slices
    for name, values in vars(whole).items():  # a processor may add up blocks of other sizes in another order
        np.testing.assert_allclose(getattr(parts, name), values, rtol=1e-5, atol=1e-6)


def test_a_random_layer_has_as_many_slices_beyond_chance_as_chance():
    _, layer = records_of(random_kernels(3, 3, 8, 512))
    assert layer.match.by_chance_95 == pytest.approx(0.05 * 4096)
    assert abs(layer.match.beyond_95 - layer.match.by_chance_95) < 5 * layer.match.by_chance_95**0.5
    assert abs(layer.match.beyond_99 - layer.match.by_chance_99) < 5 * layer.match.by_chance_99**0.5
    assert layer.match.filters_matched == 0
    assert sum(layer.match.histogram) == pytest.approx(1)
    assert sum(layer.match.operators.values()) == layer.match.beyond_99
    assert layer.axis_share == pytest.approx(layer.chance_axis_share, abs=0.02)
    for found, expected in zip(list(vars(layer.shares).values())[:3], layer.chance_shares, strict=True):
        assert found == pytest.approx(expected, abs=0.02)


@pytest.mark.slow
def test_of_models_that_learned_nothing_one_in_twenty_has_a_filter_that_stands_out():
    flagged = {"by layer": 0, "together": 0}
    for seed in range(200):
        found = [records_of(random_kernels(3, 3, 2, 6, seed=[seed, layer])) for layer in range(4)]
        layers = [layer for _, layer in found]
        together, records = corrected_together(layers, [record for of, _ in found for record in of])
        assert [layer.filters for layer in together] == [6] * 4
        flagged["by layer"] += any(layer.match.filters_matched for layer in layers)
        flagged["together"] += any(layer.match.filters_matched for layer in together)
        assert sum(layer.match.filters_matched for layer in together) == sum(
            record.match.q_initialiser < 0.05 for record in records
        )
    assert flagged["together"] <= stats.binom.ppf(0.999, 200, 0.05)
    assert flagged["by layer"] > stats.binom.ppf(0.999, 200, 0.05)  # so this test can tell


def test_all_filters_of_a_model_are_corrected_together():
    found = [records_of(random_kernels(3, 3, 2, 6, seed=layer)) for layer in range(3)]
    layers, records = corrected_together(
        [layer for _, layer in found], [each for of, _ in found for each in of]
    )
    q = [record.match.q_initialiser for record in records]
    np.testing.assert_allclose(q, stats.false_discovery_control([each.match.p_initialiser for each in records]))
    assert [layer.filters for layer in layers] == [6, 6, 6]


def test_filters_without_a_match_count_for_nothing_in_the_correction():
    planted = random_kernels(3, 3, 2, 4)
    planted[:, :, 1, 2] = get_operator("sobel", 3).kernel
    found = [records_of(kernels) for kernels in (random_kernels(1, 1, 2, 50), planted)]
    layers, records = corrected_together([found[0][1], found[1][1]], [*found[0][0], *found[1][0]])
    assert [layer.match and layer.match.filters_matched for layer in layers] == [None, 1]
    assert records == [*found[0][0], *found[1][0]]  # as many compared as before, so no other q


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 7), (7, 1), (3, 5), (2, 3)])
def test_kernels_that_no_operator_has_the_size_of_get_what_can_be_computed(size):
    records, layer = records_of(random_kernels(*size, 4, 500))
    assert all(record.match is None and record.detects is None for record in records)
    assert layer.match is None
    assert "no operator" in layer.notes[0]
    for found, expected in zip(list(vars(layer.shares).values())[:3], layer.chance_shares, strict=True):
        assert found == pytest.approx(expected, abs=0.04)
    assert (layer.axis_share is None) == (1 in size)
    assert sum(expected_shares(size)) == pytest.approx(1)


def test_a_kernel_of_equal_columns_lies_along_one_axis_whatever_its_sides():
    kernels = np.tile(random_kernels(1, 5, 1, 3), (4, 1, 1, 1))
    slices = measure(Layer("conv", kernels)).slices
    np.testing.assert_allclose(slices.axis_vertical, 1, atol=1e-6)
    np.testing.assert_allclose(slices.axis_horizontal, 0, atol=1e-6)


def test_filters_that_are_not_finite_are_named_and_never_measured():
    kernels = random_kernels(3, 3, 4, 6)
    expected, _ = records_of(kernels)
    kernels[1, 1, 3, 2], kernels[0, 0, 0, 4] = np.nan, -np.inf
    records, layer = records_of(kernels)
    assert layer.not_finite == [2, 4]
    assert [record.index for record in records if not record.finite] == [2, 4]
    assert records[2].match is records[2].norm is records[2].channel is records[2].strongest_channel is None
    assert set(vars(records[4].shares).values()) == {None}
    assert records[3].shares == expected[3].shares
    assert records[3].match.cosine == pytest.approx(expected[3].match.cosine, abs=1e-6)
    assert "2 of 6 filters have weights that are not finite" in layer.notes[-1]


def test_a_layer_of_zeros_and_one_that_is_constant():
    for value in (0.0, 1.0):
        records, layer = records_of(np.full((3, 3, 2, 3), value, np.float32))
        assert layer.zeros == (6 if value == 0 else 0)
        assert all(record.match is None for record in records)
        assert layer.match.slices == 0
        assert layer.match.median is None


def test_energy_and_its_spread_over_channels():
    kernels = np.zeros((3, 3, 4, 2), np.float32)
    kernels[1, 1, :, 0] = 2.0
    kernels[1, 1, 3, 1], kernels[0, 0, 1, 1] = 3.0, 1.0
    even, uneven = records_of(kernels)[0]
    assert (even.norm, even.effective_channels) == (4.0, 4.0)
    assert (uneven.strongest_channel, uneven.strongest_share) == (3, pytest.approx(0.9))
    assert uneven.effective_channels == pytest.approx(100 / 82)


def test_shares_of_a_filter_are_weighted_by_the_energy_of_its_channels():
    kernels = np.zeros((3, 3, 2, 1), np.float32)
    kernels[:, :, 0, 0] = 1.0  # all DC, energy 9
    kernels[:, 0, 1, 0], kernels[:, 2, 1, 0] = -1, 1  # all odd, energy 6
    (record,) = records_of(kernels)[0]
    assert (record.shares.dc, record.shares.odd) == (pytest.approx(0.6), pytest.approx(0.4))


def test_colour_filters_are_measured_by_luminance_and_by_channel():
    kernels = random_kernels(3, 3, 3, 8)
    prewitt = get_operator("prewitt", 3).kernel
    kernels[:, :, :, 3] = prewitt[:, :, None]  # grey
    kernels[:, :, :, 4] = prewitt[:, :, None] * [1, -1, 0]  # red against green
    records, layer = records_of(kernels, colour=True)
    grey, opponent = records[3].colour, records[4].colour
    assert (grey.not_grey, opponent.not_grey) == (pytest.approx(0, abs=1e-6), pytest.approx(1))
    assert (grey.luminance.operator, grey.luminance.cosine) == ("prewitt", pytest.approx(1, abs=1e-6))
    assert (opponent.red.polarity, opponent.green.polarity, opponent.blue) == (1, -1, None)
    assert layer.not_grey is not None
    assert records_of(kernels)[0][3].colour is None


def test_luminance_of_random_colour_filters_is_no_more_than_chance():
    measured = measure(Layer("conv", random_kernels(3, 3, 3, 3000), colour=True)).colour.luminance
    assert stats.kstest(measured.p_best, "uniform").pvalue > 0.001
    plain = slice_null("glorot_uniform", 3, 1)
    assert not np.array_equal(plain.cosine, measured.null.cosine)


def test_channels_of_groups_are_counted_in_the_layers_input():
    kernels = random_kernels(3, 3, 2, 6)
    kernels[:, :, 1, 4] = get_operator("sobel", 3).kernel
    record = records_of(kernels, first_channel=np.repeat([0, 2, 4], 2))[0][4]
    assert record.channel == 5


def test_a_transposed_convolution_draws_and_detects_nothing():
    kernels = random_kernels(3, 3, 2, 3)
    records, layer = records_of(kernels, draws_with=True)
    assert all(record.detects is None and record.polarity is None and record.match for record in records)
    assert any("lays its kernels on what it makes" in note for note in layer.notes)


def test_change_is_from_the_start_over_all_channels():
    start = random_kernels(3, 3, 2, 3)
    kernels = start.copy()
    kernels[:, :, 1, 2] *= 3
    changes = [record.change for record in filter_records(measure(Layer("conv", kernels)), start)]
    assert (changes[0].relative_norm, changes[0].cosine) == (0, pytest.approx(1))
    energy = (start[:, :, :, 2] ** 2).sum(axis=(0, 1))
    assert changes[2].relative_norm == pytest.approx(2 * (energy[1] / energy.sum()) ** 0.5)


def test_an_array_of_another_shape_is_refused():
    for shape in ((3, 3, 4), (3, 3, 0, 2)):
        with pytest.raises(ValueError, match=r"\(kh, kw, channels, filters\)"):
            measure(Layer("conv", np.zeros(shape)))
