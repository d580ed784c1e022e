from tests.parallel.hlo import moved_bytes

PROGRAM = """HloModule step

%add (a: f32[], b: f32[]) -> f32[] {
  ROOT %sum = f32[] add(%a, %b)
}

%inner (p: f32[2]) -> f32[2] {
  ROOT %all-reduce.1 = (f32[2,3]{1,0}, /*index=1*/bf16[]) all-reduce(%p, %q), to_apply=%add
}

%body.1 (p: f32[2]) -> f32[2] {
  %x = f32[2]{0} fusion(%p), kind=kLoop, calls=%inner
}

%condition.1 (p: f32[2]) -> pred[] {
  ROOT %less = pred[] compare(%i, %n)
}

ENTRY %main (p: f32[2]) -> f32[2] {
  %w = f32[2]{0} while(%p), condition=%condition.1, body=%body.1, backend_config={"known_trip_count":{"n":"5"}}
  %g = f32[100]{0} all-gather(%p), dimensions={0}
  ROOT %all-reduce.2 = f32[7]{0} all-reduce(%w), to_apply=%add
}
"""  # noqa: E501


def test_loops_count_by_their_trips():
    assert moved_bytes(PROGRAM, "all-reduce") == 5 * (4 * 6 + 2) + 4 * 7
    assert moved_bytes(PROGRAM, "all-gather") == 400
    assert moved_bytes(PROGRAM, "reduce-scatter") == 0
