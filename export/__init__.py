"""Exports of a bundle, each re-run in its own runtime before it counts."""

from __future__ import annotations

import importlib
from typing import Any

# Loaded on first use: listing formats must not load a runtime.
_HOMES = {
    "FORMATS": "formats",
    "Artifact": "artifact",
    "ExportError": "errors",
    "Report": "verification.report",
    "Signature": "signature",
    "Runner": "runner",
    "benchmark": "verification.benchmarking",
    "deploy": "savedmodel.deployment",
    "export": "conversion",
    "predictor": "asking",
    "quantize": "search.quantization",
    "verify": "verification.verification",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {__all__}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
