"""What the value of a setting must be, and the error if it is not."""

from __future__ import annotations

from dataclasses import dataclass


class SettingsError(Exception):
    """A setting is wrong or missing. One sentence that names the variable and says what is expected.

    `code` is the kind of mistake, for programs; `variable` the one that has to be mended, if it is one.
    """

    def __init__(self, sentence: str, *, code: str = "setting_wrong", variable: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.variable = variable


@dataclass(frozen=True, slots=True)
class Expected:
    """What a value must be, in words."""

    words: str
