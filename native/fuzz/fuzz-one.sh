#!/bin/sh
# Fuzz one target that run.sh has built: fuzz-one.sh FOLDER SECONDS TARGET
set -eu
folder=$1 seconds=$2 target=$3
mkdir -p "target/corpus/$target" target/artifacts
log="target/artifacts/$target.log"
if ! "$folder/$target" -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=1024 \
  -print_final_stats=1 -artifact_prefix="target/artifacts/$target-" \
  "target/corpus/$target" "corpus/$target" >"$log" 2>&1; then
  tail -40 "$log"
  exit 1
fi
echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s"
