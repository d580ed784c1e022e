"""The page's requests, many at once, right and wrong, over HTTP as its own clients send them."""

import io
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
import requests
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

import fullglow_jax
from fullglow_jax.data.source import build_source
from fullglow_jax.demo.canvas import Canvas
from fullglow_jax.pictures.grid import as_uint8
from fullglow_jax.sampling.palettes import cityscapes_palette
from tests.demo.conftest import UNENCRYPTED


@pytest.fixture(scope="module")
def client(server, tmp_path_factory):
    got = tmp_path_factory.mktemp("got")
    return Client(server.address, verbose=False, download_files=got, **UNENCRYPTED)


@pytest.fixture(scope="module")
def model(trained):
    return fullglow_jax.load(trained)


@pytest.fixture(scope="module")
def pairs(model):
    source = build_source(model.config.data, "val")
    return [source[i] for i in range(len(source))]


@pytest.fixture(scope="module")
def canvas(model):
    return Canvas(model.image_size, cityscapes_palette())


@pytest.fixture
def on_canvas(canvas, tmp_path):
    """A condition as the page's editor sends it."""

    def make(condition, *strokes):
        files = [tmp_path / f"{i}.png" for i in range(1 + len(strokes))]
        for file, picture in zip(files, (canvas.enlarged(condition), *strokes), strict=True):
            Image.fromarray(picture).save(file)
        background, *layers = map(handle_file, map(str, files))
        return {"background": background, "layers": layers, "composite": None}

    return make


def drawn(result):
    return np.stack([np.asarray(Image.open(photo["image"])) for photo in result])


def test_photos_are_those_of_sample(client, model, pairs, on_canvas):
    condition = pairs[1]["condition"]
    photos = drawn(client.predict(on_canvas(condition), None, 3, 0.6, 5, api_name="/draw"))
    # The noise belongs to the condition's place among those asked for: here it is the only one.
    expected = as_uint8(model.sample(condition[None], samples=3, temperature=0.6, seed=5)[0])
    assert photos.shape == expected.shape
    assert np.abs(photos.astype(int) - expected).max() <= 1  # rounded to 8 bits
    assert (photos == expected).mean() > 0.99


def test_a_stroke_is_drawn_from(client, model, pairs, canvas, on_canvas):
    condition, z = pairs[0]["condition"], canvas.zoom
    stroke = np.zeros((*canvas.size, 4), np.uint8)
    stroke[: 5 * z] = (0, 0, 140, 255)  # nearly a car's
    painted = condition.copy()
    painted[:5] = (0, 0, 142)
    photo = drawn(client.predict(on_canvas(condition, stroke), None, 1, 0.7, 0, api_name="/draw"))
    expected = as_uint8(model.sample(painted[None], seed=0)[0])
    assert np.abs(photo.astype(int) - expected).max() <= 1
    without = as_uint8(model.sample(condition[None], seed=0)[0])
    assert np.abs(expected.astype(int) - without).max() > 1


def test_transfer_onto_its_own_condition_gives_the_photo_back(client, pairs, on_canvas):
    name = pairs[2]["name"]
    photo, condition, _ = client.predict(name, api_name="/choose_content")
    moved = client.predict(
        on_canvas(pairs[2]["condition"]),
        None,
        handle_file(photo),
        handle_file(condition),
        None,
        api_name="/transfer",
    )
    given = np.asarray(Image.open(moved)).astype(int)
    assert np.abs(given - pairs[2]["target"]).max() <= 1


def test_bits_per_dim(client, model, pairs, on_canvas, tmp_path):
    pair = pairs[0]
    Image.fromarray(pair["target"]).save(tmp_path / "photo.png")
    photo = handle_file(str(tmp_path / "photo.png"))
    bits = client.predict(on_canvas(pair["condition"]), None, photo, api_name="/bits_per_dim")
    expected = model.bits_per_dim(pair["target"][None], pair["condition"][None])["conditional"]
    assert float(bits) == pytest.approx(float(expected[0]), abs=1e-3)


def test_the_title_names_model_and_run(server):
    config = requests.get(f"{server.address}config", timeout=60).json()
    assert config["title"] == "run: C-Flow, step 40"


