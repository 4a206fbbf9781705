"""Debian packages as small as can be, and archives of them, made by dpkg-deb as any other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from democd.digests import file_digest
from democd.host.run import run
from democd.lockfile import Lock, Locked


def deb(folder: Path, name: str, version: str = "1", **fields: str) -> Path:
    """Make a package; return it under the name that it has in Debian's pool."""
    tree = folder / f".{name}"
    (tree / "DEBIAN").mkdir(parents=True)
    told = {
        "Package": name, "Version": version, "Architecture": "all",
        "Maintainer": "Nobody <nobody@localhost>", "Description": name,
        **{key.replace("_", "-"): value for key, value in fields.items()},
    }  # fmt: skip
    (tree / "DEBIAN/control").write_text("".join(f"{key}: {told[key]}\n" for key in told))
    file = folder / f"{name}_{version.partition(':')[2] or version}_{told['Architecture']}.deb"
    run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, file])
    return file


def archive(folder: Path, *debs: Path, valid_until: str = "") -> str:
    """Lay an archive out as `dists` and `pool` of these packages; return its sources.list."""
    lists = folder / "dists/trixie/main/binary-amd64"
    lists.mkdir(parents=True)
    index = lists / "Packages"
    with index.open("w") as stream:
        for path in debs:
            entry = run(["dpkg-deb", "--field", path]).stdout
            size = path.stat().st_size
            stream.write(f"{entry}Filename: {path.relative_to(folder)}\nSize: {size}\n")
            stream.write(f"SHA256: {file_digest(path)}\n\n")
    head = "Suite: trixie\nCodename: trixie\nDate: Wed, 01 Jan 2025 00:00:00 UTC\n"
    head += f"Valid-Until: {valid_until}\n" if valid_until else ""
    line = f" {file_digest(index)} {index.stat().st_size} main/binary-amd64/Packages\n"
    release = f"{head}Architectures: amd64\nComponents: main\nSHA256:\n{line}"
    (folder / "dists/trixie/Release").write_text(release)
    return f"deb [trusted=yes] copy://{folder} trixie main\n"


def lock_of(folder: Path, *debs: Path) -> Lock:
    """Return the lock of packages in an archive below `folder`."""
    packages = []
    for path in debs:
        name, version, _ = path.name.split("_")
        where = f"debian/{path.relative_to(folder)}"
        size, digest = path.stat().st_size, file_digest(path)
        packages.append(Locked(name, version, "all", size, digest, where))
    names = tuple(package.name for package in packages)
    return Lock("trixie", ("main",), names, "20250101T000000Z", tuple(packages))


def renamed(lock: Lock, **values: str) -> Lock:
    """Return a lock whose first package tells something else of itself."""
    first, *others = lock.packages
    return replace(lock, packages=(replace(first, **values), *others))  # type: ignore[arg-type]
