"""Is the judge well? Controls with known answers, and the exam."""
