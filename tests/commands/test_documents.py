"""What the documents tell users to run, run."""

import json
import re

from tests.commands.running import ROOT, TINY

DOCS = ROOT / "docs"
STEPS = 2


def run(commands, code, folder):
    """Runs code as a program, which shares what is compiled with the commands."""
    script = folder / "document.py"
    # Programs are imported by the processes that they start.
    script.write_text(f"if __name__ == '__main__':\n    exec({code!r})\n")
    result = commands(script, cwd=folder)
    assert result.code == 0, result.out + result.err


def test_every_snippet_of_the_library_page(commands, trained, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "demo").symlink_to(trained)
    page = (DOCS / "library.md").read_text()
    snippets = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    assert len(snippets) == page.count("```") / 2
    checks = "assert images.shape == (3, 2, 10, 20, 3) and int(state.step) == 3"
    run(commands, "\n".join([*snippets, checks]), tmp_path)
    assert (tmp_path / "photo.png").is_file()


def test_the_notebook(commands, trained, tmp_path):
    """Its cells in order, as a kernel would run them, with smaller parameters."""
    cells = json.loads((DOCS / "quickstart.ipynb").read_text())["cells"]
    full_glow = {"model.name": "full_glow", "model.spatial_width": 4}
    settings = {**TINY, **full_glow, "train.steps": STEPS}
    smaller = f"ROOT, STEPS, SETTINGS = {str(commands.scenes)!r}, {STEPS}, {settings!r}\n"
    smaller += 'SETTINGS |= {"data.image_size": (10, 20), "model.steps": (2,)}'
    code = ["import matplotlib; matplotlib.use('agg')"]
    for cell in cells:
        if cell["cell_type"] == "code":
            code.append("".join(cell["source"]))
        if "parameters" in cell["metadata"].get("tags", []):
            code.append(smaller)
    code += [
        "assert samples.shape == (3, 2, 10, 20, 3)",
        "assert np.abs(again - photos / 255).max() < 1e-3",
        f"assert curve[-1][0] == {STEPS}",
    ]
    run(commands, "\n".join(code), tmp_path)
    assert (tmp_path / "quickstart" / "checkpoints").is_dir()
