#!/bin/sh
# The peer of benchmarks/remake.py: a live disc remastered by hand, as wikis tell it, with
# unsquashfs, mksquashfs and xorriso.
#
#   remake.sh apart ISO FOLDER             all files, all layers and both initrds, unpacked
#   remake.sh extract ISO FOLDER           the files alone
#   remake.sh layer FOLDER NAME            one layer of these unpacked
#   remake.sh pack FOLDER NAME LEVEL BLOCK DATE    that layer packed again
#   remake.sh iso ISO FOLDER NEW           sums anew, and a disc with the boot records of the old one
set -eu
verb=$1
shift
case $verb in
extract)
    mkdir -p "$2"
    xorriso -osirrox on -indev "$1" -extract / "$2/disc" >/dev/null 2>&1
    chmod -R u+w "$2/disc"
    ;;
layer)
    unsquashfs -quiet -no-progress -dest "$1/$2" "$1/disc/live/$2.squashfs" >/dev/null
    ;;
apart)
    "$0" extract "$1" "$2"
    for layer in "$2"/disc/live/*.squashfs; do
        name=${layer##*/}
        "$0" layer "$2" "${name%.squashfs}"
    done
    for initrd in "$2"/disc/boot/initrd-*; do
        mkdir "$2/${initrd##*/}"
        zstd -dqc "$initrd" | (cd "$2/${initrd##*/}" && cpio -id --quiet)
    done
    ;;
pack)
    rm "$1/disc/live/$2.squashfs"
    mksquashfs "$1/$2" "$1/disc/live/$2.squashfs" -noappend -quiet -no-progress \
        -comp zstd -Xcompression-level "$3" -b "${4}K" -all-time "$5" -mkfs-time "$5" >/dev/null
    ;;
iso)
    (
        cd "$2/disc"
        find . -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs -d '\n' sha256sum >../sums
        mv ../sums SHA256SUMS
    )
    rm -f "$3"
    # xorriso tells how the old one was made, its boot records among it.
    xorriso -indev "$1" -report_el_torito as_mkisofs 2>/dev/null >"$2/how"
    eval "xorriso -as mkisofs -quiet -r -J -o '$3' $(tr '\n' ' ' <"$2/how") '$2/disc'" >/dev/null 2>&1
    ;;
esac
