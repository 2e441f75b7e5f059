"""Words of this process's own memory, and two functions of the interpreter's, by `_ctypes`.

Its import leaves a descriptor in the process with the libffi that newer builds have: seen with Debian's 3.14, whose
libffi 3.5 keeps its own file open. So from 3.14 on it is used where the service has imported it already.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Memory:
    """The kinds of words, each to be read and written where it lies.

    Raises:
        ImportError: there is no `_ctypes`, or none that the service has imported.
    """

    def __init__(self) -> None:
        if sys.version_info >= (3, 14) and "_ctypes" not in sys.modules:
            raise ImportError("the service has not imported ctypes")
        import _ctypes

        self._ctypes: Any = _ctypes
        simple = (_ctypes._SimpleCData,)
        self.word: Any = type("word", simple, {"_type_": "L"})
        self.pointer_to_word: Any = type("pointer_to_word", (_ctypes._Pointer,), {"_type_": self.word})
        self.reference: Any = type("reference", simple, {"_type_": "O"})
        self.pointer_to_reference: Any = type("pointer_to_reference", (_ctypes._Pointer,), {"_type_": self.reference})
        self._byte: Any = type("byte", simple, {"_type_": "c"})

    @property
    def word_size(self) -> int:
        """Bytes of a word, which holds an address."""
        size: int = self._ctypes.sizeof(self.word)
        return size

    def address_of(self, word: Any) -> int:
        """Where a word lies."""
        address: int = self._ctypes.addressof(word)
        return address

    def symbol(self, name: str) -> int:
        """Address of something that the interpreter exports. Raises OSError: there is none of that name."""
        address: int = self._ctypes.dlsym(self._ctypes.dlopen(None, 0), name)
        return address

    def call(self, name: str) -> int:
        """Call a function of the interpreter's that takes nothing and returns an address, with the GIL held."""
        flags = self._ctypes.FUNCFLAG_CDECL | self._ctypes.FUNCFLAG_PYTHONAPI
        kind: Any = type("function", (self._ctypes.CFuncPtr,), {"_flags_": flags, "_restype_": self.word})
        answer: int = kind(self.symbol(name))()
        return answer

    def read(self, address: int, size: int) -> bytes:
        """What lies there. All of it must be mapped: nothing checks that."""
        kind: Any = type("bytes", (self._ctypes.Array,), {"_type_": self._byte, "_length_": size})
        held: bytes = kind.from_address(address).raw
        return held
