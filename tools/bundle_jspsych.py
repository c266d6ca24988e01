"""Lay the parts of jsPsych that a study's page needs into the package, from npm at pinned versions: nothing comes from elsewhere.

python tools/bundle_jspsych.py           fetch with npm, and write src/emoticrafter/panel/page/vendor/
python tools/bundle_jspsych.py --check   say whether what lies there is what was written
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "src" / "emoticrafter" / "panel" / "page" / "vendor"
RECORD = "bundle.json"
PINNED = {
    "jspsych": "8.3.0",
    "@jspsych/plugin-preload": "2.1.0",
    "@jspsych/plugin-html-button-response": "2.1.0",
    "@jspsych/plugin-browser-check": "2.1.0",
}
SCRIPT = "package/dist/index.browser.min.js"
STYLE = "package/css/jspsych.css"
_FONT = re.compile(r"@font-face\s*\{[^}]*\}\s*")  # 460 kB of Open Sans, which the page does not use
_MAP = re.compile(r"^/[/*]# sourceMappingURL=.*$", re.MULTILINE)


def main() -> int:
    """Write the bundle, or check it; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        faults = check()
        print("\n".join(faults) or f"{VENDOR} is as it was written")
        return bool(faults)
    with tempfile.TemporaryDirectory() as folder:
        files = dict(part for name, version in PINNED.items() for part in parts(name, version, Path(folder)).items())
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (VENDOR / name).write_text(text, encoding="utf-8")
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in sorted(files.items())}
    record = {"packages": PINNED, "sha256": hashes}
    (VENDOR / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"{sum(map(len, files.values())):,} characters in {VENDOR}")
    return 0


def check() -> list[str]:
    """What lies in the folder and is not what was written; empty where all is."""
    record = json.loads((VENDOR / RECORD).read_text(encoding="utf-8"))
    faults = [] if record["packages"] == PINNED else [f"{RECORD} names other versions than PINNED"]
    for name, wanted in record["sha256"].items():
        if hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() != wanted:
            faults.append(f"{name} was changed")
    return faults


def parts(package: str, version: str, folder: Path) -> dict[str, str]:
    """The files of a package that are bundled, by the names that they get. npm checks the integrity of what it fetches."""
    command = ["npm", "pack", f"{package}@{version}", "--json", "--pack-destination", str(folder)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)
    entry = (told if isinstance(told, list) else list(told.values()))[0]
    short = package.rpartition("/")[2]
    with tarfile.open(folder / Path(entry["filename"]).name.replace("@", "").replace("/", "-")) as archive:
        found = {f"{short}.js": _MAP.sub("", _member(archive, SCRIPT))}
        if package == "jspsych":
            found["jspsych.css"] = _FONT.sub("", _MAP.sub("", _member(archive, STYLE)))
    return found


def _member(archive: tarfile.TarFile, name: str) -> str:
    file = archive.extractfile(name)
    assert file is not None, name
    return file.read().decode()


if __name__ == "__main__":
    sys.exit(main())
