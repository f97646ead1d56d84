"""What NVML says of a CUDA device beside the samples: clocks, heat, power, and why it slows down.

Sources: NVIDIA's NVML API reference, Device Queries and NvmlClocksEventReasons; `nvml.h`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import chain
from statistics import median
from typing import Any

import pynvml
import torch

from reports.figures import Gpu

IDLE = 0x01
SLOWDOWNS = {
    0x02: "applications_clocks",
    0x04: "sw_power_cap",
    0x08: "hw_slowdown",
    0x10: "sync_boost",
    0x20: "sw_thermal",
    0x40: "hw_thermal",
    0x80: "hw_power_brake",
    0x100: "display_clock",
    0x200: "board_limit",
    0x400: "reliability",
}
"""The bits of nvml.h's `nvmlClocksEventReason*` (before R535: `nvmlClocksThrottleReason*`)."""
HELD_BACK_BY = frozenset({"hw_slowdown", "sw_thermal", "hw_thermal", "hw_power_brake"})
"""The reasons that count as throttling: see `held_back`."""
OTHER_NAMES = {
    "nvmlDeviceGetCurrentClocksEventReasons": "nvmlDeviceGetCurrentClocksThrottleReasons",
    "nvmlDeviceGetTemperature": "nvmlDeviceGetTemperatureV",
    "nvmlDeviceGetComputeRunningProcesses": "nvmlDeviceGetComputeRunningProcesses_v2",
}
"""Functions that a driver or `pynvml` may lack, for it is too old or too new for the name."""
COOLING_S = 30.0
"""How long a visit waits for a device that is held back."""
POLL_S = 0.5
"""Between two looks at a device that is held back: heat takes seconds to go."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The device at one moment. None: the device, its driver or its permissions do not tell."""

    sm_clock_mhz: float | None
    memory_clock_mhz: float | None
    temperature_c: float | None
    """Of the die."""
    power_w: float | None
    """Of the board. Since Ampere, GA100 excepted, NVML averages it over the last second."""
    slowdowns: frozenset[str] | None
    """Why clocks are held down; empty if nothing holds them down or the device is idle."""


class Monitor:
    """One device as NVML sees it, made by `open_monitor`; `close` it in the end.

    What NVML cannot say is None and never an error: a measurement does not depend on it, and a
    device that is lost makes itself known by its next CUDA call.

    Args:
        device: NVML's handle of the GPU.
        instance: its handle of the MIG instance that torch uses; the GPU's own without MIG.
        session: what is to be closed in the end.
    """

    def __init__(self, device: Any, instance: Any, session: ExitStack) -> None:
        self._device = device
        self._instance = instance
        self._session = session

    def read(self) -> Reading:
        """What the device is like now: five queries of the driver."""
        power = _ask("nvmlDeviceGetPowerUsage", self._device)
        reasons = _ask("nvmlDeviceGetCurrentClocksEventReasons", self._device)
        return Reading(
            sm_clock_mhz=_ask("nvmlDeviceGetClockInfo", self._device, pynvml.NVML_CLOCK_SM),
            memory_clock_mhz=_ask("nvmlDeviceGetClockInfo", self._device, pynvml.NVML_CLOCK_MEM),
            temperature_c=_ask(
                "nvmlDeviceGetTemperature", self._device, pynvml.NVML_TEMPERATURE_GPU
            ),
            power_w=None if power is None else power / 1e3,
            slowdowns=None if reasons is None else slowdowns(reasons),
        )

    def energy_j(self) -> float | None:
        """Joules that the whole device took since its driver was loaded.

        None where there is no counter (before Volta), and for a MIG instance: the counter is the
        GPU's, and its neighbours' work is in it.
        """
        if self._instance is not self._device:
            return None
        energy = _ask("nvmlDeviceGetTotalEnergyConsumption", self._device)
        return None if energy is None else energy / 1e3

    def process_bytes(self, pid: int) -> int | None:
        """Memory of a process on the device, in bytes: its context and libraries included.

        None where NVML does not say. In a container it may list the host's process numbers, which
        are others than ours; or ours with 0 bytes (seen with driver 560), which no process with a
        context has; Windows (WDDM) has no figure at all.
        """
        processes = _ask("nvmlDeviceGetComputeRunningProcesses", self._instance)
        for process in processes or ():
            if process.pid == pid:
                used = process.usedGpuMemory
                known = used and used != pynvml.NVML_VALUE_NOT_AVAILABLE_ulonglong.value
                return int(used) if known else None
        return None

    def close(self) -> None:
        """Shut NVML down; a second time does nothing."""
        self._session.close()


