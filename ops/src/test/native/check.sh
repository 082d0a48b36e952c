#!/bin/sh
# Runs the native updates with sanitizers, with every instruction set of this machine, and compares
# bits: check.sh DIRECTORY [COMBINATIONS]. Says in one line why not where there is no compiler.
set -eu
tests=$(cd "$(dirname "$0")" && pwd)
sources=$tests/../../main/native
output=$1
combinations=${2:-24}
compiler=${CC:-cc}
if ! command -v "$compiler" >/dev/null 2>&1; then
  echo "Native ops: not checked, no C compiler '$compiler'."
  exit 0
fi
mkdir -p "$output"
"$compiler" -std=gnu11 -O1 -g -Wall -Wextra -ffp-contract=off -fno-math-errno -fno-trapping-math \
  -fsanitize=address,undefined -fno-sanitize-recover=all -I"$sources" \
  -o "$output/check_update" "$tests/check_update.c" \
  "$sources/update.c" "$sources/pool.c" "$sources"/loops_*.c -lm -pthread
for set in baseline avx2 avx512; do
  FADAM_NATIVE_INSTRUCTION_SET=$set "$output/check_update" "$combinations" >"$output/$set.txt"
  cmp "$output/baseline.txt" "$output/$set.txt"
done
echo "Native ops: $(wc -l <"$output/baseline.txt") combinations of options, the same bits with 1, 2, 3 and 8 threads and every instruction set."
