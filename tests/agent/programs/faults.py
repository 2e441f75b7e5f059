"""Exceptions on their way: raised, passed on, raised again, replaced, by generators and by C code."""
# ruff: noqa: F841, RET504


class PaymentError(Exception):
    pass


class CardError(PaymentError):
    pass


def decline(amount):
    card_number = "4111 1111 1111 1111"
    raise CardError(f"declined {amount}")


def charge(amount):
    return decline(amount)


def checkout(amount):
    try:
        return charge(amount)
    except PaymentError:
        return None


def passed_on(amount):
    try:
        charge(amount)
    except PaymentError:
        raise


def again(amount):
    try:
        charge(amount)
    except PaymentError as error:
        raise error


def replaced(amount):
    try:
        charge(amount)
    except PaymentError as error:
        raise ValueError("no") from error


def through_c(amount):
    return sorted([1, 2], key=lambda _: decline(amount))


def produce(amount):
    yield 1
    decline(amount)


def consume(amount):
    return list(produce(amount))


def swallow(function, *args):
    try:
        function(*args)
    except Exception:
        pass


def forever(depth):
    return forever(depth + 1)
