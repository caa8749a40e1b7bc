"""Every reader of files as a function of a directory: what it may raise, and how to damage it."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil
from collections.abc import Callable, Mapping
from typing import Any

import mutations
import numpy as np
import safetensors.numpy
from architectures import tiny
from hypothesis import strategies as st
from shard_files import VOCABULARY, write_shards

from keras_bert_zoo.bundle import load, save
from keras_bert_zoo.checkpoints.files import open_tensors
from keras_bert_zoo.checkpoints.sentence_transformers import read_modules
from keras_bert_zoo.checkpoints.tables import architecture
from keras_bert_zoo.checkpoints.tensors import CheckpointError
from keras_bert_zoo.config import ConfigError, EncoderConfig
from keras_bert_zoo.corpus.shards import ShardError, Shards
from keras_bert_zoo.export.artifact import Artifact, describe
from keras_bert_zoo.export.errors import CorruptArtifact
from keras_bert_zoo.export.fidelity import Fidelity
from keras_bert_zoo.export.signature import Signature, TensorSpec
from keras_bert_zoo.families import FAMILIES
from keras_bert_zoo.models import BertEncoder, SentenceEmbedder, SequenceClassifier
from keras_bert_zoo.tokenizers import (
    ByteBpeTokenizer,
    TokenizerError,
    WordPieceTokenizer,
    load_tokenizer,
)
from keras_bert_zoo.tokenizers.byte_bpe.alphabet import CHARACTERS
from keras_bert_zoo.tokenizers.template import Template

GOLDEN = pathlib.Path(__file__).parent / "golden"
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "good", "film", "##s", "你", "!")
MERGES = (("o", "o"), ("g", "oo"), ("Ġ", "goo"))


@dataclasses.dataclass(frozen=True)
class Reader:
    """One reader.

    Args:
        write: makes a directory that it reads.
        read: reads a directory, all of it.
        errors: what it says it raises.
        kinds: by file, how it is damaged.
        share: how many of 1,000 inputs are for it.
    """

    write: Callable[[pathlib.Path], Any]
    read: Callable[[pathlib.Path], Any]
    errors: tuple[type[Exception], ...]
    kinds: Mapping[str, Callable[[bytes], mutations.Contents]]
    share: int

    def inputs(self, directory: pathlib.Path) -> st.SearchStrategy[mutations.Files]:
        """New contents of one file of a sound directory, or of two."""
        one = st.one_of(
            [
                kind((directory / name).read_bytes()).map(
                    lambda content, name=name: {name: content}
                )
                for name, kind in self.kinds.items()
            ]
        )
        return one | one | st.builds(lambda first, second: {**first, **second}, one, one)


# === Configs ===


def _write_configs(directory: pathlib.Path) -> None:
    for model_type in FAMILIES:
        config = tiny(model_type, id2label={0: "no", 1: "yes"})
        (directory / f"{model_type}.json").write_text(json.dumps(config.to_dict()))


def _read_configs(directory: pathlib.Path) -> None:
    for path in directory.iterdir():
        json.dumps(EncoderConfig.from_file(path).to_dict())


# === Weights ===


def read_tensors(directory: pathlib.Path) -> None:
    """Opens a checkpoint and reads every value, none of which may lie outside its file."""
    for tensor in open_tensors(directory).values():
        assert 0 <= tensor.offset <= tensor.end <= tensor.path.stat().st_size
        assert tensor.read().shape == tensor.shape


def _write_safetensors(directory: pathlib.Path) -> None:
    arrays = {
        "a.weight": np.arange(6, dtype="f4").reshape(2, 3),
        "a.bias": np.arange(3, dtype="f2"),
        "b": np.arange(4, dtype="i8"),
        "scalar": np.array(2, "u1"),
    }
    safetensors.numpy.save_file(arrays, directory / "model.safetensors", {"format": "pt"})


def _write_sharded(directory: pathlib.Path) -> None:
    places = {"x": "x.safetensors", "y": "y.safetensors"}
    for name, file in places.items():
        safetensors.numpy.save_file({name: np.arange(3, dtype="f4")}, directory / file)
    index = {"metadata": {}, "weight_map": places}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))


def _copied(name: str) -> Callable[[pathlib.Path], Any]:
    return lambda directory: shutil.copy(GOLDEN / name, directory / "pytorch_model.bin")


# === Tokenizers and bundles ===


def _write_tokenizer(directory: pathlib.Path) -> None:
    WordPieceTokenizer(WORDS, added_tokens={"[e1]": True}).save(directory)
    (directory / "added_tokens.json").write_text(json.dumps({"[e1]": len(WORDS)}))


def _write_vocabulary(directory: pathlib.Path) -> None:
    _write_tokenizer(directory)
    (directory / "tokenizer.json").unlink()


def _write_byte_bpe(directory: pathlib.Path) -> None:
    """Saves one whose rows are BERT's, so that the file has a template."""
    words = [*CHARACTERS, *("".join(pair) for pair in MERGES)]
    roles = dict.fromkeys(("<s>", "<pad>", "</s>", "<unk>", "<mask>"), True)
    ends = Template.bert("<s>", "</s>")
    flags = {"<mask>": ["lstrip"], "[e1]": ["normalized"]}
    options = {"template": ends, "token_flags": flags, "normalizer": "NFC"}
    added = {**roles, "[e1]": False}
    ByteBpeTokenizer(words, MERGES, added_tokens=added, **options).save(directory)
    (directory / "added_tokens.json").write_text(json.dumps({"[e1]": len(words) + len(roles)}))


