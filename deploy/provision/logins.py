"""Who may log in to Kafka: the administrator, born with the broker's storage, and one user for each service.

A broker keeps of a password what SCRAM-SHA-512 needs (RFC 5802) and never the password: whether it is the one of the
file is found out by logging in.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Mapping

from aiokafka.errors import SaslAuthenticationFailed

from deploy.provision.broker import Broker, ChangeLogins, ListLogins, refuse_errors, until_in_force
from shared.messaging.connection import connection, knock
from shared.settings import KafkaSettings

ITERATIONS = 4096
"""The least that Kafka takes: what is guessed slowly then are short passwords, and ours have 192 bits."""
_SCRAM_SHA_512 = 2


async def make_logins(broker: Broker, wanted: Mapping[str, KafkaSettings]) -> list[str]:
    """Let each user log in with the password of his file; answer whose login is new or was changed.

    Raises KafkaError, NotInForce.
    """
    found = await broker.ask(ListLogins(None, {}))
    refuse_errors([(found.error_code, found.error_message)])
    known = {user for user, *_ in found.results} & wanted.keys()
    fit = await _let_in({user: wanted[user] for user in known})
    changed = {user: login for user, login in wanted.items() if user not in fit}
    if changed:
        answer = await broker.ask(ChangeLogins([], [_salted(user, login) for user, login in changed.items()], {}))
        refuse_errors([(code, message) for _, code, message, _ in answer.results])

        async def all_in() -> bool:
            return await _let_in(changed) == changed.keys()

        await until_in_force("logins", all_in)
    return list(changed)


async def _let_in(logins: Mapping[str, KafkaSettings]) -> set[str]:
    """Name those who can log in now."""
    fits = await asyncio.gather(*map(_may_log_in, logins.values()))
    return {user for user, fit in zip(logins, fits, strict=True) if fit}


async def _may_log_in(kafka: KafkaSettings) -> bool:
    try:
        await knock(kafka)
    except SaslAuthenticationFailed:
        return False
    return True


def _salted(user: str, kafka: KafkaSettings) -> tuple[str, int, int, bytes, bytes, dict[int, bytes]]:
    password, salt = connection(kafka)["sasl_plain_password"].encode(), secrets.token_bytes(32)
    salted = hashlib.pbkdf2_hmac("sha512", password, salt, ITERATIONS)
    return user, _SCRAM_SHA_512, ITERATIONS, salt, salted, {}
