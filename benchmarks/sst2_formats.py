"""What every format keeps of a fine-tuned model: MiniLM on SST-2, its 872 dev sentences.

    python benchmarks/sst2_formats.py --data data/sst2 --work runs/sst2-formats

The folder of data has GLUE's ``train.tsv`` and ``dev.tsv`` (columns ``sentence``, ``label``). One
command does it all: the recipe ``sst2-minilm`` unless its bundle is in the working folder already,
the export of every format, and ``verify``. The numbers go to ``results/sst2_formats.json`` and into
table and picture of ``docs/accuracy.md``.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import subprocess
import sys

from keras_bert_zoo.atomic import write_text
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.text_files import TextTable
from keras_bert_zoo.export import Report, export, verify
from keras_bert_zoo.export.formats import FORMATS
from keras_bert_zoo.export.verification.pictures import of_report

HERE = pathlib.Path(__file__).parent
RESULT, PAGE = HERE / "results" / "sst2_formats.json", HERE.parent / "docs" / "accuracy.md"
TABLE = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end -->)", re.DOTALL)


def train(data: pathlib.Path, output: pathlib.Path) -> pathlib.Path:
    """Fine-tunes once; returns the bundle."""
    bundle = output / "bundle"
    if not bundle.exists():
        files = [f"--{name}={data / file}" for name, file in FILES.items()]
        command = [sys.executable, "-m", "keras_bert_zoo", "finetune", "sst2-minilm", *files]
        subprocess.run([*command, f"--output={output}"], check=True)
    return bundle


FILES = {"train": "train.tsv", "test": "dev.tsv"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, default="data/sst2")
    parser.add_argument("--work", type=pathlib.Path, default="runs/sst2-formats")
    options = parser.parse_args()
    bundle = train(options.data, options.work / "training")
    table = TextTable(text="sentence", label="label")
    config = EncoderConfig.from_file(bundle / "config.json")
    examples = table.read(options.data / FILES["test"]).examples(config.problem_type, config.labels)
    # Texts of the training set, for the formats that find scales on some.
    seen = Examples(table.read(options.data / FILES["train"]).texts)
    folder = options.work / "artifacts"
    artifacts = export(bundle, folder, FORMATS, examples=seen, overwrite=True)
    report = verify(bundle, artifacts, examples)
    report.save(RESULT)
    write_text(PAGE, TABLE.sub(lambda _: markdown(report), PAGE.read_text(encoding="utf-8")))
    PAGE.with_suffix(".png").write_bytes(of_report(report))
    print(report.to_markdown())


def markdown(report: Report) -> str:
    """The table of the page: what a reader chooses by."""
    header, *lines = report.cells()
    kept = [header.index(n) for n in header if n not in ("runtime", "result", "p95", "p99")]
    rows = [[line[index] for index in kept] for line in (header, ["---"] * len(header), *lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows) + f"\n{report.caption()}.\n"


if __name__ == "__main__":
    main()
