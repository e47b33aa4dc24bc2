#!/usr/bin/env python
"""Which command shall run?  The front door to every task of the platform."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "competition.settings")
    from django.core.management import execute_from_command_line

    from core.environment import load_settings

    load_settings()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
