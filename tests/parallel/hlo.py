"""What a compiled program moves between devices, read off its text."""

import re

BYTES = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "s32": 4, "u32": 4, "f32": 4, "f64": 8}
COMPUTATION = re.compile(r"^(?:ENTRY )?%?([\w.\-]+) .*\{$")
ARRAY = re.compile(r"\b(" + "|".join(BYTES) + r")\[([\d,]*)\]")
CALLED = re.compile(r"(?:calls|body|condition|true_computation|false_computation)=%?([\w.\-]+)")
TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')


def moved_bytes(program: str, operation: str) -> int:
    """Bytes that all runs of an operation ("all-reduce", say) give out; loops by their trips."""
    lines: dict[str, list[str]] = {}
    name = entry = ""
    for line in program.splitlines():
        if match := COMPUTATION.match(line):
            name = match[1]
            lines[name] = []
            if line.startswith("ENTRY"):
                entry = name
        elif name:
            lines[name].append(line)

    def of(computation: str) -> int:
        total = 0
        for line in lines[computation]:
            if re.search(rf" {operation}(-start)?\(", line):
                total += _bytes(line.split(f" {operation}")[0])
            times = 1
            if " while(" in line:
                trips = TRIPS.search(line)
                assert trips, f"a loop of unknown length: {line[:200]}"
                times = int(trips[1])
            total += times * sum(of(called) for called in CALLED.findall(line))
        return total

    return of(entry)


def _bytes(shapes: str) -> int:
    total = 0
    for kind, sizes in ARRAY.findall(shapes):
        count = 1
        for size in filter(None, sizes.split(",")):
            count *= int(size)
        total += BYTES[kind] * count
    return total
