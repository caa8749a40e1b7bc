"""What a format lost that is measured when it is made. Loads no TensorFlow."""

from __future__ import annotations

import dataclasses

from .errors import ExportError

# Below the first an artifact is refused: a tenth of its decisions are other ones. MiniLM on
# integers all through falls to 0.02 to 0.5, with fixed scales for products it stays above 0.99.
LEAST, NOTED = 0.9, 0.98


@dataclasses.dataclass(frozen=True)
class Fidelity:
    """One figure, 1 where nothing was lost.

    Args:
        measure: ``"agreement"``: share of texts with the same decision; ``"pearson"``:
            correlation of a regression's values, the least of all outputs; ``"cosine"``:
            mean over the embeddings of texts.
        value: the figure.
        texts: on how many texts that gave no scales.
    """

    measure: str
    value: float
    texts: int

    def __str__(self) -> str:
        """For a sentence."""
        return f"{self.measure} with Keras {self.value:.3f} on {self.texts} texts"

    @property
    def problems(self) -> tuple[str, ...]:
        """What a report must not pass."""
        return (f"it fell apart when exported: {self}",) if self.value < LEAST else ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a report says all the same."""
        return (f"when exported: {self}",) if LEAST <= self.value < NOTED else ()

    def check(self, name: str, least: float) -> None:
        """Raises an ``ExportError`` if the figure of a format is below the least one."""
        if self.value >= least:
            return
        raise ExportError(
            f"{name} falls apart on this model and these texts: {self}, less than {least}. Export "
            "'tflite-int8', which finds the scales of activations as they come, or "
            "'tflite-static-int16x8'. To get the file all the same, pass a lower min_fidelity "
            "(--min_fidelity)."
        )


def checked_least(value: float) -> float:
    """Returns a bound for the figure, or raises an ``ExportError`` if it is none."""
    if not 0 <= value <= 1:
        raise ExportError(f"min_fidelity must be from 0 to 1, received {value}.")
    return value
