"""The actions that are one command of the station each."""

from collections.abc import Callable
from typing import Any

from atta_daq.client.names import CALIBRATION_KINDS
from gui.confirm import Question, confirm
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
        asks = ASKED_FIRST.get(action_id)
        if asks is None:
            carry_out()
        else:
            question = asks(context)
            confirm(context, question, lambda: carry_out_if_same(question))

    def carry_out_if_same(asked: Question) -> None:
        """The rig has gone on while the question stood: a yes is for what it was asked of."""
        if why_not := context.actions.why_not(action_id):
            context.notices.warn(f"{text}: not done, {why_not}")
        elif ASKED_FIRST[action_id](context).title != asked.title:
            context.notices.warn(f"{text}: not done, it was asked of what is over by now")
        else:
            carry_out()

    def carry_out() -> None:
        context.command(
            command,
            done=lambda _answer: context.notices.info(said),
            timeout_s=CALIBRATION_S if command == "calibrate" else SLOW_S,
            **arguments,
        )

    return send


def _abort_question(context: Context) -> Question:
    readings = context.readings
    taken, total = readings.number("run:segment"), readings.number("run:segments")
    so_far = f"{taken:.0f} of {total:.0f} segments are taken; they are kept, fitted and reported. "
    return Question(
        f"Abort run {readings.text('run:id')}?",
        f"{so_far if total > 0.0 else ''}The segment under way is lost, and the rest is not taken.",
        "Abort run", "Let it run",
    )  # fmt: skip


def _force_question(context: Context) -> Question:
    holder = context.state.controller
    return Question(
        f"Take control from {holder}?",
        f"{holder} can command nothing any more, in the middle of what it may be doing. It is "
        "told. A run under way goes on.",
        "Take control", "Leave it",
    )  # fmt: skip


ASKED_FIRST: dict[str, Callable[[Context], Question]] = {
    "run.abort": _abort_question,
    "control.force": _force_question,
}
"""What cannot be undone. STOP is not among them: it must never wait for an answer."""


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
        context.notices.error(
            f"STOP may not have been carried out: {reason}. Use the boxes' own switches"
        )

    if not context.state.connected:
        # It is tried all the same; nobody shall wait for the answer.
        context.notices.error(
            f"STOP may not reach the station: {context.link.reason}. Use the boxes' own switches"
        )
    context.command("stop", done=done, refused=refused)
