"""What evaluations found, as tables, pictures and a page."""

import io
import json
import os
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.comparison import compare
from fullglow_jax.evaluation.report.charts import bits_chart, class_chart, confusion_chart
from fullglow_jax.evaluation.report.figures import figures, title
from fullglow_jax.evaluation.report.files import write_comparison, write_report
from fullglow_jax.evaluation.report.systems import class_columns, class_table, systems_table
from fullglow_jax.palette import EVALUATED


def over_rounds(mean, deviation=None):
    return {"mean": mean, "deviation": deviation, "rounds": [mean]}


def class_scores(pixel, accuracy, iou, deviation=None):
    counts = np.diag(np.arange(len(EVALUATED)))
    counts[7, 3] = 5
    return {
        "pixel_accuracy": over_rounds(pixel, deviation),
        "class_accuracy": over_rounds(accuracy, deviation),
        "class_iou": over_rounds(iou, deviation),
        "by_class": {
            label.name: {"accuracy": 0.5, "iou": 0.25}
            if label.train_id
            else {"accuracy": None, "iou": None}
            for label in EVALUATED
        },
        "confusion": counts.tolist(),
    }


def report_of(name="mine", true=0.9, bits=2.345):
    return {
        "name": name,
        "checkpoint": 7,
        "split": "val",
        "seed": 0,
        "examples": 3,
        "headline": "conditional",
        "bits_per_dim": {
            "conditional": {"mean": bits, "standard_error": 0.01},
            "conditional/prior": {"mean": -3.0, "standard_error": 0.02},
            "conditional/log_det": {"mean": 1.0, "standard_error": 0.03},
        },
        "bits_per_dim_of_examples": [2.2, 2.3, 2.5],
        "images": {
            "rounds": 3,
            "examples": 3,
            "psp": {
                "judge": "pspnet50.npz",
                **class_scores(0.735, 0.2913, 0.2386, 0.0013),
                "ground_truth": class_scores(true, 0.8, 0.7),
                "shuffled": class_scores(0.4, 0.1, 0.05, 0.01),
            },
            "ssim": over_rounds(0.3333, 0.01),
            "diversity": {
                "mean": 0.1,
                "standard_error": None,
                "features": {"mean": 0.2, "standard_error": 0.05},
            },
        },
    }


def images_alone(name="pix2pix"):
    report = report_of(name)
    for key in ("headline", "bits_per_dim", "bits_per_dim_of_examples"):
        del report[key]
    del report["images"]["ssim"]
    return report | {"checkpoint": None}


def test_the_papers_table():
    table = systems_table([report_of()])
    assert table.header == (
        *("model", "cond. bits/dim", "pixel acc.", "class acc.", "class IoU"),
        *("ssim", "diversity"),
    )
    scores = ("73.50 ± 0.13", "29.13 ± 0.13", "23.86 ± 0.13")
    shuffled = ("40.00 ± 1.00", "10.00 ± 1.00", "5.00 ± 1.00")
    assert table.rows == [
        ("mine", "2.345 ± 0.010", *scores, "0.3333 ± 0.0100", "0.1000"),
        ("true photos", "–", "90.00", "80.00", "70.00", "–", "–"),
        (
            "other maps' photos",
            "–",
            *shuffled,
            "–",
            "–",
        ),
    ]


def test_several_systems():
    table = systems_table([report_of(), images_alone()])
    assert [row[0] for row in table.rows] == [
        "mine",
        "pix2pix",
        "true photos",
        "other maps' photos",
    ]
    assert table.rows[1][1] == table.rows[1][5] == "–"
    reports = [report_of("a"), report_of("b", true=0.8), report_of("c")]
    names = ["true photos (a, c)", "true photos (b)"]
    assert [row[0] for row in systems_table(reports).rows][3:5] == names
    assert list(class_columns(reports))[3:] == names


