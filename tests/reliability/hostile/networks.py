"""Keras models that bring code along, or claim to be large."""

import io
import json
import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from making import CANARY, GIBI, NETWORKS, Case, Folder, Trap, network


def keras_file(folder: Folder, config: object, weights: bytes | None = None, **more: bytes) -> Path:
    path = folder.path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", b'{"keras_version": "3.14.0", "date_saved": "2026-01-01@00:00:00"}')
        archive.writestr("config.json", config if isinstance(config, bytes) else json.dumps(config))
        archive.writestr("model.weights.h5", weights if weights is not None else h5_bytes())
        for name, data in more.items():
            archive.writestr(name, data)
    return path


def h5_bytes(make: Callable | None = None) -> bytes:
    import h5py

    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        if make:
            make(file)
    return data.getvalue()


def layer_config(
    kind: str, home: str = "keras.layers", registered: str | None = None, /, **config: object
) -> dict:
    return {"module": home, "class_name": kind, "config": config, "registered_name": registered}


def sequential(*layers: dict, shape: tuple = (None, 8, 8, 1)) -> dict:
    first = layer_config("InputLayer", batch_shape=list(shape), dtype="float32", name="input")
    return layer_config(
        "Sequential", "keras", name="hostile", layers=[first, *layers], trainable=True, dtype="float32"
    )


CONVOLUTION = layer_config("Conv2D", name="conv", filters=2, kernel_size=[3, 3])


def inspected(folder: Folder, config: object, weights: bytes | None = None, **more: bytes) -> Case:
    path = keras_file(folder, config, weights, **more)
    return Case(["inspect", str(path), "--out", str(folder.path / "out")], "model.keras")


def code(folder: Folder) -> str:
    return f"open({str(folder.path.parent / CANARY)!r}, 'w')"


@network
def network_with_a_lambda_layer(folder: Folder) -> Case:
    import base64
    import marshal

    packed = base64.b64encode(marshal.dumps(compile(f"lambda x: {code(folder)}", "x", "eval"))).decode()
    function = {"class_name": "__lambda__", "config": {"code": packed, "defaults": None, "closure": None}}
    return inspected(folder, sequential(layer_config("Lambda", name="l", function=function), CONVOLUTION))


@network
def network_with_a_lambda_by_another_name(folder: Folder) -> Case:
    import base64
    import marshal

    packed = base64.b64encode(marshal.dumps(compile(code(folder), "x", "eval"))).decode()
    function = {"class_name": "__lambda__", "config": {"code": packed, "defaults": None, "closure": None}}
    activation = layer_config("Activation", name="a", activation=function)
    return inspected(folder, sequential(activation, CONVOLUTION))


BORROWED = (
    ("os", "system", "touch"),
    ("subprocess", "run", "touch"),
    ("builtins", "exec", "code"),
    ("builtins", "eval", "code"),
    ("keras.utils", "get_file", "https://localhost/x"),
    ("keras.config", "enable_unsafe_deserialization", ""),
    ("keras.src.saving.serialization_lib", "enable_unsafe_deserialization", ""),
    ("numpy", "load", "x.npy"),
    ("pickle", "loads", "x"),
    ("tensorflow", "io.read_file", "x"),
)
for module, name, words in BORROWED:

    def borrowed(folder: Folder, module: str = module, name: str = name, words: str = words) -> Case:
        argument = {"touch": f"touch {folder.path.parent / CANARY}", "code": code(folder)}.get(words, words)
        function = {"module": module, "class_name": "function", "config": name, "registered_name": name}
        stranger = layer_config(name, module, None, name="a", fn=argument, command=argument, origin=argument)
        activation = layer_config("Activation", name="b", activation=function)
        loss = {"module": module, "class_name": name, "config": argument, "registered_name": None}
        dense = layer_config("Dense", name="d", units=1, kernel_initializer=loss)
        layers = [stranger, activation, dense][number_of(module) % 3 :]
        return inspected(folder, sequential(*layers, CONVOLUTION))

    NETWORKS[f"network_that_borrows_{module}.{name}"] = borrowed


def number_of(module: str) -> int:
    return sum(module.encode())


@network
def network_of_a_class_of_its_own(folder: Folder) -> Case:
    (folder.path / "evil_module.py").write_text(code(folder))
    sys.path.insert(0, str(folder.path))  # even where it could be imported
    return inspected(
        folder, sequential(layer_config("Evil", "evil_module", "Custom>Evil", name="e"), CONVOLUTION)
    )


@network
def network_with_a_module_of_torch(folder: Folder) -> Case:
    trap = pickle.dumps(Trap(folder.path.parent / CANARY)).hex()
    wrapper = layer_config("TorchModuleWrapper", name="t", module={"class_name": "__bytes__", "value": trap})
    return inspected(folder, sequential(wrapper, CONVOLUTION))


@network
def network_that_reads_the_users_files(folder: Folder) -> Case:
    lookup = layer_config("StringLookup", name="s", vocabulary=str(folder.secret))
    return inspected(folder, sequential(lookup, CONVOLUTION))


