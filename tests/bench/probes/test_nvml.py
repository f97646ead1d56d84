from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import reduce
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bench.probes import nvml
from bench.probes.nvml import Monitor, Reading, held_back, summarise, wait_until_released

CUDA = torch.device("cuda", 0)
UUID = "ffc79498-8ff3-c2dc-3b0d-fafd804516ae"
OTHER_UUID = "0a3ce6a2-6b4b-4f0d-9b41-1f0e2dd7c0aa"
GPU, OTHER, INSTANCE = "the GPU", "another GPU", "an instance of the GPU"

REASONS = {
    pynvml.nvmlClocksEventReasonApplicationsClocksSetting: "applications_clocks",
    pynvml.nvmlClocksEventReasonSwPowerCap: "sw_power_cap",
    pynvml.nvmlClocksEventReasonHwSlowdown: "hw_slowdown",
    pynvml.nvmlClocksEventReasonSyncBoost: "sync_boost",
    pynvml.nvmlClocksEventReasonSwThermalSlowdown: "sw_thermal",
    pynvml.nvmlClocksEventReasonHwThermalSlowdown: "hw_thermal",
    pynvml.nvmlClocksEventReasonHwPowerBrakeSlowdown: "hw_power_brake",
    pynvml.nvmlClocksEventReasonDisplayClockSetting: "display_clock",
    pynvml.nvmlClocksThrottleReasonBoardLimit: "board_limit",
    pynvml.nvmlClocksThrottleReasonReliability: "reliability",
}
READING = Reading(1980, 2619, 61, 412.5, frozenset())


