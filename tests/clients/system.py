"""Names what `make clients` needs and neither pip nor npm brings, before anything is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

NODE = 20
# The browser tests read the same variable.
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


def node_version() -> int:
    """The major version of `node`, 0 if there is none."""
    if not shutil.which("node"):
        return 0
    done = subprocess.run(["node", "--version"], capture_output=True, text=True)
    found = re.match(r"v(\d+)\.", done.stdout)
    return int(found[1]) if found else 0


def missing() -> Iterator[str]:
    """One line for each thing that is not there, with what to do."""
    if sys.version_info[:2] != (3, 11):
        found = f"{sys.version_info.major}.{sys.version_info.minor}"
        yield (
            "Python 3.11 is missing: the oldest TensorFlow among the clients runs on no newer "
            f"one, received {found}. Try: make clients PYTHON=python3.11"
        )
    if node_version() < NODE:
        yield f"node {NODE} or newer is missing: found {node_version() or 'none'} on the path."
    if not shutil.which("npm"):
        yield "npm is missing: found none on the path. It comes with node."
    if not shutil.which(CHROMIUM):
        yield (
            f"chromium is missing: {CHROMIUM} cannot be run. Try: apt-get install chromium, or "
            "make clients CHROMIUM=/path/to/chromium"
        )


if __name__ == "__main__":
    sys.exit("\n".join(missing()) or 0)
