"""Writes the golden files of this folder with `transformers` and `torch`.

    python tests/golden/make_golden.py

Tiny random BERTs, their inputs and their outputs, so that the default tests compare with
the reference implementation without having it installed. `versions.json` says what made
them.

- `bert/`, `classifier/`: Hugging Face directories, `outputs.npz` beside the weights
  (`input.*` the model's inputs, every other array an output). `bert/outputs_gelu_new.npz` is
  the same weights under the tanh GELU.
- `tensors/`: one dict of oddly stored tensors, in both formats `torch.save` has had, and
  `expected.npz` with their values.
- `bin_zip/`, `bin_legacy/`: `bert/` as `pytorch_model.bin` in these formats, with the names of
  old checkpoints (`gamma`, `beta`, `position_ids`, prefix `bert.`).
"""

from __future__ import annotations

import json
import pathlib
import platform
import shutil

import numpy as np
import torch
import transformers

HERE = pathlib.Path(__file__).parent
SIZES = {
    "vocab_size": 61,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 20,
    "type_vocab_size": 2,
}
LABELS = {0: "negative", 1: "neutral", 2: "positive"}


def randomise(model: torch.nn.Module) -> torch.nn.Module:
    """Gives every parameter values of its own, biases and normalisations included.

    Fresh biases are 0 and fresh scales 1: a loader that swapped or forgot them would pass.
    """
    generator = torch.Generator().manual_seed(7)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        centre = 1.0 if "LayerNorm.weight" in name else 0.0
        parameter.data.copy_(centre + 0.2 * noise)
    # The fused attention of torch returns no probabilities.
    model.set_attn_implementation("eager")
    return model.eval()


def inputs() -> dict[str, torch.Tensor]:
    """Four rows of 12 tokens, padded to the right by 0, 3, 7 and 11."""
    generator = torch.Generator().manual_seed(11)
    ids = torch.randint(1, SIZES["vocab_size"], (4, 12), generator=generator)
    positions = torch.arange(12)[None, :]
    mask = (positions < torch.tensor([12, 9, 5, 1])[:, None]).long()
    segments = (positions >= torch.tensor([12, 4, 2, 1])[:, None]).long() * mask
    return {"input_ids": ids * mask, "attention_mask": mask, "token_type_ids": segments}


def save_outputs(model: torch.nn.Module, path: pathlib.Path) -> None:
    """Runs the model and writes inputs and outputs."""
    batch = inputs()
    with torch.no_grad():
        outputs = model(**batch, output_hidden_states=True, output_attentions=True)
    arrays = {f"input.{name}": value.numpy().astype("int32") for name, value in batch.items()}
    for name, value in outputs.items():
        if name == "cross_attentions":  # a decoder's; empty
            continue
        arrays[name] = np.stack(value) if isinstance(value, tuple) else value.numpy()
    np.savez_compressed(path, **arrays)


def make_bert() -> None:
    """The bare encoder, with both forms of GELU."""
    config = transformers.BertConfig(**SIZES)
    model = randomise(transformers.BertModel(config))
    model.save_pretrained(HERE / "bert")
    save_outputs(model, HERE / "bert/outputs.npz")
    config = transformers.BertConfig(**SIZES, hidden_act="gelu_new")
    save_outputs(randomise(transformers.BertModel(config)), HERE / "bert/outputs_gelu_new.npz")
    for name, zipped in {"bin_zip": True, "bin_legacy": False}.items():
        (HERE / name).mkdir()
        shutil.copy(HERE / "bert/config.json", HERE / name)
        path = HERE / name / "pytorch_model.bin"
        torch.save(old_names(model), path, _use_new_zipfile_serialization=zipped)


def old_names(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The state dict as checkpoints of 2018 and 2019 name it."""
    state = {
        "bert."
        + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): value
        for name, value in model.state_dict().items()
    }
    state["bert.embeddings.position_ids"] = torch.arange(SIZES["max_position_embeddings"])[None]
    return state


def make_classifier() -> None:
    """The encoder with a sequence-classification head."""
    config = transformers.BertConfig(
        **SIZES,
        id2label=LABELS,
        label2id={name: index for index, name in LABELS.items()},
        problem_type="single_label_classification",
    )
    model = randomise(transformers.BertForSequenceClassification(config))
    model.save_pretrained(HERE / "classifier")
    save_outputs(model, HERE / "classifier/outputs.npz")


def make_tensors() -> None:
    """Every storage type and layout a reader of `.bin` files must understand."""
    grid = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8 - 1
    tensors = {
        "float16": grid.half(),
        "bfloat16": grid.bfloat16(),
        "float64": grid.double(),
        "int64": torch.arange(-3, 3),
        "int32": torch.arange(-3, 3, dtype=torch.int32),
        "uint8": torch.arange(6, dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "transposed": grid.t(),
        "slice_of_shared_storage": grid[1:, 2:5],
        "whole_shared_storage": grid,
        "expanded": torch.tensor([2.5]).expand(3, 2),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 4),
        "parameter": torch.nn.Parameter(grid * 2),
    }
    folder = HERE / "tensors"
    folder.mkdir()
    torch.save(tensors, folder / "zip.bin")
    torch.save(tensors, folder / "legacy.bin", _use_new_zipfile_serialization=False)
    arrays = {
        name: (value.float() if value.dtype == torch.bfloat16 else value).detach().numpy()
        for name, value in tensors.items()
    }
    np.savez_compressed(folder / "expected.npz", **arrays)


def main() -> None:
    """Replaces every golden file."""
    for name in ("bert", "classifier", "tensors", "bin_zip", "bin_legacy"):
        shutil.rmtree(HERE / name, ignore_errors=True)
    make_bert()
    make_classifier()
    make_tensors()
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "numpy": np.__version__,
    }
    (HERE / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")


if __name__ == "__main__":
    main()
