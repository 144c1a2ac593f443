"""The shared model of a BPF program."""
