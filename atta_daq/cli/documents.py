"""`atta-daq docs`: reference pages made from the code."""

import typer

from atta_daq.client.names import reference_page

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Reference pages made from the code."""


@app.command("names")
def names() -> None:
    """Every process variable of a station, as Markdown."""
    print(reference_page(), end="")
