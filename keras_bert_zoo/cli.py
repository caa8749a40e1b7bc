"""The command line: a table of commands, each a module that loads when it is called."""

from __future__ import annotations

import difflib
import importlib
import os
import re
import sys
from collections.abc import Sequence

from keras_bert_zoo.startup import leave_out_what_is_loaded_in_vain

# command: what it does. `keras_bert_zoo/commands/NAME.py` has its `main(argv)`.
COMMANDS = {
    "quickstart": "real weights, real text: fine-tune, evaluate, export, verify, report",
    "vocab": "train a WordPiece vocabulary on a corpus",
    "prepare": "tokenise a corpus into shards for pretraining",
    "pretrain": "train an encoder on shards of raw text, from nothing or from a checkpoint",
    "finetune": "train a published checkpoint on your labelled texts",
    "crossvalidate": "run a recipe for several folds or seeds: means, intervals, the ensemble",
    "tune": "search for the best values of a recipe",
    "evaluate": "score a fine-tuned bundle on labelled texts",
    "calibrate": "make a classifier as sure as it is right, on texts it was not trained on",
    "predict": "label texts with a fine-tuned bundle",
    "explain": "show which words speak for the answers of a fine-tuned bundle",
    "convert": "make a checkpoint of Hugging Face, Google or Keras into one of another",
    "resize": "cut the vocabulary of a checkpoint to your texts, add tokens to it",
    "export": "write a bundle as SavedModel, TFLite or ONNX",
    "quantize": "search for the smallest TFLite file that is good enough on your texts",
    "verify": "run exported artifacts in their own runtimes and compare them with Keras",
    "benchmark": "time exported artifacts by length, batch and threads, and their memory",
    "deploy": "add an exported SavedModel to a directory that TensorFlow Serving serves",
    "list": "list the published checkpoints that have a short name",
    "info": "show what a checkpoint is, what it takes to run and to train, how to cite it",
}
_DEBUG = "KERAS_BERT_ZOO_DEBUG"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        The exit code: 0, 2 for an error of the user's making, 130 after Ctrl-C.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_help())
        return 0
    if arguments[0] == "--version":
        from keras_bert_zoo import __version__

        print(f"keras-bert-zoo {__version__}")
        return 0
    command, *rest = arguments
    if command not in COMMANDS:
        near = difflib.get_close_matches(command, COMMANDS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return _complain(f"There is no command {command!r}.{hint}\n\n{_help()}")
    options = rest[: rest.index("--")] if "--" in rest else rest
    return _run(command, [*map(_underscored, options), *rest[len(options) :]])


def _run(command: str, arguments: list[str]) -> int:
    # Set before TensorFlow loads: its start-up notes would bury the command's own output.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    leave_out_what_is_loaded_in_vain()
    module = importlib.import_module(f"keras_bert_zoo.commands.{command}")
    try:
        # A command may return its exit code; whatever else it returns is not for the shell.
        code = module.main(arguments)
        return code if isinstance(code, int) else 0
    except KeyboardInterrupt as stopped:
        return _complain(f"Interrupted{f': {stopped}' if str(stopped) else ''}.", 130)
    except (ValueError, TypeError, OSError, ImportError) as error:
        if os.environ.get(_DEBUG):
            raise
        return _complain(f"{error}\n\nThe traceback is shown with {_DEBUG}=1.")


def _underscored(word: str) -> str:
    """Options are spelled like the keys of recipes; ``--max-length`` is understood as well."""
    return re.sub(
        r"^--[a-z][a-z-]*(?==|$)", lambda name: "--" + name[0][2:].replace("-", "_"), word
    )


def _help() -> str:
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:{width}}  {text}" for name, text in COMMANDS.items())
    return (
        "usage: keras-bert-zoo COMMAND [OPTIONS]\n\n"
        "BERT for Keras: from a published checkpoint to a verified model for server and edge.\n\n"
        f"commands:\n{rows}\n\n"
        "options of a command: keras-bert-zoo COMMAND --help\n"
        "version:              keras-bert-zoo --version"
    )


def _complain(message: str, code: int = 2) -> int:
    print(f"keras-bert-zoo: {message}", file=sys.stderr)
    return code
