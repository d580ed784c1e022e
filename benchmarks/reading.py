"""Reading: prepared pairs against the original files, and the pipeline against bare decoding.

python -m benchmarks.reading [--data CITYSCAPES_ROOT] [--pairs 12] [--workers 2] [--repeats 3]
"""

import io
import resource
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from ml_collections import ConfigDict
from PIL import Image

from benchmarks.common import interleaved, parser, report
from fullglow_jax.config import default_config
from fullglow_jax.data.faults import Fault
from fullglow_jax.data.file_pairs import FilePairs
from fullglow_jax.data.pair import Pair, PairSource
from fullglow_jax.data.pipeline import training_batches
from fullglow_jax.data.prepare import prepare
from fullglow_jax.data.prepared import PreparedPairs
from fullglow_jax.data.resumable import ResumableBatches
from fullglow_jax.data.source import build_source, checked_source
from fullglow_jax.street_scenes import generate

HEIGHT, WIDTH = 1024, 2048
SIZE = (256, 256)
BATCH = 4
GRAIN = 0.7
"""Deviation of the noise that makes a scene's PNG as large as a photo's."""

EPOCH = 2975
"""Pairs of Cityscapes' training split: Grain's shuffle takes its time where there are few."""

PER_RUN = {"originals": 96, "prepared": 1536}
"""Pairs that a run reads: more than are read ahead, so that the run before leaves none."""


def main() -> None:
    """Measures, interleaved in one run."""
    options = parser(__doc__)
    options.add_argument("--data", type=Path, help="Cityscapes, instead of made-up scenes")
    options.add_argument("--pairs", type=int, default=12, help="scenes to make up")
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--threads", type=int, default=2, help="of each worker")
    options.add_argument("--repeats", type=int, default=3)
    given = options.parse_args()
    with TemporaryDirectory() as scratch:
        root = given.data or scenes(Path(scratch) / "scenes", given.pairs)
        config = cityscapes(root, Path(scratch) / "prepared")
        originals = checked_source(config.data, "train")
        prepare(config.data)
        prepared = build_source(config.data, "train")
        assert isinstance(originals, FilePairs)
        assert isinstance(prepared, PreparedPairs)
        contents = {"originals": files(originals), "prepared": records(prepared)}

        sources = {"originals": originals, "prepared": prepared}
        alone: dict[str, Callable[[], None]] = {}
        for name, source in sources.items():
            count = PER_RUN[name] // given.workers
            alone[f"{name}: decoding"] = _decoding(contents[name], count)
            alone[f"{name}: reading"] = _reading(source, count)
        seconds = interleaved(alone, given.repeats)
        # One pipeline at a time, for it goes on reading ahead when nothing is asked of it: through
        # the first of two runs of what comes next, which does not count.
        cpu: dict[str, float] = {}
        for name, source in sources.items():
            many, count = AsMany(source, EPOCH), PER_RUN[name]
            start_pool = partial(_pool, contents[name], given.workers)
            start_batches = partial(_batches, many, given.workers, given.threads)
            with start_pool() as pool, closing(start_batches()) as batches:
                runs = {
                    f"{name}: processes": _in_processes(pool, given.workers, count),
                    f"{name}: pipeline": _pipeline(batches, count),
                }
                seconds |= interleaved(runs, given.repeats)

            def decode_some(some: int, start: Any = start_pool) -> None:
                with start() as pool:
                    _in_processes(pool, given.workers, some)()

            def read_some(some: int, start: Any = start_batches) -> None:
                with closing(start()) as batches:
                    _pipeline(batches, some)()

            cpu[name] = cpu_a_pair(decode_some, count) / cpu_a_pair(read_some, count)

    def rate(name: str, what: str) -> float:
        in_one_process = what in ("decoding", "reading")
        return PER_RUN[name] / (given.workers if in_one_process else 1) / seconds[f"{name}: {what}"]

    megabytes = {
        n: np.mean([len(b) for p in pairs for b in p]) * 2e-6 for n, pairs in contents.items()
    }
    rows = [
        {
            "pairs": name,
            "MB a pair": float(megabytes[name]),
            "decoding, pairs/s": rate(name, "decoding"),
            "reading, pairs/s": rate(name, "reading"),
            "over decoding originals": rate(name, "reading") / rate("originals", "decoding"),
            f"decoding × {given.workers}": rate(name, "processes"),
            f"pipeline × {given.workers}": rate(name, "pipeline"),
            "pipeline / decoding": rate(name, "pipeline") / rate(name, "processes"),
            "the same, CPU time": cpu[name],
        }
        for name in PER_RUN
    ]
    report(given, "reading", rows)


