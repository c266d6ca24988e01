"""What comes in: files that a user names, or that a file or a folder of theirs names, each kind by its one reader."""
