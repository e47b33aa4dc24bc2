"""What is stored of an exam that is shown to everybody?  The report, and a strip of pictures of each damage."""

from __future__ import annotations

from django.db import models


class JudgeExam(models.Model):
    """One judge version; a later exam of it takes the place of the earlier.

    `report`: the document of `judging.exam.report`; `pictures`: `kind`, `asset` and `sha256` of a strip, which shows
    the good asset and then its five damaged copies.
    """

    judge_name = models.CharField(max_length=100)
    version = models.CharField(max_length=64, unique=True)
    report = models.JSONField()
    pictures = models.JSONField(default=list)
    made_at = models.DateTimeField()

    class Meta:
        app_label = "judging"

    def __str__(self) -> str:
        return f"exam of {self.judge_name} {self.version[:12]}"
