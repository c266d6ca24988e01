"""Many pictures in one folder: planned row by row, drawn in batches, listed in one index.

rows    what is to be drawn, and the ids
inputs  prompts, emotions and seeds as people write them
plan    the rows of a folder, and which of them are drawn together
drawing a batch of rows by a method
files   the pictures in the folder: stored, found, found damaged
index   the table of what there is
run     all of it, resumable
"""

from emoticrafter.batch.batched import Batched, run_batch
from emoticrafter.batch.index import COLUMNS, read_index
from emoticrafter.batch.inputs import parse_grid, parse_seeds, read_emotions, read_prompts
from emoticrafter.batch.rows import Feeling, Prompt, Row, plan_rows

__all__ = [
    "COLUMNS",
    "Batched",
    "Feeling",
    "Prompt",
    "Row",
    "parse_grid",
    "parse_seeds",
    "plan_rows",
    "read_emotions",
    "read_index",
    "read_prompts",
    "run_batch",
]
