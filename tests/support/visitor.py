"""An ordinary user in a home of their own, with a copy of the checkout, another day and zone.

Where the tests run as root, the user exists in a mount namespace only, in which /etc/passwd and
its kin have one line more and the host has another name: the true host is not changed. Python and
its packages are bound into the user's home there, since a checkout below /root is nobody else's to
read.

The user may also be at home on a host of another Debian release, whose userland is a folder: see
tests/support/userland.py. There everything is that host's, but for the kernel.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from tests.support.building import PROJECT
from tests.support.userland import WHEELS

UID = 29_999
TOMORROW = "+30h"
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "build", "dist", "__pycache__", ".*_cache", ".hypothesis"
)

_BECOME = """
set -e
home=$1 uid=$2 python=$3 packages=$4
shift 4
for line in "passwd visitor:x:$uid:$uid::$home:/bin/sh" "group visitor:x:$uid:" \
    "subuid visitor:1000000:65536" "subgid visitor:1000000:65536"; do
    file=/etc/${line%% *}
    { [ ! -e "$file" ] || cat "$file"; echo "${line#* }"; } >"$home/.${line%% *}"
    [ -e "$file" ] || : >"$file"
    mount --bind "$home/.${line%% *}" "$file"
done
for file in /etc/resolv.conf /etc/hostname; do
    if [ -e "$file" ]; then
        { echo "# another host's"; cat "$file"; } >"$home/.${file##*/}"
        mount --bind "$home/.${file##*/}" "$file"
    fi
done
hostname visited
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount --bind "$python" "$home/python"
mount --bind "$packages" "$home/packages"
cd "$home/checkout"
[ "$uid" != 0 ] || exec "$@"
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all "$@"
"""

# The same on another host, whose userland $host is ours to write to. A chroot would not do, since
# nobody may have namespaces in one.
_ABROAD = """
set -e
host=$1 home=$2 uid=$3
shift 3
for line in "passwd visitor:x:$uid:$uid::$home:/bin/sh" "group visitor:x:$uid:" \
    "subuid visitor:1000000:65536" "subgid visitor:1000000:65536"; do
    file=$host/etc/${line%% *}
    grep -qsx "${line#* }" "$file" || echo "${line#* }" >>"$file"
done
{ echo "# another host's"; cat /etc/resolv.conf; } >"$host/etc/resolv.conf"
echo visited >"$host/etc/hostname"
hostname visited
mount --bind "$host" "$host"
mkdir -p "$host$home"
mount --bind "$home" "$host$home"
for folder in proc sys dev; do mount --rbind "/$folder" "$host/$folder"; done
mount -t tmpfs -o mode=1777 tmpfs "$host/dev/shm"
cd "$host"
pivot_root . mnt
umount -l /mnt
cd "$home/checkout"
[ "$uid" != 0 ] || exec "$@"
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all "$@"
"""

# What packages do in the root from the first hook on happens on another day: dpkg, and all that it
# starts, run under libfaketime. A second hook takes it away before customize-settle.
_HOOKS = {
    "essential-another-day": """#!/bin/sh
set -eu
mkdir "$1/another-day"
cp {library} "$1/another-day/faketime.so"
mv "$1/usr/bin/dpkg" "$1/another-day/dpkg"
cat >"$1/usr/bin/dpkg" <<'END'
#!/bin/sh
# libfaketime's semaphores are named by process ids, which other namespaces have as well.
[ ! -e /dev/shm/faketime_shm_$$ ] || {{ "$0" "$@"; exit; }}
export LD_PRELOAD=/another-day/faketime.so FAKETIME={tomorrow} NO_FAKE_STAT=1
exec /another-day/dpkg "$@"
END
chmod 755 "$1/usr/bin/dpkg" "$1/another-day" "$1/another-day/faketime.so"
chroot "$1" dpkg --version >/dev/null
""",
    "customize-another-day-over": """#!/bin/sh
