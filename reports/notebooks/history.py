# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% tags=["setup"]
from reports.reading import read

report = read()

# %% [markdown]
# ## May it be released?

# %%
report.verdict()

# %% [markdown]
# ## Where did the tester fall short?

# %%
report.shortfalls()

# %% [markdown]
# ## What moved between releases?

# %%
report.history()

# %% [markdown]
# ## How did callers fare from run to run?

# %%
report.history_line()

# %% [markdown]
# ## Is the last difference more than chance?

# %%
report.comparisons()

# %% [markdown]
# ## How many callers are still waiting after a given time?

# %%
report.waiting()

# %% [markdown]
# ## Which gates are kept?

# %%
report.gates()

# %% [markdown]
# ## Was the tester good enough?

# %%
report.validity()

# %% [markdown]
# ## What do the words mean, and how were the numbers made?

# %%
report.glossary()

# %%
report.provenance()
