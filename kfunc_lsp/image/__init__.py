"""Kernel images: files to section bytes. Never looks into BTF."""
