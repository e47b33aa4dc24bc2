"""What does the log say of a refused request?  One line: where in our code it was refused helps nobody."""

from __future__ import annotations

import logging


class NoTraceOfRefusals(logging.Filter):
    """Takes the traceback out of what Django logs of requests that it answers below 500."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", 500) < 500:
            record.exc_info = record.exc_text = None
        return True
