"""The words of ``notewire control``, apart from what carries them out, so that help is quick."""

from __future__ import annotations

VALUES = {"mode": "mode", "sensitivity": "value", "transpose": "semitones"}  # field of the value
PLAIN = ("panic", "reload", "snapshot")
SWITCHES = {  # the command that each word stands for
    "mute": ("mute", True),
    "unmute": ("mute", False),
    "record": ("take", True),
    "stop": ("take", False),
}
EVERYTHING = ", ".join([*PLAIN, *VALUES, *SWITCHES])
