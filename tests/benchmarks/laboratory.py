"""Measure the laboratory of a run's report in a real headless Chromium; prints a table.

Usage: laboratory.py [RUN] [ROUNDS]. RUN, results/default unless given, has its report. The slider is moved by
the keyboard, and dragged by the pointer, over all steps, with each part of the laboratory in view in turn; a
row says how the part with the fewest frames did. Beside the time by the clock, which a busy machine stretches,
stands what the page's main thread works, which wanders less.
"""

import re
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import chromium

FORWARD = """() => {
  const {experiment} = laboratory;
  const took = [];
  for (let index = 0; index < 400; index++) {
    const picture = experiment.testPicture(index % experiment.labels.length);
    const began = performance.now();
    experiment.outputs(picture, index % experiment.steps.length, experiment.noEdits);
    took.push(performance.now() - began);
  }
  return took.slice(100);
}"""
USABLE = """addEventListener("DOMContentLoaded", () => new MutationObserver((_, observer) => {
  if (!document.documentElement.dataset.laboratory) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => (window.usable = performance.now())));
}).observe(document.documentElement, {attributes: true}))"""
WATCH = """() => {
  const {state} = laboratory;
  window.frames_seen = [];
  window.watching = true;
  let [last, step] = [performance.now(), state.get("step")];
  const frame = (now) => {
    window.frames_seen.push([now - last, state.get("step") !== step]);
    [last, step] = [now, state.get("step")];
    if (window.watching) requestAnimationFrame(frame);
  };
  requestAnimationFrame((now) => { last = now; requestAnimationFrame(frame); });
}"""
SEEN = "() => { window.watching = false; return window.frames_seen; }"
PARTS = ("input", "layers", "arithmetic", "bench", "comparison")
GIF = re.compile(r'(?<=data-moving=")[^"]*')


def main(run: Path, rounds: int) -> None:
    page = run.resolve() / "report.html"
    text = page.read_text(encoding="utf-8")
    print(f"{'laboratory of ' + run.name:58} {'median':>9} {'95 %':>9}  {'reach':>8}")
    row("page without its GIFs", megabytes(GIF.sub("", text)), "", "≤ 2 MB")
    row("page with them", megabytes(text), "", "≤ 4 MB")
    if chromium.find() is None:
        print(f"no browser was found, so nothing is opened: {chromium.command()}")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        opened = [open_page(browser, page) for _ in range(max(3, rounds))]
        usable = [view.evaluate("window.usable") for view in opened]
        in_order(f"from file:// to usable (fastest: {min(usable):.0f} ms)", usable, "≤ 1 s")
        in_order("forward pass with all maps", opened[-1].evaluate(FORWARD), "≤ 16 ms")
        for view in opened[:-1]:
            view.context.close()
        for name, move in (("keyboard", by_keyboard), ("pointer", by_pointer)):
            seen = {part: moved(opened[-1], part, move, rounds) for part in PARTS}
            slowest = min(seen, key=lambda part: len(seen[part][0]) / sum(seen[part][0]))
            frames = seen[slowest][0]
            what = f"frames a second, slider by {name} ({slowest} in view)"
            rates = [1000 / each for each in (statistics.median(frames), percentile(frames, 0.95))]
            row(what, *(f"{rate:.0f}" for rate in rates), "≥ 30")
            in_order("  main thread's work a frame", [work for _, work in seen.values()], "≤ 33 ms")
        browser.close()


def open_page(browser: Any, page: Path) -> Any:
    """The page in a window of its own, its laboratory open."""
    view = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    view.session = view.context.new_cdp_session(view)
    view.session.send("Performance.enable", {"timeDomain": "threadTicks"})
    view.add_init_script(USABLE)
    view.goto(page.as_uri())
    view.wait_for_function("() => window.usable")
    return view


def worked(view: Any) -> float:
    """Seconds that the page's main thread has worked so far."""
    measures = view.session.send("Performance.getMetrics")["metrics"]
    return next(each["value"] for each in measures if each["name"] == "TaskDuration")


def moved(view: Any, part: str, move: Any, rounds: int) -> tuple[list[float], float]:
    """Milliseconds of each frame in which the step changed, with this part of the laboratory in view; and what
    the main thread worked for each."""
    view.locator(f"#lab-{part}").evaluate(
        "home => scrollTo(0, home.getBoundingClientRect().top + scrollY - 80)"
    )
    view.wait_for_timeout(1500)  # the count of test pictures has come to its end
    frames, work = [], 0.0
    for _ in range(rounds):
        before = move(view)
        seen = view.evaluate(SEEN)
        work += worked(view) - before
        frames += [took for took, changed in seen if changed]
        view.wait_for_timeout(300)
    return frames, 1000 * work / len(frames)


def by_keyboard(view: Any) -> float:
    """From the first step to the last and back, a key for each. Returns what `worked` was at the start."""
    slider = view.get_by_role("slider", name="Recorded step")
    slider.focus()
    view.keyboard.press("Home")
    view.wait_for_timeout(300)
    steps = view.evaluate("laboratory.experiment.steps.length")
    view.evaluate(WATCH)
    before = worked(view)
    for key in ("ArrowRight", "ArrowLeft"):
        for _ in range(steps - 1):
            view.keyboard.press(key)
    return before


def by_pointer(view: Any) -> float:
    """The same, dragged."""
    box = view.get_by_role("slider", name="Recorded step").bounding_box()
    left, right, middle = box["x"] + 8, box["x"] + box["width"] - 8, box["y"] + box["height"] / 2
    view.mouse.move(left, middle)
    view.mouse.down()
    view.wait_for_timeout(300)
    view.evaluate(WATCH)
    before = worked(view)
    view.mouse.move(right, middle, steps=60)
    view.mouse.move(left, middle, steps=60)
    view.mouse.up()
    return before


def in_order(what: str, took: list[float], reach: str) -> None:
    """A row of milliseconds."""
    row(what, f"{statistics.median(took):.1f} ms", f"{percentile(took, 0.95):.1f} ms", reach)


def row(what: str, median: str, most: str, reach: str) -> None:
    print(f"{what:58} {median:>9} {most:>9}  {reach:>8}", flush=True)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def megabytes(text: str) -> str:
    return f"{len(text.encode()) / 1e6:.2f} MB"


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("results/default")
    main(folder, int(sys.argv[2]) if len(sys.argv) > 2 else 5)
