"""A dense projection that flattens to two dimensions first."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from keras_bert_zoo.layers import gradients


def one_inferred(shape: tuple[Any, ...]) -> list[Any]:
    """Writes the first size that the graph does not know as -1.

    A reshape finds that size itself; computing it would put a shape, a slice and a pack
    into every exported projection.
    """
    unknown = [axis for axis, size in enumerate(shape) if not isinstance(size, int)][:1]
    return [-1 if axis in unknown else size for axis, size in enumerate(shape)]


@keras.saving.register_keras_serializable("keras_bert_zoo")
class Linear(keras.layers.Layer):
    """``x @ kernel + bias`` on the last axis, as one two-dimensional product.

    ``keras.layers.Dense`` on a three-dimensional input becomes a tensordot with shape
    arithmetic in exported graphs; one product on ``[-1, in]`` does not.

    Args:
        units: width of the output.
        output_shape: trailing shape that replaces ``(units,)`` in the result, e.g.
            ``(heads, head_size)``; saves a second reshape.
        input_rank: how many trailing axes of the input are flattened into one.
        initializer_range: standard deviation of the truncated normal kernel.
        use_bias: whether there is a bias.
    """

    def __init__(
        self,
        units: int,
        *,
        output_shape: tuple[int, ...] | None = None,
        input_rank: int = 1,
        initializer_range: float = 0.02,
        use_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.use_bias = use_bias
        self.trailing_shape = tuple(output_shape or (units,))
        self.input_rank = input_rank
        self.initializer_range = initializer_range
        self.lora_rank: int | None = None
        if math.prod(self.trailing_shape) != units:
            raise ValueError(
                f"output_shape must hold units={units} elements, received {output_shape}."
            )

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Creates ``kernel`` ``(in, units)``, and ``bias`` ``(units,)`` where there is one."""
        self.input_width = math.prod(input_shape[-self.input_rank :])
        initializer = keras.initializers.TruncatedNormal(stddev=self.initializer_range)
        self.kernel = self.add_weight(
            name="kernel", shape=(self.input_width, self.units), initializer=initializer
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Projects ``(..., in)`` to ``(..., *output_shape)``."""
        leading = _inferable(ops.shape(x)[: -self.input_rank], x.shape[: -self.input_rank])
        rows = ops.reshape(x, (-1, self.input_width))
        # Without a bias, what a framework derives is as good.
        written = training and self.use_bias
        y = (gradients.affine if written else _affine)(rows, self.kernel, self.bias)
        if self.lora_rank:
            # Two thin products: the frozen kernel needs no gradient, and none is computed.
            update = ops.matmul(ops.matmul(rows, self.lora_kernel_a), self.lora_kernel_b)
            y = y + self.lora_scale * update
        return ops.reshape(y, (*leading, *self.trailing_shape))

    def enable_lora(self, rank: int, alpha: float | None = None) -> None:
        """Freezes ``kernel`` and trains an update of low rank instead, at first 0.

        Hu et al. 2021 (arXiv:2106.09685), section 4.1: the layer multiplies by
        ``kernel + alpha / rank * A @ B``. ``lora_kernel_a`` ``(in, rank)`` starts uniform
        within ``1 / sqrt(in)``, as in the authors' loralib, ``lora_kernel_b`` ``(rank, units)``
        as 0. Call it before ``compile``.

        Args:
            rank: of the update.
            alpha: its scale; by default the rank, a scale of 1.

        Raises:
            ValueError: the layer is not built, or has such an update already.
        """
        if not self.built or self.lora_rank:
            state = "has an update of low rank already" if self.built else "is not built yet"
            raise ValueError(f"{self.name} {state}: enable_lora is for built layers, once.")
        self._tracker.unlock()  # as Keras' own `enable_lora` does
        uniform = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
        self.lora_kernel_a = self.add_weight(
            name="lora_kernel_a", shape=(self.input_width, rank), initializer=uniform
        )
        self.lora_kernel_b = self.add_weight(
            name="lora_kernel_b", shape=(rank, self.units), initializer="zeros"
        )
        self._tracker.lock()
        self.kernel.trainable = False
        self.lora_rank = rank
        self.lora_scale = (rank if alpha is None else alpha) / rank

    def merged_kernel(self) -> Any:
        """The one kernel ``(in, units)`` that does what kernel and update do together."""
        if not self.lora_rank:
            return self.kernel.value
        return self.kernel + self.lora_scale * ops.matmul(self.lora_kernel_a, self.lora_kernel_b)

    def save_own_variables(self, store: Any) -> None:
        """Saves a plain layer, an update of low rank merged into the kernel."""
        if self.built:
            store["0"] = self.merged_kernel()
            if self.use_bias:
                store["1"] = self.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the result."""
        return (*input_shape[: -self.input_rank], *self.trailing_shape)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "output_shape": self.trailing_shape,
            "input_rank": self.input_rank,
            "initializer_range": self.initializer_range,
            "use_bias": self.use_bias,
        }


def _affine(rows: Any, kernel: Any, bias: Any) -> Any:
    product = ops.matmul(rows, kernel)
    return product if bias is None else product + bias


def _inferable(shape: tuple[Any, ...], static: tuple[int | None, ...]) -> tuple[Any, ...]:
    """Leaves a single unknown size for ``reshape`` to infer: no shape arithmetic in exports."""
    unknown = [axis for axis, size in enumerate(static) if size is None]
    return tuple(-1 if [axis] == unknown else size for axis, size in enumerate(shape))
