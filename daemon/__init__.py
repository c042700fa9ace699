"""The program: command line, configuration, capture, life cycle."""
