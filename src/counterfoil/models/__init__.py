"""Models: how likely a customer is to default, learned from outcomes and kept as integer tables.

A model that decides is a file of tables (`artefact`): what each value of each feature adds, which
probability a score means, and what the reader of a reason is told. Training (`training`, numpy and
LightGBM) makes such files; deciding needs the file alone. What a model may decide is said by
policies, and who approved it by the registry.
"""
