"""`atta-daq calibrate KIND`: measure a calibration on a real or a simulated rig and keep it."""

import sys
import threading
import time
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from atta_daq.archive.calibration_store import CalibrationStore
from atta_daq.archive.plot_calibration import drawn_plot, quantity_text
from atta_daq.calibration.result import CalibrationResult
from atta_daq.cli.arguments import require_simulated, require_speed_and_seed, require_writable
from atta_daq.cli.on_station import station_client
from atta_daq.cli.options import DataOption, InstrumentsOption, SeedOption, SpeedOption, TruthOption
from atta_daq.cli.simulated import simulated_rig
from atta_daq.client.client import StationClient
from atta_daq.client.discovery import find_station
from atta_daq.rig.config import ConfigError, load_rig
from atta_daq.station.calibration_keeper import CalibrationKeeper
from atta_daq.station.ownership import RigLock
from atta_daq.station.source_runs import source_drift_of_runs


class Kind(StrEnum):
    """CALIBRATION_KINDS as the choices of an argument."""

    AXIS_ZERO = "axis-zero"
    CAVITY = "cavity"
    FIBRE_POWER = "fibre-power"
    SIDEBAND_DEPTH = "sideband-depth"
    CAMERA = "camera"
    DWELL = "dwell"
    SOURCE_DRIFT = "source-drift"


WITHOUT_LIGHT = (Kind.CAMERA, Kind.SOURCE_DRIFT)
TIMEOUT_S = 7200.0
LIGHT_WAIT_S = 1.0


def calibrate(
    kind: Annotated[Kind, typer.Argument(help="What to measure.")],
    config: Annotated[
        Path | None, typer.Option("--config", help="Rig file (TOML): measure it on this rig.")
    ] = None,
    simulated: Annotated[
        bool, typer.Option("--simulate", help="Measure it on a simulated rig, started for it.")
    ] = False,
    speed: SpeedOption = None,
    seed: SeedOption = None,
    truth: TruthOption = None,
    instruments: InstrumentsOption = None,
    name: Annotated[
        str | None,
        typer.Option(help="Of the rig, with --simulate; its results are kept under it."),
    ] = None,
    from_run: Annotated[
        list[str] | None,
        typer.Option(
            help="source-drift: from the brackets of this run instead of new ones; may be given "
            "several times."
        ),
    ] = None,
    data: DataOption = Path("data"),
) -> None:
    """Measure a calibration anew, print it, keep it with its raw data and plot, use it.

    Goes through the rig's station, started here unless one runs. Light that was off is switched
    on for it and off again.
    """
    if from_run:
        _from_runs(kind, config, from_run, data)
        return
    if simulated == (config is not None):
        raise ConfigError("give either --simulate or --config RIG.toml")
    require_simulated(simulated, speed=speed, seed=seed, truth=truth, name=name, with_=instruments)
    speed, seed = 1.0 if speed is None else speed, 1 if seed is None else seed
    require_speed_and_seed(speed, seed)
    rig_used = (
        nullcontext((config, None))
        if config is not None
        else simulated_rig(
            speed=speed, seed=seed, truth=truth, name=name, instruments=instruments or ()
        )
    )
    with rig_used as (path, _world):
        rig = load_rig(path)
        require_writable(rig.data_dir or data)
        with station_client(path, rig, data) as client:
            result = CalibrationResult.model_validate(_calibrated(client, str(kind)))
    _show(CalibrationStore(rig.data_dir or data, rig.name, time.time, time.time), result)


def _from_runs(kind: Kind, config: Path | None, runs: list[str], data: Path) -> None:
    """Through the station if one runs, else into the store directly: nothing is moved."""
    if kind is not Kind.SOURCE_DRIFT or config is None:
        raise ConfigError("--from-run goes with: calibrate source-drift --config RIG.toml")
    rig = load_rig(config)
    folder = rig.data_dir or data
    store = CalibrationStore(folder, rig.name, time.time, time.time)
    endpoint = find_station(rig.name)
    if endpoint is not None:
        with StationClient(endpoint) as client:
            found = client.command("calibrate", TIMEOUT_S, kind=str(kind), runs=" ".join(runs))
        result = CalibrationResult.model_validate(found)
    else:
        lock = RigLock(rig.name, "calibrate")
        lock.acquire(time.time())
        try:
            finding = source_drift_of_runs(folder, runs)
            result = CalibrationKeeper(rig, store, time.time).keep(str(kind), finding)
        except ValueError as error:
            raise ConfigError(f"source-drift: {error}") from error
        finally:
            lock.release()
    _show(store, result)


def _show(store: CalibrationStore, result: CalibrationResult) -> None:
    for quantity in result.quantities:
        print(quantity_text(quantity))
    print(f"method      {result.method}")
    print(f"valid until {result.valid_until:%Y-%m-%d %H:%M} UTC")
    print(f"kept as     {result.id}")
    print(f"plot        {drawn_plot(store, result)}")
    print(f"raw data    {store.raw(result.id)}")


def _calibrated(client: StationClient, kind: str) -> dict[str, Any]:
    """With light if it needs some, and as much as there was before."""
    told: list[str] = []
    tell = threading.Lock()

    def progress(update: Any) -> None:
        text = str(update["value"])
        with tell:
            if text and sys.stderr.isatty() and text not in told[-1:]:
                told.append(text)
                print(f"\r\033[K{kind}: {text}", end="", file=sys.stderr, flush=True)

    client.watch("calibrations:progress", progress)
    dark = kind not in WITHOUT_LIGHT and not bool(client.get("amplifier:on"))
    if dark:
        client.command("light_on", timeout_s=60.0)
        time.sleep(LIGHT_WAIT_S)
    try:
        return client.command("calibrate", timeout_s=TIMEOUT_S, kind=kind)
    finally:
        if told:
            print(file=sys.stderr)
        if dark:
            client.command("light_off", timeout_s=60.0)
