"""The package as a person gets it: the built wheel, what a start loads, what is declared."""

import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "tenfold"
HEAVY = ("torch", "pandas", "numpy", "PIL", "sklearn", "jinja2")


def modules() -> list[str]:
    """Dotted names of every file of the package."""
    files = (path.relative_to(ROOT).with_suffix("").parts for path in PACKAGE.rglob("*.py"))
    return sorted(".".join(words).removesuffix(".__init__") for words in files)


def python(code: str, folder: Path) -> str:
    """What a fresh Python prints; started outside the repository, it meets what is installed."""
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def entry_point() -> Path:
    found = [*Path(sysconfig.get_path("scripts")).glob("tenfold*")]
    assert found, "tenfold is not installed here: make install"
    return found[0]


def loaded_after(statement: str, heavy: tuple[str, ...], folder: Path) -> str:
    """Which of these packages a fresh Python holds after the statement."""
    code = f"import sys\n{statement}\nprint('loaded:', *sorted(set({heavy!r}) & set(sys.modules)))"
    return python(code, folder).rpartition("loaded:")[2].strip()


def light_modules() -> list[str]:
    tasks = [name for name in modules() if name.startswith("tenfold.tasks.")]
    return ["tenfold", "tenfold.cli", *tasks]


def test_no_application_loads_torch(tmp_path):
    statement = "\n".join(f"import {name}" for name in light_modules())
    if not loaded_after(statement, ("torch",), tmp_path):
        return
    guilty = [m for m in light_modules() if loaded_after(f"import {m}", ("torch",), tmp_path)]
    pytest.fail(f"importing {', '.join(guilty)} loads torch: use lazy('torch')")


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_a_start_loads_nothing_heavy(word, tmp_path):
    statement = f"""
from tenfold.cli import main
sys.argv = ["tenfold", {word!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
    assert not loaded_after(statement, HEAVY, tmp_path)


@pytest.mark.parametrize("name", modules())
def test_public_names_exist(name):
    module = importlib.import_module(name)
    names = getattr(module, "__all__", [])
    assert not [word for word in names if not hasattr(module, word)]


def test_the_built_wheel_is_what_runs():
    """`make test` sets TENFOLD_INSTALLED: no test may meet the checkout in place of the wheel."""
    if os.environ.get("TENFOLD_INSTALLED") != "1":
        pytest.skip("only where TENFOLD_INSTALLED=1 says that the wheel is installed")
    installed = Path(importlib.import_module("tenfold").__file__).parent
    assert installed.parent == Path(sysconfig.get_path("purelib"))
    for path in package_files():
        twin = installed / path.relative_to(PACKAGE)
        assert twin.is_file(), f"{path.relative_to(ROOT)} is missing from the wheel"
        assert twin.read_bytes() == path.read_bytes(), f"{twin} is stale: make install"
    left = {path.relative_to(installed) for path in installed.rglob("*.py")}
    assert left <= {path.relative_to(PACKAGE) for path in package_files()}


def package_files() -> list[Path]:
    """Code and data of the package in the checkout."""
    every = (path for path in PACKAGE.rglob("*") if path.is_file())
    return [path for path in every if "__pycache__" not in path.parts]


def test_types_are_shipped():
    assert (PACKAGE / "py.typed").is_file()


# --- what is declared ---


def declared(*without: str) -> list[Requirement]:
    """What pyproject.toml asks for, in the base and in every extra but those."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [lines for extra, lines in extras.items() if extra not in without]
    lines = [*project["dependencies"], *(line for lines in wanted for line in lines)]
    return [Requirement(line) for line in lines if Requirement(line).name != "tenfold"]


def locked() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


@pytest.mark.parametrize("needed", declared(), ids=str)
def test_lock_pins_what_is_declared(needed):
    pin = locked().get(canonicalize_name(needed.name))
    assert pin, f"{needed.name} is not in requirements.lock"
    assert needed.specifier.contains(pin), f"requirements.lock has {needed.name} {pin}"


@pytest.mark.parametrize("needed", declared(), ids=str)
def test_each_dependency_is_explained(needed):
    assert f"| {needed.name} |" in (ROOT / "docs/dependencies.md").read_text("utf-8")


def test_each_dependency_is_used():
    imported = {"pillow": "PIL", "scikit-learn": "sklearn", "opencv-python-headless": "cv2"}
    imported |= {"prometheus-client": "prometheus_client", "python-multipart": "python_multipart"}
    imported |= {"faster-coco-eval": "faster_coco_eval", "pyyaml": "yaml"}
    imported |= {"protobuf": "google.protobuf", "pillow-heif": "pillow_heif"}
    imported |= {"python-calamine": "python_calamine"}
    imported |= {"httptools": "uvicorn.protocols.http.httptools_impl"}  # which needs it
    text = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    names = {needed.name for needed in declared("dev")}
    unused = [name for name in sorted(names) if not is_imported(imported.get(name, name), text)]
    assert not unused, f"pyproject.toml lists what nothing in tenfold imports: {unused}"


def is_imported(module: str, text: str) -> bool:
    statement = rf"^\s*(import|from) {module}\b"
    return bool(re.search(rf'{statement}|\blazy\("{module}[."]', text, re.M))


def test_one_version():
    assert importlib.import_module("tenfold").__version__ == importlib.metadata.version("tenfold")
