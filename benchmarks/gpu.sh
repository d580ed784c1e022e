#!/usr/bin/env bash
# All figures of docs/performance.md that need a GPU, in one go of at most 8 minutes:
#
#   benchmarks/gpu.sh [CHECKOUT OF THE ORIGINAL]     (for the comparison; needs torch with CUDA)
#
# Each part has its own limit, so that one that hangs or runs out of memory leaves the rest. The
# tables and JSON files are in benchmarks/results/gpu.
set -u
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
out=benchmarks/results/gpu
original=()
[ $# -gt 0 ] && original=(--original "$1")
mkdir -p "$out"
part() { # SECONDS MODULE ARGUMENTS…
  local limit=$1 module=$2
  shift 2
  timeout "$limit" "$python" -m "benchmarks.$module" "$@" --out "$out" ||
    echo "benchmarks.$module $*: no result within $limit s" >&2
}
# Speed against the original, at its batch of 1 and in float32.
part 100 train_step --case 256x256:remat --name train_step_float32 --repeats 3 "${original[@]}"
# Share of the device's own bfloat16 matrix rate, at a batch that fills it, with and without tiles.
part 80 train_step --case 256x256:store --precision bfloat16 --batch 16 --tile 0 \
  --name train_step_bfloat16_untiled --repeats 3
part 80 train_step --case 256x256:remat --precision bfloat16 --batch 16 \
  --name train_step_bfloat16 --repeats 3
part 70 sampling --repeats 3 "${original[@]}"
part 150 memory --largest-batch --precision bfloat16
