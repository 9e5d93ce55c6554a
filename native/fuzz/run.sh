#!/bin/sh
# Fuzz one target, or each in turn, for some seconds, with the stable toolchain and crates.io alone:
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
for target in $targets; do
  mkdir -p "target/corpus/$target" target/artifacts
  log="target/artifacts/$target.log"
  if ! "target/$host/release/$target" -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=1024 \
    -print_final_stats=1 -artifact_prefix="target/artifacts/$target-" \
    "target/corpus/$target" "corpus/$target" >"$log" 2>&1; then
    tail -40 "$log"
    exit 1
  fi
  echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s"
done
