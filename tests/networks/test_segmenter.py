"""The residual U-Net: shapes, views and what it refuses."""

from __future__ import annotations

import pytest
import torch

from tenfold.networks.segmenter import SIZES, Segmenter


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("objects", "levels", "channels"), [(False, 4, 3), (True, 3, 1)])
def test_every_pixel_gets_probabilities(size: str, objects: bool, levels: int, channels: int):
    net = Segmenter(channels, 5, size, objects, levels).eval()
    image = torch.randint(0, 256, (2, 32, 48, channels), dtype=torch.uint8)
    sizes = torch.tensor([[48, 32], [40, 20]])
    with torch.no_grad():
        found = net(image, sizes)
    assert found["probabilities"].shape == (2, 32, 48, 5)
    torch.testing.assert_close(found["probabilities"].sum(3), torch.ones(2, 32, 48))
    assert found["embedding"].shape == (2, SIZES[size][0][levels - 1])
    assert ("distance" in found) == objects and torch.equal(found["sides"], sizes)
    if objects:
        assert found["distance"].shape == (2, 32, 48) and found["distance"].min() >= 0


def test_small_has_the_promised_number_of_parameters():
    assert sum(entry.numel() for entry in Segmenter(3, 11).parameters()) <= 1_500_000


def test_a_mirrored_picture_gives_the_mirrored_answer():
    net = Segmenter(3, 4, "tiny", objects=True).eval()
    image = torch.randint(0, 256, (1, 32, 32, 3), dtype=torch.uint8)
    size = torch.tensor([[32, 32]])
    for mirror, alike in ((False, False), (True, True)):
        net.mirror = mirror
        with torch.no_grad():
            one, other = net(image, size), net(image.flip(2), size)
        for name in ("probabilities", "distance"):
            assert torch.allclose(one[name], other[name].flip(2), atol=1e-5) == alike


def test_pictures_are_normalised_by_their_own_statistics():
    net = Segmenter(2, 3, "tiny")
    image = torch.randint(0, 256, (4, 16, 16, 2), dtype=torch.uint8)
    image[..., 1] //= 8
    net.learn_statistics(image)
    values = image.float() * net.scale + net.shift
    torch.testing.assert_close(values.mean((0, 1, 2)), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(values.std((0, 1, 2)), torch.ones(2), atol=1e-2, rtol=0)
    with pytest.raises(ValueError, match="size of Segmenter"):
        Segmenter(3, 2, "huge")