class Visitor:
    """Draws over plain HTTP. gradio_client, where threads share one, cancels requests at times."""

    def __init__(self, server, condition):
        self._address = f"{server.address}gradio_api"
        png = io.BytesIO()
        Image.fromarray(condition).save(png, "png")
        files = {"files": ("map.png", png.getvalue())}
        (path,) = requests.post(f"{self._address}/upload", files=files, timeout=60).json()
        background = {"path": path, "meta": {"_type": "gradio.FileData"}}
        self._condition = {"background": background, "layers": [], "composite": None}

    def __call__(self, seed):
        data = [self._condition, None, 1, 0.7, seed]
        call = f"{self._address}/call/draw"
        event = requests.post(call, json={"data": data}, timeout=60).json()["event_id"]
        *_, answer = requests.get(f"{call}/{event}", timeout=600).text.split("event: ")
        assert answer.startswith("complete"), answer
        ((photo,),) = json.loads(answer.partition("data: ")[2])
        content = requests.get(photo["image"]["url"], timeout=60).content
        return np.asarray(Image.open(io.BytesIO(content)))


def test_twenty_at_once_and_memory_that_stays(server, model, pairs, canvas):
    condition = pairs[0]["condition"]
    draw = Visitor(server, canvas.enlarged(condition))
    with ThreadPoolExecutor(20) as threads:
        photos = list(threads.map(draw, range(20)))
    for seed, photo in enumerate(photos):
        (expected,) = as_uint8(model.sample(condition[None], seed=seed)[0])
        assert np.abs(photo.astype(int) - expected).max() <= 1
    memory = psutil.Process(server.process.pid).memory_info
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(draw, range(100, 160)))  # past what is remembered of visitors
        before = memory().rss
        list(threads.map(draw, range(300, 400)))
    assert memory().rss < before + 2**24


@pytest.mark.parametrize(
    ("count", "temperature", "seed", "message"),
    [
        (17, 0.7, 0, "17 is greater than maximum value 16"),
        (1, 1.5, 0, "1.5 is greater than maximum value 1"),
        (1, 0.7, -1, "-1 is less than minimum value 0"),
        (1, 0.7, None, "There is no seed yet"),
    ],
)
def test_numbers_out_of_range(client, pairs, on_canvas, count, temperature, seed, message):
    condition = on_canvas(pairs[0]["condition"])
    with pytest.raises(AppError, match=message):
        client.predict(condition, None, count, temperature, seed, api_name="/draw")


def test_a_canvas_of_another_size(client, tmp_path):
    Image.new("RGB", (30, 30)).save(tmp_path / "small.png")
    value = {"background": handle_file(str(tmp_path / "small.png")), "layers": []}
    value["composite"] = None
    with pytest.raises(AppError, match="30×30 where the canvas is"):
        client.predict(value, None, 1, 0.7, 0, api_name="/draw")


def test_paths_of_the_server_are_not_read(server, trained):
    file = {"path": str(trained / "curve.png"), "meta": {"_type": "gradio.FileData"}}
    call = f"{server.address}gradio_api/call/upload_condition"
    event = requests.post(call, json={"data": [file]}, timeout=60).json()["event_id"]
    answer = requests.get(f"{call}/{event}", timeout=60).text
    assert "event: error" in answer
    assert "event: complete" not in answer


def test_what_is_too_large_is_not_stored(server):
    files = {"files": ("map.png", bytes(17 * 2**20))}
    answer = requests.post(f"{server.address}gradio_api/upload", files=files, timeout=60)
    assert answer.status_code == 413


def test_a_message_names_the_file_and_not_its_place(client, tmp_path):
    (tmp_path / "notes.png").write_text("no image")
    with pytest.raises(AppError) as error:
        client.predict(handle_file(str(tmp_path / "notes.png")), api_name="/upload_condition")
    assert str(error.value).startswith("notes.png is not an image")


@pytest.mark.parametrize("suffix", ["jfif", "TGA", "jp2"])
def test_any_kind_of_image_may_be_uploaded(client, tmp_path, suffix):
    path = tmp_path / f"map.{suffix}"
    Image.new("RGB", (16, 8)).save(path)
    client.predict(handle_file(str(path)), api_name="/upload_condition")


def test_unknown_pairs(client):
    with pytest.raises(AppError):
        client.predict("no such pair", api_name="/choose")
