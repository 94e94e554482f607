"""The table of all actions."""

from gui.actions.spec import ActionSpec
from gui.model.state import (
    anytime,
    connected,
    during_run,
    may_command,
    may_move,
    while_paused,
    while_running,
)

_RUN = (
    ActionSpec("rig.stop", "STOP", "Rig", ("Pause", "F12"),
               "Make every instrument safe and end the run; open to every window", False,
               anytime),
    ActionSpec("run.start", "Start scan", "Run", ("Ctrl+R",), "Start the scan of the editor", False,
               may_move),
    ActionSpec("run.pause", "Pause after segment", "Run", ("Ctrl+P",),
               "Finish the segment, then wait", False, while_running),
    ActionSpec("run.pause_now", "Pause now", "Run", ("Ctrl+Shift+P",),
               "Stop at once; the segment is flagged and taken again", False, while_running),
    ActionSpec("run.resume", "Resume", "Run", ("Ctrl+G",), "Go on after a pause", False,
               while_paused),
    ActionSpec("run.abort", "Abort run", "Run", ("Ctrl+Shift+A",),
               "End the run; what was taken is kept, fitted and reported", False, during_run),
    ActionSpec("run.note", "Write a note", "Run", ("Ctrl+N",),
               "Keep a remark with the run, or in the log", False, connected),
    ActionSpec("control.take", "Take control", "Rig", ("Ctrl+T",),
               "Command the rig from this window when nobody else does", False, connected),
    ActionSpec("control.force", "Take control by force", "Rig", (),
               "Take control from another window; it is told", False, connected),
    ActionSpec("control.release", "Hand control over", "Rig", (),
               "Let another window take control", False, may_command),
    ActionSpec("rig.simulate", "Start the simulated rig", "Rig", (),
               "Start simulated instruments and a station, and attach to them"),
)  # fmt: skip

_LIGHT = (
    ActionSpec("light.on", "Light on", "Light", (),
               "Seed, lock, then amplifier at its unseeded ceiling, in the safe order", False,
               may_move),
    ActionSpec("light.off", "Light off", "Light", (),
               "Amplifier down and off, then seed and sidebands", False, may_move),
    ActionSpec("light.pumping", "819 nm on the atoms", "Light", ("Ctrl+L",),
               "Open or close the 819-nm shutter", True, may_move),
    ActionSpec("seed.on", "Seed on", "Light", (), "Switch the seed diode on", False, may_move),
    ActionSpec("seed.off", "Seed off", "Light", (),
               "Refused while the amplifier is above its unseeded ceiling", False, may_move),
    ActionSpec("amplifier.on", "Amplifier on", "Light", (),
               "At its unseeded ceiling; raise it once the seed is verified", False, may_move),
    ActionSpec("amplifier.off", "Amplifier off", "Light", (), "Ramp down, then off", False,
               may_move),
    ActionSpec("sideband.on", "Sidebands on", "Light", (), "Switch the RF on", False, may_move),
    ActionSpec("sideband.off", "Sidebands off", "Light", (), "Switch the RF off", False, may_move),
    ActionSpec("power_meter.zero", "Dark zero of the power meter", "Light", (),
               "Only with the light off: what the meter reads then is its zero", False, may_move),
    ActionSpec("lock.relock", "Relock", "Light", ("Ctrl+Shift+L",),
               "Close the transfer-cavity lock again", False, may_move),
    ActionSpec("lock.freeze", "Freeze lock", "Light", (), "Hold the actuator where it is", False,
               may_move),
    ActionSpec("lock.zero", "Zero on reference cell", "Light", ("Ctrl+0",),
               "Step over the 84Kr line of the reference cell; its crossing is the zero", False,
               may_move),
    *(ActionSpec(f"lock.jump_{mass}", f"Jump to {mass}Kr", "Light", (),
                 f"Move the 819-nm light to the line of {mass}Kr", False, may_move)
      for mass in (81, 83, 84, 85)),
)  # fmt: skip

_TRAP = (
    *(ActionSpec(f"trap.{mass}", f"Trap {mass}Kr", "Trap", (f"Ctrl+{number}",),
                 f"Switch the trap lasers to {mass}Kr", False, may_move)
      for number, mass in enumerate((81, 83, 84, 85), start=1)),
    ActionSpec("trap.blank", "Trap off every isotope", "Trap", ("Ctrl+5",),
               "Move the trap lasers where no krypton is trapped", False, may_move),
    *(ActionSpec(f"camera.view_{mass}", f"Watch {mass}Kr", "Trap", (),
                 f"Live pictures of the trap on {mass}Kr at gain", False, may_move)
      for mass in (81, 85)),
    ActionSpec("camera.view_blank", "Watch the blank", "Trap", (),
               "Live pictures with the trap off every isotope", False, may_move),
    ActionSpec("camera.view_off", "Stop watching", "Trap", (), "Close the camera", False,
               may_move),
    ActionSpec("align.start", "Start alignment", "Trap", ("Ctrl+Shift+M",),
               "Measure the 84Kr loading rate again and again", False, may_move),
    ActionSpec("align.stop", "Stop alignment", "Trap", (), "End it", False, may_move),
)  # fmt: skip

