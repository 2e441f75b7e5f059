"""A small shop: a catalogue, orders, payments, and four bugs that only production shows.

One of its functions burns 60 % of the processor time (`pricing.discount_for`), one handler swallows an error that its
owner should hear of (`views.checkout`), one kind of order costs less than nothing (`pricing.to_pay`), and one call of a
thousand is slow (`ledger.Ledger.enter`).
"""
