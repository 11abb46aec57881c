"""What in a picture speaks for a class: each method asked for, by the trained and an untrained network."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from linesexp.environment import check_backend
from linesexp.errors import ConfigError
from linesexp.looking.look import Look, Options, noise_for
from linesexp.looking.networks import Network
from linesexp.looking.verdict import class_index, class_names_for, class_values
from linesexp.views.seeing import MethodView, likeness

if TYPE_CHECKING:
    from linesexp.seeing.attribution import Occlusion


class Explainer:
    """Makes a network's attribution maps. Keras is imported with the first picture.

    Raises InputError for a backend that is not supported, before there is work that it would spoil.
    """

    def __init__(self, network: Network, options: Options) -> None:
        check_backend()
        self._network, self._options = network, options

    def steps(self, pixels: np.ndarray) -> int:
        """How many steps `explain` counts for a picture (H, W, C)."""
        methods, total = self._options.methods, 0
        if "occlusion" in methods:
            total += 2 * len(self._places(pixels))
        if "smoothgrad" in methods:
            total += 2 * self._options.samples
        return total + 2 * len({"gradient", "grad-cam"} & set(methods))

    def explain(
        self, look: Look, pixels: np.ndarray, layer: str, tell: Callable[[int, str], None]
    ) -> list[MethodView]:
        """The maps for one picture (H, W, C); enters what they say in look.facts["attribution"].

        layer: the convolution for Grad-CAM.
        """
        values, options = class_values(look.after), self._options
        label = class_index(options.class_name, values, self._network)
        tell(0, "loading Keras")
        models = self._network.models
        tell(0, "what speaks for the class")  # time is counted from here
        from linesexp.seeing.attribution import before_squashing

        done = 0

        def more(count: int, method: str) -> None:
            nonlocal done
            done += count
            tell(done, method)

        views = []
        for method in options.methods:
            trained, untrained = (self._map(method, model, pixels, label, layer, more) for model in models)
            views.append(MethodView(*self._words(method, pixels, trained.shape, layer), trained, untrained))
        name = class_names_for(values, self._network)[label]
        with before_squashing(models[0]) as taken:
            score = "score before the final softmax or sigmoid" if taken else "output"
        look.facts["attribution"] = {
            "class": name,
            "explained": score,
            "untrained": self._network.untrained_words,
            "colours": "at each pixel the slope of the colour where it is largest"
            if pixels.shape[-1] > 1
            else None,
            "methods": {
                method: self._numbers(view) for method, view in zip(options.methods, views, strict=True)
            },
        }
        return views

    def _map(
        self,
        method: str,
        model: Any,
        pixels: np.ndarray,
        label: int,
        layer: str,
        more: Callable[[int, str], None],
    ) -> np.ndarray:
        """One method's map (h, w): of gradients, at each pixel that of the colour where it is largest."""
        from linesexp.seeing import attribution

        def tell(count: int) -> None:
            more(count, method)

        if method == "gradient":
            found = _strongest(attribution.gradient(model, pixels[None], label)[0])
        elif method == "smoothgrad":
            noise = noise_for(self._options, pixels.shape, self._network)
            return _strongest(attribution.smooth_gradient(model, pixels, label, noise, tell))
        elif method == "occlusion":
            return attribution.occlusion(model, pixels, label, self._patch(pixels), tell)
        else:
            found = attribution.grad_cam(model, pixels, label, layer)
        tell(1)
        return found

    def _patch(self, pixels: np.ndarray) -> "Occlusion":
        from linesexp.seeing.attribution import Occlusion

        size, stride = self._sizes(pixels)
        low, high = self._network.scale
        fill = self._options.occlusion_fill
        return Occlusion(size, stride, None if fill is None else low + fill * (high - low))

    def _sizes(self, pixels: np.ndarray) -> tuple[int, int]:
        size = self._options.occlusion_size or max(1, round(min(pixels.shape[:2]) / 8))
        return size, self._options.occlusion_stride or max(1, size // 2)

    def _places(self, pixels: np.ndarray) -> np.ndarray:
        from linesexp.seeing.patches import patch_places

        try:
            return patch_places(pixels.shape, *self._sizes(pixels))
        except ValueError as error:
            raise ConfigError(str(error)) from None

    def _words(self, method: str, pixels: np.ndarray, shape: tuple[int, ...], layer: str) -> tuple[str, str]:
        """A method's name and what its map shows."""
        options = self._options
        of_colours = "\nOf the colour with the largest slope." if pixels.shape[-1] > 1 else ""
        if method == "gradient":
            return "Gradient", (
                f"Orange: brightening this pixel a little raises the\nscore; blue: it lowers it.{of_colours}"
            )
        if method == "smoothgrad":
            return "SmoothGrad", (
                f"The mean gradient over {options.samples} copies of the picture\n"
                f"with noise of {options.noise:g} of black to white (seed {options.seed}).{of_colours}"
            )
        if method == "occlusion":
            size, stride = self._sizes(pixels)
            fill = "the mean colour" if options.occlusion_fill is None else f"grey {options.occlusion_fill:g}"
            return "Occlusion", (
                f"How far the score falls when a patch of {size}×{size} px\n"
                f"is covered with {fill}, every {stride} px.\n"
                "Orange speaks for the class, blue against it."
            )
        return "Grad-CAM", (
            f"The maps of the last convolution, {layer},\n"
            f"weighed by how much they raise the score; never\n"
            f"below zero. {shape[0]}×{shape[1]} places, stretched."
        )

    def _numbers(self, view: MethodView) -> dict[str, Any]:
        peak = np.unravel_index(int(np.argmax(np.abs(view.trained))), view.trained.shape)
        return {
            "shape": list(view.trained.shape),
            "largest": float(np.abs(view.trained).max()),
            "largest_untrained": float(np.abs(view.untrained).max()),
            "sum": float(view.trained.sum()),
            "strongest_at": [int(place) for place in peak],
            "correlation_with_untrained": likeness(view),
        }


def _strongest(slopes: np.ndarray) -> np.ndarray:
    """(H, W, C) → (H, W): at each pixel the slope of the channel where it is largest, with its sign.

    The largest magnitude, as Simonyan, Vedaldi and Zisserman 2014 take it: in a sum, red against blue cancels.
    """
    largest = np.abs(slopes).argmax(axis=-1)[..., None]
    return np.take_along_axis(slopes, largest, axis=-1)[..., 0]
