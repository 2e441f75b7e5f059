"""Which names stand for secrets: `db_password`, `cardNumber`, `X-Api-Key`, `AWS_SECRET_ACCESS_KEY`, `DSN`.

A name is split into words, and words decide. Lists that compare whole names miss most of what people write
(`billing_api_key`, `webhook_secret`); lists that look for substrings withhold `tokenizer` and `monkey`.
"""

from __future__ import annotations

from pyrometer.guard.patterns import Pattern

MAX_NAME = 256
"""Characters of a name that are looked at."""


def _words(text: str) -> list[str]:
    return text.split()


_CHUNK = Pattern(r"[^\W_]+")
_WORD = Pattern(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\W_]")

_SECRET_WORDS = frozenset(
    _words("""
    password passwords passwd passwds passphrase passphrases passcode passkey passwort kennwort pwd pwds pswd psw pw
    secret secrets token tokens jwt jwts bearer credential credentials cred creds authorization cookie cookies csrf xsrf
    apikey apikeys dsn ssn cvv cvc iban otp totp mnemonic salt phpsessid jsessionid sessionid privkey
    """)
)
"""Words that make a name secret wherever they stand in it."""

_SECRET_LAST = frozenset(("auth",))
"""Words that do so at its end: `basic_auth`, unlike `auth_backend`."""

_SECRET_ALONE = frozenset(("pass", "pin", "card", "sid", "cookiejar"))
"""Words that do so where they are the whole name."""

_SECRET_ENDINGS = tuple(_words("password passwords passwd passphrase pwd secret token apikey credentials setcookie"))
"""Endings of words that were written together: `userpassword`, `csrfmiddlewaretoken`."""

_KEYS = _words("""
    access account activation admin aes anthropic api app application auth authentication authorization aws azure bot
    cipher consumer crypto decryption deploy ecdsa encryption fernet gcp gpg hmac jwt kms licence license mailgun master
    merchant openai pgp private recovery root rsa secret sendgrid session shared sign signature signing ssh ssl stripe
    subscription symmetric tls twilio webhook wrapping
    """)
_PASSES = _words("""
    admin amqp auth basic cert client database db default email ftp http imap key keystore ldap login mail mongo my
    mysql pg postgres proxy rabbitmq redis root server smtp ssh sudo truststore user
    """)
_NUMBERS = _words("account acct bank card cc creditcard passport routing")
_PHRASES = (
    "connect sid;backup code;backup codes;bank card;card code;card pan;card pin;client key data;conn str;conn string;"
    "connection str;connection string;credit card;debit card;key material;magic link;one time code;pass code;"
    "pass phrase;pass word;pin code;pin number;presigned url;recovery code;recovery codes;sas url;secret answer;"
    "security answer;security code;seed phrase;sess id;session id;signed url;social security;user pin;"
    "verification code;auth data;auth header;auth headers;auth string;auth tuple;auth value;auth code"
)

_SECRET_PHRASES = frozenset(
    [(owner, key) for owner in _KEYS for key in ("key", "keys")]
    + [(owner, "pass") for owner in _PASSES]
    + [(owner, number) for owner in _NUMBERS for number in ("number", "numbers", "num", "no", "nr")]
    + [tuple(phrase.split()) for phrase in _PHRASES.split(";")]
)
_PHRASE_STARTS = frozenset(phrase[0] for phrase in _SECRET_PHRASES)
_JOINED_PHRASES = frozenset("".join(phrase) for phrase in _SECRET_PHRASES if len("".join(phrase)) > 5)

_HARMLESS_LAST = frozenset(
    _words("""
    age alg algorithm arn at attempts backend budget changed class cls count counts dir disabled domain
    enabled end endpoint expiration expired expires expiry failures field fields file filename form help idx index
    invalid kind label len length lifetime limit limits max min name names offset optional path policies policy
    pos position ratio rate required scheme size sizes start strength total totals tries ttl type types until usage
    used valid validator validators validity version
    """)
)
"""Last words that say that the name is *about* a secret: `token_count`, `password_policy`."""

_HARMLESS_FIRST = frozenset(
    _words("""
    allow allows avg can count has have is max mean min n nb need needs no num require required requires should total
    use uses with without
    """)
)
_HARMLESS_TOKENS = frozenset(
    _words("""
    bos cached cls completion continuation eos input mask next output pad page prev previous prompt reasoning remaining
    sep special start stop sync unk used
    """)
)
"""What stands before `token` in language models, parsers and paged answers."""

_ENDPOINTS = frozenset(("url", "uri"))
_HAVE_ENDPOINTS = frozenset(("token", "auth", "authorization"))


def words_of(name: str) -> list[str]:
    """Split a name into lower-case words: `dbPassword2` into `db`, `password` and `2`."""
    return [word.lower() for word in _WORD.findall(name[:MAX_NAME])]


def is_secret(name: str) -> bool:
    """Tell whether a name stands for a secret by the built-in rules."""
    words = [word for word in words_of(name) if not word.isdigit()]
    if not words:
        return False
    if len(words) == 1 and words[0] in _SECRET_ALONE:
        return True
    return (_has_secret_word(words) or _is_written_together(name)) and not _is_harmless(words)


def has_phrase(words: list[str], phrase: tuple[str, ...]) -> bool:
    """Tell whether the words of a phrase stand in `words` one after the other."""
    length = len(phrase)
    return any(tuple(words[i : i + length]) == phrase for i in range(len(words) - length + 1))


def _has_secret_word(words: list[str]) -> bool:
    if words[-1] in _SECRET_LAST or not _SECRET_WORDS.isdisjoint(words):
        return True
    return not _PHRASE_STARTS.isdisjoint(words) and any(
        tuple(words[i : i + 2]) in _SECRET_PHRASES or tuple(words[i : i + 3]) in _SECRET_PHRASES
        for i in range(len(words) - 1)
    )


def _is_written_together(name: str) -> bool:
    for numbered in _CHUNK.findall(name[:MAX_NAME].lower()):
        chunk = numbered.rstrip("0123456789")
        if chunk in _JOINED_PHRASES or chunk.endswith(_SECRET_ENDINGS):
            return True
        if chunk.startswith(("password", "passwd")) and chunk != "passwordless":
            return True
    return False


def _is_harmless(words: list[str]) -> bool:
    if len(words) == 1:
        return False
    if words[-1] in _HARMLESS_LAST or words[0] in _HARMLESS_FIRST:
        return True
    if words[-1] in _ENDPOINTS:
        return words[-2] in _HAVE_ENDPOINTS
    if words[-1] in ("id", "ids"):
        words = words[:-1]
    return words[-1] in ("token", "tokens") and len(words) > 1 and words[-2] in _HARMLESS_TOKENS
