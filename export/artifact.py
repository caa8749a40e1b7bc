"""An exported model on disk: one directory with a manifest of what is in it."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import pathlib
import types
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from keras_bert_zoo.atomic import write_text
from keras_bert_zoo.checkpoints import writer_configs
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.foreign import is_inside, read_json
from keras_bert_zoo.rules import TEXT, Rule, is_number, list_of, or_none, problems_of

from .errors import CorruptArtifact
from .fidelity import Fidelity
from .formats import KNOWN_FORMATS, WRITERS
from .runtimes import RUNTIMES
from .signature import Signature

MANIFEST = "manifest.json"
_OBJECT = Rule("an object", lambda value: isinstance(value, dict))
_RULES = {
    "format": TEXT,
    "task": or_none(TEXT),
    "signatures": Rule(
        "a list of at least one object", lambda found: bool(found) and list_of(_OBJECT).holds(found)
    ),
    "options": _OBJECT,
    "weights": TEXT,
    "files": Rule(
        "an object whose keys are files in its directory",
        lambda files: isinstance(files, dict) and all(map(is_inside, files)),
    ),
    "fidelity": or_none(
        Rule(
            "a measure, its value and the number of texts",
            lambda found: (
                isinstance(found, dict)
                and found.keys() == {"measure", "value", "texts"}
                and is_number(found["value"])
            ),
        )
    ),
    "verification": or_none(_OBJECT),
}
_VERSION = 1
_ALWAYS = ("keras-bert-zoo", "tensorflow", "keras")


@dataclasses.dataclass(frozen=True)
class Artifact:
    """What ``export`` returns, and what ``Artifact.load`` finds in a directory.

    Args:
        path: its directory.
        format: key of ``KNOWN_FORMATS``.
        task: key of ``tasks.TASKS``; ``None`` for a bare encoder.
        signatures: names, types and axes of inputs and outputs, for each way to call it.
        options: what the user chose, e.g. ``{"lengths": [128]}``.
        weights: digest of the weights it was made from, see ``digest``.
        size: bytes of the model itself, without the files beside it.
        verification: the last result of ``verify``, as ``Report.record_of`` gives it; ``None``
            before the first.
        fidelity: what was lost, of formats that are measured when they are made; see
            ``fidelity.Fidelity``.
    """

    path: pathlib.Path
    format: str
    task: str | None
    signatures: tuple[Signature, ...]
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    weights: str = ""
    size: int = 0
    verification: Mapping[str, Any] | None = dataclasses.field(default=None, compare=False)
    fidelity: Fidelity | None = None

    @property
    def signature(self) -> Signature:
        """The first one: that of ids, of several lengths the shortest, or that of texts."""
        return self.signatures[0]

    @property
    def entries(self) -> tuple[Signature, ...]:
        """Those that are called from outside: all, or the first, see ``Runtime.loops``."""
        loops = RUNTIMES[KNOWN_FORMATS[self.format].runtime].loops
        return self.signatures[:1] if loops else self.signatures

    @property
    def id_signatures(self) -> tuple[Signature, ...]:
        """Those that take integers; several where the file has several lengths."""
        return tuple(s for s in self.entries if not s.takes_text)

    @property
    def text_signature(self) -> Signature | None:
        """The first one that takes strings, where the format has one."""
        return next((s for s in self.signatures if s.takes_text), None)

    @property
    def config(self) -> Any:
        """The config of the model, with the labels and the problem type that it had."""
        if self.task in WRITERS:
            return writer_configs.read_config(self.path)
        return EncoderConfig.from_file(self.path / "config.json")

    @property
    def file(self) -> pathlib.Path:
        """What a runtime opens: a file, or the directory of a SavedModel."""
        return self.path / KNOWN_FORMATS[self.format].file

    def run(self, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Runs the model in its own runtime, in a fresh process.

        This is for proofs and first looks: starting the process takes most of the time.

        Args:
            inputs: arrays by name, those of one of the signatures.

        Returns:
            Arrays by name.

        Raises:
            MissingRuntime: the runtime is not installed.
            ValueError: the inputs do not fit the signature.
        """
        from .measurement import measure

        return measure(self, self.entries, [inputs]).outputs[0]

    @classmethod
    def load(cls, path: str | pathlib.Path) -> Artifact:
        """Reads an artifact and checks every file against the manifest.

        Args:
            path: its directory, or the model in it.

        Raises:
            FileNotFoundError: there is no manifest.
            CorruptArtifact: a file is missing or was changed, or the manifest cannot be read.
        """
        directory = _directory(pathlib.Path(path))
        manifest = _read(directory / MANIFEST)
        files, name, found = manifest["files"], manifest["format"], manifest.get("fidelity")
        if name not in KNOWN_FORMATS:
            raise CorruptArtifact(
                f"{directory} has the format {name!r}, which this version does not know. "
                f"It knows {list(KNOWN_FORMATS)}."
            )
        try:
            signatures = tuple(map(Signature.from_dict, manifest["signatures"]))
        except KeyError as error:
            raise CorruptArtifact(f"{directory / MANIFEST} lacks {error}. Export again.") from error
        except (TypeError, ValueError) as error:
            raise CorruptArtifact(f"{directory / MANIFEST}: {error}. Export again.") from error
        _check_files(directory, files)
        return cls(
            directory,
            name,
            manifest.get("task"),
            signatures,
            manifest["options"],
            manifest["weights"],
            _size(files, KNOWN_FORMATS[name].file),
            manifest.get("verification"),
            Fidelity(**found) if found else None,
        )

    def record(self, verification: Mapping[str, Any]) -> None:
        """Adds the result of a verification to the manifest, in the place of an earlier one.

        Raises:
            OSError: the manifest cannot be written; it is as it was.
        """
        manifest = _read(self.path / MANIFEST)
        _write(self.path, {**manifest, "verification": dict(verification)})


