#!/bin/sh
# Runs the native updates with sanitizers, with every instruction set of this machine, and compares
# bits: check.sh DIRECTORY [COMBINATIONS [COMBINATIONS_ARM64]]. Where there are a cross compiler
# ($CC_ARM64 or aarch64-linux-gnu-gcc) and qemu-aarch64, also builds the library for arm64 and compares
# its bits. Says in one line why not where something is missing.
set -eu
tests=$(cd "$(dirname "$0")" && pwd)
sources=$tests/../../main/native
output=$1
combinations=${2:-24}
combinations_arm64=${3:-6}
compiler=${CC:-cc}
compiler_arm64=${CC_ARM64:-aarch64-linux-gnu-gcc}

# build COMPILER OUTPUT OPTION...
build() {
  with=$1
  program=$2
  shift 2
  "$with" -std=gnu11 -Wall -Wextra -ffp-contract=off -fno-math-errno -fno-trapping-math "$@" \
    -I"$sources" -o "$program" "$tests/check_update.c" \
    "$sources/update.c" "$sources/pool.c" "$sources"/loops_*.c -lm -pthread
}

if ! command -v "$compiler" >/dev/null 2>&1; then
  echo "Native ops: not checked, no C compiler '$compiler'."
  exit 0
fi
mkdir -p "$output"
build "$compiler" "$output/check_update" -O1 -g -fsanitize=address,undefined \
  -fno-sanitize-recover=all
for set in baseline avx2 avx512; do
  FADAM_NATIVE_INSTRUCTION_SET=$set "$output/check_update" "$combinations" >"$output/$set.txt"
  cmp "$output/baseline.txt" "$output/$set.txt"
done
echo "Native ops: $(wc -l <"$output/baseline.txt") combinations of options, the same bits with 1, 2, 3 and 8 threads and every instruction set."

for needed in "$compiler_arm64" qemu-aarch64; do
  if ! command -v "$needed" >/dev/null 2>&1; then
    echo "Native ops: not checked for arm64, no '$needed'."
    exit 0
  fi
done
CC=$compiler_arm64 sh "$sources/build.sh" "$output/arm64"
test -f "$output/arm64/io/github/fadam/ops/kernel/linux-arm64/libfadam_ops.so"
build "$compiler_arm64" "$output/check_update_arm64" -O3 -static
"$output/check_update" "$combinations_arm64" 2 >"$output/here.txt"
qemu-aarch64 "$output/check_update_arm64" "$combinations_arm64" 2 >"$output/arm64.txt"
cmp "$output/here.txt" "$output/arm64.txt"
echo "Native ops: $(wc -l <"$output/arm64.txt") combinations of options, the same bits on an emulated arm64."
