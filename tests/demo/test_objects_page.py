"""The tab of objects in a real browser: a click on a photo chooses the object there."""

from tests.demo.test_objects import LARGE, SIZE, SKY, _registered, address, studio
from tests.demo.test_page import ask, browser, playwright

__all__ = ["_registered", "address", "browser", "studio"]


def test_a_click_on_a_photo_chooses_the_object_there(browser, address):
    page = browser.new_page(viewport={"width": 1500, "height": 1050})
    page.set_default_timeout(60_000)
    page.goto(address)
    page.locator("#editor canvas").first.wait_for()
    page.get_by_role("tab", name="Objects").click()
    ask(page, page.locator("#draw_scene").click, "#scene")
    photo, chosen = page.locator("#scene img"), page.locator("#object input")
    playwright.expect(chosen).to_have_value(f"{LARGE} car")

    def click(row, column):
        box = photo.bounding_box()
        height, width = SIZE
        place = {
            "x": (column + 0.5) / width * box["width"],
            "y": (row + 0.5) / height * box["height"],
        }
        ask(page, lambda: photo.click(position=place), "#object_marked")

    click(2, 3)
    playwright.expect(chosen).to_have_value(f"{SKY} sky")
    click(8, 9)
    playwright.expect(chosen).to_have_value(f"{LARGE} car")
    before = photo.get_attribute("src")
    ask(page, page.locator("#redraw").click, "#scene")
    playwright.expect(photo).not_to_have_attribute("src", before)
    page.close()