@dataclass(frozen=True)
class AsMany:
    """A source's pairs over and over."""

    source: PairSource
    length: int

    @property
    def faults(self) -> Sequence[Fault]:
        """See `PairSource`."""
        return self.source.faults

    @property
    def where(self) -> str:
        """See `PairSource`."""
        return self.source.where

    def __len__(self) -> int:
        """Number of pairs."""
        return self.length

    def __getitem__(self, index: int) -> Pair:
        """Reads a pair."""
        return self.source[index % len(self.source)]


def scenes(root: Path, pairs: int) -> Path:
    """Street scenes of Cityscapes' size, with grain, so that their files are as large as photos."""
    print(f"making {pairs} scenes of {HEIGHT}×{WIDTH} …", flush=True)
    generate(root, train=pairs, val=1, height=HEIGHT, width=WIDTH, seed=0)
    rng = np.random.default_rng(0)
    for path in root.glob("leftImg8bit/*/*/*.png"):
        photo = np.asarray(Image.open(path)).astype(np.float32)
        grainy = (photo + GRAIN * rng.standard_normal(photo.shape, np.float32)).round()
        Image.fromarray(grainy.clip(0, 255).astype(np.uint8)).save(path)
    return root


def cityscapes(root: Path, prepared: Path) -> ConfigDict:
    """The paper's config, on this data."""
    config = default_config()
    config.data.root = str(root)
    config.data.prepared = str(prepared)
    config.data.image_size = SIZE
    return config


def files(source: FilePairs) -> list[tuple[bytes, ...]]:
    """What lies in the files of each pair."""
    return [tuple(p.read_bytes() for p in example.files.values()) for example in source.examples]


def records(source: PreparedPairs) -> list[tuple[bytes, ...]]:
    """The encoded images of each prepared pair."""
    return [tuple(source.examples[i][part] for part in source.images) for i in range(len(source))]


def decode(pairs: list[tuple[bytes, ...]], count: int) -> None:
    """Decodes so many pairs, over and over, to RGB, and does nothing else."""
    for i in range(count):
        for content in pairs[i % len(pairs)]:
            with Image.open(io.BytesIO(content)) as image:
                np.asarray(image.convert("RGB"))


def cpu_a_pair(run: Callable[[int], None], count: int) -> float:
    """CPU seconds a pair, of all processes, without what starting and reading ahead take.

    Other work on the machine, which takes its share of the cores, is not in it.
    """

    def spent(some: int) -> float:
        before = _cpu()
        run(some)
        return _cpu() - before

    few = count // 4
    return (spent(count) - spent(few)) / (count - few)


def _cpu() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _pool(contents: list[tuple[bytes, ...]], workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, get_context("spawn"), _begin, (contents,))


def _batches(source: PairSource, workers: int, threads: int) -> ResumableBatches[Any]:
    return training_batches(source, batch_size=BATCH, seed=0, threads=threads, workers=workers)


def _decoding(pairs: list[tuple[bytes, ...]], count: int) -> Callable[[], None]:
    return lambda: decode(pairs, count)


def _reading(source: Any, count: int) -> Callable[[], None]:
    def run() -> None:
        for i in range(count):
            source[i % len(source)]

    return run


def _in_processes(pool: ProcessPoolExecutor, workers: int, count: int) -> Callable[[], None]:
    return lambda: _all(pool.map(_decode_here, [count // workers] * workers))


def _pipeline(batches: Iterator[Any], count: int) -> Callable[[], None]:
    return lambda: _all(next(batches) for _ in range(count // BATCH))


def _all(results: Iterator[Any]) -> None:
    for _ in results:
        pass


_contents: list[tuple[bytes, ...]] = []
"""In a process that decodes, what it decodes."""


def _begin(contents: list[tuple[bytes, ...]]) -> None:
    _contents[:] = contents


def _decode_here(count: int) -> None:
    decode(_contents, count)


if __name__ == "__main__":
    main()
