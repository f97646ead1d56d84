"""Measuring base and head side by side: their code, their points, their turns."""
