"""The figures and GIFs of a recorded run, one function each: from the run to its Axes, or to the GIF's bytes.

new: what makes an empty figure, see views.style; by default one that is drawn into memory, for a file.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from linesexp.errors import InputError
from linesexp.evidence.behaviour import class_pair, tuning_at
from linesexp.kernels.course import Course
from linesexp.kernels.match import BANK_OPERATORS, LARGEST, operator_bank
from linesexp.kernels.operators import DIRECTIONS, OPERATORS, get_operator
from linesexp.report.page import FRAMES
from linesexp.run import Run
from linesexp.seeing.composition import pixel_fields
from linesexp.seeing.convolution import ACTIVATIONS, convolve, pool
from linesexp.seeing.forward import forward, preference, strongest_answers
from linesexp.views.compositions import LayerFields, compositions_figure
from linesexp.views.figures import similarity_figure, training_figure
from linesexp.views.kernels import before_after_figure, kernels_gif, operators_figure
from linesexp.views.layer_kernels import layer_gif, layer_sheet
from linesexp.views.responses import Responses, responses_figure, responses_gif
from linesexp.views.style import NewFigure, own_figure, step_name
from linesexp.views.tuning import course_figure, tuning_figure
from linesexp.views.walkthrough import walkthrough_figure
from linesexp.wording import short_name


def chosen_kernels(run: Run) -> tuple[int, int]:
    """Trained kernels that answer most to the second class and least to the first, and the reverse.

    Measured as the difference of their mean strongest answers to the test pictures.
    """
    images, labels = run.dataset.part("test")
    weights = run.history.at(-1)
    answers = strongest_answers(images, weights["conv1/kernel"], weights["conv1/bias"], run.config.network)
    first, second = (answers[labels == label].mean(axis=0) for label in class_pair(run.dataset))
    return int(np.argmax(second - first)), int(np.argmin(second - first))


def _responses(
    run: Run, kernels: np.ndarray, bias: np.ndarray, names: list[str], pictures: np.ndarray
) -> list[Responses]:
    """Responses of kernels (k, k, channels, filters) to pictures (n, H, W, channels), one a filter."""
    network = run.config.network
    convolved = convolve(pictures, kernels, bias, padding=network.padding)
    activated = ACTIVATIONS[network.activation](convolved)
    pooled = pool(activated, network.pool_size, kind=network.pooling)
    images, labels = run.dataset.part("test")
    preferences = preference(strongest_answers(images, kernels, bias, network), labels, class_pair(run.dataset))
    return [
        Responses(
            name,
            kernels[..., index].mean(axis=2),
            [
                (convolved[picture, ..., index], activated[picture, ..., index], pooled[picture, ..., index])
                for picture in range(len(pictures))
            ],
            float(preferences[index]),
        )
        for index, name in enumerate(names)
    ]


def _test_pictures(run: Run) -> tuple[np.ndarray, list[str]]:
    """A typical test picture of each class of the pair (2, H, W, C), and their names."""
    images, labels = run.dataset.part("test")
    pair = class_pair(run.dataset)
    pictures = [_typical(images[labels == label]) for label in pair]
    return np.stack(pictures), [short_name(run.dataset.class_names[label]) for label in pair]


def _typical(images: np.ndarray) -> np.ndarray:
    """The picture whose ink is the median of all: neither the shortest line nor the longest."""
    ink = np.abs(images - np.median(images)).sum(axis=(1, 2, 3))
    return images[np.argsort(ink, kind="stable")[len(ink) // 2]]


def responses(run: Run, new: NewFigure = own_figure) -> np.ndarray:
    """Responses of two trained kernels, before and after, beside those of Prewitt operators.

    Axes (6, 7): the kernel, then its maps convolved, activated and pooled of a picture of each class.
    """
    pictures, names = _test_pictures(run)
    last = run.history.steps[-1]
    kernels, bias, titles, norms = [], [], [], []
    for kernel, class_name in zip(chosen_kernels(run), reversed(names), strict=True):
        for step, when in ((0, "untrained"), (-1, f"epoch {last:g}")):
            weights = run.history.at(step)
            kernels.append(weights["conv1/kernel"][..., kernel])
            bias.append(weights["conv1/bias"][kernel])
            titles.append(f"kernel {kernel}\n(best on {class_name})\n{when}")
        norms.append(np.linalg.norm(kernels[-1]))
    size, _, channels = kernels[0].shape
    for detects, norm in zip(DIRECTIONS, norms, strict=True):
        operator = np.repeat(get_operator("prewitt", size, detects).kernel[..., None], channels, axis=2)
        kernels.append(operator * norm / np.linalg.norm(operator))
        bias.append(0.0)
        titles.append(f"Prewitt {size}×{size}\ndetects {detects}\n(same norm)")
    rows = _responses(run, np.stack(kernels, axis=-1), np.array(bias), titles, pictures)
    return responses_figure([_shown(p) for p in pictures], names, rows, run.config.network.activation, new)


def responses_film(run: Run) -> bytes:
    """Responses of the same two kernels to two pictures at every recorded step, as a GIF."""
    pictures, names = _test_pictures(run)
    shown_steps = frames(run)
    steps = run.history.steps[shown_steps]
    weights = {name: run.history.weights[f"conv1/{name}"][shown_steps] for name in ("kernel", "bias")}
    chosen = chosen_kernels(run)
    # Steps and kernels take the place of the filters: all of them in one convolution.
    kernels = np.concatenate([np.moveaxis(weights["kernel"][..., k], 0, -1) for k in chosen], axis=-1)
    bias = np.concatenate([weights["bias"][:, k] for k in chosen])
    titles = [
        f"kernel {kernel}\n(best on {class_name})"
        for kernel, class_name in zip(chosen, reversed(names), strict=True)
        for _ in steps
    ]
    found = _responses(run, kernels, bias, titles, pictures)
    rows = [found[: len(steps)], found[len(steps) :]]
    shown = [_shown(picture) for picture in pictures]
    return responses_gif(shown, names, steps, rows, run.config.network.activation)


def deeper_film(run: Run, layer: str) -> bytes:
    """The kernels of a deeper layer, all channels, at every recorded step, as a GIF."""
    shown = frames(run)
    kernels = run.history.weights[f"{layer}/kernel"][shown]
    return layer_gif(kernels, run.history.steps[shown], f"{layer}: every channel of its filters")


def deeper_sheet(run: Run, layer: str) -> Figure:
    """The kernels of a deeper layer, all channels, untrained and trained."""
    kernels, steps = run.history.weights[f"{layer}/kernel"][[0, -1]], run.history.steps
    moments = [step_name(step) for step in (0, steps[-1])]
    return layer_sheet(kernels, f"{layer}: every channel of its filters", moments)


def frames(run: Run) -> np.ndarray:
    """Indices of the recorded steps that a GIF shows: all, or FRAMES of them from the first to the last."""
    count = len(run.history.steps)
    return np.unique(np.linspace(0, count - 1, min(count, FRAMES)).round().astype(int))


def walkthrough(run: Run, picture: np.ndarray | None = None, new: NewFigure = own_figure) -> np.ndarray:
    """A picture's way through all layers; Axes (1 + layers,): the picture, then each layer.

    picture: (H, W, C) in [0, 1]; unless given, a typical test picture of the first class.
    """
    about = "a picture of your own"
    if picture is None:
        pictures, names = _test_pictures(run)
        picture, about = pictures[0], f"a test picture, class {names[0]}"
    outputs = forward(picture[None], run.history.at(-1), run.config.network)
    layers = [(output.name, output.values[0]) for output in outputs]
    caption = f"weights after epoch {run.history.steps[-1]:g}"
    classes = [short_name(name) for name in run.dataset.class_names]
    return walkthrough_figure(_shown(picture), about, layers, classes, caption, new)


def before_after(run: Run, new: NewFigure = own_figure) -> np.ndarray:
    """Each kernel untrained and trained, with the operator that it resembles most; Axes (3, filters)."""
    kernels = run.kernels
    bank = operator_bank(kernels.shape[-1])
    similar, captions = [], []
    for record in run.analysis.kernels:
        square = np.zeros((bank.size, bank.size))
        if record.match:
            found = record.match
            operator = get_operator(found.operator, found.size, record.detects)
            square[found.row : found.row + found.size, found.column : found.column + found.size] = (
                operator.kernel * np.sign(found.cosine)
            )
            captions.append(f"{found.operator} {found.size}×{found.size}\n|cosine| {abs(found.cosine):.2f}")
        else:
            captions.append("constant:\nno match")
        similar.append(square)
    last = run.history.steps[-1]
    return before_after_figure(kernels[0], kernels[-1], np.array(similar), captions, last, new)


def operators(run: Run, new: NewFigure = own_figure) -> np.ndarray:
    """The operators that kernels are compared with; Axes (operators,)."""
    size = run.kernels.shape[-1]
    shown = [
        get_operator(name, min(size, LARGEST), detects)
        for name in BANK_OPERATORS
        for detects in OPERATORS[name][2]
    ]
    names = [f"{operator.name}\ndetects {operator.detects}" for operator in shown]
    return operators_figure(np.stack([operator.kernel for operator in shown]), names, new)


def compositions(run: Run, new: NewFigure = own_figure) -> np.ndarray:
    """Deeper kernels laid back onto pixels, untrained and trained; averaged over colour channels.

    Axes (2, filters shown), those of one layer after the other. Raises InputError for a network with one
    convolution.
    """
    network, layers = run.config.network, []
    for number, record in enumerate(run.analysis.deeper, start=2):
        before, after = (pixel_fields(run.history.at(step), network, number).mean(axis=3) for step in (0, -1))
        agreements = (np.array(values, dtype=float) for values in (record.agreement_before, record.agreement))
        layers.append(LayerFields(record.layer, before, after, *agreements))
    if not layers:
        raise InputError(f"{run.folder.path}: its network has one convolution, and none behind it")
    return compositions_figure(layers, run.history.steps[-1], new)


def similarity(run: Run, new: NewFigure = own_figure) -> np.ndarray:
    """Likeness of the kernels to operators over training; Axes (2,): vertical and horizontal ones."""
    analysis = run.analysis
    measured = {name: np.array(values, dtype=float) for name, values in analysis.similarity.items()}
    return similarity_figure(run.history.steps, measured, analysis.chance.by_direction, new)


def tuning(run: Run, new: NewFigure = own_figure) -> Axes:
    """What bars and edges each kernel answers to, untrained and trained; one Axes, in pixels."""
    health = [record.health for record in run.analysis.kernels]
    return tuning_figure(tuning_at(run, 0), tuning_at(run, -1), health, run.history.steps[-1], new)


def course(run: Run, new: NewFigure = own_figure) -> np.ndarray:
    """Shares of energy of the kernels over training; Axes (4,): even, odd, constant, and the best match."""
    analysis = run.analysis
    measured = Course(*(np.array(values, dtype=float) for values in vars(analysis.course).values()))
    return course_figure(run.history.steps, measured, analysis.course_chance, new)


def _shown(picture: np.ndarray) -> np.ndarray:
    return picture[..., 0] if picture.shape[-1] == 1 else picture


def training(run: Run, new: NewFigure = own_figure) -> np.ndarray:
    """Loss and accuracy at every epoch; Axes (2,)."""
    return training_figure(run.log, new)


def kernels_film(run: Run) -> bytes:
    """The first layer's kernels at every recorded step, as a GIF."""
    shown = frames(run)
    return kernels_gif(run.kernels[shown], run.history.steps[shown], run.log)