def _write_merges(directory: pathlib.Path) -> None:
    words = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *CHARACTERS, *map("".join, MERGES)]
    ByteBpeTokenizer(words, MERGES).save(directory)
    (directory / "tokenizer.json").unlink()
    options = {"tokenizer_class": "RobertaTokenizer", "mask_token": "<mask>"}
    (directory / "tokenizer_config.json").write_text(json.dumps(options))


def _use_tokenizer(directory: pathlib.Path) -> None:
    tokenizer = load_tokenizer(directory)
    texts = ["a good film [e1] 你 \0 [MASK]", ""]
    ids = tokenizer(texts, return_offsets_mapping=True)["input_ids"].flat_values.numpy()
    assert all(0 <= index < tokenizer.vocab_size for index in ids)
    tokenizer(texts, texts, padding="longest", truncation=True, max_length=100)


def _bundle(
    model_type: str, write_tokenizer: Callable[[pathlib.Path], Any]
) -> Callable[[pathlib.Path], Any]:
    def write(directory: pathlib.Path) -> None:
        config = tiny(model_type, vocab_size=300, id2label={0: "no", 1: "yes"})
        pooler = architecture(model_type).has_pooler("sequence_classification")
        encoder = BertEncoder(config, add_pooling_layer=pooler)
        save(SequenceClassifier(encoder), None, directory)
        write_tokenizer(directory)

    return write


def _write_sentences(directory: pathlib.Path) -> None:
    config = EncoderConfig.from_file(GOLDEN / "bert/config.json")
    encoder = BertEncoder(config, add_pooling_layer=False)
    model = SentenceEmbedder(encoder, pooling=["mean", "cls"], dense_units=5, truncate_dim=4)
    save(model, None, directory)


# === Artifacts and shards of text ===


def _write_artifact(directory: pathlib.Path) -> None:
    (directory / "model.tflite").write_bytes(b"its digest is all that is read of it")
    ids = TensorSpec("input_ids", "int32", ("batch", 16), of_tokens=True)
    signature = Signature("ids", (ids,), (TensorSpec("logits", "float32", ("batch", 3)),))
    fidelity = Fidelity("agreement", 0.99, 30)
    describe(directory, "tflite", None, [signature], {"lengths": [16]}, "d1", fidelity)


def _read_artifact(directory: pathlib.Path) -> None:
    artifact = Artifact.load(directory)
    assert artifact.file.parent == directory
    assert artifact.signature.inputs and str(artifact.fidelity)


def _write_shards(directory: pathlib.Path) -> None:
    documents = [[[5, 6, 605], [7]], [[8, 9]], [[10, 11, 12], [13], [14]]]
    write_shards(directory, documents, per_shard=2, words=documents)


