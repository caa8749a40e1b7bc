"""The package opens without loading TensorFlow; timings are not asserted, modules are."""

from __future__ import annotations

import subprocess
import sys

import pytest

import keras_bert_zoo

HEAVY = ("tensorflow", "keras", "torch", "jax", "numpy", "sklearn", "matplotlib")
REPORT = f"import sys; print([m for m in {HEAVY} if m in sys.modules])"


def loaded_by(code: str) -> str:
    """Runs code in a fresh interpreter; returns the heavy modules it loaded."""
    command = [sys.executable, "-c", f"{code}\n{REPORT}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()[-1]


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert (
        loaded_by("import keras_bert_zoo; keras_bert_zoo.__version__; dir(keras_bert_zoo)") == "[]"
    )


HELP = """
import sys
from keras_bert_zoo import cli
sys.argv = ["keras-bert-zoo", {arguments}]
try:
    cli.main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""


def test_help_loads_nothing_heavy() -> None:
    assert loaded_by(HELP.format(arguments="'--help'")) == "[]"


@pytest.mark.parametrize("name", keras_bert_zoo.__all__)
def test_every_exported_name_resolves(name: str) -> None:
    assert callable(getattr(keras_bert_zoo, name))
    assert name in dir(keras_bert_zoo)


IN_VAIN = """
from keras_bert_zoo.startup import leave_out_what_is_loaded_in_vain
leave_out_what_is_loaded_in_vain()
import tensorflow, keras
"""


def test_keras_loads_without_what_it_loads_in_vain() -> None:
    """Whoever wants it has it afterwards."""
    assert loaded_by(IN_VAIN) == "['tensorflow', 'keras', 'numpy']"
    wanted = f"{IN_VAIN}\nimport matplotlib.pyplot, sklearn.base"
    assert loaded_by(wanted) == "['tensorflow', 'keras', 'numpy', 'sklearn', 'matplotlib']"


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Bort'"):
        keras_bert_zoo.Bort  # noqa: B018
