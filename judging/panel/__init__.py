"""The vision-language judge: questions, answers, servers."""
