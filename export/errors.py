"""What can go wrong on the way to an artifact, each with a name of its own."""

from __future__ import annotations


class ExportError(ValueError):
    """An export or a verification that cannot be done; the message says what to do next."""


class UnsupportedLayer(ExportError):  # noqa: N818 - named for what it is
    """A layer of the model has no counterpart in the format."""


class MissingRuntime(ExportError):  # noqa: N818
    """The package that writes or runs a format is not installed."""


class CorruptArtifact(ExportError):  # noqa: N818
    """The files of an artifact are not the ones its manifest describes."""
