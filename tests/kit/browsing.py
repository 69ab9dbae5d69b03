"""Real Chromium for the tests of the page: started once a file, watched for what it must not do."""

import base64
import contextlib
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

FLAGS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]
VIOLATIONS = (
    "addEventListener('securitypolicyviolation', (e) => console.error('violation', e.blockedURI))"
)
DROP = """([name, type, all]) => {
    const transfer = new DataTransfer();
    for (const [called, bytes] of all) {
        const raw = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
        transfer.items.add(new File([raw], called, { type }));
    }
    const facts = { [name === 'paste' ? 'clipboardData' : 'dataTransfer']: transfer };
    const Kind = name === 'paste' ? ClipboardEvent : DragEvent;
    const event = new Kind(name, { ...facts, bubbles: true, cancelable: true });
    document.querySelector('main').dispatchEvent(event);
}"""


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A browser. Skips, with the reason, where there is none or no playwright to drive it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@contextlib.contextmanager
def visiting(browser: Any, address: str, warned: str = "", **settings: Any) -> Iterator[Any]:
    """The page, loaded. At the end: nothing was asked of another origin, nothing went wrong, and
    no warning came but one that begins with `warned`, where that is given.
    """
    size = {"width": 1200, "height": 800}
    context = browser.new_context(**({"viewport": size, "locale": "en-GB"} | settings))
    context.add_init_script(VIOLATIONS)
    page, asked, wrong = context.new_page(), list[str](), list[str]()
    page.set_default_timeout(120_000)
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda told: wrong.append(told.text))
    page.goto(address)
    page.wait_for_selector("#about > *")
    try:
        yield page
    finally:
        context.close()
    strangers = [url for url in asked if not url.startswith((address, "blob:", "data:"))]
    assert not strangers
    refusals = "Failed to load resource: "  # what Chromium says of every 4xx and 5xx
    wrong = [text for text in wrong if not text.startswith(refusals)]
    expected = [text for text in wrong if warned and text.startswith(warned)]
    assert wrong == expected and bool(expected) == bool(warned)


def hand_over(page: Any, *files: tuple[str, bytes], how="drop", media="image/png") -> None:
    """Drops or pastes files, as (name, content)."""
    all_ = [(name, base64.b64encode(content).decode()) for name, content in files]
    page.evaluate(DROP, [how, media, all_])


def headline(page: Any) -> str:
    """The answer in large letters, once it is there."""
    return page.locator("#answer .headline").first.inner_text()


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def choose(page: Any, name: str) -> None:
    """Puts another model on the bench."""
    page.get_by_role("combobox", name="Model").select_option(name)


def pixels(page: Any, selector: str) -> np.ndarray:
    """(height, width, 4) uint8 of a canvas."""
    data = page.locator(selector).evaluate("canvas => canvas.toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))))


def png(picture: np.ndarray) -> bytes:
    """A picture as the bytes of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def last_json(asked: list[tuple[str, str, bytes]]) -> Any:
    """The document of the newest request."""
    return json.loads(asked[-1][2])


def text_of(folder: Path) -> dict[str, str]:
    """The files of the page by name, such as "page.js" or "answers/label.js"."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in paths}
