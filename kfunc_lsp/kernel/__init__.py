"""The kernel index: types and kfunc sets to kfuncs, their classes and flags."""
