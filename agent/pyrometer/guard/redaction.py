"""placeholder of the lead, replaced by the guard engineer's"""
from __future__ import annotations
class Redactor:
    @classmethod
    def from_policy(cls, policy: object) -> "Redactor":
        return cls()
    def clean(self, text: str) -> str:
        return text
    def argv(self, argv: list[str]) -> list[str]:
        return argv