_CALIBRATE = (
    *(ActionSpec(f"calibrate.{name}", f"Calibrate {what}", "Calibrate", (), tip, False, may_move)
      for name, what, tip in (
        ("axis_zero", "axis zero", "Zero of the frequency axis on the 84Kr line of the cell"),
        ("cavity", "cavity", "Free spectral range, sign and order from the reference cell"),
        ("fibre_power", "fibre power", "Power at the source against the amplifier's current"),
        ("sideband_depth", "sideband depth", "Half-wave voltage of the EOM, by 84Kr in the trap"),
        ("camera", "camera", "EM gain, read noise, conversion and bias by photon transfer"),
        ("dwell", "dwell", "Stay of an atom in the trap, and its light, with 85Kr"),
        ("source_drift", "source drift", "Walk and drift of the source: 83Kr for an hour"),
      )),
    ActionSpec("protection.read", "Read the amplifier's guards", "Light", (),
               "Ask box and station again who guards against what", False, connected),
)  # fmt: skip

_SWEEP = (
    ActionSpec("sweep.at_rest", "Frequency axis at rest", "Sweep", ("Ctrl+Shift+R",),
               "Subtract the Doppler shift of the beam from the axis", True),
    ActionSpec("sweep.components", "Hyperfine components", "Sweep", (),
               "Mark and name the components", True),
    ActionSpec("sweep.theory", "Theory", "Sweep", (), "Draw what the model expects", True),
    ActionSpec("sweep.residuals", "Residuals", "Sweep", (), "Show the residuals below", True),
    ActionSpec("sweep.whole", "Show everything", "Sweep", ("Ctrl+Shift+W",),
               "Zoom out to all points"),
    ActionSpec("sweep.forget", "Remove earlier runs", "Sweep", (), "Take the overlays away"),
    ActionSpec("sweep.png", "Save plot as PNG", "Sweep", ("Ctrl+Shift+G",), "A picture file"),
    ActionSpec("sweep.svg", "Save plot as SVG", "Sweep", (), "A vector graphic"),
    ActionSpec("sweep.csv", "Save points as CSV", "Sweep", (), "The points that are drawn"),
)  # fmt: skip

_SCAN = (
    ActionSpec("scan.open", "Open scan file", "Scan", ("Ctrl+O",), "Load a scan into the editor"),
    ActionSpec("scan.save", "Save scan file", "Scan", ("Ctrl+S",), "Write the editor's scan"),
    ActionSpec("scan.new", "New scan", "Scan", (), "An 85Kr spectrum to begin with"),
    ActionSpec("scan.check", "Check scan", "Scan", ("Ctrl+Shift+K",),
               "Duration, volume and errors to expect", False, connected),
    ActionSpec("runs.refresh", "Refresh list", "Runs", ("F5",), "Read the list of runs again",
               False, connected),
    ActionSpec("runs.open", "Show run", "Runs", (), "Draw the chosen run", False, connected),
    ActionSpec("runs.compare", "Compare run", "Runs", (), "Draw it behind the present one", False,
               connected),
    ActionSpec("runs.again", "Run again", "Runs", (), "Load its scan into the editor", False,
               connected),
    ActionSpec("runs.report", "Open report", "Runs", (), "Show its report in the browser", False,
               connected),
    ActionSpec("runs.csv", "Export CSV", "Runs", (), "Segments and points as tables", False,
               connected),
    ActionSpec("runs.nexus", "Export NeXus", "Runs", (), "One HDF5 file", False, connected),
    ActionSpec("runs.live", "Back to the run", "Runs", (), "Show the run under way again"),
)  # fmt: skip

_VIEW = (
    ActionSpec("view.dark", "Dark", "View", (), "Dark palette, for the dark lab"),
    ActionSpec("view.light", "Light", "View", (), "Light palette"),
    ActionSpec("view.bigger", "Bigger text", "View", ("Ctrl++", "Ctrl+="), "One size up"),
    ActionSpec("view.smaller", "Smaller text", "View", ("Ctrl+-",), "One size down"),
    ActionSpec("view.reset", "Reset layout", "View", (), "All panels where they were at first"),
    ActionSpec("view.float", "Float panel", "View", ("Ctrl+Shift+F",),
               "The panel with the keyboard becomes a window of its own, or goes back"),
    ActionSpec("view.hide", "Hide panel", "View", ("Ctrl+Shift+H",),
               "Put the panel with the keyboard away; this menu brings it back"),
    ActionSpec("view.save", "Save layout", "View", (), "Keep the present layout under a name"),
    ActionSpec("view.restore", "Saved layouts", "View", (), "Choose a layout that was kept"),
    ActionSpec("log.acknowledge", "Acknowledge all alarms", "Log", ("Ctrl+Shift+Q",),
               "They have been seen", False, connected),
    ActionSpec("log.clear", "Show all lines", "Log", (), "Remove the filter"),
    ActionSpec("preset.save", "Keep setpoints as preset", "Presets", (),
               "Name and keep where everything stands", False, connected),
    ActionSpec("preset.apply", "Apply preset", "Presets", (),
               "Shows what would change before anything does", False, may_move),
    ActionSpec("help.keys", "Keys", "Help", ("F1",), "Sheet of all keys"),
    ActionSpec("help.palette", "Command palette", "Help", ("Ctrl+K",), "Find any command"),
    ActionSpec("help.tour", "Five-minute tour", "Help", (), "What is where"),
    ActionSpec("help.about", "About", "Help", (), "Version and licence"),
    ActionSpec("window.close", "Close window", "Rig", ("Ctrl+Q",),
               "The station and its run go on", False, anytime),
)  # fmt: skip

ACTIONS: tuple[ActionSpec, ...] = (
    *_RUN, *_LIGHT, *_TRAP, *_CALIBRATE, *_SWEEP, *_SCAN, *_VIEW,
)  # fmt: skip
