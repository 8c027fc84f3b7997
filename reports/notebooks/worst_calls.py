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
# ## Which calls were worst?

# %%
report.worst()

# %% [markdown]
# ## What happened in them?

# %%
report.ladders()

# %% [markdown]
# ## Where did the time go?

# %%
report.stages()

# %%
report.causes()

# %% [markdown]
# ## Do other clocks agree?

# %%
report.clocks()

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
