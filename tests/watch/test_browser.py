"""The page as a real browser shows it: content, live update, phone, trouble, a lost station."""

import json

import numpy as np
import pytest
import window_states
from browser import look, text_of
from fakes_sweep import info, live, on_off, on_off_fit, saturation, saturation_fit, spectrum
from fed_page import FedPage, served, until
from selenium.webdriver import Chrome

from atta_daq.client.log import Alarm, alarms_to_json
from atta_daq.watch.station_link import LinkState

TOKEN = "a-token-of-the-tests-0123456789"
DESKTOP, PHONE = (1280, 900), (360, 640)


def opened(browser: Chrome, page: FedPage, size: tuple[int, int] = DESKTOP) -> None:
    look(browser, *size)
    browser.get(page.url)
    until(lambda: text_of(browser, "#state") not in ("", "connecting"))


def shows(browser: Chrome, selector: str, *texts: str) -> None:
    until(lambda: all(text in text_of(browser, selector) for text in texts), 30.0)


def count(browser: Chrome, selector: str) -> int:
    found = browser.execute_script(
        "return document.querySelectorAll(arguments[0]).length", selector
    )
    return int(found)


def test_a_run_with_its_points_and_fit(browser: Chrome, page: FedPage) -> None:
    window_states.running(page.source)  # type: ignore[arg-type]
    opened(browser, page)
    shows(browser, "header", "test-rig", "running")
    shows(browser, "#run", "spectrum", window_states.RUN_ID, "29 of 97 segments", "ends about")
    shows(browser, "#sweep", "background", "2510 ± 60 atoms/h", "55 ± 4 %", "data up to block 12")
    shows(browser, "#rates", "97", "0.0412 V/s")
    shows(browser, "#instruments", "locked", "−100.4 MHz", "2.31e−06 mbar", "not connected")
    shows(browser, "#alarms", "none")
    shows(browser, "#log", "source warmed up")
    points = spectrum().points
    pumped = sum(p.pumping for p in points)
    assert count(browser, "#sweep svg circle.on") >= pumped
    # Error bars of the points and of their residuals, and the ticks of two axes.
    assert count(browser, "#sweep svg line.on") == 2 * pumped + 1
    assert count(browser, "#sweep svg path.band") == 1
    png = browser.execute_script(
        "const i = document.querySelector('#picture img'); return [i.naturalWidth, i.complete]"
    )
    assert png == [40, True]
    assert browser.title.startswith("running 30 % · test-rig")


def test_points_stand_where_their_numbers_say(browser: Chrome, page: FedPage) -> None:
    page.source.feed(**live(spectrum()), run__id="r")
    opened(browser, page)
    until(lambda: count(browser, "#sweep svg circle.on"))
    drawn = browser.execute_script(
        """
        const circles = [...document.querySelectorAll('#sweep .plot circle.on')];
        return circles.map((c) => [Number(c.getAttribute('cx')), Number(c.getAttribute('cy'))]);
        """
    )
    x, y = np.array(drawn).T
    points = [p for p in spectrum().points if p.pumping]
    detuning = np.array([p.detuning_mhz for p in points])
    rate = np.array([p.ratio for p in points])
    # To the right and upwards, both straight lines of the values to a tenth of a pixel.
    for place, value, sign in ((x, detuning, 1.0), (y, rate, -1.0)):
        slope, offset = np.polyfit(value, place, 1)
        assert np.sign(slope) == sign
        assert np.abs(place - slope * value - offset).max() < 0.15


def test_the_nearest_point_is_read_out(browser: Chrome, page: FedPage) -> None:
    page.source.feed(**live(spectrum()), run__id="r")
    opened(browser, page)
    until(lambda: count(browser, "#sweep svg circle.on"))
    browser.execute_script(
        """
        const svg = document.querySelector('#sweep svg'), c = svg.querySelector('circle.on');
        const box = svg.getBoundingClientRect();
        svg.dispatchEvent(new PointerEvent('pointerdown', {
          clientX: box.left + Number(c.getAttribute('cx')) + 3,
          clientY: box.top + Number(c.getAttribute('cy')) + 3 }));
        """
    )
    first = spectrum().points[0]
    shows(browser, "#sweep .readout", f"at −600.0: {first.ratio:.0f} ± {first.error:.0f}")


