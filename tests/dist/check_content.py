"""Check what is inside the distributions: `check_content.py FOLDER`, a folder of wheels and sdists.

Of comorbid and of each plugin, the wheel must hold the package as it is in the source tree, file by
file, and nothing else; the sdist must hold the same package and what it is built from.
"""

from __future__ import annotations

import configparser
import sys
import tarfile
import zipfile
from email import message_from_string
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]

# What comorbid cannot do its main job without, wherever the rooms keep it.
NEEDED = {
    "type marker": "comorbid/py.typed",
    "font for pages": "comorbid/report/*.woff2",
    "licence of the font for pages": "comorbid/report/*OFL*.txt",
    "font for figures": "comorbid/document/*.ttf",
    "licence of the font for figures": "comorbid/document/*OFL*.txt",
    "template": "comorbid/report/templates/*",
    "stylesheet": "comorbid/report/*.css",
    "script of the page": "comorbid/report/templates/*.js",
    "template of a plugin": "comorbid/starter/*.txt",
    "bundled studies": "comorbid/*.csv",
}


def package_files(folder: Path) -> set[str]:
    """Files of a package in the source tree, relative to the folder that holds it."""
    return {
        path.relative_to(folder.parent).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def wheel_files(wheel: Path) -> dict[str, bytes]:
    """Content of a wheel by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sdist_files(sdist: Path) -> set[str]:
    """Names in an sdist, without its one top folder."""
    with tarfile.open(sdist) as archive:
        names = [PurePosixPath(member.name) for member in archive if member.isfile()]
    return {PurePosixPath(*name.parts[1:]).as_posix() for name in names}


def differences(what: str, expected: set[str], found: set[str]) -> list[str]:
    """Say in words how the files found differ from those expected."""
    missing = [f"{what} lacks {name}" for name in sorted(expected - found)]
    return missing + [f"{what} should not hold {name}" for name in sorted(found - expected)]


def check_wheel(wheel: Path, package: Path) -> list[str]:
    """Problems of one wheel: its package, its metadata folder and its licence."""
    files = wheel_files(wheel)
    info = "-".join(wheel.name.split("-")[:2]) + ".dist-info/"
    problems = differences(
        wheel.name,
        package_files(package),
        {name for name in files if not name.startswith(info)},
    )
    metadata = message_from_string(files[info + "METADATA"].decode("utf-8"))
    if metadata["License-Expression"] != "GPL-3.0-or-later":
        problems.append(f"{wheel.name}: License-Expression is {metadata['License-Expression']}")
    if metadata["Requires-Python"] != ">=3.11":
        problems.append(f"{wheel.name}: Requires-Python is {metadata['Requires-Python']}")
    return problems


def check_comorbid_wheel(wheel: Path) -> list[str]:
    """Problems that only comorbid's own wheel can have."""
    files = wheel_files(wheel)
    info = "-".join(wheel.name.split("-")[:2]) + ".dist-info/"
    problems = [
        f"{wheel.name} lacks a {what} ({pattern})"
        for what, pattern in NEEDED.items()
        if not any(fnmatch(name, pattern) for name in files)
    ]
    licence = info + "licenses/LICENSE"
    if files.get(licence) != (ROOT / "LICENSE").read_bytes():
        problems.append(f"{wheel.name}: {licence} is not the LICENSE of the source tree")
    metadata = message_from_string(files[info + "METADATA"].decode("utf-8"))
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = setup["options"]["install_requires"].split("\n")
    declared = {line for line in lines if line and not line.startswith("#")}
    for extra, names in setup["options.extras_require"].items():
        declared |= {f'{line}; extra == "{extra}"' for line in names.split("\n") if line}
    required = set(metadata.get_all("Requires-Dist", []))
    problems += differences(f"{wheel.name}: Requires-Dist", declared, required)
    if b"comorbid = comorbid.cli:main" not in files.get(info + "entry_points.txt", b""):
        problems.append(f"{wheel.name} has no comorbid command")
    return problems


def check_plugin_wheel(wheel: Path) -> list[str]:
    """Problems that only a plugin's wheel can have."""
    files = wheel_files(wheel)
    info = "-".join(wheel.name.split("-")[:2]) + ".dist-info/"
    if b"[comorbid]" not in files.get(info + "entry_points.txt", b""):
        return [f"{wheel.name} declares no entry point in the group comorbid"]
    return []


def check_sdist(sdist: Path, project: Path, package: Path) -> list[str]:
    """Problems of one sdist: the package, what it is built from, and nothing of the repository."""
    found = sdist_files(sdist)
    needed = package_files(package) | {"pyproject.toml", "PKG-INFO"}
    if project == ROOT:
        needed |= {"setup.cfg", "README.md", "LICENSE"}
    strangers = ("reports/", "plugins/", ".ci/", ".tox/", ".venv/")
    if project == ROOT:
        strangers += ("tests/",)
    return [f"{sdist.name} lacks {name}" for name in sorted(needed - found)] + [
        f"{sdist.name} should not hold {name}"
        for name in sorted(found)
        if name.startswith(strangers)
    ]


def projects() -> dict[Path, Path]:
    """Each project of the repository, comorbid first, with its package."""
    found = {ROOT: ROOT / "comorbid"}
    for definition in sorted(ROOT.glob("plugins/*/pyproject.toml")):
        project = definition.parent
        found[project] = project / project.name.replace("-", "_")
    return found


def check_project(folder: Path, project: Path, package: Path) -> list[str]:
    """Problems of the one wheel and the one sdist of a project."""
    wheels = sorted(folder.glob(f"{package.name}-[0-9]*.whl"))
    sdists = sorted(folder.glob(f"{package.name}-[0-9]*.tar.gz"))
    if (len(wheels), len(sdists)) != (1, 1):
        return [f"{package.name}: {len(wheels)} wheels and {len(sdists)} sdists, not one of each"]
    own = check_comorbid_wheel if project == ROOT else check_plugin_wheel
    return [
        *check_wheel(wheels[0], package),
        *own(wheels[0]),
        *check_sdist(sdists[0], project, package),
    ]


def main() -> None:
    """Check every project; print each problem and exit 1 if there is one."""
    folder = Path(sys.argv[1])
    problems: list[str] = []
    for project, package in projects().items():
        problems += check_project(folder, project, package)
        print(f"checked {package.name}")
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
