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
# ## What did the network do, and how did calls take it?

# %%
report.networks()

# %% [markdown]
# ## How many callers are still waiting, network by network?

# %%
report.waiting_by_network()

# %% [markdown]
# ## Within what time are nearly all callers answered?

# %%
report.answered_within()

# %% [markdown]
# ## How did the voice sound?

# %%
report.opinions()

# %% [markdown]
# ## Is it the network that was asked for?

# %%
report.dose()

# %%
report.dose_over_time()

# %% [markdown]
# ## Which gates are kept under which network?

# %%
report.gates_by_network()

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
