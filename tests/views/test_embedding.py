"""Arrays, JSON and modules as text that a page can carry."""

import base64
import json
import re
import zlib
from importlib import resources

import numpy as np
import pytest

from linesexp.views.embedding import joined_modules, json_for_script, packed


def unpacked(given):
    raw = base64.b64decode(given["data"])
    if given["deflated"]:
        raw = zlib.decompress(raw)
    kind = {"float32": "<f4", "uint8": "u1"}[given["type"]]
    return np.frombuffer(raw, kind).reshape(given["shape"])


@pytest.mark.parametrize(
    "array", [np.zeros((3, 4), np.uint8), np.random.default_rng(0).random((2, 5)).astype("f4")]
)
def test_an_array_comes_back(array):
    found = unpacked(packed(array))
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


def test_what_repeats_is_deflated_and_noise_is_not():
    assert packed(np.zeros(1000, np.uint8))["deflated"]
    assert not packed(np.random.default_rng(0).integers(0, 256, 1000, np.uint8))["deflated"]


def test_other_kinds_are_refused():
    with pytest.raises(ValueError, match="float64"):
        packed(np.zeros(3))


def test_a_strided_array_is_packed_as_it_reads():
    array = np.arange(12, dtype=np.float32).reshape(3, 4).T
    np.testing.assert_array_equal(unpacked(packed(array)), array)


@pytest.mark.parametrize("text", ["</script><img onerror=alert(1)>", "<!--<script>", "\u2028\u2029", "é"])
def test_json_cannot_end_its_element_and_comes_back(text):
    found = json_for_script({text: [text]})
    assert "<" not in found
    assert json.loads(found) == {text: [text]}


def test_numbers_that_json_has_not_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        json_for_script(float("nan"))


def test_modules_follow_those_that_they_need_once(tmp_path):
    (tmp_path / "main.js").write_text(
        'import { b } from "./b.js";\nimport {\n  a,\n} from "./a.js";\nuse(a, b);\n'
    )
    (tmp_path / "a.js").write_text("export const a = 1;\n")
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\n\nexport function b() {\n  return a;\n}\n')
    joined = joined_modules(tmp_path, "main.js")
    assert [line for line in joined.splitlines() if line] == [
        "const a = 1;",
        "function b() {",
        "  return a;",
        "}",
        "use(a, b);",
    ]


def test_a_circle_is_an_error(tmp_path):
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\n')
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\n')
    with pytest.raises(ValueError, match=r"a\.js → b\.js"):
        joined_modules(tmp_path, "a.js")


def test_names_at_the_top_of_the_laboratorys_modules_are_its_own():
    """The files are joined into one module, in which a name can be declared once."""
    folder = resources.files("linesexp.views") / "static" / "laboratory"
    declared = re.compile(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)
    names = {}
    for file in folder.iterdir():
        if file.name.endswith(".js"):
            for name in declared.findall(file.read_text(encoding="utf-8")):
                names.setdefault(name, []).append(file.name)
    assert names
    assert {name: files for name, files in names.items() if len(files) > 1} == {}


def test_every_module_of_the_laboratory_is_joined_and_short():
    folder = resources.files("linesexp.views") / "static" / "laboratory"
    joined = joined_modules(folder, "main.js")
    for file in folder.iterdir():
        if file.name.endswith(".js"):
            text = file.read_text(encoding="utf-8")
            assert text.splitlines()[0] in joined
            assert text.startswith("// ")
            assert len(text.splitlines()) <= 300
