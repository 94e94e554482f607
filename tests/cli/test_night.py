"""`atta-daq night`: whose night it tells of."""

from pathlib import Path

from stored_runs import RIG, Clock, new_run, stored_segment

from atta_daq.archive.run_folder import RunState


def test_of_one_rig_it_tells_of_its_runs_alone(call, tmp_path: Path) -> None:
    clock = Clock()
    for number, (taken_by, state) in enumerate(
        [("a", RunState.COMPLETE), ("a", RunState.COMPLETE), ("b", RunState.ABORTED)]
    ):
        writer = new_run(tmp_path, clock, number, rig=RIG, taken_by=taken_by)
        writer.segment(stored_segment(run_id=writer.run_id))
        writer.close(state, "as the test asks")
    stretch = ("--since", "2027-01-15T00:00", "--until", "2027-01-16T00:00", "--data", tmp_path)
    every, one = call("night", *stretch), call("night", *stretch, "--rig", "a")
    assert (every.code, one.code) == (0, 0), (every.err, one.err)
    assert every.out.startswith("Not a good night: ")
    assert one.out.startswith("A good night: 2 measurements complete.")
