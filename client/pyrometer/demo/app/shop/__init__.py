"""A small shop: a catalogue, orders, payments, and two bugs that only production shows.

One of its functions burns 60 % of the processor time (`pricing.discount_for`), and one handler swallows an error that
its owner should hear of (`views.checkout`).
"""
