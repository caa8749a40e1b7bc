"""`make clients` says at once what the machine lacks, rather than deep in a test."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

SCRIPT = pathlib.Path(__file__).with_name("system.py")


def said(path, chromium):
    environment = {**os.environ, "PATH": str(path), "CHROMIUM": str(chromium)}
    command = [sys.executable, str(SCRIPT)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return done.returncode, done.stderr


def test_names_all_that_is_missing(tmp_path):
    status, message = said(tmp_path, tmp_path / "chromium")
    assert status == 1
    assert "node 20 or newer is missing: found none" in message
    assert "npm is missing" in message
    assert f"chromium is missing: {tmp_path / 'chromium'} cannot be run" in message


def test_names_a_node_that_is_too_old_and_nothing_else(tmp_path):
    for name, line in {"node": "echo v18.20.4", "npm": "", "chromium": ""}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    status, message = said(tmp_path, tmp_path / "chromium")
    assert status == 1
    assert "node 20 or newer is missing: found 18" in message
    assert "npm is" not in message and "chromium is" not in message
