"""A served page, and one browser for all tests of a worker."""

from collections.abc import Iterator

import pytest
from browser import chromium
from fed_page import FedPage, served
from selenium.webdriver import Chrome

TOKEN = "a-token-of-the-tests-0123456789"


@pytest.fixture(scope="module")
def one_page() -> Iterator[FedPage]:
    with served() as made:
        yield made


@pytest.fixture(scope="module")
def one_guarded() -> Iterator[FedPage]:
    with served(TOKEN) as made:
        yield made


@pytest.fixture
def page(one_page: FedPage) -> FedPage:
    """For this computer only, without a token; nothing has been fed to it yet."""
    one_page.source.forget()
    return one_page


@pytest.fixture
def guarded(one_guarded: FedPage) -> FedPage:
    """Asks for the token."""
    one_guarded.source.forget()
    return one_guarded


@pytest.fixture(scope="session")
def one_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture
def browser(one_browser: Chrome) -> Iterator[Chrome]:
    """Without cookies; a test that leaves an error in its console fails."""
    one_browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    one_browser.get_log("browser")
    yield one_browser
    said = [line for line in one_browser.get_log("browser") if line["level"] == "SEVERE"]
    one_browser.get("about:blank")
    assert said == []
