"""The rooms of the house and the doors between them: DESIGN, section 3, held by walking the code."""

import ast
from functools import cache
from pathlib import Path

import pytest

import linesexp

ROOT = Path(linesexp.__file__).parent
MODULES = {
    ".".join(["linesexp", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
KERAS = ("keras", "tensorflow", "jax", "torch", "linesexp.learning")
ABOVE = (
    "linesexp.experiment",
    "linesexp.study",
    "linesexp.cli",
    "linesexp.commands",
    "linesexp.report",
    "linesexp.inspecting",
    "linesexp.looking",
    "linesexp.own_pictures",
    "linesexp.run",
    "linesexp.evidence",
    "linesexp.notebook",
    "linesexp.stages",
)
NO_KERAS = (
    "linesexp.images",
    "linesexp.kernels",
    "linesexp.views",
    "linesexp.runs",
    "linesexp.config",
    "linesexp.seeing.convolution",
    "linesexp.seeing.forward",
    "linesexp.inspecting.page",
    "linesexp.study.analysis",
    "linesexp.study.blocks",
    "linesexp.study.conditions",
    "linesexp.study.crossed",
    "linesexp.study.folder",
    "linesexp.study.plan",
    "linesexp.study.reading",
    "linesexp.study.recurring",
    "linesexp.study.repeating",
    "linesexp.study.statistics",
)
PURE = (  # arrays and records alone
    "linesexp.images",
    "linesexp.kernels",
    "linesexp.study.analysis",
    "linesexp.study.crossed",
    "linesexp.study.recurring",
    "linesexp.study.statistics",
)
FORBIDDEN = {  # room: what it never imports, not even through others
    **dict.fromkeys(NO_KERAS, KERAS),
    "linesexp.learning": ("linesexp.kernels", "linesexp.seeing", "linesexp.views", *ABOVE),
}
DASK = ("dask", "distributed")
WITH_DASK = ("linesexp.study.cluster", "linesexp.study.workers", "linesexp.study.dispatch")
FORBIDDEN_DIRECTLY = {
    "linesexp.views": ("linesexp.runs", *ABOVE),
    "linesexp.kernels": ("linesexp.views", "linesexp.runs", *ABOVE),
    "linesexp.seeing": ("linesexp.views", "linesexp.runs", *ABOVE),
    "linesexp.images": ("linesexp.kernels", "linesexp.seeing", "linesexp.views", "linesexp.runs", *ABOVE),
    "linesexp.runs": (
        "linesexp.images",
        "linesexp.kernels",
        "linesexp.seeing",
        "linesexp.views",
        "linesexp.config",
        *ABOVE,
    ),
}
LEARNING_MAY_IMPORT = ("learning", "images", "runs", "config", "environment", "seeds", "errors", "study")
EXCEPT = {"linesexp.learning": "linesexp.study.blocks"}  # what a worker is given and hands back: arrays only
DISK_MODULES = ("os", "pathlib", "shutil", "tempfile", "glob", "zipfile", "sqlite3")
DISK_CALLS = {
    *("open", "read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "unlink", "iterdir"),
    *("savetxt", "loadtxt", "tofile", "fromfile", "memmap", "savez", "savez_compressed", "genfromtxt"),
}


# At once: CPython 3.11 counts recursion wrongly where a browser's greenlets live, and ast.parse then gives up.
TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in MODULES.items()}


def tree(module):
    return TREES[module]


def inside(module, room):
    return module == room or module.startswith(room + ".")


def rooms(room):
    return [module for module in MODULES if inside(module, room)]


@cache
def imports(module):
    """Everything that a module imports, in functions too; `from a import b` counts as a and a.b."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import in line {node.lineno}"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def reach(module):
    """What a module imports, directly or through modules of linesexp."""
    found, waiting = set(), [module]
    while waiting:
        fresh = imports(waiting.pop()) - found
        found |= fresh
        waiting += [name for name in fresh if name in MODULES]
    return found


def nodes(*kinds):
    return [(name, node) for name in MODULES for node in ast.walk(tree(name)) if isinstance(node, kinds)]


def test_the_walk_finds_imports_wherever_they_are(monkeypatch):
    source = "import a.b\ndef f():\n    from linesexp import views\n    if x:\n        import c as d\n"
    monkeypatch.setitem(globals(), "tree", lambda _: ast.parse(source))
    assert imports.__wrapped__("any") == {"a.b", "linesexp", "linesexp.views", "c"}
    assert inside("linesexp.run", "linesexp.run")
    assert not inside("linesexp.runs.folder", "linesexp.run")


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_never_reaches_what_it_may_not_know(room):
    assert rooms(room)
    wrong = {
        f"{module} → {name}"
        for module in rooms(room)
        for name in reach(module)
        if any(inside(name, forbidden) for forbidden in FORBIDDEN[room])
        and not inside(name, EXCEPT.get(room, name + ".none"))
    }
    assert not wrong


@pytest.mark.parametrize("room", FORBIDDEN_DIRECTLY)
def test_a_room_does_not_import_its_neighbours(room):
    assert rooms(room)
    wrong = {
        f"{module} → {name}"
        for module in rooms(room)
        for name in imports(module)
        if any(inside(name, forbidden) for forbidden in FORBIDDEN_DIRECTLY[room])
    }
    assert not wrong


def test_only_what_speaks_with_a_cluster_imports_dask():
    with_dask = {
        module for module in MODULES for name in imports(module) if any(inside(name, dask) for dask in DASK)
    }
    assert with_dask == set(WITH_DASK)


@pytest.mark.parametrize("module", [name for name in rooms("linesexp.study") if name not in WITH_DASK])
def test_a_study_in_one_process_needs_no_dask(module):
    assert not [name for name in reach(module) if any(inside(name, dask) for dask in DASK)]


def test_learning_imports_only_the_rooms_that_it_needs():
    wrong = {
        f"{module} → {name}"
        for module in rooms("linesexp.learning")
        for name in imports(module)
        if name.startswith("linesexp.") and name.split(".")[1] not in LEARNING_MAY_IMPORT
    }
    assert not wrong


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_never_touches_the_disk(room):
    wrong = []
    for module in rooms(room):
        wrong += [f"{module} → {name}" for name in imports(module) if name.split(".")[0] in DISK_MODULES]
        for node in ast.walk(tree(module)):
            if not isinstance(node, ast.Call):
                continue
            # `Image.open` of bytes in memory is no disk; the built-in `open` always is.
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if called in DISK_CALLS and ast.unparse(node.func) != "Image.open":
                wrong.append(f"{module}:{node.lineno} calls {ast.unparse(node.func)}")
    assert not wrong


def test_pictures_are_opened_from_memory_only():
    opened = [
        ast.unparse(node.args[0])
        for _, node in nodes(ast.Call)
        if ast.unparse(node.func) in ("Image.open", "PIL.Image.open")
    ]
    assert all(what.startswith("io.BytesIO(") for what in opened)


def test_no_module_is_a_drawer_for_odds_and_ends():
    assert not [name for name in MODULES if name.split(".")[-1] in ("utils", "helpers", "common", "misc")]


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_longer_than_300_lines(module):
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 300


def test_errors_are_raised_and_never_asserted():
    assert not [f"{name}:{node.lineno}" for name, node in nodes(ast.Assert)]


def test_no_except_catches_everything_unnamed():
    assert not [f"{name}:{node.lineno}" for name, node in nodes(ast.ExceptHandler) if node.type is None]


def test_every_module_and_all_that_is_public_says_what_it_is():
    public = [
        (f"{name}.{node.name}", node)
        for name in MODULES
        for node in tree(name).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
    ]
    documented = [(name, tree(name)) for name, path in MODULES.items() if path.stat().st_size] + public
    assert not [name for name, node in documented if not ast.get_docstring(node)]


def test_nothing_draws_from_or_seeds_numpys_global_generator():
    wrong = [
        f"{name}:{node.lineno} {ast.unparse(node)}"
        for name, node in nodes(ast.Attribute)
        if ast.unparse(node).startswith("np.random.")
        and node.attr not in ("Generator", "SeedSequence", "default_rng")
    ]
    assert not wrong


def test_generators_are_made_in_one_place_only():
    made = {name for name, node in nodes(ast.Call) if ast.unparse(node.func).endswith("default_rng")}
    assert made <= {"linesexp.seeds"}


def test_only_the_training_room_seeds_keras():
    seeded = {name for name, node in nodes(ast.Attribute) if node.attr == "set_random_seed"}
    assert all(inside(name, "linesexp.learning") for name in seeded)


def test_nothing_unpickles():
    wrong = {
        name
        for name in MODULES
        if {imported.split(".")[0] for imported in imports(name)}
        & {"pickle", "dill", "joblib", "shelve", "marshal"}
    }
    allowed = {
        name
        for name, node in nodes(ast.keyword)
        if node.arg == "allow_pickle" and node.value.value is not False
    }
    assert not wrong | allowed
