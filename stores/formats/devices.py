"""What there is to compute on beside the processor."""

import ctypes

from lifecycle.errors import Unavailable
from lifecycle.resources_policy import Device

CPU_AGAIN = "In the policy's resources, set device of its arm to cpu, or serve where there is one."


def require_device(device: Device, name: str, *, library_can: bool, library: str) -> None:
    """Raise Unavailable, which is held against no version, unless a library and this machine can compute on a device.

    `name` is the model file's, for the message; `library_can` tells whether the library was built for it.
    """
    if device == "cpu":
        return
    if not library_can:
        raise Unavailable(f"{name} is to compute on {device}, which {library} here cannot. {CPU_AGAIN}")
    if not cuda_devices():
        raise Unavailable(
            f"{name} is to compute on {device}, but this process sees no NVIDIA GPU. {CPU_AGAIN} With a GPU in the "
            "machine, the arm also needs a share of it: gpus, beside device."
        )


def cuda_devices() -> int:
    """Return how many GPUs the NVIDIA driver shows this process; 0 without a driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value