def test_all_figures_and_classes():
    rows = {row.name: (row.mean, row.error) for row in figures(report_of())}
    assert rows["bits/dim, conditional/prior"] == ("-3.0000", "0.0200")
    assert rows["psp of true photos, class IoU, %"] == ("70.00", "–")
    assert rows["diversity in the judge's features"] == ("0.2000", "0.0500")
    table = class_table(report_of())
    assert table.header[0] == "class"
    assert len(table.rows) == len(EVALUATED)
    assert table.rows[0] == ("road", "–", "–", "–", "–")
    assert table.rows[1] == ("sidewalk", "50.00", "25.00", "50.00", "25.00")
    assert class_table({"images": {}}) is None


def test_bits_that_are_not_of_a_target_given_a_condition():
    report = report_of() | {"headline": "label", "bits_per_dim": {"label": over_rounds(0.5)}}
    assert systems_table([report]).rows[0][1] == "0.500 (label)"
    assert bits_chart(report) is not None


def test_pairs_left_out():
    report = report_of() | {"examples": 5}
    assert title(report).startswith("5 examples of val, step 7, 3 rounds of images of 3 of them")


def test_bits_that_are_not_finite(tmp_path):
    report = report_of()
    report["bits_per_dim"]["conditional"] = {"mean": None, "standard_error": None}
    report["bits_per_dim_of_examples"] = [2.0, None, 3.0]
    write_report(report, tmp_path, None)
    assert json.loads((tmp_path / "eval.json").read_text()) == report


def test_charts():
    report = report_of()
    pictures = [bits_chart(report), class_chart([report]), confusion_chart(report)]
    for picture in pictures:
        assert np.asarray(Image.open(io.BytesIO(picture)).convert("L")).std() > 5
    assert pictures == [bits_chart(report), class_chart([report]), confusion_chart(report)]
    changed = report_of()
    changed["images"]["psp"]["confusion"][7][3] = 50
    assert confusion_chart(changed) != pictures[2]
    nothing = {"images": {}}
    assert bits_chart(nothing) is class_chart([nothing]) is confusion_chart(nothing) is None


class Page(HTMLParser):
    """The texts of a page's cells, and where its pictures come from."""

    def __init__(self, text):
        super().__init__()
        self.cells, self.sources, self._in_cell = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self._in_cell = tag in ("td", "th")
        if self._in_cell:
            self.cells.append("")
        self.sources += [value for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data):
        if self._in_cell:
            self.cells[-1] += data

    def handle_endtag(self, tag):
        self._in_cell = False


def test_files(tmp_path):
    png = io.BytesIO()
    Image.new("RGB", (4, 4)).save(png, "png")
    report = report_of(name="<mine>")
    files = write_report(report, tmp_path, png.getvalue())
    pictures = {"eval_samples.png", "eval_bits_per_dim.png", "eval_classes.png"}
    pictures.add("eval_confusion.png")
    assert {file.name for file in files} == {"eval.json", "eval.md", "eval.html"} | pictures
    assert set(files) == set(tmp_path.iterdir())
    assert json.loads((tmp_path / "eval.json").read_text()) == report
    markdown = (tmp_path / "eval.md").read_text()
    assert markdown.startswith("3 examples of val, step 7, 3 rounds of images, judged by pspnet50")
    assert "| <mine> | 2.345 ± 0.010 | 73.50 ± 0.13 |" in markdown
    assert "| psp, class IoU, % | 23.86 | 0.13 |" in markdown
    page = Page((tmp_path / "eval.html").read_text())
    assert {"<mine>", "2.345 ± 0.010", "sidewalk", "psp, class IoU, %"} <= set(page.cells)
    assert len(page.sources) == 4
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)


def test_pictures_of_an_earlier_report_go(tmp_path):
    write_report(report_of(), tmp_path, None)
    bits_alone = report_of()
    del bits_alone["images"]
    write_report(bits_alone, tmp_path, None)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"eval.json", "eval.md", "eval.html", "eval_bits_per_dim.png"}


def scored(folder, report):
    folder.mkdir()
    (folder / "eval.json").write_text(json.dumps(report))
    return folder


