"""Fifty people at once: how long an answer takes until it is on the disk, and whether all of them are.

The server is the command itself, in a process of its own. People are programs: calls over HTTP, then pages in a real browser,
whose buttons are pressed in the page. Each waits a while between its answers, as people do, only shorter.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from benchmarks.common import ROOT, Report, parser, table

CLICK_S = 0.2  # until a click is answered, for 95 in 100
KINDS = {
    "rate": "[rate]\ninstrument = 'likert'\n",
    "rank": "",
}
# Presses what is there, and notes how long each page takes from its button until it is gone.
AUTOPILOT = """
async (think) => {
  const times = [], rest = (ms) => new Promise((go) => setTimeout(go, ms));
  const gone = async (one) => { while (one.isConnected) await rest(5); };
  for (;;) {
    let shown;
    while (!(shown = document.querySelector(".trial:not(.waiting), .text"))) await rest(20);
    if (shown.querySelector(".buttons") && !document.querySelector(".next")) return times;
    await rest(think * (0.5 + Math.random()));
    const trial = shown.classList.contains("trial");
    if (trial) for (const one of shown.querySelectorAll(".points")) {
      const inputs = one.querySelectorAll("input");
      inputs[Math.floor(Math.random() * inputs.length)].click();
    }
    const next = document.querySelector("button.next"), began = performance.now();
    next.click();
    await gone(shown);
    if (trial) times.push(performance.now() - began);
  }
}
"""


@contextmanager
def served(study: Path, people: int) -> Iterator[tuple[list[str], Path, subprocess.Popen[str]]]:
    """The links of a study that the command serves, its folder, and the process."""
    paths = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    kept = study.parent / "kept"
    process = subprocess.Popen(
        [sys.executable, "-m", "emoticrafter", "panel", "serve", str(study), "--out", str(kept), "--port", "0"],
        env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("http://")
        lines = (kept / "links.csv").read_text(encoding="utf-8").splitlines()[1 : people + 1]
        yield [line.rpartition(",")[2] for line in lines], kept, process
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def by_http(links: Sequence[str], kept: Path, think: float) -> list[float]:
    """Seconds of each call that sends an answer, all people at once, each on a connection of their own."""
    from emoticrafter.panel.frozen import open_frozen
    from tests.panel.studies import answers_to

    frozen, seconds, faults = open_frozen(kept), [], []
    laid = [frozen.trials(sequence) for sequence in range(len(links))]

    def person(number: int) -> None:
        chance, session = random.Random(number), f"session-{number:04}"
        address = urlsplit(links[number])
        connection = http.client.HTTPConnection(address.netloc, timeout=60)

        def call(name: str, **content: Any) -> None:
            body = json.dumps({"token": address.path.rpartition("/")[2], "session": session, **content})
            connection.request("POST", f"/api/{name}", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            told = answer.read()
            if answer.status != 200:
                raise RuntimeError(told.decode())

        try:
            call("enter", begin=True)
            for trial in laid[number]:
                for picture in trial.pictures:
                    connection.request("GET", f"/pictures/{picture}.webp")
                    connection.getresponse().read()
                time.sleep(think * chance.uniform(0.5, 1.5))
                answers, times = answers_to(trial)
                began = time.perf_counter()
                call("answer", trial=trial.trial, answers=answers, rt_ms=times, screen={})
                seconds.append(time.perf_counter() - began)
            call("finish")
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=person, args=(number,)) for number in range(len(links))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return seconds


async def by_browser(links: Sequence[str], executable: str, think: float) -> list[float]:
    """Seconds from the press of a page's button until the page is gone, its answer on the disk; all people at once."""
    from playwright.async_api import async_playwright

    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=executable)

        async def person(link: str) -> list[float]:
            context = await browser.new_context(viewport={"width": 1280, "height": 800})
            page = await context.new_page()
            page.set_default_timeout(300_000)
            await page.goto(link)
            found: list[float] = await page.evaluate(AUTOPILOT, think * 1000)
            await context.close()
            return found

        pages = await asyncio.gather(*map(person, links))
        await browser.close()
    return [taken / 1000 for page in pages for taken in page]


def figures(seconds: Sequence[float], people: int, wall: float, kept: Path, cpu: float) -> dict[str, Any]:
    """Percentiles, and what of the answers is there."""
    from emoticrafter.panel.store import Store

    with Store.open(kept) as store:
        rows, found = len(store.responses()), store.participants()
        wanted = sum(len(one.questions) for person in found for one in store.frozen.trials(person.sequence))
    low, high, most = np.percentile(seconds, [50, 95, 100])
    return {
        "people": people, "finished": sum(one.state == "finished" for one in found), "answers": len(seconds), "rows": rows,
        "rows_wanted": wanted, "median_s": float(low), "p95_s": float(high), "max_s": float(most), "wall_s": wall,
        "per_second": len(seconds) / wall, "server_cpu_s": cpu,
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("panel", __doc__)
    options.add_argument("--people", type=int, default=50, help="at once")
    options.add_argument("--think", type=float, default=2.0, help="seconds between two answers of a person, on average")
    options.add_argument("--browser", default=shutil.which("chromium"), help="the browser; without one the pages are left out")
    given = options.parse_args(arguments)
    report = Report("panel", given)
    if given.smoke:
        given.people, given.think = 2, 0.05
    import psutil

    from tests.panel.studies import write_pictures, write_study

    for kind, more in KINDS.items():
        ways = ["http", *(["browser"] if given.browser else [])]
        for way in ways:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                write_pictures(folder, prompts=("a dog", "a cat", "a boat"), values=(-3.0, 0.0, 3.0))
                sets = "[rank]\nsize = 3\n" if kind == "rank" else ""
                limits = "contents = 6\n" if kind == "rate" else ""
                study = write_study(
                    folder, kind, f"{more}{sets}[people]\nwanted = {given.people}\n[design]\nbreak_every = 0\n{limits}"
                )
                with served(study, given.people) as (links, kept, process):
                    began = time.perf_counter()
                    if way == "http":
                        seconds = by_http(links, kept, given.think)
                    else:
                        seconds = asyncio.run(by_browser(links, given.browser, given.think))
                    wall = time.perf_counter() - began
                    spent = psutil.Process(process.pid).cpu_times()
                    found = figures(seconds, given.people, wall, kept, spent.user + spent.system)
            report.figures[f"{kind}, {way}"] = found
            report.bar(f"{kind}, {way}: p95 of an answer, s", found["p95_s"], most=CLICK_S)
            report.bar(f"{kind}, {way}: rows that are lost", found["rows_wanted"] - found["rows"], most=0)
            report.save()
    rows = [
        (name, one["people"], one["answers"], one["median_s"], one["p95_s"], one["max_s"]) for name, one in report.figures.items()
    ]
    report.finish(table("seconds until an answer is on the disk", ("", "people", "answers", "median", "p95", "max"), rows))


if __name__ == "__main__":
    main()
