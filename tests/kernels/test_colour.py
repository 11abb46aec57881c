"""Colour kernels: luminance by Rec. 601, and the share of energy that a grey picture never meets."""

import numpy as np
import pytest

from linesexp.kernels.colour import colour_share, luminance


def test_luminance_is_that_of_rec_601():
    from PIL import Image

    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    peer = np.asarray(Image.fromarray(picture).convert("L")).astype(float)  # Pillow's L is Rec. 601 luma
    assert np.abs(luminance(picture.astype(float)) - peer).max() <= 1


def test_the_same_kernel_in_all_channels_is_grey():
    kernel = np.random.default_rng(0).normal(size=(4, 3, 3, 1)).repeat(3, axis=3)
    np.testing.assert_allclose(colour_share(kernel), 0, atol=1e-12)


def test_red_against_green_is_nothing_but_colour():
    kernel = np.random.default_rng(0).normal(size=(4, 3, 3, 1)) * [1, -1, 0]
    np.testing.assert_allclose(colour_share(kernel), 1)


def test_one_channel_alone_is_two_thirds_colour_and_so_is_chance():
    rng = np.random.default_rng(0)
    np.testing.assert_allclose(colour_share(rng.normal(size=(4, 3, 3, 1)) * [0, 0, 2]), 2 / 3)
    assert colour_share(rng.normal(size=(4000, 3, 3, 3))).mean() == pytest.approx(2 / 3, abs=0.01)


def test_zeros_and_broken_kernels_have_none():
    kernels = np.zeros((2, 3, 3, 3))
    kernels[1, 0, 0, 0] = np.inf
    assert np.isnan(colour_share(kernels)).all()
