"""What every table of an instrument in the rig file has in common."""

from typing import ClassVar

from pydantic import ValidationInfo, model_validator

from atta_daq.rig.addresses import tcp_port
from atta_daq.rig.models import STORED, RigModel


class InstrumentSection(RigModel):
    """An instrument: its driver and where it is.

    A subclass for a driver has `driver: Literal["its-name"]` and at least one address.
    """

    driver: str
    """Which driver."""
    exclusive: ClassVar[bool] = True
    """Whether each of its addresses is a wire that one program at a time may have."""

    def addresses(self) -> dict[str, str]:
        """Key of this table to address, for each wire that the driver opens.

        Drivers whose addresses have other keys than `address` override it.
        """
        address = getattr(self, "address", None)
        return {} if address is None else {"address": str(address)}

    @model_validator(mode="after")
    def _ports_exist(self, info: ValidationInfo) -> "InstrumentSection":
        for key, address in self.addresses().items():
            if address.upper().startswith("ASRL") and info.context is not STORED:
                raise ValueError(
                    f"{key} = {address}: serial ports are not opened over VISA, where a late "
                    "answer would be taken for that of the next query; use the box's LAN or USB, "
                    "or, for a driver that speaks serial, its device (/dev/ttyACM0, COM3)"
                )
            port = tcp_port(address)
            if port is not None and not 1 <= port <= 65535:
                raise ValueError(f"{key} = {address}: no port {port}; ports go from 1 to 65535")
        return self
