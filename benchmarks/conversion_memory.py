"""Peak memory of converting a checkpoint, divided by the larger of source and target.

    python benchmarks/conversion_memory.py [--hidden-size 768 --layers 12 --vocabulary 30522]

Writes a random checkpoint of Hugging Face and converts it in fresh processes, each of which first
converts a tiny one, so that the framework is there; counted is the growth of the resident set from
there to its peak. Linux only, see `loading_memory.py`.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from loading_memory import configs, status, write_checkpoint

from keras_bert_zoo.conversion import convert

# source, target
STEPS = (("hf", "google"), ("google", "hf"), ("hf", "keras"), ("keras", "hf"))


def size_of(directory: pathlib.Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in directory.iterdir())


def measure(root: pathlib.Path, source: str, to: str, verify: bool) -> float:
    """Converts in this process; returns the peak as a part of the larger directory."""
    convert(root / f"tiny-{source}", root / "tiny-out", to, verify=verify, overwrite=True)
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    convert(root / source, root / "out", to, verify=verify, overwrite=True)
    largest = max(size_of(root / source), size_of(root / "out"))
    return (status("VmHWM") - before) / largest


def compare(options: argparse.Namespace) -> None:
    """Measures each step in a fresh process, without and with the comparison."""
    tiny, config = configs(options)
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        write_checkpoint(tiny, root / "tiny-hf")
        print(f"weights: {write_checkpoint(config, root / 'hf') / 2**20:.0f} MiB")
        for name in ("tiny-", ""):
            for to in ("google", "keras"):
                convert(root / f"{name}hf", root / f"{name}{to}", to, verify=False)
        for source, to in STEPS:
            peaks = []
            for verify in ("", "verify"):
                command = [sys.executable, __file__, "--measure", root, source, to, verify]
                output = subprocess.run(
                    list(map(str, command)), capture_output=True, check=True
                ).stdout
                peaks.append(json.loads(output.splitlines()[-1]))
            print(f"{source:6} to {to:6} {peaks[0]:.2f}x, compared {peaks[1]:.2f}x", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden-size", type=int, default=768)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--vocabulary", type=int, default=30_522)
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        root, source, to, verify = options.measure
        print(json.dumps(measure(pathlib.Path(root), source, to, bool(verify))))
    else:
        compare(options)


if __name__ == "__main__":
    main()
