"""What the five-minute tour tells, step by step. Data only; `gui.tour` shows it.

Written for the simulated rig, where nothing can be broken; on a real rig the same steps hold.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gui.context import Context

Done = Callable[[Context], bool]


@dataclass(frozen=True)
class Step:
    """One step of the tour."""

    title: str
    text: str
    target: str = ""
    """Object name of what it is about: a panel's id, an action's button; empty for nothing."""
    task: str = ""
    """What the reader may do, in a sentence; empty when there is only something to look at."""
    done: Done | None = None
    """Whether the rig shows that it has been done."""
    action: str = ""
    """Or: the action whose use means that it has been done."""


def _amplifying(context: Context) -> bool:
    rig, current = context.readings.rig, context.readings.value("amplifier:current")
    return rig is not None and not current.stale and current.value > rig.unseeded_ceiling_ma


STEPS: tuple[Step, ...] = (
    Step(
        "A rig to try things on",
        "The window shows one station and commands it; it keeps nothing itself. Without a "
        "station it goes on looking for one. The simulated rig is a whole one: every "
        "instrument speaks its real protocol, and atoms are counted from real frames.",
        task="Start the simulated rig (menu Rig), unless a station is shown already.",
        done=lambda context: context.state.connected,
    ),
    Step(
        "The strip on top",
        "Station, control, run, interlock, light, lock, trap, camera and alarms, each as a word, "
        "a shape and a colour. Grey and dotted is stale: no longer what the rig says now.",
        target="status",
    ),
    Step(
        "STOP",
        "Makes every instrument safe and ends the run. F12 or Pause does the same, from every "
        "window, whoever holds control. It says what it did.",
        target="rig.stop",
    ),
    Step(
        "Light",
        "Seed first, amplifier last; off in reverse order. 'Light on' does it in the safe order "
        "and leaves the amplifier at or below its unseeded ceiling.",
        target="amplifier",
        task="Press 'Light on'.",
        done=lambda context: context.readings.flag("amplifier:on"),
    ),
    Step(
        "Setpoints",
        "A setpoint stands beside its reading. What you type is in italics until Enter sends it; "
        "Escape takes it back; Up and Down change the digit left of the cursor. Beyond a limit "
        "the field turns red, says the limit, and sends nothing. The wheel changes nothing.",
        target="amplifier",
        task="Type an amplifier current of 1500 and press Enter.",
        done=_amplifying,
    ),
    Step(
        "Lock and zero",
        "The transfer cavity holds the 819-nm laser. Its zero is the 84Kr line of the reference "
        "cell: zero it when the window says that the zero is old. 'Jump to' moves the light to "
        "an isotope's line.",
        target="lock",
        task="Jump to 85Kr (menu Light).",
        action="lock.jump_85",
    ),
    Step(
        "Trap and camera",
        "The trap lasers stand on one isotope. 'Watch 85Kr' shows live pictures at gain; in the "
        "tab Atoms behind the picture every step of the trace is an atom.",
        target="camera",
        task="Watch 85Kr (menu Trap), then stop watching.",
        done=lambda context: context.readings.flag("camera:acquiring"),
    ),
    Step(
        "819 nm on the atoms",
        "The shutter of the pumping light. The ratio beside it is what pumping gives at the "
        "moment: the 84Kr loading rate with the light over that without.",
        target="light.pumping",
        task="Switch it on with Ctrl+L.",
        done=lambda context: context.readings.flag("light:shutter"),
    ),
    Step(
        "A scan",
        "The editor says at once what is wrong, how long the scan takes, how much it writes and "
        "how good its results will be. A scan of the folder 'scans' is a good beginning. A rig "
        "that a window starts runs in real time: for hours in minutes 'atta-daq gui --simulate "
        "--speed 60'.",
        target="editor",
        task="Start the scan with Ctrl+R.",
        done=lambda context: context.state.run_state != "idle",
    ),
    Step(
        "The sweep",
        "Points come one by one with their error bars; the model is fitted after each block, "
        "with its band and the residuals below. Click on a component to centre a scan there; "
        "drag on the axis to choose a range.",
        target="sweep",
        done=lambda context: context.readings.number("run:segment") >= 1.0,
    ),
    Step(
        "Pause, resume, abort",
        "A pause waits for the end of the segment; 'Pause now' does not, and takes it again. "
        "Closing the window never touches a run of a station that it did not start itself.",
        target="status",
        task="Pause with Ctrl+P, resume with Ctrl+G.",
        action="run.resume",
    ),
    Step(
        "Log, alarms, notes",
        "Alarms stand above the log until they are over and acknowledged; Enter goes to the "
        "device. A note is kept with the run.",
        target="log",
        task="Write a note with Ctrl+N.",
        action="run.note",
    ),
    Step(
        "Every command",
        "Ctrl+K finds any command by some letters of its name and says why one is impossible "
        "now. F1 shows all keys. The tour is in the menu Help, and in docs/tutorial.",
        task="Press Ctrl+K, type 'dark' or 'light', press Enter.",
        action="help.palette",
    ),
)
