"""Whether a change made an attention slower, bigger or wrong: judging base against head."""
