#!/bin/sh
# Times updates of sets of variables and writes the figures into benchmarks/README.md and
# benchmarks/results. PEERS: a Python with requirements-peers.txt, to time PyTorch and JAX as well.
set -eu
cd "$(dirname "$0")/.."
results=benchmarks/results
mkdir -p "$results"
./mvnw -q -Plauncher -pl benchmarks -am -Dmdep.outputFile=target/classpath.txt \
  package dependency:build-classpath
export MALLOC_ARENA_MAX=1 MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=137438953472
export TF_CPP_MIN_LOG_LEVEL=1

java_of() {
  class=$1
  shift
  java -Xmx1g -Djava.awt.headless=true \
    -cp "benchmarks/target/classes:ops/target/native:$(cat benchmarks/target/classpath.txt)" \
    "io.github.fadam.benchmarks.$class" "$@"
}

time_of() {
  java_of UpdateSpeed "$@" --out "$results/updates.json"
}

native=fadam_native,fadafactor_native,resource_apply_adam
all=$native,fadam_xla,fadafactor_xla,fadam_graph,framework_adam
rm -f "$results/updates.json"
time_of matrices mobilenet --contestants $all --rounds 7
time_of bert --contestants $native,fadam_xla,fadam_graph,framework_adam --rounds 3
time_of size_1e5 size_1e6 size_1e7 size_1e8 --contestants $all --rounds 7 --seconds 15
# Eleven arrays at the same time: 22 GB for 5e8 elements, 44 GB for 1e9.
available=$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)
if [ "$available" -ge 32 ]; then time_of size_5e8 --contestants $native --rounds 3; fi
if [ "$available" -ge 60 ]; then time_of size_1e9 --contestants $native --rounds 3; fi
# Large buffers of the others fill the caches: these have a run of their own, which counts.
time_of matrices mobilenet bert --contestants $native --rounds 25
time_of matrices --type float64,bfloat16 --contestants $native
if [ -n "${PEERS:-}" ]; then
  for set in matrices mobilenet bert; do
    "$PEERS" benchmarks/python/optimizer_peers.py --set $set --threads "$(nproc)" --rounds 5 \
      --seconds 0.5 --out "$results/peers-$set.json"
  done
fi
java_of UpdatePage benchmarks/README.md "$results"
