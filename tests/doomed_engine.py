"""An engine for test_midi_keeper.py: strikes a key when told to on stdin, and goes on for ever."""

from __future__ import annotations

import sys
import time

from notewire.bridge.kept_output import KeptOutput
from notewire.bridge.midi_port import MidiPort
from notewire.streaming.contracts import NoteOn


def main() -> None:
    output = KeptOutput("jack", None)
    port = MidiPort(open_output=lambda *_: output)
    sys.stdin.readline()
    port.send(NoteOn(1, 60, 80, 0, 0))
    while True:
        output.pulse()
        time.sleep(0.05)


if __name__ == "__main__":
    main()
