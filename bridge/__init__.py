"""Every way in which notes leave: MIDI port, MIDI file, event log, message bus."""
