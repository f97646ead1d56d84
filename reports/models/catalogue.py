"""The tables of all models: what each is called, and where a page shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from reports.models.fits_table import fits_table
from reports.models.hold_out import hold_out_table
from reports.models.model_tables import crossover_table, growth_table, law_table, optimum_table
from reports.models.roofline_table import roofline_table


@dataclass(frozen=True)
class ModelTable:
    """One of them."""

    name: str
    """In documents, and in the page's addresses."""
    heading: str
    part: str
    """Of the page; empty for one that is shown in documents alone."""
    make: Callable[[pd.DataFrame], pd.DataFrame]


TABLES = (
    ModelTable("growth", "How latency and workspace grow with T", "scaling", growth_table),
    ModelTable("crossovers", "Where one overtakes another", "scaling", crossover_table),
    ModelTable("optima", "The best chunk size of every T", "chunks", optimum_table),
    ModelTable("law", "What a chunk size costs", "chunks", law_table),
    ModelTable(
        "fits", "The longest T that fits, and twice the longest measured", "memory", fits_table
    ),
    ModelTable("roofline", "Rates reached", "roofline", roofline_table),
    ModelTable("hold-out", "The longest third, predicted from the others", "", hold_out_table),
)
