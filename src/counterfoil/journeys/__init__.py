"""The ways through the house: one module each, readable from top to bottom as what happens.

They stand in folders named for what is done: applying, inquiring, deciding, contracting, borrowing,
paying, and so on; each folder says so itself. Here are only those that every way uses: the house as
it is wired, the counter that takes commands in, the gate of permissions, two people for one act,
work done once for its key, the trail, and cases.
"""
