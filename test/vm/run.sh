#!/usr/bin/env bash
# run.sh: the tests of this folder in a guest of its own: Debian 13 with systemd, one cgroup tree and AppArmor.
#
#   test/vm/run.sh [FILE...]    all tests, or those of some files: test/vm/run.sh systemd
#
# Environment: TUG_VM the program that runs guests (default: ../shared/tools/vm beside this checkout)
#              TUG_VM_GUEST the guest's number (default 7)      TUG_VM_KEEP=1 leaves the guest running at the end
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

vm=${TUG_VM:-../shared/tools/vm}
guest=${TUG_VM_GUEST:-7}
say() { echo "vm: $*" >&2; }

if [ ! -f "$vm" ]; then
  say "no program to run guests at \"$vm\": set TUG_VM to it (it has to know up, ssh, push and down)"
  exit 1
fi
# The program looks for a mirror in /etc/apt/sources.list, which not every host has.
if [ -z "${VM_MIRROR:-}" ]; then
  VM_MIRROR=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null |
    grep -oE 'https?://[^ ]*/debian/?( |$)' | head -1 || true)
  export VM_MIRROR=${VM_MIRROR:-unknown}
fi
guest() { bash "$vm" "$1" "$guest" "${@:2}"; }
in_guest() { guest ssh "$@"; }

stage=$(mktemp -d /tmp/tug-vm.XXXXXX)
finish() {
  rm -rf "$stage"
  [ -n "${TUG_VM_KEEP:-}" ] || guest down
}
trap finish EXIT

./dev build
bun=$(node scripts/bun-path.mjs)
docker=$("$bun" -e 'import { dockerCli } from "./scripts/dev/packages.ts"; console.log(await dockerCli())')
mkdir -p "$stage/bin" "$stage/dist"
cp -r packaging test "$stage"
cp dist/tugd "$stage/dist"
cp "$(readlink -f "$docker")" "$stage/bin/docker"
cp "$bun" "$stage/bin/bun"
[ ! -d build/fixtures ] || { mkdir "$stage/build" && cp -r build/fixtures "$stage/build"; }

if [ ! -e "${VM_DIR:-/opt/vm}/base.qcow2" ]; then
  say "building the guest's disk, once"
  bash "$vm" build
fi
[ "$(in_guest true 2>/dev/null && echo up)" = up ] || guest up
say "copying $(du -sh "$stage" | cut -f1) to the guest"
guest push "$stage" /root/tug
in_guest uname -sr

run_tests() {
  in_guest "cd /root/tug && PATH=\$PWD/bin:\$PATH && export TUG_TEST_GUEST=1 TUG_TEST_DOCKER=\$PWD/bin/docker &&
    bun test --timeout=120000 $*"
}
# Resets the machine as a power cut would, at once after a last request was acknowledged, and waits for its return.
cut_power() {
  local boot
  boot=$(in_guest cat /proc/sys/kernel/random/boot_id)
  in_guest 'export DOCKER_HOST=unix:///run/tug/tug.sock; cd /root/tug/bin
    ./docker tag busybox last:1 && ./docker create --name last busybox &&
    { setsid sh -c "sleep 0.3; echo b >/proc/sysrq-trigger" >/dev/null 2>&1 & }'
  # The shared connection would only notice after minutes.
  rm -f "${VM_DIR:-/opt/vm}/$guest"/ctl-*
  for _ in $(seq 120); do
    [ "$(in_guest cat /proc/sys/kernel/random/boot_id 2>/dev/null)" != "$boot" ] || { sleep 1 && continue; }
    in_guest true 2>/dev/null && return
    sleep 1
  done
  say "the guest did not come back"
  return 1
}

if [ $# -gt 0 ]; then
  run_tests "${@/#/test/vm/}"
else
  run_tests test/vm/*.test.ts
  run_tests test/vm/power-cut/before.test.ts
  say "cutting the power"
  cut_power
  run_tests test/vm/power-cut/after.test.ts
fi
