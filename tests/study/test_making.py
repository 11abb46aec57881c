"""From results to pages: everything that a study's folder comes to hold, once, whole, and safe to open."""

import base64
import csv
import dataclasses
import hashlib
import html
import io
import json
import re
import tracemalloc
from html.parser import HTMLParser

import msgspec
import numpy as np
import pytest

from linesexp.errors import InputError
from linesexp.runs.folder import MissingFile, RunFolder
from linesexp.study import making
from linesexp.study.analysis import Number, parse_study
from linesexp.study.conditions import chosen_conditions
from linesexp.study.figures import FIGURES
from linesexp.study.folder import begin
from linesexp.study.gathering import members_of
from linesexp.study.making import make
from linesexp.study.page import page_of_study
from linesexp.study.page_tables import HEADS, measures_tables, number_words
from linesexp.study.plan import planned
from linesexp.study.reading import Study
from linesexp.study.sentences import about_emergence, summary
from linesexp.study.sheets import ON_A_PAGE, Sheets
from linesexp.study.table import COLUMNS, CsvTable

HOSTILE = '"><script>alert(1)</script>'
VOID = {"meta", "img", "br", "link", "input", "hr"}


@pytest.fixture(scope="module")
def study(planted, tmp_path_factory):
    """A study of four conditions with its pages, to read only."""
    names = ("default", "weight-decay", "shuffled-labels", "frozen-random")
    found = planted.plant(tmp_path_factory.mktemp("made") / "study", planted.settings_of(names, seeds=8))
    make(found)
    return found


@pytest.fixture(scope="module")
def page(study):
    return study.folder.read("study.html").decode()


@pytest.fixture(scope="module")
def analysis(study):
    return parse_study(study.folder.read("study-analysis.json"), "here")


