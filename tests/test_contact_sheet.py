"""The contact sheet in a real browser: it opens from the disk, and is sorted and filtered."""

import shutil

import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from pda_studio.batch.sheet import write_sheet

CHROMIUM, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
COUNT, PAGE = 250, 240

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="needs the programs chromium and chromedriver"
)


def rows():
    """Results of one picture, in the order of their names; the last has failed."""
    for number in range(COUNT - 1):
        yield {
            "image": f"a #1/{number:03}.png",
            "classifier": "digits",
            "method": "grad-cam",
            "title": "Grad-CAM",
            "target": "odd" if number % 2 else "even",
            "probability": (number * 7 % COUNT) / COUNT,  # another order than that of the names
            "largest": 1.0,
            "smallest": -0.5,
            "unit": "logit",
            "thumbnail": "thumbnails/a #1/one.jpg",
            "error": "",
        }
    yield {"image": "z.png", "method": "grad-cam", "error": "Cannot read <b>z.png</b>."}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    (folder / "thumbnails" / "a #1").mkdir(parents=True)
    Image.new("RGB", (28, 28), "red").save(folder / "thumbnails" / "a #1" / "one.jpg")
    write_sheet(rows(), folder / "index.html", "results")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for word in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "window-size=1000,800"):
        options.add_argument(f"--{word}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options, Service(DRIVER)) as driver:
        driver.get((folder / "index.html").as_uri())
        yield driver


def part(browser, name):
    return browser.find_element(By.ID, name)


def names(browser):
    """The names that are shown, in their order."""
    script = "return [...document.querySelectorAll('figcaption b')].map((one) => one.textContent)"
    return browser.execute_script(script)


def test_it_opens_from_the_disk_and_is_sorted_and_filtered_by_clicks(browser):
    picture = "return document.querySelector('figure img').naturalWidth"
    WebDriverWait(browser, 60).until(lambda _: browser.execute_script(picture) == 28)
    assert names(browser) == [f"{number:03}.png" for number in range(PAGE)]
    assert part(browser, "count").text == f"{COUNT} of {COUNT} results, 1 failed"

    part(browser, "next").click()
    assert names(browser)[-1] == "z.png"
    assert part(browser, "grid").text.endswith("grad-cam")
    assert "Cannot read <b>z.png</b>." in part(browser, "grid").text

    Select(part(browser, "sort")).select_by_visible_text("probability")
    ordered = [
        row["image"][-7:] for row in sorted(rows(), key=lambda row: row.get("probability", 2))
    ]
    assert names(browser) == ordered[:PAGE]
    part(browser, "order").click()  # what has no value stays last
    assert names(browser) == [*ordered[-2::-1], ordered[-1]][:PAGE]

    part(browser, "filter").send_keys("odd 113.PNG")
    assert names(browser) == ["113.png"]
    part(browser, "filter").send_keys(" nothing")
    assert names(browser) == []
    assert part(browser, "none").is_displayed()
    assert [one["message"] for one in browser.get_log("browser")] == []


def test_it_is_dark_where_the_system_is(browser):
    script = "return getComputedStyle(document.querySelector('header')).backgroundColor"
    seen = []
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        seen.append(browser.execute_script(script))
    assert seen[0] == "rgb(255, 255, 255)"
    assert max(map(int, seen[1].strip("rgb()").split(","))) < 64
