"""Signal to events. Pure: no threads, no devices, no files, and nothing of ours imported."""
