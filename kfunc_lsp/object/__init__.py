"""A compiled BPF program to a ``Unit``: what libbpf will see, at the source lines that debug information gives."""
