# /// script
# requires-python = "==3.11.*"
# dependencies = [
#     "lifelines==0.30.3", "statsmodels==0.15.0", "scipy==1.17.1", "numpy==2.3.5", "pandas==2.3.3",
# ]
# ///
"""What lifelines and statsmodels say of the samples of these tests; they want another pandas than ours.

uv run --no-project tests/analysis/references/make.py > tests/analysis/references/values.json
"""

import json
import warnings

from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

# Weeks of remission, Freireich et al. (1963), Blood 21:699: placebo, and 6-MP as far as week 6, until which
# nobody left the trial.
SAMPLES = {
    "placebo": ([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], 15),
    "6-MP": ([6, 6, 6, *[None] * 18], 6),
    "ring": ([None if i % 23 == 0 else round(0.4 + 37 * i % 101 / 9, 3) for i in range(200)], 10),
}
SHARES = [
    (0, 1),
    (1, 1),
    (0, 30),
    (3, 100),
    (81, 263),
    (15, 148),
    (50, 100),
    (8, 400),
    (399, 400),
    (20, 100_000),
]
P_VALUES = [[0.01, 0.04, 0.03], [0.2, 0.011, 0.011, 0.6], [0.9, 0.8], [0.049]]


def survival(values: list[float | None], tau: float) -> dict[str, object]:
    """Kaplan-Meier's estimate at each answer up to τ, and the area under it."""
    ended = [value is not None and value <= tau for value in values]
    times = [value if value is not None and end else tau for value, end in zip(values, ended, strict=True)]
    fitted = KaplanMeierFitter().fit(times, ended)
    steps = sorted({time for time, end in zip(times, ended, strict=True) if end})
    return {
        "values": values,
        "tau": tau,
        "times": steps,
        "waiting": [float(fitted.predict(step)) for step in steps],
        "rmst": float(restricted_mean_survival_time(fitted, t=tau)),
    }


def clopper_pearson(hits: int, n: int) -> list[float]:
    """The exact two-sided 95 % interval."""
    return [float(bound) for bound in proportion_confint(hits, n, alpha=0.05, method="beta")]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    found = {
        "survival": {name: survival(*sample) for name, sample in SAMPLES.items()},
        "clopper_pearson": [{"hits": hits, "n": n, "bounds": clopper_pearson(hits, n)} for hits, n in SHARES],
        "holm": [{"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()} for p in P_VALUES],
    }
    print(json.dumps(found, indent=1))
