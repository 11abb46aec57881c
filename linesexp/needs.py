"""What a run will need of disk and memory, estimated from its settings alone, before anything is done.

Constants were measured with TensorFlow 2.21 on two cores. A file system that takes the files, or a machine that
holds the arrays, by a hair may be refused.
"""

import math
from dataclasses import dataclass

import msgspec

from linesexp.config import ExperimentConfig, NetworkConfig

MB = 1e6
# Disk, bytes.
NOISY, PLAIN = 0.7, 0.04  # size of a picture in dataset.npz, as a share of its pixels
SHEET = 60_000  # dataset.png
A_KERAS_FILE = 45_000  # what a .keras file holds beside weights
A_FILE = 700  # names and shapes in a file of tensors, and its line in the manifest, old and new
A_ROW = 120  # of history.csv, and of the history in the checkpoint
REPORT = 3 * MB  # the page, the figures and the two GIFs of the first layer
A_WEIGHT_ON_A_FRAME = 10  # of a GIF of a deeper layer
SLOTS = {"adam": 2, "adamw": 2, "rmsprop": 1, "sgd": 0}  # numbers that an optimizer keeps for each weight
# Memory, as multiples of what arrays take.
PYTHON, DRAWING = 90 * MB, 4.0
TENSORFLOW, TRAINING_DATA, ACTIVATIONS = 600 * MB, 2.5, 1.8
# The same for addresses, of which libraries and threads ask for more than they use.
PYTHON_ADDRESSES, TENSORFLOW_ADDRESSES, A_THREAD, ACTIVATION_ADDRESSES = 220 * MB, 2650 * MB, 80 * MB, 3.4


@dataclass(frozen=True)
class Pictures:
    """How many pictures, of which shape, in how many classes."""

    count: int
    size: int
    channels: int = 1
    classes: int = 2

    @property
    def pixels(self) -> int:
        return self.count * self.size**2 * self.channels


@dataclass(frozen=True)
class Memory:
    """Bytes that are used, and addresses that are asked for, which an address-space limit counts."""

    bytes: float
    addresses: float


def drawn_pictures(config: ExperimentConfig) -> Pictures:
    """The pictures that the settings describe."""
    classes = len(config.images.angles_deg)
    return Pictures(config.images.pictures_per_class * classes, config.images.size, 1, classes)


def space_to_generate(config: ExperimentConfig, pictures: Pictures) -> float:
    """Bytes of the data set and its contact sheet."""
    own = config.images.folders is not None
    return pictures.pixels * (NOISY if own or config.images.noise else PLAIN) + SHEET


def space_to_train(config: ExperimentConfig, pictures: Pictures) -> float:
    """Bytes of the files of a whole training; those that are replaced, twice."""
    weights = 4 * weights_of(config, pictures)
    tensors = A_FILE + 100 * 2 * (len(config.network.filters) + 1)
    slots = 1 + SLOTS[config.training.optimizer]
    checkpoint = slots * (weights + tensors) + A_ROW * config.training.epochs
    models = 2 * A_KERAS_FILE + (1 + slots) * weights
    return recorded_steps(config, pictures) * (weights + tensors) + 2 * checkpoint + models


def space_to_report(config: ExperimentConfig, pictures: Pictures) -> float:
    """Bytes of the report's files."""
    channels, frames = config.network.filters[0], recorded_steps(config, pictures)
    weights = 0
    for filters, size in list(zip(config.network.filters, config.network.kernel_sizes, strict=True))[1:]:
        weights += min(256, channels * filters) * size**2
        channels = filters
    return REPORT + A_WEIGHT_ON_A_FRAME * frames * weights


def memory_to_generate(pictures: Pictures) -> Memory:
    """What drawing takes."""
    arrays = DRAWING * pictures.pixels
    return Memory(PYTHON + arrays, PYTHON_ADDRESSES + arrays)


def memory_to_load(threads: int) -> Memory:
    """What Keras and TensorFlow take before they compute anything."""
    return Memory(TENSORFLOW, TENSORFLOW_ADDRESSES + threads * A_THREAD)


def memory_to_train(config: ExperimentConfig, pictures: Pictures, threads: int, members: int = 1) -> Memory:
    """What a training takes, Keras included; members: networks side by side."""
    data = TRAINING_DATA * 4 * pictures.pixels
    batch = max(32, min(config.training.batch_size, pictures.count))  # Keras validates by 32
    maps = 4 * batch * members * activations_of(config.network, pictures)
    loaded = memory_to_load(threads)
    addresses = loaded.addresses + data + ACTIVATION_ADDRESSES * maps
    return Memory(loaded.bytes + data + ACTIVATIONS * maps, addresses)


def fitting_batch(config: ExperimentConfig, pictures: Pictures, threads: int, free: Memory) -> int | None:
    """The largest batch, a power of two, with which a training fits; None if none does."""
    for exponent in range(int(math.log2(config.training.batch_size)), -1, -1):
        training = msgspec.structs.replace(config.training, batch_size=2**exponent)
        smaller = msgspec.structs.replace(config, training=training)
        need = memory_to_train(smaller, pictures, threads)
        if need.bytes <= free.bytes and need.addresses <= free.addresses:
            return 2**exponent
    return None


def weights_of(config: ExperimentConfig, pictures: Pictures) -> int:
    """Weights and biases of the network."""
    network, channels, count = config.network, pictures.channels, 0
    for filters, size in zip(network.filters, network.kernel_sizes, strict=True):
        count += filters * (channels * size**2 + 1)
        channels = filters
    side = network.map_sizes(pictures.size)[-1][1]
    return count + pictures.classes * (channels * side**2 + 1)


def activations_of(network: NetworkConfig, pictures: Pictures) -> int:
    """Numbers in all maps of one picture."""
    sides = network.map_sizes(pictures.size)
    maps = sum(
        filters * (convolved**2 + pooled**2)
        for filters, (convolved, pooled) in zip(network.filters, sides, strict=True)
    )
    return maps + pictures.size**2 * pictures.channels


def recorded_steps(config: ExperimentConfig, pictures: Pictures) -> int:
    """Steps that a training records: untrained, some inside the first epoch, and one an epoch."""
    batches = max(1, pictures.count // config.training.batch_size)
    return 2 + int(math.log2(batches)) + config.training.epochs
