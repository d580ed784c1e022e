"""Compilation behind the page: who waits for it, and what becomes of one that fails."""

from threading import Event, Thread

from fullglow_jax.demo.warm_up import WarmUp


def test_an_answer_waits_for_its_own_operation_alone():
    drawn, measured = Event(), Event()
    warm_up = WarmUp({"Draw": drawn.wait, "Measure": measured.wait})
    warm_up.wait_for("Draw")  # nothing has begun that it would have to wait for
    assert warm_up.unfinished == []
    warm_up.start()
    assert warm_up.unfinished == ["Draw", "Measure"]
    left = []

    def visit():
        warm_up.wait_for("Draw")
        left.extend(warm_up.unfinished)

    visitor = Thread(target=visit)
    visitor.start()
    drawn.set()
    visitor.join()
    assert left == ["Measure"]
    measured.set()
    warm_up.wait_for("Measure")
    assert warm_up.unfinished == []


def test_one_that_fails_keeps_no_visitor_waiting(capfd):
    def fail():
        raise MemoryError("no room")

    warm_up = WarmUp({"Draw": fail, "Measure": int})
    warm_up.start()
    for name in ("Draw", "Measure"):
        warm_up.wait_for(name)
    assert "Draw could not be compiled" in capfd.readouterr().err
