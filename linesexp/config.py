"""Every number that changes a result: one frozen, validated ExperimentConfig.

TOML in (`load_config`), JSON out (`config_json`). The command line generates its options, their
help and their defaults from these fields, so the two cannot disagree.

The fields are msgspec structs and not pydantic models because `linesexp train --help` needs them,
and importing pydantic takes longer than that whole command may.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from linesexp.errors import ConfigError, InputError
from linesexp.given import OF_TEXT, read_given
from linesexp.picture_settings import AtLeastOne, ImagesConfig
from linesexp.section import Section, choices
from linesexp.wording import nearest, shown, what_is_expected

Activation = Literal["relu", "leaky_relu", "elu", "tanh", "sigmoid", "linear"]
Pooling = Literal["max", "average"]
Padding = Literal["valid", "same"]
FirstLayer = Literal["trained", "random", "prewitt", "given"]
Optimizer = Literal["adam", "adamw", "sgd", "rmsprop"]
Initializer = Literal[
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal"
]


class NetworkConfig(Section, frozen=True, kw_only=True):
    """The network: convolution blocks, dropout, and a dense softmax layer."""

    filters: Annotated[
        tuple[AtLeastOne, ...], Meta(min_length=1, description="kernels in each convolution layer")
    ] = (8, 16, 16)
    kernel_sizes: Annotated[
        tuple[AtLeastOne, ...], Meta(min_length=1, description="side of each layer's kernels, odd")
    ] = (7, 5, 3)
    activation: Annotated[Activation, Meta(description="after each convolution")] = "relu"
    pooling: Annotated[Pooling, Meta(description="after each activation")] = "max"
    pool_size: Annotated[int, Meta(ge=1, le=16, description="side and stride of the pooling window")] = 2
    padding: Annotated[Padding, Meta(description="of the convolutions: none, or zeros")] = "valid"
    dropout: Annotated[float, Meta(ge=0, lt=1, description="share of features dropped in training")] = 0.25
    weight_decay: Annotated[
        float, Meta(ge=0, le=100, description="L2 penalty on the first layer's kernels")
    ] = 0.0
    initializer: Annotated[Initializer, Meta(description="how kernels are drawn before training")] = (
        "glorot_uniform"
    )
    first_layer: Annotated[
        FirstLayer,
        Meta(description="learns, or is frozen as drawn or at Prewitt operators; given: by --controls only"),
    ] = "trained"

    def check(self) -> None:
        if len(self.filters) != len(self.kernel_sizes):
            raise ConfigError(
                f"filters = {shown(self.filters)} and kernel_sizes = {shown(self.kernel_sizes)}: "
                "one number for each convolution layer in both"
            )
        if self.kernel_sizes[0] == 1:
            raise ConfigError(
                f"kernel_sizes = {shown(self.kernel_sizes)}: the first layer's kernels must be at least 3×3, "
                "or there is nothing to compare with an operator"
            )
        for size in self.kernel_sizes:
            if size % 2 == 0:
                raise ConfigError(
                    f"kernel_sizes = {shown(self.kernel_sizes)}: {size} is even; "
                    f"use an odd size such as {size - 1} or {size + 1}, which has a centre"
                )

    def map_sizes(self, size: int) -> list[tuple[int, int]]:
        """Side of the maps after each layer's (convolution, pooling), for a picture of this side.

        Raises ConfigError where a kernel or a pooling window is larger than what reaches it.
        """
        sizes = []
        for layer, kernel in enumerate(self.kernel_sizes, start=1):
            if kernel > size and self.padding == "valid":
                raise ConfigError(
                    f"kernel_sizes = {shown(self.kernel_sizes)}: the {kernel}×{kernel} kernels of layer "
                    f"{layer} are larger than the {size}×{size} map that reaches them; "
                    "give fewer or smaller ones (kernel_sizes, filters)"
                )
            convolved = size if self.padding == "same" else size - kernel + 1
            if self.pool_size > convolved:
                raise ConfigError(
                    f"pool_size = {self.pool_size}: larger than the {convolved}×{convolved} map "
                    f"of layer {layer}"
                )
            size = convolved // self.pool_size
            sizes.append((convolved, size))
        return sizes

    def weight_shapes(self, size: int, channels: int, classes: int) -> dict[str, tuple[int, ...]]:
        """{"conv1/kernel": (k, k, channels, filters), "conv1/bias": (filters,), … "dense/bias": (classes,)}."""
        shapes: dict[str, tuple[int, ...]] = {}
        depth = channels
        for number, (filters, kernel) in enumerate(zip(self.filters, self.kernel_sizes, strict=True), 1):
            shapes[f"conv{number}/kernel"] = (kernel, kernel, depth, filters)
            shapes[f"conv{number}/bias"] = (filters,)
            depth = filters
        side = self.map_sizes(size)[-1][1]
        return shapes | {"dense/kernel": (side * side * depth, classes), "dense/bias": (classes,)}

    def seen_size(self, size: int) -> int:
        """How many rows (and columns), counted from the top left, can reach the network's output.

        Pooling without padding drops the rows and columns that do not fill a window.
        """
        pooled = [pooled for _, pooled in self.map_sizes(size)]
        reach = pooled[-1]
        for kernel, entering in zip(reversed(self.kernel_sizes), [*reversed(pooled[:-1]), size], strict=True):
            around = kernel - 1 if self.padding == "valid" else kernel // 2
            reach = min(reach * self.pool_size + around, entering)
        return reach


class TrainingConfig(Section, frozen=True, kw_only=True):
    """How the network learns."""

    epochs: Annotated[int, Meta(ge=1, le=1_000_000, description="passes over the training pictures")] = 20
    batch_size: Annotated[int, Meta(ge=1, description="pictures in one training batch")] = 32
    optimizer: Annotated[Optimizer, Meta(description="update rule")] = "adam"
    learning_rate: Annotated[float, Meta(gt=0, le=100, description="step size of the optimizer")] = 1e-3
    seed: Annotated[int, Meta(ge=0, description="seed of the initial weights and of dropout")] = 0
    shuffle_labels: Annotated[bool, Meta(description="learn from labels in random order, a control")] = False


class ExperimentConfig(Section, frozen=True, kw_only=True):
    """All settings of one run. `ExperimentConfig()` is the default experiment."""

    images: ImagesConfig = msgspec.field(default_factory=ImagesConfig)
    network: NetworkConfig = msgspec.field(default_factory=NetworkConfig)
    training: TrainingConfig = msgspec.field(default_factory=TrainingConfig)

    def check(self) -> None:
        self.network.map_sizes(self.images.size)


SECTIONS: dict[str, type[Section]] = {
    "images": ImagesConfig,
    "network": NetworkConfig,
    "training": TrainingConfig,
}


def load_config(path: str | Path) -> dict[str, dict[str, Any]]:
    """Settings from a TOML file, as {section: {field: value}}: only those that the file names.

    Raises InputError if the file cannot be read as TOML, ConfigError for a name it may not hold.
    """
    settings = read_toml(path)
    check_names(settings, source=str(path))
    refuse_records(settings, source=str(path))
    return settings


def read_toml(path: str | Path) -> dict[str, Any]:
    """Everything in a TOML file. Raises InputError, naming it, if it cannot be read as one."""
    import tomllib

    data = read_given(path, OF_TEXT)
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:  # ValueError: not TOML, not UTF-8, or a number without end
        raise InputError(f"{path}: not a TOML file ({error})") from None


def refuse_records(settings: dict[str, dict[str, Any]], source: str) -> None:
    """Raise ConfigError for a field that is no setting but a record of what was read."""
    for section, values in settings.items():
        for name in SECTIONS[section].records:
            if name in values:
                raise ConfigError(
                    f"{source}: {section}.{name} is no setting; `linesexp train RUN --data DIR` makes it"
                )


def build_config(*layers: dict[str, dict[str, Any]], source: str = "") -> ExperimentConfig:
    """The defaults, overridden by each layer of settings in turn (the last one wins).

    `source` names the file that the settings came from, for the error.
    """
    merged: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    for layer in layers:
        check_names(layer, source)
        for section, values in layer.items():
            merged[section].update(values)
    try:
        return msgspec.convert(merged, ExperimentConfig)
    except msgspec.ValidationError as error:
        raise _as_config_error(error, merged, source) from None


def config_json(config: ExperimentConfig) -> bytes:
    """The settings as indented JSON, all fields in their order."""
    return msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n"


def settings_of(config: ExperimentConfig) -> dict[str, dict[str, Any]]:
    """The settings as {section: {field: value}}, which `build_config` takes back."""
    return {name: msgspec.structs.asdict(getattr(config, name)) for name in SECTIONS}


def changed_settings(config: ExperimentConfig) -> dict[str, Any]:
    """Name → value of every setting that is not as by default; without records, which nobody sets."""
    default = settings_of(ExperimentConfig())
    return {
        name: value
        for section, values in settings_of(config).items()
        for name, value in values.items()
        if name not in SECTIONS[section].records and value != default[section][name]
    }


def differences(old: ExperimentConfig, new: ExperimentConfig, *sections: str) -> list[str]:
    """One text for each setting that differs: `training.epochs: 20 → 30`. All sections by default."""
    return [
        f"{section}.{name}: {shown(value)} → {shown(after)}"
        for section in sections or SECTIONS
        for name, value in settings_of(old)[section].items()
        if (after := settings_of(new)[section][name]) != value
    ]


def check_names(settings: dict[str, Any], source: str = "") -> None:
    """Raise ConfigError for a section or field that does not exist, with the nearest that does."""
    where = f"{source}: " if source else ""
    home = {name: section for section, kind in SECTIONS.items() for name in kind.__struct_fields__}
    for section, values in settings.items():
        if section in home:
            raise ConfigError(f"{where}{section} belongs under [{home[section]}]")
        if section not in SECTIONS:
            raise ConfigError(f"{where}unknown section [{section}]{nearest(section, SECTIONS)}")
        if not isinstance(values, dict):
            raise ConfigError(f"{where}{section} must be a table of settings, got {shown(values)}")
        fields = SECTIONS[section].__struct_fields__
        for name in values:
            if name in fields:
                continue
            if name in home:
                raise ConfigError(f"{where}{name} belongs under [{home[name]}], not [{section}]")
            raise ConfigError(f"{where}unknown setting {section}.{name}{nearest(name, fields)}")


def _as_config_error(
    error: msgspec.ValidationError, settings: dict[str, dict[str, Any]], source: str
) -> ConfigError:
    where = f"{source}: " if source else ""
    if isinstance(error.__cause__, ConfigError):  # raised by a section's own check
        return ConfigError(f"{where}{error.__cause__}")
    path = str(error).rpartition(" - at `$.")[2].rstrip("`").split("[")[0]
    section, _, name = path.partition(".")
    name, _, inside = name.partition(".")
    value = settings.get(section, {}).get(name)
    words = () if inside else choices(SECTIONS[section], name)
    return ConfigError(f"{where}{name} = {shown(value)}: {what_is_expected(str(error), words)}")
