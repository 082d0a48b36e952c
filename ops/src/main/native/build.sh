#!/bin/sh
# Builds the library of native ops: build.sh OUTPUT [OPTION...], with the compiler $CC or cc, for the
# platform that it compiles for. Options go to the compiler. Says in one line why it builds nothing
# where there is no compiler.
set -eu
source=$(cd "$(dirname "$0")" && pwd)
output=$1
shift

compiler=${CC:-cc}
if ! command -v "$compiler" >/dev/null 2>&1; then
  echo "Native ops: not built, no C compiler '$compiler'; optimizers use graph operations."
  exit 0
fi
machine=$("$compiler" -dumpmachine)
case "$machine" in
  x86_64-*linux-gnu*) platform=linux-x86_64 ;;
  aarch64-*linux-gnu*) platform=linux-arm64 ;;
  *)
    echo "Native ops: not built for $machine; optimizers use graph operations."
    exit 0
    ;;
esac

directory=$output/io/github/fadam/ops/kernel/$platform
library=$directory/libfadam_ops.so
if [ -f "$library" ] && [ -z "$(find "$source" -newer "$library" -print)" ]; then
  exit 0
fi
mkdir -p "$directory" "$output.build"

# Something to link against that has the name of TensorFlow's library, which is loaded by then.
echo 'typedef int nothing;' >"$output.build/empty.c"
stub=$output.build/libtensorflow_framework.so.2
"$compiler" -shared -fPIC -Wl,-soname,libtensorflow_framework.so.2 -o "$stub" "$output.build/empty.c"

# No contraction into fused multiply-adds: all instruction sets give the same bits.
"$compiler" -std=gnu11 -O3 -Wall -Wextra -fPIC -shared -fvisibility=hidden \
  -ffp-contract=off -fno-math-errno -fno-trapping-math "$@" \
  -o "$library.new" "$source"/*.c -Wl,--no-as-needed "$stub" -Wl,--as-needed -lm -pthread
mv "$library.new" "$library"
