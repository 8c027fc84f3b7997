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
# ## How long do callers wait?

# %%
report.arms()

# %% [markdown]
# ## How many callers are still waiting after a given time?

# %%
report.waiting()

# %% [markdown]
# ## When did calls go wrong?

# %%
report.time_line()

# %% [markdown]
# ## Where did the time go?

# %%
report.stages()

# %%
report.causes()

# %% [markdown]
# ## How soon after the answer is there a voice?

# %%
report.greeting()

# %% [markdown]
# ## What did callers hear, and how soon did the agent answer them?

# %%
report.heard()

# %% [markdown]
# ## What did the network do, and how did calls take it?

# %%
report.networks()

# %%
report.dose()

# %%
report.dose_over_time()

# %% [markdown]
# ## Does the measurement fit the faults that were made?

# %%
report.foretold()

# %% [markdown]
# ## What changed since the last release?

# %%
report.regression()

# %% [markdown]
# ## Which gates are kept?

# %%
report.gates()

# %% [markdown]
# ## What became of the calls?

# %%
report.outcomes()

# %% [markdown]
# ## Was the tester good enough?

# %%
report.validity()

# %% [markdown]
# ## Do other clocks agree?

# %%
report.clocks()

# %% [markdown]
# ## What do the words mean, and how were the numbers made?

# %%
report.glossary()

# %%
report.provenance()
