"""Runs one story: `run.py MODULE.STORY URL`. What cannot be seen fails."""

import importlib
import sys

module, story = sys.argv[1].split(".")
getattr(importlib.import_module(module), story)(sys.argv[2])
