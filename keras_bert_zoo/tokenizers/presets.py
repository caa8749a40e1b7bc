"""What tokenizers of keras-hub's presets have in common, of whichever kind they are."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.text_files import read_optional

_ASSETS = "assets/tokenizer"
# Where the longest sequence may be stated, and how.
_LENGTHS = {"preprocessor.json": "sequence_length", "config.json": "max_sequence_length"}


class PresetTokenizer:
    """Reads and writes what keras-hub has for one kind of tokenizer; the base of every kind.

    Attributes:
        classes: of keras-hub, and the special tokens that each cannot be told, by role.
        fixed: arguments that must be what they are by default.
        made_of: what a source is made of besides.
    """

    classes: ClassVar[Mapping[str, Mapping[str, str]]]
    fixed: ClassVar[Mapping[str, Any]]
    made_of: ClassVar[Mapping[str, Any]] = {}

    def read(self, stated: Mapping[str, Any], directory: pathlib.Path) -> dict[str, Any]:
        """What Hugging Face's ``tokenizer.json`` would say of the tokenizer of a preset.

        Args:
            stated: content of the preset's.
            directory: of the preset.

        Raises:
            FileNotFoundError: an asset is not there.
            TokenizerError: it is of another class, or does what ours cannot.
        """
        name, given = stated["class_name"], stated["config"]
        if name not in self.classes:
            raise TokenizerError(
                f"class_name must be one of {list(self.classes)}, received {name!r} of keras-hub"
            )
        fixed = {key: given.get(key, value) for key, value in self.fixed.items()}
        if fixed != self.fixed:
            raise TokenizerError(f"keras-hub's tokenizer must have {self.fixed}, received {fixed}")
        return self.content(name, given, directory / _ASSETS)

    def arguments(self, name: str, source: Any) -> dict[str, Any]:
        """Returns the arguments of a class of keras-hub for the ids of a source.

        Raises:
            TokenizerError: it cannot make them; the message lists why.
        """
        if name not in self.classes:
            raise TokenizerError(
                f"keras-hub's {name} is of another kind than this tokenizer, which it has as "
                f"{list(self.classes)}"
            )
        problems = [
            f"{role} is {getattr(source.options, role)!r}, keras-hub's is {token!r}"
            for role, token in self.classes[name].items()
            if getattr(source.options, role) != token
        ]
        if problems := [*problems, *self.problems(name, source)]:
            raise TokenizerError(
                f"keras-hub cannot do what this tokenizer does: {'; '.join(problems)}"
            )
        return self.told(name, source)

    def content(self, name: str, given: Mapping[str, Any], assets: pathlib.Path) -> dict[str, Any]:
        """What ``tokenizer.json`` would say of a class with these arguments."""
        raise NotImplementedError

    def problems(self, name: str, source: Any) -> Iterable[str]:
        """Why a class cannot do what a source does, apart from special tokens."""
        raise NotImplementedError

    def told(self, name: str, source: Any) -> dict[str, Any]:
        """The arguments of a class, which has no problems."""
        raise NotImplementedError


def is_preset(content: Mapping[str, Any]) -> bool:
    """Whether a JSON object is one that Keras serialised."""
    return "registered_name" in content


def config(directory: pathlib.Path) -> dict[str, Any]:
    """What ``tokenizer_config.json`` would say beside a preset; nothing where there is none."""
    parts = [read_optional(directory / name) for name in _LENGTHS]
    stated = [
        part["config"].get(key)
        for part, key in zip(parts, _LENGTHS.values(), strict=True)
        if is_preset(part)
    ]
    sizes = [size for size in stated if size is not None]
    return {"model_max_length": min(sizes)} if sizes else {}
