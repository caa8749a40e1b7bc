"""A faster start of processes that are ours alone: commands, and children of exports.

Keras and TensorFlow load some packages, where they are installed, for functions that nothing here
calls, and do without where they are not. That was 2.1 of the 4.7 seconds of processor time in which
both load.
"""

from __future__ import annotations

import sys

# package: the modules that load it for nothing
_IN_VAIN = {
    "jax": ("tensorflow.lite.python.util", "keras.src.callbacks.orbax_checkpoint"),
    "matplotlib": ("keras.src.visualization", "keras.visualization"),
    "sklearn": ("keras.src.wrappers",),
}


class _InVain:
    """A finder that has those packages missing while such a module loads, and only then."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        for module in _IN_VAIN.get(name, ()):
            if getattr(getattr(sys.modules.get(module), "__spec__", None), "_initializing", False):
                raise ModuleNotFoundError(f"No module named {name!r} while {module} loads")


def leave_out_what_is_loaded_in_vain() -> None:
    """Lets TensorFlow and Keras load without; whoever else imports such a package gets it."""
    if _InVain not in sys.meta_path:
        sys.meta_path.insert(0, _InVain)
