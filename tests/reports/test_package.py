import subprocess
import sys
from pathlib import Path

import pytest

import reports

ROOT = Path(reports.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.rglob("*.py")
)


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_every_module_works_without_the_others_of_the_house():
    done = python(
        # Not None in sys.modules: scipy takes what is there for the module.
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in ('torch', 'bench', 'variants', 'hatrick'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import importlib\n"
        f"for name in {MODULES}: importlib.import_module('reports.' + name)\n"
        "import reports\n"
        "for name in reports.__all__: getattr(reports, name)\n"
    )
    assert done.returncode == 0, done.stderr
    assert {"schema", "runfile", "frame", "page.page", "charts.axes"} <= set(MODULES)


def test_writing_records_imports_neither_pandas_nor_plotly():
    done = python(
        "import sys, reports.schema, reports.runfile\n"
        "print([name for name in ('pandas', 'plotly', 'rich') if name in sys.modules])"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_public_names():
    assert all(getattr(reports, name) is not None for name in reports.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = reports.nonsense
