"""The figures of `benchmarks.fidelity`: functions of pictures and latents, for other scripts too."""
