"""Which devices a run uses. TensorFlow-only."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def strategy_for(devices: Sequence[str] | None = None) -> tf.distribute.Strategy:
    """The strategy of a run; call it before anything else touches TensorFlow's devices.

    Several workers in ``TF_CONFIG`` give a ``MultiWorkerMirroredStrategy``; several devices a
    ``MirroredStrategy``; one device TensorFlow's default strategy.

    Args:
        devices: e.g. ``["GPU:0", "GPU:1"]``; all visible GPUs by default. Several names of
            processors, ``["CPU:0", "CPU:1"]``, are that many logical devices, for trials.

    Raises:
        ValueError: a device does not exist; the visible ones are named.
    """
    if workers() > 1:
        if devices is not None:
            raise ValueError(
                f"devices must be left out with several workers, received {list(devices)}: each "
                "takes its own GPUs. Hide those it should not see with CUDA_VISIBLE_DEVICES."
            )
        return tf.distribute.MultiWorkerMirroredStrategy()
    if devices is None:
        devices = [_short(device) for device in tf.config.list_logical_devices("GPU")]
    else:
        _make_logical(devices)
        _check(devices)
    if len(devices) < 2 and not any(device.startswith("GPU") for device in devices):
        return tf.distribute.get_strategy()
    return tf.distribute.MirroredStrategy(list(devices))


def workers() -> int:
    """How many workers ``TF_CONFIG`` names; 1 without it."""
    return len(_cluster().get("cluster", {}).get("worker", ())) or 1


def worker_index() -> int:
    """Which of the workers this process is, from 0."""
    return int(_cluster().get("task", {}).get("index", 0))


def is_chief() -> bool:
    """Whether this process writes what the run leaves: the first worker."""
    return worker_index() == 0


def gpu_name() -> str | None:
    """What the first GPU is called, e.g. "NVIDIA H100 80GB HBM3"."""
    gpus = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name") if gpus else None


def _cluster() -> dict[str, Any]:
    text = os.environ.get("TF_CONFIG") or "{}"
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"The environment's TF_CONFIG is no JSON: {error}: {text!r}") from error


def _make_logical(devices: Sequence[str]) -> None:
    """Cuts the processor in as many logical devices as are asked for."""
    count = sum(device.startswith("CPU") for device in devices)
    cpu = tf.config.list_physical_devices("CPU")[0]
    if count > 1 and len(tf.config.get_logical_device_configuration(cpu) or ()) != count:
        parts = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(cpu, parts)


def _check(devices: Sequence[str]) -> None:
    visible = [_short(device) for device in tf.config.list_logical_devices()]
    unknown = [device for device in devices if device not in visible]
    if unknown or not devices or len(set(devices)) < len(devices):
        raise ValueError(
            f"devices must be different ones of {visible}, at least one; received {list(devices)}."
        )


def _short(device: Any) -> str:
    return ":".join(device.name.split(":")[-2:])