def test_comparison(tmp_path, capsys):
    folders = [
        scored(tmp_path / "one", report_of("one")),
        scored(tmp_path / "two", images_alone("two")),
    ]
    compare(folders, tmp_path / "out")
    printed = capsys.readouterr().out
    assert re.search(r"one .* 2\.345", printed)
    assert str(tmp_path / "out" / "comparison.html") in printed.replace("\n", "")
    markdown = (tmp_path / "out" / "comparison.md").read_text()
    assert "| two | – | 73.50 ± 0.13 |" in markdown
    page = Page((tmp_path / "out" / "comparison.html").read_text())
    assert {"one", "two", "true photos"} <= set(page.cells)
    assert (tmp_path / "out" / "comparison_classes.png").is_file()


def of_set(network, against=None):
    counts = {"images": 3, "true_images": 3, "against": against, "against_assumed": False}
    return {"network": network, **counts, "distance": over_rounds(5.0)}


def test_figures_of_other_networks_or_images_stand_apart(tmp_path, capsys):
    one, two, three = (images_alone(name) for name in ("one", "two", "three"))
    for report, against in ((one, None), (two, None), (three, "photos")):
        report["images"]["fid"] = of_set("Inception's 2048 features", against)
        report["images"]["fd_judge"] = of_set("judge, step 4")
    header = systems_table([one, two]).header
    assert {"FID", "FD-judge"} <= set(header)
    table = systems_table([one, two, three])
    network = "Inception's 2048 features"
    own, other = f"FID ({network})", f"FID ({network}, against photos)"
    assert [column for column in table.header if "FID" in column] == [own, other]
    cells = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    assert [(row[own], row[other]) for row in cells[:3]] == [("5.00", "–")] * 2 + [("–", "5.00")]

    two["images"]["psp"]["judge"] = "another"
    header = systems_table([one, two]).header
    judges = ("pspnet50.npz", "another")
    assert [c for c in header if "IoU" in c] == [f"class IoU ({judge})" for judge in judges]

    compare([scored(tmp_path / r["name"], r) for r in (one, three)], tmp_path / "out")
    printed = capsys.readouterr().out
    told = "fid by Inception's 2048 features, against photos"
    assert told in printed
    assert "note: three: 3 examples of val" in printed
    assert "FID of 3 images is biased upward" in printed
    assert told in (tmp_path / "out" / "comparison.md").read_text()


def test_names_are_no_markup(tmp_path, capsys):
    names = ["run[lr=3]", "a[/b]", "$\\frac$", "_x|y"]
    folders = [scored(tmp_path / str(i), report_of(name)) for i, name in enumerate(names)]
    compare(folders, tmp_path / "out")
    printed = capsys.readouterr().out
    assert all(name in printed for name in names)
    assert "| _x\\|y | 2.345" in (tmp_path / "out" / "comparison.md").read_text()


def test_names_that_are_no_text(tmp_path):
    report = report_of(os.fsdecode(b"caf\xe9"))
    for files in (write_report(report, tmp_path, None), write_comparison([report] * 2, tmp_path)):
        for file in files:
            if file.suffix in (".md", ".html"):
                assert r"caf\udce9" in file.read_text(encoding="utf-8")


def test_systems_of_one_name_are_told_apart(tmp_path):
    folders = [scored(tmp_path / name, report_of("run")) for name in ("one", "two")]
    compare(folders, tmp_path / "out")
    assert f"| {folders[1]} | 2.345" in (tmp_path / "out" / "comparison.md").read_text()


@pytest.mark.parametrize("content", [None, "{", "[]", '{"name": "x"}'])
def test_nothing_to_compare(tmp_path, content):
    good = scored(tmp_path / "good", report_of())
    bad = tmp_path / "bad"
    bad.mkdir()
    if content is not None:
        (bad / "eval.json").write_text(content)
    with pytest.raises(UserError, match=rf"{bad}: .*Score it first: python eval\.py"):
        compare([good, bad], tmp_path / "out")
    assert not (tmp_path / "out").exists()