def _read_shards(directory: pathlib.Path) -> None:
    shards = Shards(directory)
    shards.check_vocabulary(VOCABULARY)
    for index in range(len(shards)):
        shard = shards.open(index)
        sentences = np.split(shard.input_ids, np.asarray(shard.sentence_ends)[:-1])
        assert all(len(sentence) > 0 for sentence in sentences)


_JSON, _TENSORS = mutations.any_json, mutations.any_safetensors
_TOKENIZER = dict.fromkeys(
    ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    _JSON,
)
_VOCABULARY = {"vocab.txt": mutations.any_text, "tokenizer_config.json": _JSON}
_MERGES = {
    "vocab.json": _JSON,
    "merges.txt": mutations.any_text,
    "tokenizer_config.json": _JSON,
}
_MODULES = dict.fromkeys(
    (
        "modules.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "1_Pooling/config.json",
        "2_Dense/config.json",
    ),
    _JSON,
)
_LOADED = (FileNotFoundError, ConfigError, CheckpointError, TokenizerError, ValueError)
_CONFIG, _WEIGHTS = {"config.json": _JSON}, {"model.safetensors": _TENSORS}
_BUNDLE = {**_CONFIG, **_WEIGHTS, **_TOKENIZER}
_GONE = FileNotFoundError

READERS = {
    "config": Reader(
        _write_configs,
        _read_configs,
        (ConfigError,),
        {f"{model_type}.json": _JSON for model_type in FAMILIES},
        115,
    ),
    "safetensors": Reader(_write_safetensors, read_tensors, (CheckpointError,), _WEIGHTS, 115),
    "torch zip": Reader(
        _copied("tensors/zip.bin"),
        read_tensors,
        (CheckpointError,),
        {"pytorch_model.bin": mutations.any_torch_zip},
        115,
    ),
    "torch legacy": Reader(
        _copied("tensors/legacy.bin"),
        read_tensors,
        (CheckpointError,),
        {"pytorch_model.bin": mutations.any_legacy},
        115,
    ),
    "sharded weights": Reader(
        _write_sharded,
        read_tensors,
        (CheckpointError, _GONE),
        {"model.safetensors.index.json": _JSON, "x.safetensors": _TENSORS},
        50,
    ),
    "tokenizer files": Reader(
        _write_tokenizer, WordPieceTokenizer.files.read, (TokenizerError,), _TOKENIZER, 80
    ),
    "vocabulary": Reader(
        _write_vocabulary, WordPieceTokenizer.files.read, (TokenizerError,), _VOCABULARY, 50
    ),
    "byte-level files": Reader(
        _write_byte_bpe, ByteBpeTokenizer.files.read, (TokenizerError,), _TOKENIZER, 80
    ),
    "merges": Reader(_write_merges, ByteBpeTokenizer.files.read, (TokenizerError,), _MERGES, 50),
    "tokenizer": Reader(
        _write_tokenizer, _use_tokenizer, (TokenizerError,), {**_TOKENIZER, **_VOCABULARY}, 15
    ),
    "byte-level tokenizer": Reader(
        _write_byte_bpe, _use_tokenizer, (TokenizerError,), {**_TOKENIZER, **_MERGES}, 15
    ),
    "sentence modules": Reader(
        _write_sentences, read_modules, (CheckpointError, _GONE), _MODULES, 60
    ),
    "artifact": Reader(
        _write_artifact, _read_artifact, (CorruptArtifact,), {"manifest.json": _JSON}, 60
    ),
    "shards": Reader(
        _write_shards,
        _read_shards,
        (ShardError,),
        {"shards.json": _JSON, "shard-00000.safetensors": _TENSORS},
        56,
    ),
    "bundle": Reader(_bundle("bert", _write_tokenizer), load, _LOADED, _BUNDLE, 6),
    "shared layers": Reader(_bundle("albert", _write_tokenizer), load, _LOADED, _BUNDLE, 6),
    "byte-level bundle": Reader(_bundle("roberta", _write_byte_bpe), load, _LOADED, _BUNDLE, 6),
    "embedder": Reader(
        _write_sentences,
        lambda directory: load(directory, task="sentence_embedding"),
        _LOADED,
        {**_CONFIG, **_MODULES, "2_Dense/model.safetensors": _TENSORS},
        6,
    ),
}
