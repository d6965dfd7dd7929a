#!/bin/sh
# Puts Keyoff on a unit, or takes it away: `make install`, `make uninstall`.
#   PREFIX=/opt/keyoff  where its environment goes     DESTDIR=  a root to install under (packages, images, tests);
#                       an image also wants `systemd-sysusers --root=DESTDIR`
#   VCAN=1  vcan0 too    PURGE=1  uninstall takes configuration, trips and user as well    PYTHON=python3
set -eu
umask 022
cd "$(dirname "$0")/.."
PREFIX=${PREFIX:-/opt/keyoff}
DESTDIR=${DESTDIR:-}
PYTHON=${PYTHON:-python3}
LIB=/usr/local/lib
NETWORK=/etc/systemd/network

# What is put where. `keep`: the operator's from then on; only PURGE=1 removes it.
files() {
  cat <<EOF
keyoff.service         $LIB/systemd/system/keyoff.service
sysusers.conf          $LIB/sysusers.d/keyoff.conf
tmpfiles.conf          $LIB/tmpfiles.d/keyoff.conf
sysctl.conf            $LIB/sysctl.d/60-keyoff.conf
keyoff.toml            /etc/keyoff/keyoff.toml            keep
network/80-can0.network  $NETWORK/80-can0.network         keep
EOF
  [ -z "${VCAN:-}" ] || vcan
}

vcan() {
  cat <<EOF
network/80-vcan0.netdev  $NETWORK/80-vcan0.netdev
network/80-vcan0.network $NETWORK/80-vcan0.network
EOF
}

say() { printf '%s\n' "$*"; }

need_root() {
  [ -n "$DESTDIR" ] || [ "$(id -u)" = 0 ] || { say "make $1 needs root: sudo make $1" >&2; exit 1; }
}

# Whether this is the running system: not an image being built, not a package.
is_live() { [ -z "$DESTDIR" ] && [ -d /run/systemd/system ]; }

# The unit's own environment: the locked packages, the agent, and their byte code, as the hardened service cannot write
# any. Built beside the old one and swapped, so that a power cut leaves one or the other. The paths that pip and venv
# write into it are then those of where it will be.
make_venv() {
  home=$PREFIX/venv
  new=$DESTDIR$home.new
  build=$(mktemp -d)
  trap 'rm -rf "$build" "$new"' EXIT
  mkdir -p "$DESTDIR$PREFIX"
  PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
  export PIP_DISABLE_PIP_VERSION_CHECK PIP_ROOT_USER_ACTION PYTHONDONTWRITEBYTECODE
  "$PYTHON" -m venv --clear "$new"
  pip="$new/bin/python -m pip -qq"
  $pip install --no-compile --require-hashes -r requirements.lock
  $pip install --no-compile --require-hashes -r requirements-build.lock --target "$build/tools"
  PYTHONPATH=$build/tools $pip wheel --no-deps --no-build-isolation --wheel-dir "$build" .
  $pip install --no-compile --no-deps "$build"/keyoff-*.whl
  grep -rlIF "$new" "$new/bin" "$new/pyvenv.cfg" | xargs sed -i "s|$new|$home|g"
  "$new/bin/python" -m compileall -q -f -j 0 -s "$new" -p "$home" "$new/lib"
  rm -rf "$DESTDIR$home.old"
  [ ! -e "$DESTDIR$home" ] || mv "$DESTDIR$home" "$DESTDIR$home.old"
  mv "$new" "$DESTDIR$home"
  rm -rf "$DESTDIR$home.old"
}

put_files() {
  mkdir -p "$DESTDIR/usr/local/bin"
  ln -sfn "$PREFIX/venv/bin/keyoff" "$DESTDIR/usr/local/bin/keyoff"
  files | while read -r from to keep; do
    if [ -n "$keep" ] && [ -e "$DESTDIR$to" ]; then
      say "kept  $to"
      continue
    fi
    install -D -m 644 "systemd/$from" "$DESTDIR$to"
    sed -i "s|/opt/keyoff|$PREFIX|g" "$DESTDIR$to"
    say "put   $to"
  done
}

install_all() {
  need_root install
  say "Building $PREFIX/venv (a minute; five on a Pi)"
  make_venv
  put_files
  if [ -z "$DESTDIR" ]; then
    systemd-sysusers "$LIB/sysusers.d/keyoff.conf"
    systemd-tmpfiles --create "$LIB/tmpfiles.d/keyoff.conf"
  fi
  if is_live; then
    /lib/systemd/systemd-sysctl "$LIB/sysctl.d/60-keyoff.conf"
    systemctl daemon-reload
    systemctl try-restart keyoff.service
  fi
  say "Next: the vehicle and the unit in /etc/keyoff/keyoff.toml; the bit rate in $NETWORK/80-can0.network;"
  say "      systemctl enable --now systemd-networkd; keyoff config check; systemctl enable --now keyoff"
}

uninstall_all() {
  need_root uninstall
  ! is_live || systemctl disable --quiet --now keyoff.service 2>/dev/null || true
  { files; vcan; } | while read -r _ to keep; do
    [ -n "$keep" ] && [ -z "${PURGE:-}" ] || rm -f "$DESTDIR$to"
  done
  rm -rf "$DESTDIR$PREFIX/venv" "$DESTDIR$PREFIX/venv.new" "$DESTDIR$PREFIX/venv.old" "$DESTDIR/usr/local/bin/keyoff"
  rmdir "$DESTDIR$PREFIX" 2>/dev/null || true
  ! is_live || systemctl daemon-reload
  if [ -z "${PURGE:-}" ]; then
    say "Gone. Kept: /etc/keyoff, $NETWORK/80-can0.network, the trips in /var/lib/keyoff and the user keyoff; PURGE=1 takes them too."
    return
  fi
  rm -rf "$DESTDIR/etc/keyoff" "$DESTDIR/var/lib/keyoff" "$DESTDIR/var/cache/keyoff"
  [ -n "$DESTDIR" ] || ! getent passwd keyoff >/dev/null || userdel keyoff
  say "Gone, with configuration, trips and user."
}

case ${1:-} in
  install) install_all ;;
  files) put_files ;; # all but the environment
  uninstall) uninstall_all ;;
  *) sed -n '2,5s/^# //p' "$0"; exit 2 ;;
esac