def is_artifact(path: str | pathlib.Path) -> bool:
    """Whether a path is the directory of an artifact, or the file in it that a runtime opens."""
    path = pathlib.Path(path)
    return (path / MANIFEST).is_file() or (path.is_file() and _around(path) is not None)


def artifacts_in(directory: str | pathlib.Path) -> list[pathlib.Path]:
    """The artifacts that ``export`` wrote into a directory that is itself no bundle."""
    directory = pathlib.Path(directory)
    if (directory / "config.json").is_file():
        return []
    return sorted(path.parent for path in directory.glob(f"*/{MANIFEST}"))


def describe(
    directory: pathlib.Path,
    name: str,
    task: str | None,
    signatures: Iterable[Signature],
    options: Mapping[str, Any],
    weights: str,
    fidelity: Fidelity | None = None,
) -> None:
    """Writes the manifest of the files in a directory; the arguments are an artifact's."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    row = KNOWN_FORMATS[name]
    manifest = {
        "manifest_version": _VERSION,
        "format": name,
        "task": task,
        "recipe": dict(row.arguments),
        "signatures": [signature.to_dict() for signature in signatures],
        "options": dict(options),
        "weights": weights,
        **({"fidelity": dataclasses.asdict(fidelity)} if fidelity else {}),
        "versions": {p: importlib.metadata.version(p) for p in _ALWAYS + row.packages},
        "files": {path.relative_to(directory).as_posix(): _checksum(path) for path in paths},
    }
    _write(directory, manifest)


def _write(directory: pathlib.Path, manifest: Mapping[str, Any]) -> None:
    write_text(directory / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def _size(files: Mapping[str, Any], model: str) -> int:
    # A directory, or a file and perhaps one beside it for the weights of a large model.
    kinds = (f"{model}/", f"{model}_data/")
    return sum(f["bytes"] for path, f in files.items() if f"{path}/".startswith(kinds))


def _directory(path: pathlib.Path) -> pathlib.Path:
    directory = _around(path)
    if directory is not None:
        return directory
    inside = [str(each) for each in artifacts_in(path)]
    hint = (
        f"It holds artifacts: pass one of {inside}."
        if inside
        else "Pass the directory that `keras-bert-zoo export` wrote, e.g. exports/tflite."
    )
    raise FileNotFoundError(f"{path} is no artifact: there is no {MANIFEST} in it. {hint}")


def _around(path: pathlib.Path) -> pathlib.Path | None:
    """The directory itself, or the nearest one around the path, that holds a manifest."""
    directories = (path, *path.absolute().parents[:2])
    return next((each for each in directories if (each / MANIFEST).is_file()), None)


def _read(path: pathlib.Path) -> dict[str, Any]:
    manifest = read_json(path, lambda reason: CorruptArtifact(f"{reason}. Export again."))
    version = manifest.get("manifest_version")
    if version != _VERSION:
        raise CorruptArtifact(
            f"{path} is of manifest version {version!r}, this release reads {_VERSION}. Use the "
            "release that wrote it, or export again."
        )
    stated = types.SimpleNamespace(**{**dict.fromkeys(_RULES), **manifest})
    if problems := problems_of(stated, _RULES):
        raise CorruptArtifact(f"{path}: {'; '.join(problems)}. Export again.")
    return manifest


def _check_files(directory: pathlib.Path, files: Mapping[str, Any]) -> None:
    changed = [
        name
        for name, expected in files.items()
        if not (directory / name).is_file() or _checksum(directory / name) != expected
    ]
    if changed:
        raise CorruptArtifact(
            f"{directory}: {changed} are missing or are not what was exported (SHA-256 differs). "
            "Copy the artifact again, or export again."
        )


def _checksum(path: pathlib.Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}
