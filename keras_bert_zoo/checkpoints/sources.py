"""Where a checkpoint comes from: every source becomes a local directory."""

from __future__ import annotations

import importlib.util
import pathlib
import re
from collections.abc import Callable

# Any of these holds a vocabulary.
TOKENIZERS = (
    *("tokenizer.json", "vocab.txt", "vocab.json"),
    *("sentencepiece.bpe.model", "spiece.model", "spm.model"),
)
TOKENIZER_FILES = (
    *TOKENIZERS,
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
# What sentence-transformers puts beside an encoder, see `checkpoints.sentence_transformers`.
_SENTENCES = (
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "*_Pooling/*",
    "*_Dense/*",
)
# Where old releases of sentence-transformers put the encoder.
_FOLDERS = ("", "0_Transformer/", "0_BERT/")
# What a preset of keras-hub has besides, see `checkpoints.keras_hub_presets`.
_PRESET = ("task.json", "preprocessor.json", "assets/tokenizer/*", "task.weights.h5")
_WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*.safetensors",
    "model.weights.h5",
    "model.weights.json",
    "model_*.weights.h5",
)
_PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*.bin")


def resolve(source: str | pathlib.Path) -> pathlib.Path:
    """Returns the local directory of a checkpoint, or the prefix of one of TensorFlow.

    Args:
        source: a directory; the path of a TensorFlow checkpoint without ``.index``;
            ``hf://org/name`` or ``hf://org/name@revision``, fetched into Hugging Face's cache
            or taken from it; or ``package://name/folder``, the data of an installed package,
            which is not imported.

    Raises:
        FileNotFoundError: there is no such directory, repository or package.
        ValueError: the source is malformed.
    """
    scheme, separator, rest = str(source).partition("://")
    if not separator:
        return _from_directory(pathlib.Path(source))
    if scheme not in _SCHEMES:
        raise ValueError(
            f"source must be a directory or start with one of "
            f"{[f'{name}://' for name in _SCHEMES]}, received {str(source)!r}."
        )
    return _SCHEMES[scheme](rest)


def _from_directory(directory: pathlib.Path) -> pathlib.Path:
    if directory.suffix == ".keras" and directory.is_file():
        raise keras_file(directory)
    if is_weights(directory):
        raise FileNotFoundError(
            f"{str(directory)!r} holds numbers alone. In Python load the checkpoint of the model "
            f"and call model.load_weights({directory.name!r}); with that checkpoint beside it, "
            f"keras-bert-zoo convert {directory} DIRECTORY --to hf writes one with its numbers."
        )
    if not directory.is_dir() and not pathlib.Path(f"{directory}.index").is_file():
        kind = "is not a directory" if directory.exists() else "does not exist"
        raise FileNotFoundError(
            f"source {str(directory)!r} {kind}. For a repository of Hugging Face write "
            "hf://org/name."
        )
    saved = directory / "bundle"
    if (saved / "config.json").is_file() and not (directory / "config.json").is_file():
        raise FileNotFoundError(f"{str(directory)!r} is the directory of a run: pass {saved}.")
    return directory


def is_weights(path: pathlib.Path) -> bool:
    """Whether a path is a file that ``model.save_weights`` of Keras writes."""
    return path.name.endswith(".weights.h5") and path.is_file()


def keras_file(file: pathlib.Path) -> FileNotFoundError:
    """What to say of a file of Keras, which is no checkpoint."""
    return FileNotFoundError(
        f"{str(file)!r} is a file of Keras, which convert alone reads: keras-bert-zoo convert "
        f"{file} DIRECTORY --to hf writes a checkpoint of it. In Python keras.saving.load_model "
        "loads the model, once keras_bert_zoo.models is imported."
    )


def _from_package(rest: str) -> pathlib.Path:
    name, _, folder = rest.partition("/")
    if not name.isidentifier() or ".." in pathlib.PurePosixPath(folder).parts:
        raise ValueError(
            f"source must read package://name/folder with an import name, "
            f"received 'package://{rest}'."
        )
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise FileNotFoundError(
            f"No package {name!r} is installed. Install the distribution that provides it; its "
            "name may be another than that of the package."
        )
    if not spec.submodule_search_locations:
        raise FileNotFoundError(f"{name!r} is a module without a folder, it holds no checkpoint.")
    directory = pathlib.Path(spec.submodule_search_locations[0])
    if not (directory / folder).is_dir():
        folders = sorted(path.name for path in directory.iterdir() if path.is_dir())
        raise FileNotFoundError(f"Package {name!r} has no folder {folder!r}; it has {folders}.")
    return directory / folder


def _from_hugging_face(rest: str) -> pathlib.Path:
    match = re.fullmatch(r"([\w.-]+/[\w.-]+)(?:@(\S+))?", rest)
    if not match:
        raise ValueError(
            f"source must read hf://org/name or hf://org/name@revision, received 'hf://{rest}'."
        )
    repository, revision = match.groups()
    directory = _snapshot(repository, revision, _WEIGHTS)
    # Most repositories hold the weights twice; the pickles are fetched only for want of better.
    if not any(any(directory.glob(pattern)) for pattern in _in_folders(_WEIGHTS)):
        directory = _snapshot(repository, revision, _PICKLES)
    return directory


def _in_folders(names: tuple[str, ...]) -> list[str]:
    return [folder + name for folder in _FOLDERS for name in names]


def _snapshot(repository: str, revision: str | None, weights: tuple[str, ...]) -> pathlib.Path:
    # Importing it takes longer than everything else here.
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    files = _in_folders(("config.json", *TOKENIZER_FILES, *_SENTENCES, *weights))
    patterns = [*files, *_PRESET]
    try:
        return pathlib.Path(
            huggingface_hub.snapshot_download(
                repository, revision=revision, allow_patterns=patterns
            )
        )
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise FileNotFoundError(
            f"'hf://{repository}' (revision {revision or 'main'}) is neither in the local cache "
            f"nor could it be fetched: {str(error).rstrip('.')}. Check the name and "
            "the network, or pass a local directory."
        ) from error


_SCHEMES: dict[str, Callable[[str], pathlib.Path]] = {
    "hf": _from_hugging_face,
    "package": _from_package,
}