def test_what_changes_is_shown_without_loading_anew(browser: Chrome, page: FedPage) -> None:
    window_states.idle(page.source)  # type: ignore[arg-type]
    opened(browser, page)
    shows(browser, "#state", "idle")
    browser.execute_script("window.sameDocument = true")
    page.source.feed(**live(spectrum(taken=5)), run__id="r1", run__segment=5, run__segments=97)
    shows(browser, "#run", "5 of 97 segments")
    page.source.feed(**live(spectrum(taken=6)), run__segment=6, rate__counts=123)
    shows(browser, "#run", "6 of 97 segments")
    shows(browser, "#rates", "123")
    alarm = Alarm("lock", "lock", "the 819-nm lock is open", "major", 1.79e9, True, False)
    page.source.feed(station__alarms=alarms_to_json([alarm]))
    shows(browser, "#alarms", "the 819-nm lock is open")
    until(lambda: browser.title.startswith("⚠"))
    page.source.feed(run__suspended="lock: the slave's peak is missing")
    shows(browser, "#run", "The run waits: lock: the slave's peak is missing")
    shows(browser, "#state", "waits for the rig")
    page.source.feed(run__suspended="", station__alarms="[]")
    shows(browser, "#alarms", "none")
    assert browser.execute_script("return window.sameDocument") is True


@pytest.mark.parametrize("state", sorted(window_states.STATES))
def test_nothing_is_cut_off_on_a_phone(browser: Chrome, page: FedPage, state: str) -> None:
    window_states.STATES[state](page.source)  # type: ignore[arg-type,operator]
    opened(browser, page, PHONE)
    until(lambda: text_of(browser, "#instruments"))
    wide, cut = browser.execute_script(
        """
        const width = document.documentElement.clientWidth;
        const cut = [...document.querySelectorAll('body *')].filter((e) => {
          const box = e.getBoundingClientRect();
          return box.width && (box.right > width + 0.5 || box.left < -0.5);
        });
        const clipped = [...document.querySelectorAll('span, b, em, p, h1, dd, li')].filter(
          (e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline');
        return [document.documentElement.scrollWidth - width,
          [...cut, ...clipped].map((e) => e.outerHTML.slice(0, 200))];
        """
    )
    assert wide == 0
    assert cut == []


def test_labels_of_a_plot_do_not_run_into_each_other(browser: Chrome, page: FedPage) -> None:
    page.source.feed(**live(saturation(), saturation_fit()), run__id="r")
    for size in (PHONE, DESKTOP):
        opened(browser, page, size)
        until(lambda: count(browser, "#sweep svg text"))
        overlap = browser.execute_script(
            """
            const texts = [...document.querySelectorAll('#sweep svg text')]
              .map((t) => [t.textContent, t.getBoundingClientRect()]);
            const found = [];
            texts.forEach(([a, p], i) => texts.slice(i + 1).forEach(([b, q]) => {
              if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 2
                  && q.top < p.bottom - 2) found.push([a, b]);
            }));
            const svg = document.querySelector('#sweep svg').getBoundingClientRect();
            for (const [a, p] of texts)
              if (p.left < svg.left || p.right > svg.right) found.push([a]);
            return found;
            """
        )
        assert overlap == []


def test_light_and_dark_are_the_choice_of_the_device(browser: Chrome, page: FedPage) -> None:
    grounds = []
    for dark in (False, True):
        look(browser, *DESKTOP, dark=dark)
        browser.get(page.url)
        grounds.append(
            browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        )
    assert grounds == ["rgb(236, 239, 242)", "rgb(17, 20, 23)"]


