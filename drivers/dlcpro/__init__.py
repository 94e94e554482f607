"""Toptica DLC pro."""

from drivers.dlcpro.driver import DlcPro

__all__ = ["DlcPro"]
