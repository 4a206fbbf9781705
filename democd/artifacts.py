"""The values that flow between the steps of a build."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from democd.formats.linux import LinuxKernel
from democd.formats.xen import Hypervisor
from democd.inputs import Made
from democd.install_tree import InstallTree
from democd.lockfile import Lock
from democd.origins import Offered, Origin
from democd.sizes import Sizes

Sign = Callable[[bytes, int], bytes]
"""Makes a detached signature: of a text, and with a date (seconds since 1970, UTC)."""


@dataclass(frozen=True)
class Package:
    """A Debian package of the root; `size` is its installed size in bytes."""

    name: str
    version: str
    architecture: str
    source: str
    size: int


@dataclass(frozen=True)
class Supplied:
    """The packages that the root is made of.

    Attributes:
        lock: each by name, version and SHA-256.
        archive: the folder of an archive of just these; None where the root is kept.
    """

    lock: Lock
    archive: Path | None


@dataclass(frozen=True)
class Root:
    """The Debian root.

    Attributes:
        made: the kept result; holds `root.tar`, `packages.json` and `parts/`.
        tar: the whole tree, owners and modes as dpkg made them.
        parts: a plain folder with the few files of the tree that later steps read or run: boot/,
            usr/lib/modules/, usr/lib/grub/, and the suite's own tools with their libraries.
        packages: sorted by name.
        date: seconds since 1970, UTC: the newest date in the archive's Release files. Nothing on
            the disc is younger.
    """

    made: Made
    tar: Path
    parts: Path
    packages: tuple[Package, ...]
    date: int


@dataclass(frozen=True)
class Kernel:
    """A Linux bzImage fit for its place.

    Attributes:
        image: the file.
        release: as `uname -r` prints it, read from the image.
        modules: the folder `lib/modules/RELEASE` that belongs to it.
    """

    image: Path
    release: str
    modules: Path


@dataclass(frozen=True)
class Kernels:
    """What boots: the hypervisor, dom0's kernel (xen0) and the guests' kernel (xenU).

    Attributes:
        xen: the hypervisor, gzip-compressed ELF with multiboot2 header.
        xen_version: e.g. `4.20.2`.
        xen_options: names of all command-line options that this very hypervisor knows.
    """

    xen: Path
    xen_version: str
    xen_options: frozenset[str]
    dom0: Kernel
    guest: Kernel


@dataclass(frozen=True)
class Own:
    """What the person brings to boot in place of the root's own; None for what they do not.

    Attributes:
        xen: the hypervisor's file, and what is in it.
        dom0, guest: a kernel's file, and what is in it.
        dom0_modules, guest_modules: the folder lib/modules/RELEASE of that very kernel.
        tree: an install tree, whose hypervisor is `xen` unless another was named.
        mistakes: what is wrong with them, each with its remedy.
    """

    xen: tuple[Path, Hypervisor] | None = None
    dom0: tuple[Path, LinuxKernel] | None = None
    guest: tuple[Path, LinuxKernel] | None = None
    dom0_modules: Path | None = None
    guest_modules: Path | None = None
    tree: InstallTree | None = None
    mistakes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Tools:
    """Xen's tools from an install tree.

    Attributes:
        root: the folder with them, each file and link at its path in the running root; what is in
            here counts before what the Debian root has at the same path.
    """

    root: Path
    made: Made


@dataclass(frozen=True)
class Layer:
    """A squashfs: `base` or the name of an overlay folder."""

    name: str
    path: Path
    made: Made


@dataclass(frozen=True)
class Source:
    """A source tree on the disc.

    Attributes:
        name: of the Debian source package, or of a tree of the person's own or ours.
        version: of the source.
        packages: what of the root was built from it, sorted; nothing for what is not Debian's.
        size: bytes of its files, as they lie in its folder.
        packed: it is Debian's own files, not a tree.
    """

    name: str
    version: str
    packages: tuple[str, ...]
    size: int
    packed: bool = False


@dataclass(frozen=True)
class Sources:
    """The layer that becomes /usr/local/src, and what is in it; no layer for a disc without."""

    layer: Layer | None = None
    trees: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Packed:
    """A Debian source package as its archive has it: a .dsc, and the files that it names.

    Attributes:
        about: names, sizes and sums, from the archive's signed lists.
        folder: has these files.
    """

    about: Offered
    folder: Path


@dataclass(frozen=True)
class Missing:
    """A source package that could not be had, and why; a line."""

    origin: Origin
    why: str


@dataclass(frozen=True)
class Tarball:
    """A source tree that is not Debian's, packed; `name` is that of the folder in it."""

    name: str
    version: str
    path: Path


@dataclass(frozen=True)
class RamRoot:
    """A root in memory, the whole of dom0's system, as part of xen0's initrd.

    Attributes:
        files: path in the root, to the file it comes from; executable if that one is.
        links: path in the root, to the target of the symlink there.
    """

    files: Mapping[str, Path]
    links: Mapping[str, str]


@dataclass(frozen=True)
class Initrd:
    """An initrd: `xen0` or `xenU`."""

    name: str
    path: Path


@dataclass(frozen=True)
class BootImages:
    """GRUB's boot images, made by the suite's own GRUB.

    Attributes:
        bios: El Torito image for BIOS (`cdboot.img` + core), not yet patched.
        mbr: `boot_hybrid.img`, 512 bytes; its first 440 go into the MBR.
        esp: FAT image of the EFI system partition, holding /EFI/BOOT/BOOTX64.EFI.
        efi: BOOTX64.EFI itself, for the ISO's own tree.
    """

    bios: Path
    mbr: Path
    esp: Path
    efi: Path


@dataclass(frozen=True)
class DiscFile:
    """A file of the disc: its absolute path on it, and where its bytes come from."""

    path: str
    source: Path | bytes

    def size(self) -> int:
        """Return the size in bytes."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    def content(self) -> bytes:
        """Return the bytes."""
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()


@dataclass(frozen=True)
class DiscPlan:
    """Everything the ISO is made of; manifest, verifier and writer go by it.

    Attributes:
        volume_id, publisher, preparer, application: the volume descriptor's fields.
        date: seconds since 1970, UTC: every time in the ISO.
        bios, esp: paths *on the disc* of the El Torito images.
        mbr: the boot code that starts GRUB from a disk.
        files: sorted by path, unique.
        sizes: what of them takes how much of the medium.
    """

    volume_id: str
    publisher: str
    preparer: str
    application: str
    date: int
    bios: str
    esp: str
    mbr: Path
    files: tuple[DiscFile, ...]
    sizes: Sizes


@dataclass(frozen=True)
class SourceDisc:
    """Everything that a disc of sources is made of.

    Attributes:
        volume_id, publisher, preparer, application, date: as of `DiscPlan`.
        files: sorted by path, unique.
        binaries: how many packages it has the sources of.
        packed: Debian's sources on it.
        trees: those that are not Debian's.
        missing: what it lacks.
    """

    volume_id: str
    publisher: str
    preparer: str
    application: str
    date: int
    files: tuple[DiscFile, ...]
    binaries: int
    packed: tuple[Packed, ...]
    trees: tuple[Tarball, ...]
    missing: tuple[Missing, ...]
