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
# ## May it be released, and for how many calls?

# %%
report.verdict()

# %% [markdown]
# ## Where did the tester fall short?

# %%
report.shortfalls()

# %% [markdown]
# ## How many calls does it carry before callers notice?

# %%
report.knees()

# %%
report.load_curves()

# %% [markdown]
# ## Where does the time go as load grows?

# %%
report.stages_over_load()

# %% [markdown]
# ## How did the search get there?

# %%
report.search_course()

# %%
report.steps()

# %% [markdown]
# ## What do too many calls at once do to it?

# %%
report.bursts()

# %%
report.overload()

# %%
report.overload_course()

# %% [markdown]
# ## Was anything left behind?

# %%
report.left_behind()

# %% [markdown]
# ## What could the tester do by itself?

# %%
report.tester_alone()

# %% [markdown]
# ## What changed since the last release?

# %%
report.regression()

# %% [markdown]
# ## Which gates are kept at the load that was held?

# %%
report.gates()

# %% [markdown]
# ## How long did callers wait at that load?

# %%
report.arms()

# %%
report.waiting()

# %%
report.stages()

# %%
report.causes()

# %% [markdown]
# ## What did the network do?

# %%
report.dose()

# %% [markdown]
# ## What became of these calls?

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
