"""What is measured, how, and the recorded results: run each as `python -m benchmarks.NAME`."""
