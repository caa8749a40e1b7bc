"""Peak memory and time of converting a checkpoint, from each format to each.

    python benchmarks/conversion_memory.py [--hidden-size 768 --layers 12 --vocabulary 30522]

Writes a random checkpoint of Hugging Face with a tokenizer and converts it in fresh processes, each
of which first converts a tiny one, so that the framework is there; counted is the growth of the
resident set from there to its peak, divided by the larger of source and target, and the seconds of
the second conversion. TensorFlow runs as the command has it run. Linux only, see
`loading_memory.py`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from loading_memory import configs, status, write_checkpoint

from keras_bert_zoo.commands.convert import ENVIRONMENT
from keras_bert_zoo.conversion import convert
from keras_bert_zoo.tokenizers import WordPieceTokenizer

FORMATS = ("hf", "google", "keras", "keras-hub")
# A vocabulary with which a tiny checkpoint and a large one cut the texts that are compared.
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz.,?!:")


def size_of(directory: pathlib.Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def converted(root: pathlib.Path, source: str, to: str, target: str, verify: bool) -> None:
    """Converts within a folder; keras-hub computes GELU by the tanh approximation."""
    tanh = to == "keras-hub"
    convert(
        root / source, root / target, to, verify=verify, allow_tanh_gelu=tanh, overwrite=True
    )  # fmt: skip


def measure(root: pathlib.Path, source: str, to: str, verify: bool) -> dict[str, float]:
    """Converts in this process; the peak is a part of the larger directory."""
    converted(root, f"tiny-{source}", to, "tiny-out", verify)
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before, start = status("VmRSS"), time.perf_counter()
    converted(root, source, to, "out", verify)
    seconds = time.perf_counter() - start
    largest = max(size_of(root / source), size_of(root / "out"))
    return {"peak": (status("VmHWM") - before) / largest, "seconds": seconds}


def compare(options: argparse.Namespace) -> None:
    """Measures each step in a fresh process, without and with the comparison."""
    tiny, config = configs(options)
    environment = {**os.environ, **ENVIRONMENT}
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, each in (("tiny-", tiny), ("", config)):
            size = write_checkpoint(each, root / f"{name}hf")
            words = [*WORDS, *(f"word{n}" for n in range(each.vocab_size - len(WORDS)))]
            WordPieceTokenizer(words).save(root / f"{name}hf")
            for to in FORMATS[1:]:
                converted(root, f"{name}hf", to, f"{name}{to}", verify=False)
        print(f"weights: {size / 2**20:.0f} MiB")
        for source, to in itertools.product(options.sources, options.targets):
            results = []
            for verify in ("", "verify"):
                command = [sys.executable, __file__, "--measure", root, source, to, verify]
                done = subprocess.run(
                    list(map(str, command)), env=environment, stdout=subprocess.PIPE, check=True
                )
                results.append(json.loads(done.stdout.splitlines()[-1]))
            alone, compared = (f"{r['peak']:.2f}x {r['seconds']:.1f} s" for r in results)
            print(f"{source:9} to {to:9} {alone}, compared {compared}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden-size", type=int, default=768)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--vocabulary", type=int, default=30_522)
    parser.add_argument("--sources", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--targets", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        root, source, to, verify = options.measure
        print(json.dumps(measure(pathlib.Path(root), source, to, bool(verify))))
    else:
        compare(options)


if __name__ == "__main__":
    main()
