"""The figures and GIFs of a recorded run, one function each: from the run to the file's bytes."""

import numpy as np

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
from linesexp.views.style import png_bytes, step_name
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
    first, second = (answers[labels == label].mean(axis=0) for label in class_pair(run))
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
    preferences = preference(strongest_answers(images, kernels, bias, network), labels, class_pair(run))
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
    pair = class_pair(run)
    pictures = [_typical(images[labels == label]) for label in pair]
    return np.stack(pictures), [short_name(run.dataset.class_names[label]) for label in pair]


def _typical(images: np.ndarray) -> np.ndarray:
    """The picture whose ink is the median of all: neither the shortest line nor the longest."""
    ink = np.abs(images - np.median(images)).sum(axis=(1, 2, 3))
    return images[np.argsort(ink, kind="stable")[len(ink) // 2]]


def responses_png(run: Run) -> bytes:
    """Responses of two trained kernels, before and after, beside those of Prewitt operators."""
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
    figure = responses_figure([_shown(p) for p in pictures], names, rows, run.config.network.activation)
    return png_bytes(figure)


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
    responses = _responses(run, kernels, bias, titles, pictures)
    rows = [responses[: len(steps)], responses[len(steps) :]]
    shown = [_shown(picture) for picture in pictures]
    return responses_gif(shown, names, steps, rows, run.config.network.activation)


def deeper_film(run: Run, layer: str) -> bytes:
    """The kernels of a deeper layer, all channels, at every recorded step, as a GIF."""
    shown = frames(run)
    kernels = run.history.weights[f"{layer}/kernel"][shown]
    return layer_gif(kernels, run.history.steps[shown], f"{layer}: every channel of its filters")


def deeper_sheet_png(run: Run, layer: str) -> bytes:
    """The kernels of a deeper layer, all channels, untrained and trained."""
    kernels, steps = run.history.weights[f"{layer}/kernel"][[0, -1]], run.history.steps
    moments = [step_name(step) for step in (0, steps[-1])]
    return png_bytes(layer_sheet(kernels, f"{layer}: every channel of its filters", moments))


def frames(run: Run) -> np.ndarray:
    """Indices of the recorded steps that a GIF shows: all, or FRAMES of them from the first to the last."""
    count = len(run.history.steps)
    return np.unique(np.linspace(0, count - 1, min(count, FRAMES)).round().astype(int))


def walkthrough_png(run: Run) -> bytes:
    """A test picture's way through all layers."""
    pictures, names = _test_pictures(run)
    outputs = forward(pictures[:1], run.history.at(-1), run.config.network)
    layers = [(output.name, output.values[0]) for output in outputs]
    caption = f"weights after epoch {run.history.steps[-1]:g}"
    classes = [short_name(name) for name in run.dataset.class_names]
    figure = walkthrough_figure(_shown(pictures[0]), names[0], layers, classes, caption)
    return png_bytes(figure)


def before_after_png(run: Run) -> bytes:
    """Each kernel untrained and trained, with the operator that it resembles most."""
    kernels = run.kernels
    bank = operator_bank(kernels.shape[-1])
    operators, captions = [], []
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
        operators.append(square)
    last = run.history.steps[-1]
    figure = before_after_figure(kernels[0], kernels[-1], np.array(operators), captions, last)
    return png_bytes(figure)


def operators_png(run: Run) -> bytes:
    """The operators that kernels are compared with."""
    size = run.kernels.shape[-1]
    shown = [
        get_operator(name, min(size, LARGEST), detects)
        for name in BANK_OPERATORS
        for detects in OPERATORS[name][2]
    ]
    names = [f"{operator.name}\ndetects {operator.detects}" for operator in shown]
    return png_bytes(operators_figure(np.stack([operator.kernel for operator in shown]), names))


def compositions_png(run: Run) -> bytes:
    """Deeper kernels laid back onto pixels, untrained and trained; averaged over colour channels."""
    network, layers = run.config.network, []
    for number, record in enumerate(run.analysis.deeper, start=2):
        before, after = (pixel_fields(run.history.at(step), network, number).mean(axis=3) for step in (0, -1))
        agreements = (np.array(values, dtype=float) for values in (record.agreement_before, record.agreement))
        layers.append(LayerFields(record.layer, before, after, *agreements))
    return png_bytes(compositions_figure(layers, run.history.steps[-1]))


def similarity_png(run: Run) -> bytes:
    """Likeness of the kernels to operators over training."""
    analysis = run.analysis
    similarity = {name: np.array(values, dtype=float) for name, values in analysis.similarity.items()}
    return png_bytes(similarity_figure(run.history.steps, similarity, analysis.chance.by_direction))


def tuning_png(run: Run) -> bytes:
    """What bars and edges each kernel answers to, untrained and trained."""
    health = [record.health for record in run.analysis.kernels]
    figure = tuning_figure(tuning_at(run, 0), tuning_at(run, -1), health, run.history.steps[-1])
    return png_bytes(figure)


def course_png(run: Run) -> bytes:
    """Shares of energy of the kernels over training."""
    analysis = run.analysis
    measured = Course(*(np.array(values, dtype=float) for values in vars(analysis.course).values()))
    return png_bytes(course_figure(run.history.steps, measured, analysis.course_chance))


def _shown(picture: np.ndarray) -> np.ndarray:
    return picture[..., 0] if picture.shape[-1] == 1 else picture


def training_png(run: Run) -> bytes:
    """Loss and accuracy at every epoch."""
    return png_bytes(training_figure(run.log))


def kernels_film(run: Run) -> bytes:
    """The first layer's kernels at every recorded step, as a GIF."""
    shown = frames(run)
    return kernels_gif(run.kernels[shown], run.history.steps[shown], run.log)
