"""The report: one JSON document, and one HTML page with tables and plots."""
