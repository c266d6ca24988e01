"""`python -m emoticrafter` is the command `emoticrafter`."""

from emoticrafter.cli.main import run

if __name__ == "__main__":
    run()
