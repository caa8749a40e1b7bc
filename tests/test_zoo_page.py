"""docs/zoo.md: its tables are those of the zoo, its code runs."""

from __future__ import annotations

import pathlib
import re
import runpy

ROOT = pathlib.Path(__file__).parents[1]
PAGE = ROOT / "docs" / "zoo.md"


def test_the_tables_are_what_the_script_writes() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "write_zoo_table.py"))
    assert PAGE.read_text(encoding="utf-8") == script["content"](), "run scripts/write_zoo_table.py"


def test_the_code_chooses_and_cites(capsys) -> None:
    code, loading = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {})
    assert capsys.readouterr().out.startswith("bge-small-zh-v1.5 23953920 MIT\n@misc{")
    assert "load(" in loading  # fetches the weights


def test_the_numbers_of_rows_are_true() -> None:
    from keras_bert_zoo.zoo import CHECKPOINTS

    for name in ("README.md", "CHANGELOG.md"):
        [count] = re.findall(r"(\d+) checkpoints by short name", (ROOT / name).read_text("utf-8"))
        assert int(count) == len(CHECKPOINTS), name