class Nvml:
    """NVML with two GPUs; torch sees the second alone, and calls it cuda:0."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self.sessions = 0
        self.handles = {f"GPU-{OTHER_UUID}": OTHER, f"GPU-{UUID}": GPU}
        self.clocks = {pynvml.NVML_CLOCK_SM: 1980, pynvml.NVML_CLOCK_MEM: 2619}
        self.asked: list[str] = []
        patch.setattr(nvml, "device_uuid", lambda device: UUID)
        patch.setattr(pynvml, "nvmlInit", lambda: self._open(1))
        patch.setattr(pynvml, "nvmlShutdown", lambda: self._open(-1))
        patch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", self._find)
        self.says("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", {INSTANCE: GPU}.__getitem__)
        self.says("nvmlDeviceGetClockInfo", lambda handle, kind: self.clocks[kind])
        self.says("nvmlDeviceGetTemperature", lambda handle, sensor: 61)
        self.says("nvmlDeviceGetPowerUsage", lambda handle: 412_500)
        self.says("nvmlDeviceGetCurrentClocksEventReasons", lambda handle: 0)
        self.says("nvmlDeviceGetTotalEnergyConsumption", lambda handle: 12_345_678)

    def says(self, name: str, answer: Callable[..., Any]) -> None:
        def function(handle: str, *rest: Any) -> Any:
            assert self.sessions, "NVML was asked while it was not open"
            assert handle in (GPU, INSTANCE), "NVML was asked about another device"
            self.asked.append(name)
            return answer(handle, *rest)

        self._patch.setattr(pynvml, name, function)

    def lacks(self, name: str, code: int = pynvml.NVML_ERROR_NOT_SUPPORTED) -> None:
        def refuse(*arguments: Any) -> Any:
            raise pynvml.NVMLError(code)

        self.says(name, refuse)

    def lists(self, *processes: tuple[int, int | None]) -> None:
        rows = [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in processes]
        self.says("nvmlDeviceGetComputeRunningProcesses", lambda handle: rows)

    def _open(self, by: int) -> None:
        self.sessions += by

    def _find(self, uuid: str) -> str:
        if uuid not in self.handles:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return self.handles[uuid]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Nvml:
    return Nvml(monkeypatch)


@pytest.fixture
def monitor(fake: Nvml) -> Iterator[Monitor]:
    opened = nvml.open_monitor(CUDA)
    assert opened is not None
    with closing(opened):
        yield opened


class Heated:
    """A monitor with one slowdown a look, the last for ever, and a clock that only sleep moves."""

    def __init__(self, *looks: str) -> None:
        self.looks = chain(looks, repeat(looks[-1]))
        self.now = 100.0
        self.slept: list[float] = []

    def read(self) -> Reading:
        look = next(self.looks)
        return replace(READING, slowdowns=frozenset({look} if look else ()))

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def wait(self, limit_s: float) -> bool:
        return wait_until_released(
            self,  # type: ignore[arg-type]
            limit_s,
            sleep=self.sleep,
            clock=lambda: self.now,
        )


def test_a_cpu_has_no_monitor_and_nvml_stays_shut(fake: Nvml) -> None:
    fake.lacks("nvmlInit")
    assert nvml.open_monitor(torch.device("cpu")) is None
    assert fake.asked == []


@pytest.mark.parametrize(
    "code", [pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_DRIVER_NOT_LOADED]
)
def test_without_a_driver_there_is_no_monitor(
    fake: Nvml, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fail() -> None:
        raise pynvml.NVMLError(code)

    monkeypatch.setattr(pynvml, "nvmlInit", fail)
    assert nvml.open_monitor(CUDA) is None
    assert fake.sessions == 0


def test_the_device_is_found_by_its_uuid_whatever_its_index(monitor: Monitor) -> None:
    # The fake refuses to answer for any other device than the second.
    assert monitor.read() == READING


def test_the_uuid_is_the_one_torch_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    class Printed:
        def __str__(self) -> str:
            return UUID

    properties = {CUDA: SimpleNamespace(uuid=Printed())}
    monkeypatch.setattr(torch.cuda, "get_device_properties", properties.__getitem__)
    assert nvml.device_uuid(CUDA) == UUID


def test_a_device_nvml_does_not_know_has_no_monitor_and_nvml_is_shut_again(fake: Nvml) -> None:
    del fake.handles[f"GPU-{UUID}"]
    assert nvml.open_monitor(CUDA) is None
    assert fake.sessions == 0


def test_nvml_is_shut_when_torch_knows_no_such_device(
    fake: Nvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(device: torch.device) -> str:
        raise AssertionError("Invalid device id")

    monkeypatch.setattr(nvml, "device_uuid", fail)
    with pytest.raises(AssertionError, match="Invalid device id"):
        nvml.open_monitor(CUDA)
    assert fake.sessions == 0


def test_closing_shuts_nvml_down_once(fake: Nvml) -> None:
    monitor = nvml.open_monitor(CUDA)
    assert monitor is not None
    assert fake.sessions == 1
    monitor.close()
    monitor.close()
    assert fake.sessions == 0


def test_a_mig_instance_has_the_gpus_clocks_its_own_processes_and_no_energy(fake: Nvml) -> None:
    fake.handles = {f"MIG-{UUID}": INSTANCE}
    monitor = nvml.open_monitor(CUDA)
    assert monitor is not None
    asked_of = []
    fake.says("nvmlDeviceGetPowerUsage", lambda handle: asked_of.append(handle) or 1)
    fake.says("nvmlDeviceGetComputeRunningProcesses", lambda handle: asked_of.append(handle))
    monitor.read()
    monitor.process_bytes(1)
    assert asked_of == [GPU, INSTANCE]
    assert monitor.energy_j() is None


def test_a_reading_takes_five_queries(fake: Nvml, monitor: Monitor) -> None:
    monitor.read()
    assert len(fake.asked) == 5


@pytest.mark.parametrize(("bit", "name"), REASONS.items())
def test_each_reason_has_its_name(fake: Nvml, monitor: Monitor, bit: int, name: str) -> None:
    fake.says("nvmlDeviceGetCurrentClocksEventReasons", lambda handle: bit)
    assert monitor.read().slowdowns == {name}


def test_no_reason_of_pynvmls_is_without_a_name() -> None:
    every = pynvml.nvmlClocksEventReasonAll | pynvml.nvmlClocksThrottleReasonAll
    assert nvml.slowdowns(every) == set(REASONS.values())


def test_idleness_is_no_slowdown() -> None:
    assert nvml.slowdowns(pynvml.nvmlClocksEventReasonGpuIdle) == frozenset()


def test_a_reason_newer_than_this_code_keeps_its_bit() -> None:
    assert nvml.slowdowns(1 << 20 | 0x04) == {"0x100000", "sw_power_cap"}


@given(st.sets(st.sampled_from(sorted(REASONS))), st.booleans())
def test_reasons_add_up(bits: set[int], idle: bool) -> None:
    mask = reduce(int.__or__, bits, int(idle))
    assert nvml.slowdowns(mask) == {REASONS[bit] for bit in bits}


@pytest.mark.parametrize("missing", ["in the driver", "in pynvml"])
def test_an_older_driver_names_its_reasons_by_the_older_function(
    fake: Nvml, monitor: Monitor, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    name = "nvmlDeviceGetCurrentClocksEventReasons"
    if missing == "in pynvml":
        monkeypatch.delattr(pynvml, name)
    else:
        fake.lacks(name, pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)
    fake.says("nvmlDeviceGetCurrentClocksThrottleReasons", lambda handle: 0x40)
    assert monitor.read().slowdowns == {"hw_thermal"}


def test_a_newer_driver_tells_the_temperature_by_the_newer_function(
    fake: Nvml, monitor: Monitor
) -> None:
    fake.lacks("nvmlDeviceGetTemperature", pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)
    fake.says("nvmlDeviceGetTemperatureV", lambda handle, sensor: 44)
    assert monitor.read().temperature_c == 44


@pytest.mark.parametrize(
    ("functions", "field"),
    [
        (["nvmlDeviceGetPowerUsage"], "power_w"),
        (["nvmlDeviceGetTemperature", "nvmlDeviceGetTemperatureV"], "temperature_c"),
        (
            [
                "nvmlDeviceGetCurrentClocksEventReasons",
                "nvmlDeviceGetCurrentClocksThrottleReasons",
            ],
            "slowdowns",
        ),
    ],
)
@pytest.mark.parametrize(
    "code",
    [
        pynvml.NVML_ERROR_NOT_SUPPORTED,
        pynvml.NVML_ERROR_NO_PERMISSION,
        pynvml.NVML_ERROR_GPU_IS_LOST,
    ],
)
def test_what_the_device_does_not_tell_is_none_and_the_rest_is_read(
    fake: Nvml, monitor: Monitor, functions: list[str], field: str, code: int
) -> None:
    for name in functions:
        fake.lacks(name, code)
    reading = monitor.read()
    assert reading == replace(READING, **{field: None})
    assert summarise([reading], None) is None
    assert not held_back(reading)


@pytest.mark.parametrize("name", sorted(REASONS.values()))
def test_heat_hardware_slowdown_and_power_brake_hold_a_device_back(name: str) -> None:
    throttling = {"sw_thermal", "hw_thermal", "hw_slowdown", "hw_power_brake"}
    reading = replace(READING, slowdowns=frozenset({name}))
    assert held_back(reading) is (name in throttling)


def test_a_device_at_its_power_cap_is_held_back_if_it_is_too_hot_as_well() -> None:
    assert held_back(replace(READING, slowdowns=frozenset({"sw_power_cap", "sw_thermal"})))


def test_a_free_device_is_not_waited_for() -> None:
    device = Heated("")
    assert device.wait(10.0)
    assert device.slept == []


def test_a_power_cap_is_not_waited_for() -> None:
    device = Heated("sw_power_cap")
    assert device.wait(10.0)
    assert device.slept == []


def test_an_episode_of_throttling_is_waited_out() -> None:
    device = Heated("sw_thermal", "sw_thermal", "hw_slowdown", "")
    assert device.wait(10.0)
    assert device.slept == [nvml.POLL_S] * 3


def test_a_device_that_stays_hot_is_given_up_at_the_limit() -> None:
    device = Heated("hw_thermal")
    assert not device.wait(10.2)
    assert device.now == pytest.approx(110.2)
    assert max(device.slept) == nvml.POLL_S


def test_with_no_time_to_wait_a_hot_device_is_looked_at_once() -> None:
    device = Heated("hw_thermal")
    assert not device.wait(0.0)
    assert device.slept == []


def test_the_energy_counter_is_in_joules(monitor: Monitor) -> None:
    assert monitor.energy_j() == 12_345.678


def test_without_an_energy_counter_there_is_no_energy(fake: Nvml, monitor: Monitor) -> None:
    fake.lacks("nvmlDeviceGetTotalEnergyConsumption")
    assert monitor.energy_j() is None


def test_a_process_has_its_own_memory(fake: Nvml, monitor: Monitor) -> None:
    fake.lists((41, 7 << 20), (42, 600 << 20), (43, 9 << 20))
    assert monitor.process_bytes(42) == 600 << 20


def test_a_process_in_another_namespace_is_not_in_the_list(fake: Nvml, monitor: Monitor) -> None:
    fake.lists((645_400, 600 << 20))
    assert monitor.process_bytes(42) is None


@pytest.mark.parametrize("used", [None, 0, 2**64 - 1])
def test_a_process_without_a_figure_has_no_memory(
    fake: Nvml, monitor: Monitor, used: int | None
) -> None:
    fake.lists((42, used))
    assert monitor.process_bytes(42) is None


def test_processes_are_listed_by_the_older_function_where_the_driver_is_older(
    fake: Nvml, monitor: Monitor
) -> None:
    def mismatch(handle: str) -> None:
        raise pynvml.NVMLLibraryMismatchError

    fake.says("nvmlDeviceGetComputeRunningProcesses", mismatch)
    rows = [SimpleNamespace(pid=42, usedGpuMemory=5)]
    fake.says("nvmlDeviceGetComputeRunningProcesses_v2", lambda handle: rows)
    assert monitor.process_bytes(42) == 5


def test_processes_that_may_not_be_listed_have_no_memory(fake: Nvml, monitor: Monitor) -> None:
    fake.lacks("nvmlDeviceGetComputeRunningProcesses", pynvml.NVML_ERROR_NO_PERMISSION)
    fake.lacks("nvmlDeviceGetComputeRunningProcesses_v2", pynvml.NVML_ERROR_NO_PERMISSION)
    assert monitor.process_bytes(42) is None


def test_a_summary_has_the_range_the_medians_the_highest_heat_and_the_counts() -> None:
    readings = [
        Reading(1500, 2600, 60, 300.0, frozenset({"sw_power_cap"})),
        Reading(1980, 2619, 71, 500.0, frozenset()),
        Reading(1700, 2619, 65, 450.0, frozenset({"sw_thermal", "sw_power_cap"})),
    ]
    gpu = summarise(readings, 0.25)
    assert gpu is not None
    assert gpu.model_dump() == {
        "readings": 3,
        "sm_clock_mhz": (1500, 1700, 1980),
        "memory_clock_mhz": 2619,
        "temperature_c": 71,
        "power_w": 450.0,
        "slowdowns": {"sw_power_cap": 2, "sw_thermal": 1},
        "energy_j": 0.25,
    }


def test_a_summary_leaves_out_a_reading_that_lacks_a_quantity() -> None:
    lacking = replace(READING, sm_clock_mhz=5, power_w=None, slowdowns=frozenset({"sw_thermal"}))
    gpu = summarise([READING, lacking], None)
    assert gpu is not None
    assert gpu.readings == 1
    assert gpu.sm_clock_mhz == (1980, 1980, 1980)
    assert gpu.slowdowns == {}
    assert gpu.energy_j is None


def test_no_readings_have_no_summary() -> None:
    assert summarise([], 1.0) is None


@pytest.mark.parametrize("reasons", [None, frozenset(), frozenset({"sw_thermal", "0x800"})])
def test_a_reading_survives_json(reasons: frozenset[str] | None) -> None:
    reading = replace(READING, slowdowns=reasons, power_w=None)
    adapter = TypeAdapter(Reading)
    assert adapter.validate_json(adapter.dump_json(reading)) == reading


def test_a_machine_without_a_gpu_has_no_monitor() -> None:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        assert nvml.open_monitor(CUDA) is None
    else:
        pynvml.nvmlShutdown()
        pytest.skip("this machine has a driver")


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_real_device_is_read() -> None:
    monitor = nvml.open_monitor(CUDA)
    assert monitor is not None
    with closing(monitor):
        reading = monitor.read()
    assert reading.sm_clock_mhz is None or 100 < reading.sm_clock_mhz < 5000
    assert reading.power_w is None or 1 < reading.power_w < 3000
    assert reading.temperature_c is None or 0 < reading.temperature_c < 120
