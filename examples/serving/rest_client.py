"""Ask a TensorFlow Serving REST endpoint; Python's standard library is enough for text.

    python examples/serving/rest_client.py "What a lovely film."
    python examples/serving/rest_client.py "A question?" --pair "An answer."
    python examples/serving/rest_client.py "As ids." --tokenizer exports/savedmodel/tokenizer.json

With `--tokenizer` (needs the package tokenizers) the text is cut into ids here and the
signature `ids` is called, which works on servers without tensorflow-text, too.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any


def predict(url: str, signature: str, instances: Sequence[Any], timeout: float = 60) -> list[Any]:
    """Returns one prediction for each instance.

    Args:
        url: e.g. ``http://localhost:8501/v1/models/bert``.
        signature: e.g. ``serving_default``.
        instances: the value of the only input, or a dictionary of inputs, for each row.
        timeout: seconds.

    Raises:
        RuntimeError: the server refused; with its reason.
    """
    body = json.dumps({"signature_name": signature, "instances": list(instances)}).encode()
    request = urllib.request.Request(f"{url}:predict", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)["predictions"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{url}: {error.code} {error.read().decode()}") from error


def instances_of(
    texts: Sequence[str], pairs: Sequence[str] | None = None, tokenizer: str | None = None
) -> tuple[str, list[Any]]:
    """Returns the signature to call, and the rows for it."""
    if tokenizer is not None:
        return "ids", encode(texts, pairs, tokenizer)
    if pairs is None:
        return "serving_default", list(texts)
    rows = zip(texts, pairs, strict=True)
    return "pairs", [{"text": text, "text_pair": pair} for text, pair in rows]


def encode(
    texts: Sequence[str], pairs: Sequence[str] | None, tokenizer: str
) -> list[dict[str, list[int]]]:
    """Cuts texts into ids; all rows of a request get the length of the longest.

    Beside ``tokenizer.json`` the artifact has ``config.json`` with the most the model sees.
    """
    from tokenizers import Tokenizer

    config = json.loads(pathlib.Path(tokenizer).with_name("config.json").read_text())
    loaded = Tokenizer.from_file(tokenizer)
    loaded.enable_truncation(config["max_position_embeddings"])
    loaded.enable_padding()
    rows = list(texts) if pairs is None else list(zip(texts, pairs, strict=True))
    return [
        {
            "input_ids": row.ids,
            "attention_mask": row.attention_mask,
            "token_type_ids": row.type_ids,
        }
        for row in loaded.encode_batch(rows)
    ]


def main() -> None:
    """Prints one JSON object for each text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--pair", action="append", help="second text, once for each text")
    parser.add_argument("--tokenizer", help="tokenizer.json of the artifact: send ids")
    parser.add_argument("--url", default="http://localhost:8501/v1/models/bert")
    arguments = parser.parse_args()
    signature, rows = instances_of(arguments.texts, arguments.pair, arguments.tokenizer)
    for prediction in predict(arguments.url, signature, rows):
        print(json.dumps(prediction, ensure_ascii=False))


if __name__ == "__main__":
    main()
