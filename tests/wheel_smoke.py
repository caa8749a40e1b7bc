"""Uses the installed wheel as a user would; run outside the checkout by `make wheel`."""

import importlib.metadata
import pathlib
import subprocess
import sys
import tempfile

import numpy as np


def main() -> None:
    import keras_bert_zoo as kbz

    assert "site-packages" in kbz.__file__, f"the checkout was imported: {kbz.__file__}"
    files = importlib.metadata.files("keras-bert-zoo") or []
    rooms = {file.parts[0] for file in files if "dist-info" not in file.parts[0]} - {".."}
    assert rooms == {"keras_bert_zoo"}, f"the wheel installs {rooms} at the top level"
    help_text = subprocess.run(
        [pathlib.Path(sys.executable).with_name("keras-bert-zoo"), "--help"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert "finetune" in help_text

    from keras_bert_zoo.export import export
    from keras_bert_zoo.training.recipe_files import packaged_recipes

    assert packaged_recipes("finetune"), "the wheel lacks the recipes"

    with tempfile.TemporaryDirectory() as directory:
        bundle = kbz.load("all-minilm-l6-v2", task="sequence_classification", labels=["no", "yes"])
        saved = kbz.save(bundle.model, bundle.tokenizer, pathlib.Path(directory) / "bundle")
        [artifact] = export(saved, pathlib.Path(directory) / "artifacts", formats=["onnx"])
        inputs = bundle.tokenizer(["the wheel works", "输入，测试"], padding=True)
        expected = np.asarray(bundle.model(inputs)["logits"])
        result = artifact.run({name: value.numpy() for name, value in inputs.items()})
        np.testing.assert_allclose(result["logits"], expected, atol=1e-4)
    print("wheel: import, command line, load, save, export and run work")


if __name__ == "__main__":
    main()
