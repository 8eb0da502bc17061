"""Operations in C++ for what TensorFlow has none that suit a CPU.

They are compiled for the processor at hand when they are first needed, as `torch.compile`
does it, and kept for later; see `library`.
"""