def test_a_station_that_is_gone_is_said_and_everything_is_greyed(
    browser: Chrome, page: FedPage
) -> None:
    page.source.state = LinkState("searching", "no station runs; still looking")
    opened(browser, page)
    shows(browser, "#state", "no station")
    shows(browser, "#banner", "no station runs; still looking")
    page.source.forget()
    window_states.running(page.source)  # type: ignore[arg-type]
    shows(browser, "#state", "running")
    assert not browser.execute_script("return document.body.classList.contains('silent')")
    assert text_of(browser, "#banner") == ""
    said = "station 'test-rig' does not answer; still trying"
    page.source.state = LinkState("lost", said, "test-rig")
    shows(browser, "#state", "station lost")
    shows(browser, "#banner", said)
    assert browser.execute_script("return document.body.classList.contains('silent')")
    grey = browser.execute_script("return getComputedStyle(document.querySelector('main')).filter")
    assert grey == "grayscale(1)"
    shows(browser, "#run", "29 of 97 segments")
    page.source.forget()
    window_states.running(page.source)  # type: ignore[arg-type]
    shows(browser, "#state", "running")


def test_a_stale_reading_is_greyed_with_its_reason(browser: Chrome, page: FedPage) -> None:
    window_states.fault(page.source)  # type: ignore[arg-type]
    opened(browser, page)
    shows(browser, "#instruments", "camera: no answer")
    assert count(browser, "#instruments li.stale") >= 3
    shows(browser, "#state", "the last run is aborted")
    shows(browser, "#run", "no frame for 5.0 s")


def test_a_page_whose_server_dies_says_so_and_comes_back(browser: Chrome) -> None:
    with served() as first:
        window_states.running(first.source)  # type: ignore[arg-type]
        opened(browser, first)
        shows(browser, "#state", "running")
    shows(browser, "#state", "no connection")
    shows(browser, "#banner", "What is shown is old")
    browser.get("about:blank")  # no more attempts to connect
    browser.get_log("browser")


def test_texts_are_shown_as_they_are(browser: Chrome, page: FedPage) -> None:
    evil = "<img src=x onerror='window.hit=1'><script>window.hit=1</script>"
    alarm = Alarm("x", evil, evil, "major", 1.79e9, True, False)
    told = info(run_id=evil, name=evil, sample=evil, note=evil, notes=(evil,)).to_json()
    page.source.feed(
        run__id=evil, run__info=told, run__state="running", run__suspended=evil,
        station__alarms=alarms_to_json([alarm]), run__points="[]", run__fit="",
    )  # fmt: skip
    opened(browser, page)
    shows(browser, "#alarms", evil)
    shows(browser, "#run", evil)
    assert browser.execute_script("return window.hit") is None


def test_the_comparison_with_light_on_and_off(browser: Chrome, page: FedPage) -> None:
    page.source.feed(**live(on_off(), on_off_fit()), run__id="r")
    opened(browser, page)
    shows(browser, "#sweep", "81Kr", "57 ± 8 %")
    assert count(browser, "#sweep .plot circle.on") == 12
    assert count(browser, "#sweep .plot circle.blocked") == 12


def test_a_part_that_cannot_be_read_leaves_the_others(browser: Chrome, page: FedPage) -> None:
    window_states.running(page.source)  # type: ignore[arg-type]
    page.source.feed(run__points=json.dumps([{"of": "another version"}]))
    opened(browser, page)
    shows(browser, "#sweep", "cannot be shown")
    shows(browser, "#rates", "0.0412 V/s")


def test_the_link_with_the_token_opens_the_page_once_and_for_all(
    browser: Chrome, guarded: FedPage
) -> None:
    window_states.running(guarded.source)  # type: ignore[arg-type]
    look(browser, *PHONE)
    browser.get(guarded.url)
    assert "A token is needed" in text_of(browser, "body")
    browser.get_log("browser")  # 401 is an error to the browser
    browser.get(f"{guarded.url}?token={TOKEN}")
    shows(browser, "#state", "running")
    assert browser.current_url == guarded.url
    assert browser.execute_script("return document.cookie") == "", "scripts cannot read it"
    browser.get(guarded.url)
    shows(browser, "#state", "running")