set -eu
mv "$1/another-day/dpkg" "$1/usr/bin/dpkg"
rm -r "$1/another-day"
""",
}


def libfaketime(host: Path) -> Path:
    """Return where a host has its libfaketime (package `faketime`), whose root is a folder."""
    (found,) = host.glob("usr/lib/*/faketime/libfaketime.so.1")
    return Path("/") / found.relative_to(host)


@dataclass(frozen=True)
class Visitor:
    """The user; `home` has the copied checkout in `checkout/`, and what it builds.

    `project/` beside it is the same with more hooks for the root. The builder, which the disc has
    too, is the one in `checkout/`; a build by `--recipe ../project/democd.toml` has both.

    Attributes:
        uid: where the host lets nobody but root have namespaces, the visitor is root (0) as well.
        host: the userland of the host that the visitor builds on; / is this one.
    """

    home: Path
    uid: int
    host: Path = Path("/")

    @property
    def build_dir(self) -> Path:
        return self.home / "checkout/build"

    @property
    def dist(self) -> Path:
        return self.home / "checkout/dist"

    def may_use_namespaces(self) -> bool:
        """Whether the host lets this user have what an unprivileged build needs."""
        probe = ["unshare", "--map-root-user", "--map-auto", "--mount", "true"]
        return subprocess.run(self._become(probe), check=False).returncode == 0

    def start(self, *words: str, alone: bool = False) -> subprocess.Popen[bytes]:
        """Start ./build.py with umask, zone, language, clock and names unlike everybody's.

        Args:
            words: of its command line.
            alone: in a network namespace without a route, where the tests run as root, or abroad.
        """
        python, packages = self._python()
        environment = [
            f"HOME={self.home}", "USER=visitor", "LOGNAME=visitor", "TZ=Pacific/Kiritimati",
            "LANG=de_DE.UTF-8", "LC_ALL=tr_TR.UTF-8", "PATH=/usr/bin:/bin", "PYTHONHASHSEED=77",
            packages, f"LD_PRELOAD={libfaketime(self.host)}", f"FAKETIME={TOMORROW}",
            "NO_FAKE_STAT=1", "DONT_FAKE_MONOTONIC=1",
        ]  # fmt: skip
        argv = ["env", "-i", *environment, python, "build.py", *words]
        with (self.home / "log").open("ab") as log:
            return subprocess.Popen(
                self._become(argv, alone=alone),
                cwd=self.home / "checkout",
                umask=0o077,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def settle(self) -> None:
        """Make what building needs of Python, on another host, as a person does there."""
        offline = [f"HOME={self.home}", "PIP_NO_INDEX=1", f"PIP_FIND_LINKS=/{WHEELS}"]
        argv = ["env", "-i", "PATH=/usr/bin:/bin", *offline, "./setup.sh", "build"]
        subprocess.run(self._become(argv), cwd=self.home, check=True)

    def _python(self) -> tuple[str, str]:
        """Return the Python to start, and the variable that says which packages it has."""
        if self._is_abroad():
            return "python3", "PYTHONDONTWRITEBYTECODE=1"  # build.py goes on in .venv
        if os.geteuid() != 0:
            return sys.executable, "PYTHONDONTWRITEBYTECODE=1"
        version = sysconfig.get_python_version()
        return f"{self.home}/python/bin/python{version}", f"PYTHONPATH={self.home / 'packages'}"

    def _is_abroad(self) -> bool:
        return self.host != Path("/")

    def _become(self, argv: list[str], *, alone: bool = False) -> list[str]:
        apart = ["--mount", "--uts", *(["--net"] if alone else [])]
        root = os.geteuid() == 0
        if self._is_abroad():
            apart += [] if root else ["--map-root-user", "--map-auto"]
            known = [str(self.host), str(self.home), str(self.uid if root else 0)]
            return ["unshare", *apart, "sh", "-c", _ABROAD, "sh", *known, *argv]
        if not root:
            return argv
        known = [str(self.home), str(self.uid), sys.base_prefix, sysconfig.get_path("purelib")]
        return ["unshare", *apart, "sh", "-c", _BECOME, "sh", *known, *argv]


def invite(home: Path, host: Path = Path("/")) -> Visitor:
    """Make a home with a copy of the checkout that is not git's and has odd modes and times.

    Args:
        home: a folder.
        host: the userland of the host that it is on.
    """
    home.chmod(0o755)
    for name in ("python", "packages"):
        (home / name).mkdir()
    checkout = shutil.copytree(PROJECT, home / "checkout", symlinks=True, ignore=NOT_COPIED)
    project = shutil.copytree(checkout, home / "project", symlinks=True)
    for name, text in _HOOKS.items():
        hook = project / "rootfs/hooks" / name
        hook.write_text(text.format(library=libfaketime(host), tomorrow=TOMORROW))
        hook.chmod(0o755)
    copies = [path for top in (checkout, project) for path in (top, *top.rglob("*"))]
    for path in copies:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)
            os.utime(path, (1, 1))
    visitor = Visitor(home, UID if os.geteuid() == 0 else os.geteuid(), host)
    if not visitor.may_use_namespaces():
        return Visitor(home, os.geteuid(), host)
    for path in (home, *copies):
        os.lchown(path, visitor.uid, -1)
    return visitor
