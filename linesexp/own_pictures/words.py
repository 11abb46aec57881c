"""How the page speaks of a run's pictures: as lines, or as somebody's own."""

from dataclasses import dataclass

from linesexp.config import ExperimentConfig
from linesexp.picture_settings import FolderPictures, ImagesConfig

LONGEST_TITLE, MOST_CLASSES = 60, 12  # letters of class names, and names in a sentence


@dataclass(frozen=True)
class PictureWords:
    """Parts of sentences. of_class follows the name of a class; one: a picture, as `a line`."""

    title: str
    question: str
    unknown: str
    of_class: str
    one: str
    tuning: str
    independence: str


def picture_words(images: ImagesConfig) -> PictureWords:
    """The words for a run with these settings."""
    said = (
        "It is often said that the first layer of a convolutional network teaches itself edge detectors such "
        "as the Prewitt operator."
    )
    shows = "the numbers of its first layer at every step of its training, and how far they are from what luck "
    if images.folders is None:
        return PictureWords(
            title="pictures of lines",
            question=f"{said} Pictures of single lines are a world small enough to watch that happen, or not "
            f"happen: this page shows one network, {shows}alone would give.",
            unknown="whose lines lie at positions that were kept out of its training",
            of_class=" lines",
            one="a line",
            tuning="Bars as in the pictures, step edges in place of lines: what a kernel answers to is not "
            "always what it looks like.",
            independence="Intervals below take pictures as independent; lines that share a position are not "
            "quite, so they are rather too narrow.",
        )
    colour = (
        " The pictures are in colour, so each kernel has three channels; it is compared with operators, and "
        "mostly shown, as their mean."
    )
    return PictureWords(
        title=_title(images.folders.classes),
        question=f"{said} This page shows one network that learned from somebody’s own pictures, {shows}alone "
        f"would give.{colour if images.folders.channels == 3 else ''}",
        unknown="none of which it was trained on",
        of_class="",
        one="a picture",
        tuning="Bars and step edges are probes and not from the pictures: what a kernel answers to is not "
        "always what it looks like.",
        independence="Intervals below take pictures as independent; several pictures of one thing would not "
        "be, and would make them too narrow.",
    )


def about_own_data(config: ExperimentConfig, counts: dict[str, dict[str, int]]) -> str:
    """Own pictures: number, classes, how they were read, what was left out, and how they are split."""
    images, folders = config.images, config.images.folders or FolderPictures()
    total = sum(sum(split.values()) for split in counts.values())
    parts = ", ".join(f"{sum(split.values())} for {name}" for name, split in counts.items())
    named = ", ".join(folders.classes[:MOST_CLASSES])
    if len(folders.classes) > MOST_CLASSES:
        named += f" and {len(folders.classes) - MOST_CLASSES} more"
    sentences = [
        f"{total:,} pictures of {len(folders.classes)} classes ({named}), read from class folders, stretched "
        f"to {images.size}×{images.size} pixels, {'in colour' if folders.channels == 3 else 'grey'}.",
        f"{parts}: {'as their folders say' if folders.split_given else 'drawn at random from each class'}.",
    ]
    left_out = [
        words.format(count)
        for count, words in (
            (folders.broken, "{} that could not be read"),
            (folders.repeated, "{} that equal another one of their class"),
            (folders.ambiguous, "{} that lie in several classes"),
        )
        if count
    ]
    if left_out:
        sentences.append(f"Left out were {', '.join(left_out)}.")
    sentences.append(
        "No picture is in two splits; pictures that differ by a single pixel may be, and are then no fair test."
    )
    return " ".join(sentences)


def compared(pair: tuple[str, str], images: ImagesConfig) -> str:
    """Which two classes a preference compares, for own pictures; empty for lines, which say so elsewhere."""
    if images.folders is None:
        return ""
    count = len(images.folders.classes)
    which = f", two of the {count} classes" if count > 2 else ""
    return f"Compared are {pair[0]} and {pair[1]}{which}."


def _title(classes: tuple[str, ...]) -> str:
    named = f"{', '.join(classes[:-1])} and {classes[-1]}"
    return f"pictures of {named if len(named) <= LONGEST_TITLE else f'{len(classes)} classes'}"
