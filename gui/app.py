"""Starts one window."""

import argparse
import signal
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from atta_daq.client.client import client_name
from atta_daq.client.discovery import finder
from gui.first_start import welcome
from gui.link.station import Link
from gui.settings import Settings
from gui.theme.theme import Theme
from gui.window import Window


def main(arguments: list[str]) -> int:
    """Run one window until it is closed."""
    options = _options(arguments)
    application = QApplication.instance() or QApplication(["atta-daq"])
    assert isinstance(application, QApplication)
    application.setApplicationName("atta-daq")
    settings = Settings(options.settings)
    theme = Theme()
    theme.choose(settings.get("palette"), settings.get("text_pt"))
    link = Link(finder(options.connect, options.rig), name=options.name or client_name())
    window = Window(
        link, settings, theme, wanted=_wanted(options), simulated=options.simulated
    )  # fmt: skip
    window.show()
    welcome(window.context)
    link.start()
    # Python sees signals only between its own instructions: Qt's loop must pass through it.
    pulse = QTimer()
    pulse.timeout.connect(lambda: None)
    pulse.start(200)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: window.close_at_once())
    code = application.exec()
    link.close()
    return code


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="atta-daq gui")
    parser.add_argument(
        "--connect", default="", metavar="HOST[:PORT]", help="a station on another computer"
    )
    parser.add_argument("--rig", default="", help="which station, when several run")
    parser.add_argument(
        "--simulated", action="store_true", help="that station was started on a simulated rig"
    )
    parser.add_argument("--name", default=None, help="what the station calls this window")
    parser.add_argument("--settings", type=Path, default=None, help="another settings file")
    return parser.parse_args(arguments)


def _wanted(options: argparse.Namespace) -> str:
    rig = f'rig "{options.rig}"' if options.rig else ""
    if not options.connect:
        return rig
    return f"{rig or 'a station'} at {options.connect}"
