"""Small generated tables for the tasks on tables, the same each time."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

__all__ = ["customers", "flats"]

CUSTOMERS, FLATS = 500, 400
"""Number of rows of the two tables."""
PLANS = {"basic": 0.9, "plus": 0.0, "family": -0.8}
"""Plans of customers, each with what it adds to the logit of leaving."""
DISTRICTS = {"Harbour": 60.0, "Old Town": 90.0, "Hills": 120.0, "Station": 0.0}
"""Districts of flats, each with what it adds to the price of a flat, in thousands."""


def customers() -> str:
    """Returns a CSV file of customers, of whom some have left; a tenth of some cells is empty."""
    random = np.random.default_rng(2)
    lines = ["customer,joined,plan,visits,complaints,paid,left"]
    for number in range(CUSTOMERS):
        plan = str(random.choice([*PLANS]))
        months, visits = int(random.integers(1, 60)), int(random.poisson(6))
        complaints, paid = int(random.poisson(0.8)), random.uniform(8, 40)
        logit = PLANS[plan] + 1.1 * complaints - 0.35 * visits - 0.02 * months + 0.9
        left = "yes" if random.random() < 1 / (1 + np.exp(-logit)) else "no"
        joined = date(2024, 12, 31) - timedelta(days=30 * months)
        seen = [str(visits), str(complaints), f"{paid:.2f}"]
        shown = [one if random.random() > 0.1 else "" for one in seen]
        lines.append(",".join([f"C{number:04d}", joined.isoformat(), plan, *shown, left]))
    return "\n".join(lines)


def flats() -> str:
    """Returns a table of flats with their prices in thousands: semicolons and decimal commas."""
    random = np.random.default_rng(3)
    lines = ["area;rooms;district;built;listed;price"]
    for _ in range(FLATS):
        district, area = str(random.choice([*DISTRICTS])), random.uniform(25, 140)
        rooms, built = 1 + int(area / 30 + random.uniform(0, 1)), int(random.integers(1900, 2024))
        days = int(random.integers(0, 730))
        price = 3.1 * area + DISTRICTS[district] + 0.4 * (built - 1900) + 0.05 * days
        price += random.normal(0, 15)
        year = str(built) if random.random() > 0.15 else "?"
        listed = (date(2023, 1, 1) + timedelta(days=days)).strftime("%d.%m.%Y")
        cells = [f"{area:.1f}", str(rooms), district, year, listed, f"{price:.1f}"]
        lines.append(";".join(one if one == listed else one.replace(".", ",") for one in cells))
    return "\n".join(lines)