@network
def network_with_external_links(folder: Folder) -> Case:
    import h5py

    def make(file: object) -> None:
        group = file.create_group("layers/conv2d/vars")
        group["0"] = h5py.ExternalLink(str(folder.secret), "/")
        group["1"] = h5py.SoftLink("/nowhere")

    return inspected(folder, sequential(CONVOLUTION), h5_bytes(make))


@network
def network_with_external_storage(folder: Folder) -> Case:
    def make(file: object) -> None:
        group = file.create_group("layers/conv2d/vars")
        group.create_dataset("0", (3, 3, 1, 2), "f4", external=[(str(folder.secret), 0, 72)])
        group.create_dataset("1", (2,), "f4")

    return inspected(folder, sequential(CONVOLUTION), h5_bytes(make))


@network
def network_whose_weights_claim_2_gib(folder: Folder) -> Case:
    def make(file: object) -> None:
        group = file.create_group("layers/conv2d/vars")
        group.create_dataset("0", (2**29,), "f4", chunks=(2**20,), compression="gzip")
        group.create_dataset("1", (2,), "f4")

    return inspected(folder, sequential(CONVOLUTION), h5_bytes(make))


@network
def network_whose_settings_are_4_gib(folder: Folder) -> Case:
    path = folder.path / "model.keras"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("config.json", "w", force_zip64=True) as member,
    ):
        for _ in range(256):
            member.write(b" " * 2**24)
    return Case(["inspect", str(path), "--out", str(folder.path / "out")], "model.keras")


@network
def network_whose_weights_are_2_gib_of_zeros(folder: Folder) -> Case:
    path = keras_file(folder, sequential(CONVOLUTION))
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
    ):
        archive.writestr("metadata.json", b"{}")
        archive.writestr("config.json", json.dumps(sequential(CONVOLUTION)))
        with archive.open("model.weights.h5", "w", force_zip64=True) as member:
            member.write(h5_bytes())
            for _ in range(128):
                member.write(bytes(2**24))
    return Case(["inspect", str(path), "--out", str(folder.path / "out")], "model.keras")


@network
def network_of_40_gigabytes_in_its_settings(folder: Folder) -> Case:
    flat = layer_config("Flatten", name="f")
    dense = [layer_config("Dense", name=f"d{number}", units=100_000) for number in range(2)]
    return inspected(folder, sequential(CONVOLUTION, flat, *dense))


@network
def network_that_takes_pictures_of_a_gigapixel(folder: Folder) -> Case:
    return looked_into(folder, sequential(CONVOLUTION, shape=(None, 32_768, 32_768, 1)))


@network
def network_that_enlarges_pictures_to_a_gigapixel(folder: Folder) -> Case:
    enlarge = layer_config("UpSampling2D", name="up", size=[4096, 4096])
    return looked_into(folder, sequential(CONVOLUTION, enlarge))


def looked_into(folder: Folder, config: object) -> Case:
    def make(file: object) -> None:
        group = file.create_group("layers/conv2d/vars")
        group.create_dataset("0", (3, 3, 1, 2), "f4")
        group.create_dataset("1", (2,), "f4")

    path = keras_file(folder, config, h5_bytes(make))
    command = ["see", str(path), folder.picture, "--out", str(folder.path / "out"), "--attribution", "none"]
    return Case(command, "model.keras")


@network
def network_with_members_outside(folder: Folder) -> Case:
    more = {
        "assets/../../../evil.txt": b"evil",
        "../evil.txt": b"evil",
        str(folder.path.parent / "evil.txt"): b"evil",
    }

    def make(file: object) -> None:
        group = file.create_group("layers/conv2d/vars")
        group.create_dataset("0", (3, 3, 1, 2), "f4")
        group.create_dataset("1", (2,), "f4")

    case = inspected(folder, sequential(CONVOLUTION), h5_bytes(make), **more)
    return Case(case.command, "", 0)


@network
def network_whose_layers_are_called_like_paths(folder: Folder) -> Case:
    names = [
        "..",
        "<img src=x onerror=alert(1)>",
        "a\\..\\b",
        ".",
        "\x1b[2J",
        "CON",
        "'\"><script>alert(2)</script>",
    ]
    names = [name.replace("/", "\u2215") for name in names]  # Keras allows no /
    config = sequential(*(layer_config("Conv2D", name=name, filters=1, kernel_size=[1, 1]) for name in names))

    def make(file: object) -> None:
        for number in range(len(names)):
            group = file.create_group("layers/conv2d" + (f"_{number}" if number else "") + "/vars")
            group.create_dataset("0", (1, 1, 1, 1), "f4")
            group.create_dataset("1", (1,), "f4")

    case = inspected(folder, config, h5_bytes(make))
    return Case(case.command, "", 0)


@network
def network_nested_without_end(folder: Folder) -> Case:
    return inspected(folder, b'{"a":' * 1_000_000)


@network
def network_in_a_file_of_8_gib(folder: Folder) -> Case:
    path = folder.sparse("model.keras", 8 * GIBI, b"PK\x03\x04")
    return Case(["inspect", str(path), "--out", str(folder.path / "out")], "model.keras")
