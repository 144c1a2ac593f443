"""kfunc-lsp: what libbpf and the verifier will say about every kfunc a BPF program declares and calls."""

__version__ = "0.1.0"