def open_monitor(device: torch.device) -> Monitor | None:
    """NVML's view of a device of torch's, found by its UUID: CUDA_VISIBLE_DEVICES renumbers.

    Returns:
        None for a CPU, without a driver or its library, or where NVML does not know the device.
    """
    if device.type != "cuda":
        return None
    with suppress(pynvml.NVMLError), ExitStack() as session:
        pynvml.nvmlInit()
        session.callback(pynvml.nvmlShutdown)
        gpu, instance = _handles(device_uuid(device))
        return Monitor(gpu, instance, session.pop_all())
    return None


def device_uuid(device: torch.device) -> str:
    """The UUID of a CUDA device as torch prints it, without NVML's prefix: 8-4-4-4-12 digits."""
    return str(torch.cuda.get_device_properties(device).uuid)


def slowdowns(reasons: int) -> frozenset[str]:
    """The names of NVML's clock event reasons, idleness left out; a bit without a name is itself
    in hexadecimal, for new drivers have new reasons."""
    bits = (1 << place for place in range(reasons.bit_length()))
    return frozenset(SLOWDOWNS.get(bit, hex(bit)) for bit in bits if bit & reasons & ~IDLE)


def held_back(reading: Reading) -> bool:
    """Whether the device is throttled: by heat, a hardware slowdown or the power brake.

    These are faults or conditions that pass, and waiting can cure them. A software power cap is no
    such condition: it is the device at its rated power, its steady state under heavy kernels, so
    it is recorded in `slowdowns` and not waited for. The other reasons are settings of the
    machine's owner. False also where the device does not tell.

    NVML may report `hw_slowdown` for a moment while clocks change too: a device that has just
    started to work is better read after its warm-up.
    """
    return bool(reading.slowdowns and reading.slowdowns & HELD_BACK_BY)


def wait_until_released(
    monitor: Monitor,
    limit_s: float,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Pause while the device is held back, at most `limit_s` seconds.

    Returns:
        Whether it is not held back any more; at once True if it was not.
    """
    end = clock() + limit_s
    while held_back(monitor.read()):
        left = end - clock()
        if left <= 0:
            return False
        sleep(min(POLL_S, left))
    return True


def summarise(readings: Sequence[Reading], energy_j: float | None) -> Gpu | None:
    """What the readings beside a point's samples come to.

    Only readings that lack nothing count, so that all figures are of the same moments.

    Args:
        energy_j: joules of one call, if known.

    Returns:
        None if no reading has all quantities: a device that does not tell one never does.
    """
    complete = [
        (r.sm_clock_mhz, r.memory_clock_mhz, r.temperature_c, r.power_w, r.slowdowns)
        for r in readings
        if r.sm_clock_mhz is not None
        and r.memory_clock_mhz is not None
        and r.temperature_c is not None
        and r.power_w is not None
        and r.slowdowns is not None
    ]
    if not complete:
        return None
    sm_clock, memory_clock, temperature, power, reasons = zip(*complete, strict=True)
    return Gpu(
        readings=len(complete),
        sm_clock_mhz=(min(sm_clock), median(sm_clock), max(sm_clock)),
        memory_clock_mhz=median(memory_clock),
        temperature_c=max(temperature),
        power_w=median(power),
        slowdowns=dict(sorted(Counter(chain.from_iterable(reasons)).items())),
        energy_j=energy_j,
    )


def _handles(uuid: str) -> tuple[Any, Any]:
    """NVML's handles of the GPU and of the part that torch uses: an instance of it under MIG.

    Clocks, heat and power are the GPU's: NVML does not tell them of an instance.
    """
    try:
        gpu = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
    except pynvml.NVMLError:
        instance = pynvml.nvmlDeviceGetHandleByUUID(f"MIG-{uuid}")
        return pynvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(instance), instance
    return gpu, gpu


def _ask(name: str, *arguments: object) -> Any:
    """The answer of an NVML function, by its other name if need be; None if there is none."""
    for known_as in (name, OTHER_NAMES.get(name)):
        function = getattr(pynvml, known_as, None) if known_as else None
        if function is not None:
            with suppress(pynvml.NVMLError, pynvml.NVMLLibraryMismatchError):
                return function(*arguments)
    return None
