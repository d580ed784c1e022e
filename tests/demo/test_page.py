"""The page in a real browser: Debian's Chromium, driven by Playwright."""

import zlib

import numpy as np
import pytest

from tests import needs

playwright = needs.package("playwright.sync_api")
playwright.expect.set_options(timeout=60_000)  # the first answers wait for their compilation
CHROMIUM = needs.program("chromium", "chromium-browser")

# In a closed network, what a browser asks of its maker would only be refused, many times over.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, server):
    page = browser.new_page(viewport={"width": 1500, "height": 1050})
    page.set_default_timeout(60_000)
    page.goto(server.address)
    page.locator("#editor canvas").first.wait_for()
    yield page
    page.close()


def ask(page, click, shown):
    """Clicks on what sends a request, and waits until what shows the answer is done with it."""
    with page.expect_response(lambda response: "/queue/join" in response.url):
        click()
    busy = page.locator(f"{shown} [data-testid=status-tracker]:not(.hide)")
    playwright.expect(busy).to_have_count(0)


def draw(page):
    """The photos' addresses, which name their content."""
    page.get_by_role("tab", name="Photos").click()
    ask(page, page.locator("#draw").click, "#photos")
    images = page.locator("#photos .thumbnail-item img")
    playwright.expect(images).to_have_count(4)
    return [images.nth(i).get_attribute("src") for i in range(4)]


def choose(page, element, place, shown):
    """Another pair of a list."""
    page.locator(f"{element} input").click()
    ask(page, page.get_by_role("option").nth(place).click, shown)


def paint(page, name):
    """Strokes of a class across the condition."""
    ask(page, page.get_by_role("radio", name=name, exact=True).check, "#editor")
    box = page.locator("#editor canvas").first.bounding_box()
    left, right = (box["x"] + part * box["width"] for part in (0.1, 0.9))
    for part in (0.3, 0.4, 0.5, 0.6):
        height = box["y"] + part * box["height"]
        page.mouse.move(left, height)
        page.mouse.down()
        page.mouse.move(right, height, steps=10)
        page.mouse.up()
    playwright.expect(page.get_by_role("button", name="Undo")).to_be_enabled()


def upload(page, button, file):
    with page.expect_file_chooser() as chooser:
        page.locator(button).click()
    chooser.value.set_files(file)


def test_choose_paint_draw_transfer(page):
    first = draw(page)
    assert draw(page) == first
    choose(page, "#chosen", 1, "#editor")
    other = draw(page)
    assert other != first
    paint(page, "car")
    painted = draw(page)
    assert painted != other
    assert draw(page) == painted
    page.get_by_role("tab", name="Transfer").click()
    choose(page, "#content", 2, "#content_photo")
    ask(page, page.locator("#transfer").click, "#moved")
    page.locator("#moved img").wait_for()
    page.get_by_role("tab", name="Bits per dimension").click()
    ask(page, page.locator("#measure").click, "#bits")
    playwright.expect(page.locator("#bits textarea, #bits input")).not_to_have_value("")


def huge_png(path, side=20_000):
    """A file of some kilobytes, of far too many pixels."""

    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    header = side.to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])  # one bit a pixel, grey
    rows = zlib.compress(bytes(side * (1 + side // 8)))
    content = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    return path


def not_an_image(path):
    path.write_text("not an image")
    return path


def large_file(path):
    path.write_bytes(np.random.default_rng(0).bytes(17 * 2**20))
    return path


BAD = {
    "is not an image of a format that can be read here": not_an_image,
    "is too large to be decoded safely": huge_png,
    "exceed the maximum allowed size": large_file,
}
"""By what is told of them."""


def test_bad_uploads_are_told_and_the_page_goes_on(page, tmp_path):
    before = draw(page)
    for message, make in BAD.items():
        upload(page, "#upload", make(tmp_path / "map.png"))
        playwright.expect(page.get_by_text(message)).to_be_visible()
    assert draw(page) == before
