"""What the page of an inspection says, from numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from linesexp import __version__
from linesexp.evidence.intervals import share_interval
from linesexp.inspecting.records import Inspection
from linesexp.kernels.filter_records import FilterRecord
from linesexp.kernels.layer_records import LayerRecord
from linesexp.views.animation import first_frame
from linesexp.views.layer_kernels import MOST_CHANNELS
from linesexp.views.page import data_uri, laboratory_bytes, render_page
from linesexp.views.style import step_name
from linesexp.wording import counted, signed

MOST_BYTES = 1_350_000  # of pictures on the page, before they grow by a third as text: it stays below 2 MB
MOST_FILTERS = 25  # in the table
NONE = "–"
CHANCE_BEYOND = 0.01  # of kernels of chance lie beyond chance's 99 % point


def page_of(
    inspection: Inspection,
    name: str,
    curves: Sequence[tuple[bytes, str, str]],
    matches: Sequence[tuple[bytes, str, str]],
    figures: Mapping[str, bytes],
    gifs: Mapping[str, bytes],
    laboratory: tuple[dict[str, Any] | None, Sequence[str]],
) -> str:
    """The page as HTML. curves, matches: (PNG, what it shows, caption); figures, gifs: layer → PNG, GIF;
    laboratory: its data, and what it says first.

    Of a model with so many layers that the page would pass 2 MB, the first and evenly taken others are shown.
    """
    fixed = sum(len(data) for data, _, _ in (*curves, *matches))
    fixed += laboratory_bytes(laboratory[0]) * 3 // 4  # pictures grow by a third as text, this does not
    shown, moving = _affordable(list(figures), figures, gifs, MOST_BYTES - fixed)
    by_name = {layer.name: layer for layer in inspection.layers}
    last = f", epoch {inspection.steps[-1]:g}" if inspection.steps else ""
    return render_page(
        "inspection.html",
        laboratory=laboratory[0],
        about_laboratory=laboratory[1],
        version=__version__,
        title=f"The kernels of {name}{last}",
        summary=summary(inspection),
        layers=_layer_table(inspection),
        curves=[_figure(*figure) for figure in curves],
        chance=_about_chance(inspection),
        matches=[_figure(*figure) for figure in matches],
        filters=_filter_table(inspection),
        more=_more(len(shown), len(figures)),
        kernels=[
            _kernels(by_name[layer], figures[layer], gifs.get(layer), layer in moving, inspection.steps)
            for layer in shown
        ],
        notes=inspection.notes,
    )


def summary(inspection: Inspection) -> list[str]:
    """What was found, in a few sentences."""
    layers, kernels = inspection.layers, inspection.kernels
    slices = sum(layer.slices for layer in layers)
    words = [
        f"{counted(len(layers), 'layer')} of two-dimensional convolution, {counted(len(kernels), 'filter')}, "
        f"{counted(slices, 'kernel')}: every channel of every filter was measured."
    ]
    compared = [layer.match for layer in layers if layer.match and layer.match.slices]
    if compared:
        total = sum(match.slices for match in compared)
        beyond = sum(match.beyond_99 for match in compared)
        chance = sum(match.by_chance_99 for match in compared)
        low, high = share_interval(beyond, total)
        luck = (
            "which the interval allows: no more than luck gives"
            if low <= CHANCE_BEYOND <= high
            else f"so it is {'more' if low > CHANCE_BEYOND else 'less'} than luck gives"
        )
        words.append(
            f"Of {counted(total, 'kernel')} compared with operators, {beyond:,} ({_percent(beyond, total)}; "
            f"95 % interval {_percent(low, 1)} to {_percent(high, 1)}) are more alike than 99 % of chance is; "
            f"by chance it would be {expected(chance)}, {luck}."
        )
        before = [layer.match for layer in inspection.untrained if layer.match]
        if before:
            words.append(f"{_start(inspection)} it was {sum(match.beyond_99 for match in before):,}.")
        filters = sum(match.filters_matched for match in compared)
        judged = sum(each.match is not None for each in kernels)
        words.append(
            f"{counted(filters, 'filter') if filters else 'No filter'} of {judged:,} "
            f"stand{'' if filters > 1 else 's'} out from chance, judged by a filter's best channel and "
            f"corrected for looking at {counted(judged, 'filter')} (q < 0.05: of models that learned nothing, "
            "one in twenty has any)."
        )
        if beyond or filters:
            words.append(
                "The two counts need not agree: the first asks of each kernel whether one in a hundred of "
                "chance does as well, the second of each filter whether it still stands out among all of them."
            )
    if inspection.course:
        moved = [course.distance[-1] for course in inspection.course if course.distance[-1] is not None]
        if moved:
            words.append(
                f"From their start the layers' filters moved by {min(moved):.2f} to {max(moved):.2f} times "
                "their norm (median of each layer)."
            )
    broken = [layer.name for layer in layers if layer.not_finite]
    if broken:
        words.append(
            f"Weights that are not finite are in {', '.join(broken[:5])}: those filters are not measured."
        )
    return words


def _about_chance(inspection: Inspection) -> list[str]:
    drawn = sorted({match.draws for layer in inspection.layers if (match := layer.match)})
    if not drawn:
        return ["No layer has kernels that operators can be compared with: square ones from 3×3 on."]
    many = f"{drawn[-1]:,} kernels as its initialiser draws them"
    if len(drawn) > 1:
        many += f" (fewer, {drawn[0]:,}, where there are few channels or many operators)"
    return [
        "Each kernel was laid on Prewitt, Sobel, Scharr, line and Laplacian operators of all odd sizes at all "
        "places inside it; the largest |cosine| counts. A random kernel does so too, and well: so beside each "
        f"layer stand {many}.",
        "Luck alone lets counts and medians stray from those of chance, the further the fewer kernels a layer "
        "has, and of many layers some lie above. Being more alike than chance is not the same as being an "
        "operator: any smooth kernel is, since operators are smooth.",
    ]


def _layer_table(inspection: Inspection) -> dict[str, Any]:
    fields = {field.layer: field for field in inspection.fields}
    head: list[tuple[str, bool]] = [
        *(("layer", True), ("kind", True), ("kernels", False), ("channels", False), ("filters", False)),
        *(("along one axis", False), ("chance", False), ("|cosine|", False), ("chance", False)),
        *(("beyond 99 %", False), ("filters q < 0.05", False)),
    ]
    if fields:
        head += [("field can", False), ("field does", False)]
    rows = []
    for layer in inspection.layers:
        match = layer.match
        row = [
            *(layer.name, layer.kind, f"{layer.size[0]}×{layer.size[1]}"),
            *(f"{layer.channels:,}", f"{layer.filters:,}"),
            *(_decimal(layer.axis_share), _decimal(layer.chance_axis_share)),
            *(_decimal(match.median if match else None), _decimal(match.chance_median if match else None)),
            _percent(match.beyond_99, match.slices) if match and match.slices else NONE,
            f"{match.filters_matched:,}" if match else NONE,
        ]
        if fields:
            field = fields.get(_whose(layer.name, fields))
            size = field and field.theoretical
            can = "all" if field and field.whole else f"{size[0]}×{size[1]}" if size else NONE
            row += [can, str(field.effective) if field and field.effective else NONE]
        rows.append(row)
    words = "Medians over a layer's kernels, beside the same of chance; chance has 1 % beyond its 99 % point"
    return {"caption": words + ("; fields in px" if fields else ""), "head": head, "rows": rows}


def _whose(name: str, fields: Mapping[str, Any]) -> str:
    """A separable convolution has one field, and two layers of kernels: NAME/depthwise, NAME/pointwise."""
    return name if name in fields else name.rpartition("/")[0]


def _filter_table(inspection: Inspection) -> dict[str, Any]:
    matched = [record for record in inspection.kernels if record.match]
    matched.sort(
        key=lambda record: (record.match.q_initialiser, -abs(record.match.cosine)) if record.match else ()
    )
    rows = [_filter_row(record) for record in matched[:MOST_FILTERS]]
    most = len(matched) > len(rows)
    which = (
        f"The {len(rows)} of {len(matched):,} filters with the smallest q" if most else "All filters by their q"
    )
    words = [
        *(("layer", True), ("filter", False), ("channel", False), ("operator", True), ("at", True)),
        *(("detects", True), ("cosine", False), ("p", False), ("q", False), ("channels in use", False)),
    ]
    caption = (
        f"{which}, each by the channel that resembles an operator most; channels in "
        "use: how many share the filter's energy, (Σe)²/Σe²"
    )
    if not rows:
        caption = "No filter was compared with operators"
    return {"caption": caption, "head": words, "rows": rows}


def _filter_row(record: FilterRecord) -> list[str]:
    match = record.match
    if match is None:
        return []
    return [
        *(record.layer, str(record.index), str(record.channel)),
        f"{match.operator} {match.size}×{match.size}",
        f"row {match.row}, column {match.column}",
        *(
            record.detects or NONE,
            signed(match.cosine, ".2f"),
            _p(match.p_initialiser),
            _p(match.q_initialiser),
        ),
        f"{record.effective_channels:.1f}" if record.effective_channels is not None else NONE,
    ]


def _start(inspection: Inspection) -> str:
    first = inspection.steps[0]
    return "Untrained" if first == 0 else f"At {step_name(first)}"


def _kernels(
    layer: LayerRecord, figure: bytes, gif: bytes | None, moves: bool, steps: Sequence[float]
) -> dict[str, Any]:
    size = f"{layer.size[0]}×{layer.size[1]}"
    when = f", {step_name(steps[0])} and {step_name(steps[-1])}" if len(steps) > 1 else ""
    caption = f"{size} kernels, one scale for all of them."
    if layer.channels > MOST_CHANNELS:
        caption += " The selection is by norm, so it shows the strongest and not the typical."
    if gif is not None and not moves:
        caption += " Their GIF is in the folder gifs beside this page."
    return {
        "name": layer.name,
        "notes": layer.notes,
        "figure": data_uri(figure, "image/png"),
        "alt": f"Kernels of layer {layer.name}{when}, filter by filter",
        "caption": caption,
        "gif": {"still": data_uri(first_frame(gif), "image/png"), "moving": data_uri(gif, "image/gif")}
        if gif is not None and moves
        else None,
        "gif_alt": f"Kernels of layer {layer.name}, one recorded step after the other",
        "gif_caption": f"The same layer from epoch {steps[0]:g} to {steps[-1]:g}." if steps else "",
    }


def _affordable(
    names: list[str], figures: Mapping[str, bytes], gifs: Mapping[str, bytes], most: int
) -> tuple[list[str], set[str]]:
    """Which layers a page of so many bytes can show, and of which it can show the GIF as well."""
    count, shown = len(names), names
    while count > 1 and sum(len(figures[name]) for name in shown) > most:
        count -= 1
        shown = [names[round(index * (len(names) - 1) / max(count - 1, 1))] for index in range(count)]
    left = most - sum(len(figures[name]) for name in shown)
    moving = set()
    for name in shown:
        cost = 1.2 * len(gifs[name]) if name in gifs else 0.0  # its first frame is there as a picture too
        if name in gifs and cost <= left:
            moving.add(name)
            left -= round(cost)
    return shown, moving


def _more(shown: int, layers: int) -> str:
    if shown == layers:
        return ""
    return f"Here are {shown} of {layers} layers, evenly taken; all are in the folder figures beside this page."


def _figure(data: bytes, alt: str, caption: str) -> dict[str, str]:
    return {"source": data_uri(data, "image/png"), "alt": alt, "caption": caption}


def expected(number: float) -> str:
    """How many chance gives: `3.5`, `22,243`."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}"


def _percent(part: float, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def _decimal(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _p(value: float | None) -> str:
    return NONE if value is None else f"{value:.1e}" if value < 0.001 else f"{value:.3f}"
