"""The simulated bank: pays out, collects, keeps a journal, and goes wrong on demand.

It stands behind the same port as a real bank, over HTTP (`python -m counterfoil.simulator.bank`)
or in the same process. It knows nothing of loans. What it booked is the truth that tests hold the
product against.
"""
