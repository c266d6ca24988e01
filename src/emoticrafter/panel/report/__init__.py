"""A study's results as one page, one JSON document and tables.

document   what is in the JSON
sentences  the results as a paper tells them
plots      figures for light pages and dark ones
page       the page, by `page.html`
tables     norms and ratings as CSV
"""