def text_of(page):
    """What a reader sees, on one line."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


class Nesting(HTMLParser):
    """Whether every element is closed where it should be."""

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong = [], []
        self.feed(text)
        self.wrong += self.open

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


# Files.


def test_everything_is_made_once(study, planted, tmp_path):
    names = study.folder.manifest().keys()
    assert {"table.csv", "members.csv", "study-analysis.json", "study.html"} <= names
    assert {f"figures/{name}.png" for name in FIGURES} <= names
    assert {f"members/{name}-1.html" for name in study.settings.conditions} <= names
    assert make(study) == []


@pytest.fixture
def small(planted, tmp_path):
    """A study of one condition and three members."""
    settings = planted.settings_of(("default",), seeds=3)
    return planted.plant(tmp_path / "study", settings, lambda block: planted.result_of(block, measured=False))


@pytest.mark.slow
def test_a_damaged_or_forgotten_file_and_new_results_are_made_anew(small, planted):
    first = make(small)
    assert make(small) == []
    (small.folder.path / "table.csv").write_text("gone")
    assert make(small) == first
    assert small.folder.read("table.csv").startswith(b"condition,")
    folder = RunFolder(small.folder.path)
    with folder.writing():
        grown = begin(folder, planted.settings_of(("default",), seeds=5), print)
        for block in planned(grown):
            if block.file not in folder:
                result = planted.result_of(block, measured=False)
                folder.commit({block.file: planted.result_bytes(result)}, "study")
    again = Study(folder)
    assert make(again) == first
    assert "What 5 networks learned" in again.folder.read("study.html").decode()


def test_a_study_without_a_member_has_no_page(planted, tmp_path):
    folder = RunFolder(tmp_path / "study")
    with folder.writing():
        begin(folder, planted.settings_of(("default",)), print)
    with pytest.raises(MissingFile, match="no member is trained yet"):
        make(Study(folder))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "seeds"),
    [
        (("default", "weight-decay"), 1),
        pytest.param(("mixed-contrast", "frozen-random"), 2, marks=pytest.mark.slow),
    ],
)
def test_a_study_without_recurring_kernels_has_its_page_and_says_so(names, seeds, planted, tmp_path):
    settings = planted.settings_of(names, seeds=seeds)
    learn = "prewitt" if seeds == 1 else "chance"  # one network, or no two kernels that are alike
    found = planted.plant(
        tmp_path / "study", settings, lambda block: planted.result_of(block, learn, measured=False)
    )
    made = make(found)
    assert {"study.html", "figures/recurring.png"} <= set(made)
    kernels = parse_study(found.folder.read("study-analysis.json"), "here").conditions[0].recurring
    assert (kernels.groups, kernels.kernels) == ([], 8 * seeds)
    words = text_of(found.folder.read("study.html").decode())
    assert f"Of the kernels of {names[0]}, 0 of {8 * seeds} are in a group" in words


def test_a_damaged_result_is_named(small):
    name = small.done[0].file
    (small.folder.path / name).write_bytes(b"none")
    with pytest.raises(InputError, match=r"s20-22\.safetensors: damaged"):
        make(small)


@pytest.mark.slow
def test_members_that_are_missing_or_failed_are_named(planted, tmp_path):
    settings = planted.settings_of(("default", "weight-decay"), seeds=4, block_size=2)
    folder = RunFolder(tmp_path / "study")
    with folder.writing():
        begin(folder, settings, print)
        block = next(iter(planned(settings)))
        folder.commit({block.file: planted.result_bytes(planted.result_of(block, measured=False))}, "study")
        folder.commit({"failures.json": b'{"weight-decay/d0/s20-21": "ValueError: <b>"}'}, "study")
    told = []
    make(Study(folder), say=told.append)
    words = text_of(folder.read("study.html").decode())
    assert "default: 2 of 4 members are trained." in words
    assert "weight-decay: none of its members is trained yet." in words
    assert "Block weight-decay/d0/s20-21 was given up: ValueError: <b>." in words
    assert "note: default: 2 of 4 members are trained." in told


# The table.


def test_the_table_has_a_row_for_every_member_and_kernel(study):
    rows = list(csv.DictReader(io.StringIO(study.folder.read("table.csv").decode())))
    assert len(rows) == 4 * 8 * 8
    assert list(rows[0]) == list(COLUMNS)
    keys = {(row["condition"], row["data_seed"], row["seed"], row["kernel"]) for row in rows}
    assert len(keys) == len(rows)
    own = [row for row in rows if row["condition"] == "default" and row["seed"] == "23"]
    assert [row["kernel"] for row in own] == list("01234567")
    assert {row["member_matched"] for row in own} == {"1"}
    assert own[0]["operator"] == "prewitt"
    assert all(row["p_shuffled"] == "" for row in rows if row["condition"] != "default")


def test_parquet_holds_the_same(study):
    parquet = pytest.importorskip("pyarrow.parquet")
    found = parquet.read_table(io.BytesIO(study.folder.read("table.parquet")))
    rows = list(csv.DictReader(io.StringIO(study.folder.read("table.csv").decode())))
    assert found.column_names == list(COLUMNS)
    assert found.schema.field("odd").metadata[b"description"].decode() == COLUMNS["odd"]
    for name in ("cosine", "p_covariance", "emergence"):
        values = [float(row[name] or "nan") for row in rows]
        np.testing.assert_allclose(found[name].to_numpy(zero_copy_only=False).astype(float), values, rtol=1e-6)
    assert found["operator"].to_pylist() == [row["operator"] or None for row in rows]


@pytest.mark.slow
def test_without_pyarrow_there_is_csv_alone(small, monkeypatch):
    monkeypatch.setattr("linesexp.study.table.find_spec", lambda name: None)
    made = make(small)
    assert "table.csv" in made
    assert "table.parquet" not in made


def test_members_have_a_row_each(study, analysis):
    rows = list(csv.DictReader(io.StringIO(study.folder.read("members.csv").decode())))
    assert len(rows) == 32
    own = [float(row["cosine"]) for row in rows if row["condition"] == "weight-decay"]
    assert np.mean(own) == pytest.approx(analysis.condition("weight-decay").measures["cosine"].mean, rel=1e-5)


def test_nothing_is_written_as_less_than_nothing(planted, monkeypatch):
    settings = planted.settings_of(("default", "frozen-prewitt"), seeds=2)
    results = [(block, planted.result_of(block, measured=False)) for block in planned(settings)]
    found = members_of(results, settings.conditions)
    effects = found["default"].values["prewitt-serves"]
    assert not effects.any()
    assert not np.signbit(effects).any()
    values = {"none": np.full(2, -0.0), "half": np.full(2, -0.5)}
    text = making.members_csv({"default": dataclasses.replace(found["default"], values=values)}).decode()
    assert {line.split(",", 3)[3] for line in text.splitlines()[1:]} == {"0,-0.5"}
    monkeypatch.setattr("linesexp.study.table.rows", lambda measured: [[-0.0, -0.5, "-0", None]])
    table = CsvTable()
    table.add(None)
    assert table.content().decode().splitlines()[1] == "0,-0.5,-0,"


# The page.


def test_every_number_of_the_ledger_is_in_the_analysis(page, analysis):
    words = text_of(page)
    for judgement in analysis.condition("default").ledger:
        if judgement.effect is not None:
            assert f"{judgement.verdict}" in words
            assert f"n: {judgement.runs} members" in words
    matched = analysis.condition("default").measures["matched"]
    assert f"On average {100 * matched.mean:.0f} %" in words


def test_pages_are_well_formed_and_their_ids_are_unique(study):
    for name in ("study.html", *study.folder.names(prefix="members/")):
        text = study.folder.read(name).decode()
        assert Nesting(text).wrong == []
        ids = re.findall(r'\bid="([^"]*)"', text)
        assert len(set(ids)) == len(ids)


def test_every_link_leads_somewhere(study, page):
    pages = {name: study.folder.read(name).decode() for name in study.folder.names(prefix="members/")}
    pages["study.html"] = page
    names = study.folder.manifest().keys()
    for here, text in pages.items():
        for link in re.findall(r'<a [^>]*href="([^"]*)"', text):
            file, _, place = html.unescape(link).partition("#")
            file = file.removeprefix("../") if here.startswith("members/") else file
            assert not file or file in names, link
            target = pages.get(file or here)
            assert not place or f'id="{place}"' in target, link


def test_every_member_is_a_dot_that_leads_to_its_kernels(study, page):
    links = re.findall(r'<a href="(members/[^"]*)" tabindex="-1"><circle', page)
    assert len(links) == len(set(links)) == 32
    assert "members/shuffled-labels-1.html#d0-s25" in links


def test_the_pages_ask_nothing_of_the_world(study, page):
    for text in (page, study.folder.read("members/default-1.html").decode()):
        assert not re.search(r"https?://|url\(|@import|//cdn", text)
        assert not re.search(r"<[^>]*\s(?:on[a-z]+|style)=", text)
        for source in re.findall(r'\bsrc="([^"]*)"', text):
            assert source.startswith("data:image/png;base64,")
        policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for tag, directive in (("style", "style-src"), ("script", "script-src")):
            inside = re.search(rf"<{tag}[^>]*>(.*?)</{tag}>", text, flags=re.DOTALL)[1]
            digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
            assert f"{directive} 'sha256-{digest}'" in policy


def test_the_page_is_small_enough_to_send(page):
    assert len(page) < 1_000_000


def test_hostile_names_are_shown_as_text(study, analysis, planted):
    """study.json refuses such names; the pages do not depend on that."""
    found = members_of(study, study.settings.conditions)
    conditions = [
        dataclasses.replace(each, name=HOSTILE if each.name == "weight-decay" else each.name, changes=[HOSTILE])
        for each in analysis.conditions
    ]
    changed = dataclasses.replace(analysis, conditions=conditions, missing=[HOSTILE])
    found = {HOSTILE if name == "weight-decay" else name: members for name, members in found.items()}
    figures = {name: study.folder.read(f"figures/{name}.png") for name in FIGURES}
    settings = planted.renamed(study.settings, {"weight-decay": HOSTILE})
    text = page_of_study(changed, found, figures, settings, {"machine": {HOSTILE: HOSTILE}}, {HOSTILE: HOSTILE})
    plain = study.folder.read("study.html").decode()
    assert HOSTILE not in text
    assert text.count(html.escape(HOSTILE).replace("&quot;", "&#34;")) > 8
    assert Nesting(text).wrong == []
    assert text.count("<script") == plain.count("<script") == 1


def test_a_hostile_name_is_text_on_the_members_page_too(planted):
    settings = planted.settings_of(("default",), seeds=2)
    block = next(iter(planned(settings)))
    result = planted.result_of(block, measured=False)
    named = dataclasses.replace(block, condition=HOSTILE)
    pages = {}

    class Both:
        def __init__(self):
            self.sheets = Sheets(pages.__setitem__)

        def add(self, measured, result):
            self.sheets.add(dataclasses.replace(measured, block=named), result)

    both = Both()
    members_of([(block, result)], settings.conditions, [both])
    both.sheets.close()
    ((_, text),) = pages.items()
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text


def test_pages_of_members_are_handed_over_as_soon_as_they_are_full(planted, monkeypatch):
    monkeypatch.setattr("linesexp.study.sheets.ON_A_PAGE", 4)
    settings = planted.settings_of(("default",), seeds=10, block_size=2)
    pages, waiting = {}, []

    class Watched(Sheets):
        def add(self, measured, result):
            super().add(measured, result)
            waiting.append(sum(map(len, self._waiting.values())))

    sheets = Watched(pages.__setitem__)
    results = [(block, planted.result_of(block, measured=False)) for block in planned(settings)]
    members_of(results, settings.conditions, [sheets])
    assert max(waiting) <= 4
    sheets.close()
    assert list(pages) == [f"members/default-{number}.html" for number in (1, 2, 3)]
    assert [text.count('<section class="member"') for text in pages.values()] == [4, 4, 2]
    assert 'id="d0-s29"' in pages["members/default-3.html"]
    assert ON_A_PAGE == 128


# Memory.


@pytest.mark.slow
def test_memory_grows_by_little_a_member(planted):
    """Blocks are let go as they come: their weights take 25 kB a member, of which 6 kB stay."""
    one = next(iter(planned(planted.settings_of(("default",), seeds=8))))
    result = planted.result_of(one)
    weights = sum(values.nbytes for values in result.trained.values()) / 8

    def peak(count):
        settings = planted.settings_of(("default",), seeds=8 * count)

        class Blocks:
            def __iter__(self):
                for block in planned(settings):
                    kernels = result.kernels.copy()
                    yield block, dataclasses.replace(result, kernels=kernels, trained=dict(result.trained))

        class Wide(CsvTable):
            def add(self, measured, result):
                pass

        tracemalloc.start()
        members_of(Blocks(), settings.conditions, [Wide()])
        _, found = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return found

    peak(2)  # what is drawn once
    few, many = peak(3), peak(9)
    grown = (many - few) / (6 * 8)
    assert grown < 6000
    assert weights > 1000


@pytest.mark.slow
def test_the_digest_covers_what_pages_are_made_from(small, monkeypatch):
    make(small)
    monkeypatch.setattr(making, "code_digest", lambda: "other code")
    assert make(small)


def test_the_analysis_is_json_of_its_records(study, analysis):
    raw = json.loads(study.folder.read("study-analysis.json"))
    assert raw["reference"] == analysis.reference == "default"
    assert [each["name"] for each in raw["conditions"]] == list(study.settings.conditions)
    with pytest.raises(InputError, match="here: not a study's analysis"):
        parse_study(b"{}", "here")


# Numbers as the page writes them.


def test_the_page_prints_the_commands_and_the_conditions_of_ones_own(study, analysis):
    settings = study.settings
    own = {"mine": {"network": {"dropout": 0.1}}}
    mine = chosen_conditions(["mine"], settings.base, own)
    grown = msgspec.structs.replace(
        settings, conditions=settings.conditions | mine, seeds=((20, 8), (12, 8)), data_seeds=(1, 0)
    )
    found = members_of(study, settings.conditions)
    figures = {name: study.folder.read(f"figures/{name}.png") for name in FIGURES}
    words = text_of(page_of_study(analysis, found, figures, grown, {"versions": {"backend": "jax"}}, {}))
    assert (
        "export KERAS_BACKEND=jax linesexp study repeated --seeds 12-27 --data-seed 0 --data-seeds 2" in words
    )
    assert "--conditions-file conditions.toml" in words
    assert "Save this as conditions.toml" in words
    assert "[mine.network] dropout = 0.1" in words
    assert "conditions.toml" not in text_of(study.folder.read("study.html").decode())


def test_no_table_of_means_is_wider_than_a_page_and_every_measure_is_there(analysis):
    tables = measures_tables(analysis)
    assert all(len(table["head"]) <= 5 for table in tables)
    heads = [words for table in tables for words, _ in table["head"][1:]]
    assert heads == list(HEADS.values())
    assert all(len(row) == len(table["head"]) for table in tables for row in table["rows"])


@pytest.mark.parametrize(
    ("number", "unit", "words"),
    [
        (Number(0.69, 0.62, 0.77, 10), "share", "69 % (62–77)"),
        (Number(0.998, 0.9961, 0.9999, 10), "share", "99.8 % (99.6–>99.9)"),
        (Number(1.0, 1.0, 1.0, 10), "share", "100 % (100–100)"),
        (Number(0.0, None, None, 10), "share", "0 %"),
        (Number(2.4, 2.1, 2.8, 9), "epochs", "2.4 (2.1–2.8), n 9"),
        (Number(-0.001, -0.2, 0.2, 10), "", "0.00 (−0.20–0.20)"),
        (Number(None, None, None, 0), "", "–"),
    ],
)
def test_a_mean_says_how_many_it_is_of_and_is_not_rounded_to_all_or_nothing(number, unit, words):
    assert number_words(number, unit, members=10) == words


def test_numbers_of_some_members_only_say_so_in_sentence_and_table(analysis):
    default = analysis.condition("default")
    fewer = {"emergence": Number(4.3, 3.2, 5.7, 5), "epochs_to_95": Number(2.4, None, None, 6)}
    ledger = [
        dataclasses.replace(j, runs=runs) if (runs := {"edges-not-lines": 3, "each-learns": 5}.get(j.id)) else j
        for j in default.ledger
    ]
    some = dataclasses.replace(default, measures=default.measures | fewer, ledger=ledger)
    changed = dataclasses.replace(analysis, conditions=[some])
    assert "default 4.3 (3.2 to 5.7; 5 of 8 members)." in about_emergence(changed)
    assert "2.4, n 6" in measures_tables(changed)[0]["rows"][0]
    assert "2 claims rest on 3 to 5 networks only, not on all 8" in " ".join(summary(changed))
    assert "rest on" not in " ".join(summary(analysis))
    assert "members)" not in about_emergence(analysis)


def test_a_share_in_the_summary_is_not_rounded_to_all(analysis):
    default = analysis.condition("default")
    near = dataclasses.replace(
        default, measures=default.measures | {"matched": Number(0.998, 0.996, 0.9999, 8)}
    )
    words = " ".join(summary(dataclasses.replace(analysis, conditions=[near])))
    assert "On average 99.8 % (95 % interval 99.6 to >99.9) of a network’s kernels" in words


def test_every_panel_says_by_itself_what_it_shows(study, analysis):
    axes = FIGURES["members"](analysis, members_of(study, study.settings.conditions))
    titles = [" ".join(text.get_text().split()) for text in axes[0].get_figure(root=True).texts]
    assert not any("do so" in title for title in titles)
    assert any(title.lower().startswith("kernels that resemble an operator more") for title in titles)
