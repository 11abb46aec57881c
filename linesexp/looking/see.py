"""See what a network does with picture files: classes, every layer's maps, what speaks for a class."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from linesexp.errors import ConfigError
from linesexp.looking.explaining import Explainer
from linesexp.looking.look import Options, look_at, note_on, read_picture, to_scale
from linesexp.looking.naming import folder_names
from linesexp.looking.networks import Network, scale_facts
from linesexp.looking.picturing import figures_of
from linesexp.looking.verdict import classes_of, why_no_classes
from linesexp.runs.atomic import write_atomically
from linesexp.runs.formats import npz_bytes
from linesexp.seeing.forward import LayerOutput

BATCH_FLOATS = 2**25  # numbers of maps held at a time where no figures are made
RESERVED = ("preferred",)  # the folder of preferred inputs
Progress = Callable[[int, int, str], None]


def see(
    network: Network,
    names: Sequence[str],
    out: str | os.PathLike[str],
    options: Options,
    say: Callable[[str], None] = lambda words: None,
    progress: Progress = lambda done, total, words: None,
) -> list[dict[str, Any]]:
    """Look at pictures one by one; writes their figures into folders of `out`, and out/seen.json.

    Returns one record a picture: picture, resized, class, probabilities, layers, attribution, files. `say`
    hears what was done to a picture.
    """
    if len(names) > 1:  # a misspelt one is found before there is work that it would spoil
        for name in names:
            read_picture(name, network, options.most_pixels)
    folders = folder_names((Path(name).stem for name in names), RESERVED)
    records: list[dict[str, Any]] = []
    explainer = Explainer(network, options) if options.methods else None
    for index, (name, folder) in enumerate(zip(names, folders, strict=True)):
        picture = read_picture(name, network, options.most_pixels)
        note = note_on(picture, network)
        say(f"{name}: {picture.change}" + (f"\n{name}: {note}" if note else ""))
        look = look_at(network, picture)
        look.facts["note"] = note
        pixels = to_scale(picture.values, network)
        convolutions = network.convolutions(pixels[None])
        maps, steps = None, 1
        reason = why_no_classes(look.after)
        if explainer and not reason:
            steps = explainer.steps(pixels) + 1

            def tell(done: int, words: str, index: int = index, steps: int = steps, name: str = name) -> None:
                progress(index * steps + done, len(names) * steps, f"{Path(name).name}: {words}")

            maps = explainer.explain(look, pixels, convolutions[-1], tell)
        elif explainer:
            say(f"{name}: no class is explained: {reason}")
        look.facts["files"] = []
        for file, data in figures_of(network, look, maps, convolutions):
            write_atomically(Path(out) / folder / file, data)
            look.facts["files"].append(f"{folder}/{file}")
        progress((index + 1) * steps, len(names) * steps, f"{Path(name).name}: figures")
        records.append(look.facts)
    write_facts(Path(out) / "seen.json", network, {"pictures": records})
    return records


def see_numbers(
    network: Network,
    names: Sequence[str],
    out: str | os.PathLike[str],
    options: Options,
    progress: Progress = lambda done, total, words: None,
) -> list[dict[str, Any]]:
    """Classes and every layer's maps of many pictures, without figures: out/maps-00000.npz … and out/seen.json.

    An .npz holds `pictures`, their names, and an array (n, …) for each layer. Of a run, after training alone.
    """
    if None in network.shape:
        raise ConfigError(
            f"{network.source}: takes pictures of any size; for numbers alone name one with --size"
        )
    records: list[dict[str, Any]] = []
    start, block = 0, 1
    while start < len(names):
        pictures = [read_picture(name, network, options.most_pixels) for name in names[start : start + block]]
        pixels = to_scale(np.stack([picture.values for picture in pictures]), network)
        if start == 0:
            network.convolutions(pixels[:1])  # none is an error
        outputs = network.outputs(pixels)
        file = f"maps-{start:05d}.npz"
        arrays = {output.name.replace("/", "."): output.values for output in outputs}
        data = npz_bytes(
            {"pictures": np.array([picture.name for picture in pictures])} | arrays, compress=False
        )
        write_atomically(Path(out) / file, data)
        for row, picture in enumerate(pictures):
            record = {"picture": picture.name, "resized": picture.change, "note": note_on(picture, network)}
            of_one = [LayerOutput(output.name, output.values[row], output.final) for output in outputs]
            record |= classes_of(of_one, network)
            records.append(record | {"files": [file]})
        start += len(pictures)
        progress(start, len(names), "")
        block = max(1, min(256, BATCH_FLOATS // sum(output.values[0].size for output in outputs)))
    write_facts(Path(out) / "seen.json", network, {"pictures": records})
    return records


def write_facts(path: Path, network: Network, facts: dict[str, Any]) -> None:
    """Write a JSON file: which network it is of, how that takes pictures, and these facts."""
    about = {"network": network.source, "kind": network.kind, "scale": scale_facts(network)}
    write_atomically(path, msgspec.json.format(msgspec.json.encode(about | facts), indent=2))
