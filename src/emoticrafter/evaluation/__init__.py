"""Comparing methods: what a suite asks for is drawn, read by judges, measured, compared and reported.

suite     what is asked for, as a file; `cases` are its prompts
methods   what is compared, opened, trained and drawn
pictures  a picture from its drawing to the report, whoever drew it
readings  what the judges read from it, kept
evidence  what figures are computed from
figures   the table of them: every figure of the report is an entry
run       the way from a suite to a report
report/   the report as JSON and as a page
"""
