"""The actions that are one command of the station each."""

from collections.abc import Callable
from typing import Any

from atta_daq.client.names import CALIBRATION_KINDS
from gui.context import Context

SIMPLE: dict[str, tuple[str, dict[str, Any]]] = {
    "run.pause": ("pause", {"when": "segment"}),
    "run.pause_now": ("pause", {"when": "now"}),
    "run.resume": ("resume", {}),
    "run.abort": ("abort", {}),
    "control.take": ("take_control", {}),
    "control.force": ("take_control", {"force": True}),
    "control.release": ("release_control", {}),
    "light.on": ("light_on", {}),
    "light.off": ("light_off", {}),
    "seed.on": ("seed", {"on": True}),
    "seed.off": ("seed", {"on": False}),
    "amplifier.on": ("amplifier", {"on": True}),
    "amplifier.off": ("amplifier", {"on": False}),
    "sideband.on": ("sideband", {"on": True}),
    "sideband.off": ("sideband", {"on": False}),
    "power_meter.zero": ("zero_power_meter", {}),
    "lock.relock": ("relock", {}),
    "lock.freeze": ("freeze_lock", {}),
    "lock.zero": ("zero_axis", {}),
    **{f"lock.jump_{mass}": ("jump", {"isotope": mass}) for mass in (81, 83, 84, 85)},
    **{f"trap.{mass}": ("trap", {"isotope": mass}) for mass in (81, 83, 84, 85)},
    "trap.blank": ("trap", {"isotope": 0}),
    "camera.view_81": ("camera_view", {"on": True, "isotope": 81}),
    "camera.view_85": ("camera_view", {"on": True, "isotope": 85}),
    "camera.view_blank": ("camera_view", {"on": True, "isotope": 0}),
    "camera.view_off": ("camera_view", {"on": False}),
    **{
        f"calibrate.{kind.replace('-', '_')}": ("calibrate", {"kind": kind})
        for kind in CALIBRATION_KINDS
    },
    "align.start": ("align", {"on": True}),
    "align.stop": ("align", {"on": False}),
}
ACCEPTED = frozenset({"pause", "resume", "abort"})
"""The station answers these when it has taken them, not when they have come about."""
CALIBRATION_S = 7200.0
"""The longest calibrations step over a line and count for many minutes."""
SLOW_S = 120.0
"""A zeroing or a relock takes its time; the station answers when it is done."""


def bind_commands(context: Context) -> None:
    """Bind them all, STOP and the shutter's toggle included."""
    actions = context.actions
    for action_id, (command, arguments) in SIMPLE.items():
        actions.bind(action_id, _sender(context, action_id, command, arguments))
    actions.bind("light.pumping", lambda on: _pump(context, on))
    actions.bind("rig.stop", lambda: _stop(context))

    def follow_shutter() -> None:
        actions["light.pumping"].setChecked(bool(context.readings.value("light:shutter").value))

    context.readings.watch_with(actions, follow_shutter, "light:shutter")


def _sender(
    context: Context, action_id: str, command: str, arguments: dict[str, Any]
) -> Callable[[], None]:
    text = context.actions.specs[action_id].text
    said = f"{text}: asked for" if command in ACCEPTED else f"{text}: done"

    def send() -> None:
        context.command(
            command,
            done=lambda _answer: context.notices.info(said),
            timeout_s=CALIBRATION_S if command == "calibrate" else SLOW_S,
            **arguments,
        )

    return send


def _pump(context: Context, on: bool) -> None:
    def refused(reason: str) -> None:
        # The button shows what the shutter does, not what was wished.
        shutter = bool(context.readings.value("light:shutter").value)
        context.actions["light.pumping"].setChecked(shutter)
        context.notices.error(reason)

    context.command("pumping", refused=refused, on=on)


def _stop(context: Context) -> None:
    def done(answer: dict[str, list[str]]) -> None:
        unsafe = [line for line in answer["done"] if "NOT SAFE" in line]
        if unsafe:
            context.notices.error("STOP, but " + "; ".join(unsafe))
        else:
            context.notices.warn("STOP: " + "; ".join(answer["done"]))

    def refused(reason: str) -> None:
        context.notices.error(f"STOP was not carried out: {reason}. Use the boxes' own switches")

    if not context.state.connected:
        # It is tried all the same; nobody shall wait for the answer.
        context.notices.error(
            f"STOP may not reach the station: {context.link.reason}. Use the boxes' own switches"
        )
    context.command("stop", done=done, refused=refused)
