"""The files that a data set is made into."""

from linesexp.config import ExperimentConfig, config_json
from linesexp.images.dataset import Dataset
from linesexp.run import dataset_bytes
from linesexp.views.contact_sheet import MOST_CLASSES, contact_sheet

GENERATED = {"config.json", "dataset.npz", "dataset.png"}


def generated_files(config: ExperimentConfig, dataset: Dataset) -> dict[str, bytes]:
    """The settings, the data set and its contact sheet."""
    return {
        "config.json": config_json(config),
        "dataset.npz": dataset_bytes(dataset),
        "dataset.png": _contact_sheet(dataset, own=config.images.folders is not None),
    }


def _contact_sheet(dataset: Dataset, own: bool) -> bytes:
    counts = dataset.counts()
    rows = {
        (split, name): dataset.pixels[dataset.chosen(split, label)][:12]
        for split in counts
        for label, name in enumerate(dataset.class_names[:MOST_CLASSES])
    }
    place = "picture" if own else "line's position"
    note = f"The first of each class and split. A {place} occurs in one split only."
    if len(dataset.class_names) > MOST_CLASSES:
        note = f"The first {MOST_CLASSES} of {len(dataset.class_names)} classes. {note}"
    return contact_sheet(rows, counts, note)
