#!/bin/sh
# Fuzz one target, or all, for some seconds each, with the stable toolchain and crates.io alone; as many at a time
# as there are processors:
#   native/fuzz/run.sh [SECONDS [TARGET]]
# The flags are those that `cargo fuzz -s none` would set. New inputs go to target/corpus, the seeds in
# corpus/ stay as they are; a crashing input is written to target/artifacts and ends the run with an error.
set -eu
cd "$(dirname "$0")"
seconds=${1:-15}
targets=${2:-$(ls fuzz_targets | sed 's/\.rs$//')}
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
# With an explicit target, build scripts and macros are not instrumented.
cargo build --quiet --release --target "$host" --bins
echo "$targets" | xargs -n 1 -P "$(nproc)" ./fuzz-one.sh "target/$host/release" "$seconds"
