#!/bin/bash
# Builds OUT/{vmlinux,initrd.img,rootfs.img}: a Debian guest with a real kernel's CAN, systemd, and Keyoff installed as
# `make install` does it. As root on Debian; needs (README.md): mmdebstrap e2fsprogs kmod cpio binutils, python3-venv.
set -euo pipefail
OUT=$(realpath -m "${1:?build.sh OUT}")
cd "$(dirname "$0")/../.."

PACKAGES=systemd-sysv,udev,kmod,iproute2,can-utils,python3,busybox-static,procps,dbus,mosquitto
BOOT_MODULES="virtio_pci virtio_blk ext4"
MODULES="$BOOT_MODULES can can_raw can_dev vcan kvaser_pci virtio_console virtio_rng autofs4 unix_diag"
SUITE=$(. /etc/os-release && echo "$VERSION_CODENAME")
SOURCES=/etc/apt/sources.list.d/debian.sources
[ -e "$SOURCES" ] || SOURCES=/etc/apt/sources.list

mkdir -p "$OUT"
TEMP=$(mktemp -d "$OUT/build.XXXXXX")
trap 'rm -rf "$TEMP"' EXIT
ROOT=$TEMP/root

# The .ko files that modules take, in the order in which they are loaded.
needed() {
  local base=$1 version=$2 module
  shift 2
  for module in "$@"; do modprobe -d "$base" -S "$version" --show-depends "$module"; done |
    awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# linux-image-cloud-* has no CAN, so the full one; only unpacked: no initramfs-tools, no boot loader.
FETCH_KERNEL='mkdir "$1/kernel"; chroot "$1" sh -c "cd /kernel && apt-get download -q -o APT::Sandbox::User=root \
  \$(apt-cache depends linux-image-amd64 | sed -n \"s/.*Depends: \\(linux-image\\)/\\1/p\" | head -1)"'
mmdebstrap --quiet --mode=root --variant=minbase --include="$PACKAGES" --aptopt='Apt::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --customize-hook="$FETCH_KERNEL" "$SUITE" "$ROOT" "$SOURCES"

dpkg-deb -x "$ROOT"/kernel/*.deb "$TEMP/kernel"
rm -rf "$ROOT/kernel"
VERSION=$(ls "$TEMP/kernel/lib/modules")
depmod -b "$TEMP/kernel" "$VERSION"
needed "$TEMP/kernel" "$VERSION" $MODULES | while read -r file; do
  install -D -m 644 "$file" "$ROOT/usr${file#"$TEMP/kernel"}"
done
cp "$TEMP/kernel/lib/modules/$VERSION/"modules.{builtin,builtin.modinfo,order} "$ROOT/usr/lib/modules/$VERSION/"
find "$ROOT/usr/lib/modules" -name '*.ko' -exec strip --strip-debug {} +
depmod -b "$ROOT" "$VERSION"

# Uncompressed, started by its PVH entry: 4 to 5 s less of emulated unpacking.
python3 - "$TEMP/kernel/boot/vmlinuz-$VERSION" "$OUT/vmlinux" <<'PY'
import lzma, pathlib, sys
image = pathlib.Path(sys.argv[1]).read_bytes()
pathlib.Path(sys.argv[2]).write_bytes(lzma.LZMADecompressor().decompress(image[image.index(b"\xfd7zXZ\x00"):]))
PY
strip --strip-debug "$OUT/vmlinux" || true

mkdir -p "$TEMP/init"/{bin,modules,proc,sys,dev,root}
cp "$ROOT/bin/busybox" "$TEMP/init/bin/"
needed "$ROOT" "$VERSION" $BOOT_MODULES | while read -r file; do
  cp "$file" "$TEMP/init/modules/"
  basename "$file"
done >"$TEMP/init/modules/order"
cat >"$TEMP/init/init" <<'EOF'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
for m in $($b cat /modules/order); do $b insmod /modules/$m; done
while [ ! -b /dev/vda ]; do $b sleep 0.05; done
$b mount -t ext4 -o noatime /dev/vda /root && $b mount --move /dev /root/dev && exec $b switch_root /root /sbin/init
EOF
chmod 755 "$TEMP/init/init"
(cd "$TEMP/init" && find . | cpio -o -H newc --quiet) >"$OUT/initrd.img"

# Keyoff as on a unit, and the checkout beside it for the simulated car. The guest's Python is the host's Debian's.
make --no-print-directory install DESTDIR="$ROOT" VCAN=1 PYTHON=/usr/bin/python3
mkdir -p "$ROOT/root/keyoff" "$ROOT/etc/systemd/journald.conf.d"
cp -r agent dbc hil "$ROOT/root/keyoff/"
systemd-sysusers --root="$ROOT"
install -m 755 hil/vm/inside.py "$ROOT/usr/local/sbin/keyoff-vm"
cat >"$ROOT/etc/systemd/system/keyoff-vm.service" <<'EOF'
[Unit]
Description=Runs the host's commands (hil/vm)
[Service]
ExecStart=/usr/local/sbin/keyoff-vm
[Install]
WantedBy=multi-user.target
EOF
echo keyoff-vm >"$ROOT/etc/hostname"
echo '127.0.0.1 localhost keyoff-vm' >"$ROOT/etc/hosts"
: >"$ROOT/etc/machine-id"
echo '/dev/root / ext4 defaults,noatime 0 0' >"$ROOT/etc/fstab"
printf '[Journal]\nStorage=volatile\n' >"$ROOT/etc/systemd/journald.conf.d/vm.conf"
systemctl --root="$ROOT" --quiet set-default multi-user.target
systemctl --root="$ROOT" --quiet enable keyoff-vm.service systemd-networkd.service
systemctl --root="$ROOT" --quiet mask systemd-networkd-wait-online.service getty@tty1.service systemd-logind.service \
  systemd-timesyncd.service mosquitto.service apt-daily.timer apt-daily-upgrade.timer fstrim.timer e2scrub_all.timer dpkg-db-backup.timer

rm -f "$OUT/rootfs.img"
truncate -s 700M "$OUT/rootfs.img"
mke2fs -q -F -t ext4 -E lazy_itable_init=0,lazy_journal_init=0 -d "$ROOT" "$OUT/rootfs.img"
