"""What writing ONNX needs."""

from __future__ import annotations

from ..errors import MissingRuntime


def check_packages() -> None:
    """Refuses to start without a package.

    Raises:
        MissingRuntime: onnx, onnxruntime or tf2onnx is not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import tf2onnx  # noqa: F401
    except ImportError as error:
        raise MissingRuntime(
            "Writing ONNX needs onnx, onnxruntime and tf2onnx: pip install keras-bert-zoo[onnx]"
        ) from error
