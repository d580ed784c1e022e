#!/usr/bin/env bash
# All figures of docs/performance.md that need a GPU, in one go of at most 9 minutes:
#
#   benchmarks/gpu.sh [CHECKOUT OF THE ORIGINAL]     (for the comparison; needs torch with CUDA)
#
# First the recorded values of the original, then all programs side by side into one cache of
# compiled programs, then each is timed, one after the other. Each part has its own limit, so that
# one that hangs or runs out of memory leaves the rest. The tables and JSON files are in
# benchmarks/results/gpu. Each says what the networks multiply in: at precision float32 that is TF32
# on NVIDIA's GPUs since Ampere, unless JAX_DEFAULT_MATMUL_PRECISION says otherwise, and so are the
# original's convolutions by PyTorch's own default. At highest it is float32 to the last bit. The
# flow itself is always that.
set -u
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
out=benchmarks/results/gpu
original=()
[ $# -gt 0 ] && original=(--original "$1")
mkdir -p "$out"
export JAX_COMPILATION_CACHE_DIR=${JAX_COMPILATION_CACHE_DIR:-$PWD/$out/compiled}
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0

timed() { # SECONDS MODULE ARGUMENTS…
  local limit=$1 module=$2
  shift 2
  timeout "$limit" "$python" -m "$module" "$@" ||
    echo "$module $*: no result within $limit s" >&2
}

# What is compiled and timed, as `each CALL`: CALL SECONDS BENCHMARK ARGUMENTS….
each() {
  # Speed against the original, at its batch of 1 and in float32 as the GPU has it: in TF32.
  "$1" 50 train_step --case 256x256:remat --name train_step_float32 --repeats 3
  # The same with all bits of float32 in the networks.
  "$1" 35 train_step --case 256x256:remat --precision highest --name train_step_highest --repeats 3
  # Share of the device's own bfloat16 matrix rate, at a batch that fills it, with and without tiles.
  "$1" 35 train_step --case 256x256:store --precision bfloat16 --batch 16 --tile 0 \
    --name train_step_bfloat16_untiled --repeats 3
  "$1" 35 train_step --case 256x256:remat --precision bfloat16 --batch 16 \
    --name train_step_bfloat16 --repeats 3
  # Sampling, in TF32 again.
  "$1" 50 sampling --repeats 3
}

compile() { # beside the others; argparse takes the last --repeats
  local module=$2
  shift 2
  XLA_PYTHON_CLIENT_PREALLOCATE=false \
    timeout 150 "$python" -m "benchmarks.$module" "$@" --repeats 0 --out "$out" &
}

measure() {
  local limit=$1 module=$2
  shift 2
  local beside=()
  case "$*" in *float32*) beside=("${original[@]}") ;; esac
  [ "$module" = sampling ] && beside=("${original[@]}")
  timed "$limit" "benchmarks.$module" "$@" "${beside[@]}" --out "$out"
}

timed 75 fullglow_jax.interop.verify tests/golden/*.npz | tee "$out/verify.txt"
each compile
XLA_PYTHON_CLIENT_PREALLOCATE=false timed 150 benchmarks.memory \
  --largest-batch --precision bfloat16 --out "$out" &
wait
each measure
# Where the time of one step goes, by kernel.
timed 40 benchmarks.kernels --out "$out"
# Images there and back through 8 and 32 steps a level.
timed 50 benchmarks.inverse --precision float32 bfloat16 --out "$out"
