"""A small seccomp filter: system calls that fail with EPERM, as a container's profile makes them."""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

_CALLS = {
    "x86_64": {"process_vm_readv": 310, "ptrace": 101, "bind": 49},
    "aarch64": {"process_vm_readv": 270, "ptrace": 117, "bind": 200},
}
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def forbid(*names: str) -> None:
    """Let these calls fail in this process, and in all that it starts, for good."""
    numbers = [_CALLS[platform.machine()][name] for name in names]
    code = [struct.pack("HBBI", _LOAD, 0, 0, 0)]
    for number in numbers:
        code += [struct.pack("HBBI", _EQUAL, 0, 1, number), struct.pack("HBBI", _RETURN, 0, 0, _FAIL | errno.EPERM)]
    code.append(struct.pack("HBBI", _RETURN, 0, 0, _ALLOW))
    program = _Program(len(code), b"".join(code))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) == 0, ctypes.get_errno()
