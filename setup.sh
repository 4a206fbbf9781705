#!/bin/sh
# Installs what building (`./setup.sh build`), testing (`test`) or measuring (`bench`) needs, each with
# all before it: Debian packages, as democd/host/tools.txt lists them, and .venv with the Python
# packages that pyproject.toml pins. What is there is left alone, so a second run does nothing.
set -eu
cd "$(dirname "$0")"

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
level=${1:-test}
stamp=.venv/setup-done

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

case $level in
build) levels=build ;;
test) levels='build test' ;;
bench) levels='build test bench' ;;
*) die "usage: ./setup.sh [build|test|bench]" ;;
esac

# Prints the Debian packages of the programs and files that are not there, one a line.
missing_packages() {
    while read -r name package needed; do
        case $name in '' | \#*) continue ;; esac
        case " $levels " in *" $needed "*) ;; *) continue ;; esac
        case $name in
        /*) [ -e "$name" ] || echo "$package" ;;
        *) command -v "$name" >/dev/null || echo "$package" ;;
        esac
    done <democd/host/tools.txt
    if ! command -v python3 >/dev/null; then
        echo python3
        echo python3-venv
    elif ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        echo python3-venv
    fi
}

# apt-get, as root; says what it is about to do.
install_packages() {
    command -v apt-get >/dev/null ||
        die "not installed: $* (Debian's names; there is no apt-get here, so install them by hand)"
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            die "not root and no sudo: run as root: apt-get install --no-install-recommends $*"
        as_root=sudo
    fi
    say "installing Debian packages: $*"
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@"
}

# Prints the pinned requirements of pyproject.toml.
requirements() {
    # shellcheck disable=SC2086 # one word a level
    python3 - $levels <<'END'
import sys, tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
wanted = project["dependencies"]
for level in sys.argv[2:]:
    wanted += project["optional-dependencies"][level]
print("\n".join(wanted))
END
}

# .venv with the requirements; the stamp holds what was installed, once it all was.
install_python() {
    if [ "$(.venv/bin/python -V 2>/dev/null)" != "$(python3 -V)" ]; then
        say "making .venv with $(python3 -V)"
        rm -rf .venv
        python3 -m venv .venv
    fi
    wanted=$(requirements)
    if ! [ -f "$stamp" ] || ! printf '%s\n' "$wanted" | is_within "$stamp"; then
        # shellcheck disable=SC2086 # one word a requirement
        set -- $wanted
        say "installing Python packages into .venv: $*"
        .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"
        printf '%s\n' "$wanted" >"$stamp"
    fi
}

# Succeeds if each line of the input is a line of the file.
is_within() {
    while read -r line; do
        grep -qxF "$line" "$1" || return 1
    done
}

packages=$(missing_packages | sort -u)
if [ -n "$packages" ]; then
    # shellcheck disable=SC2086 # one word a package
    install_packages $packages
    left=$(missing_packages | sort -u | tr '\n' ' ')
    [ -z "$left" ] || die "still missing after the installation: $left"
fi
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "$(command -v python3) is $(python3 -V); Python 3.11 or later is needed, first on PATH"
install_python
