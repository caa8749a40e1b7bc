"""Tokens a second that a bert2bert writes: ours beside ``transformers`` on the same weights.

    python benchmarks/generation_speed.py [--rounds 5]

A turn writes 64 tokens for each of 8 sources of 64 tokens, greedily or with 4 beams, or for a
single source; no end in sight: weights are random, and the end is suppressed. ``keras`` is
``generation.generate``, compiled with XLA; ``transformers`` is ``generate`` with torch in float32,
which reads the bundle that ours saved; ``tflite-int8`` is our file and its loop, of one source.
Each lives in a process of its own, the peer in its environment (``--peer``), and they take turns.
How many tokens are the peer's is stated. Then ours alone, with room for more and more tokens:
seconds a token should not depend on the place. Medians go to ``results/generation_speed.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
import turns

RESULT = pathlib.Path(__file__).parent / "results" / "generation_speed.json"
PEER = "transformers"
SOURCE, WRITTEN = 64, 64
START, END, VOCAB = 101, 102, 30_522
# Hidden size, layers of each side.
SIZES = {"mini": (256, 4), "minilm": (384, 6)}
LENGTHS = (32, 64, 128, 256)


def sources(batch: int) -> dict[str, np.ndarray]:
    """Random tokens."""
    ids = np.random.default_rng(0).integers(1000, 30_000, (batch, SOURCE)).astype("int32")
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def save(size: str, directory: pathlib.Path) -> None:
    """A bert2bert with random weights."""
    from keras_bert_zoo import bundle
    from keras_bert_zoo.generator_config import Seq2SeqConfig
    from keras_bert_zoo.models import encoder_decoder_of

    hidden, layers = SIZES[size]
    side = {
        "model_type": "bert",
        "vocab_size": VOCAB,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": hidden // 32,
        "intermediate_size": 4 * hidden,
        "max_position_embeddings": 512,
    }
    config = Seq2SeqConfig.from_dict(
        {
            "model_type": "encoder-decoder",
            "encoder": side,
            "decoder": {**side, "is_decoder": True, "add_cross_attention": True},
            "decoder_start_token_id": START,
            "eos_token_id": END,
            "pad_token_id": 0,
        }
    )
    bundle.save(encoder_decoder_of(config), None, directory)


def keras(directory: str, batch: int, beams: int) -> Callable[..., np.ndarray]:
    from keras_bert_zoo import bundle
    from keras_bert_zoo.generation import generate

    model = bundle.load(directory).model
    inputs = sources(batch)
    inputs["token_type_ids"] = np.zeros_like(inputs["input_ids"])
    return lambda written=WRITTEN: generate(
        model, inputs, max_new_tokens=written, num_beams=beams, suppress_tokens=[END]
    )


def transformers(directory: str, batch: int, beams: int) -> Callable[..., np.ndarray]:
    import torch
    import transformers

    model = transformers.EncoderDecoderModel.from_pretrained(directory).eval()
    inputs = {name: torch.from_numpy(x).long() for name, x in sources(batch).items()}

    def write() -> np.ndarray:
        with torch.no_grad():
            found = model.generate(
                **inputs,
                max_new_tokens=WRITTEN,
                num_beams=beams,
                do_sample=False,
                suppress_tokens=[END],
                pad_token_id=0,
                eos_token_id=END,
            )
        return found.numpy()[:, 1:]

    return write


def tflite_int8(directory: str, batch: int, beams: int) -> Callable[..., np.ndarray]:
    from keras_bert_zoo.export import export
    from keras_bert_zoo.export.writing.litert import LiteRtWriter

    assert (batch, beams) == (1, 1), "the file reads one row, and its loop is greedy"
    artifact = export(
        directory,
        pathlib.Path(directory) / "exports",
        ["writer-tflite-int8"],
        lengths=SOURCE,
        generation={"max_new_tokens": WRITTEN},
        progress=False,
    )[0]
    write = LiteRtWriter(artifact.path / artifact.file, threads=2)
    write.config["eos_token_id"] = None  # it goes on to the last place
    inputs = sources(batch)
    inputs["token_type_ids"] = np.zeros_like(inputs["input_ids"])
    return lambda: write(inputs)


WORK = {"keras": keras, PEER: transformers, "tflite-int8": tflite_int8}
# Sources, beams, who writes.
RUNS = (
    (8, 1, ("keras", PEER)),
    (8, 4, ("keras", PEER)),
    (1, 1, ("keras", "tflite-int8", PEER)),
)


def turn(name: str, directory: str, batch: int, beams: int, out: str) -> Callable[[], None]:
    """Writes, and keeps what was written."""
    write = WORK[name](directory, batch, beams)
    return lambda: np.save(out, write())


def by_length(directory: str) -> dict[str, float]:
    """Milliseconds a step, by how many tokens are written."""
    write, found = keras(directory, 8, 1), {}
    for length in LENGTHS:
        write(length)
        taken = []
        for _ in range(3):
            start = time.perf_counter()
            write(length)
            taken.append(time.perf_counter() - start)
        found[str(length)] = round(1000 * statistics.median(taken) / length, 2)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", default=".venv-peers/bin/python")
    parser.add_argument("--result", type=pathlib.Path, default=RESULT)
    parser.add_argument("--work", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        name, directory, batch, beams, out = options.work
        turns.serve(lambda: turn(name, directory, int(batch), int(beams), out))
    result: dict = {"cores": len(os.sched_getaffinity(0)), "load_before": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            directory = pathlib.Path(folder) / size
            save(size, directory)
            for batch, beams, names in RUNS:
                found = measure(options, directory, batch, beams, names)
                result[f"{size}, sources {batch}, beams {beams}"] = found
            result[f"{size}, ms a step by length"] = by_length(str(directory))
    result |= {"load_after": os.getloadavg()[0], "rounds": options.rounds}
    print(json.dumps(result, indent=2))
    options.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def measure(
    options: argparse.Namespace,
    directory: pathlib.Path,
    batch: int,
    beams: int,
    names: tuple[str, ...],
) -> dict:
    outs = {name: directory / f"{name}.npy" for name in names}
    commands = {}
    for name in names:
        python = options.peer if name == PEER else sys.executable
        work = [name, str(directory), str(batch), str(beams), str(outs[name])]
        commands[name] = [python, __file__, "--work", *work]
    logs = directory / f"logs-{batch}-{beams}"
    logs.mkdir()
    taken = turns.take_turns(commands, options.rounds, logs)
    theirs = np.load(outs[PEER])
    same = {name: float((np.load(out) == theirs).mean()) for name, out in outs.items()}
    return {"tokens_of_peer": same, **turns.summary(taken, batch * WRITTEN, PEER)}


if __name__ == "__main__":
    main()
