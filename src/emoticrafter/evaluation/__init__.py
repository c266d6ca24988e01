"""What methods are compared by: judges that read pictures, metrics, statistics, and the calibration of the axes."""
