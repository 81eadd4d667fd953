"""Every forged form of a token that is known, each by its name: what the header says, who signed, what is claimed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from services.processing.api.tracking import AUDIENCE as TRACKING
from shared.auth import Principal, TokenVerifier
from shared.roles import Role
from shared.settings import TokenSettings
from shared.tokens import LONGEST_SECONDS
from tests.unit.shared.issuer import CLAIMS, NOW, SECOND, Issuer, b64, compact, es256, mac, part, public, refusal, rs256

RS, ES = ({"alg": name, "kid": kid, "typ": "JWT"} for name, kid in (("RS256", "rsa"), ("ES256", "ec")))
Forge = Callable[[Issuer], str]


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("keys"))


def unsigned(_: bytes) -> bytes:
    return b""


def header(**names: Any) -> Forge:
    """Signed by the right key: the header alone is wrong."""
    return lambda issuer: issuer.rs(names)


def claims(**names: Any) -> Forge:
    """Signed by the right key under the right header: the claims alone are wrong."""
    return lambda issuer: issuer.rs(**names)


def stranger(**names: Any) -> Forge:
    """Signed by a key of the forger."""
    return lambda issuer: issuer.of(RS | names, rs256(issuer.stranger))


def with_his_key(name: str) -> Forge:
    """The forger's own key comes along in the header."""
    return lambda issuer: issuer.of(RS | {name: public(issuer.stranger)}, rs256(issuer.stranger))


def secret(secret_of: Callable[[Issuer], bytes], **names: Any) -> Forge:
    """HS256 under something that everybody knows."""
    return lambda issuer: issuer.of(RS | {"alg": "HS256"} | names, mac(secret_of(issuer)))


def raw(header: str, claims: str) -> Forge:
    """Signed by the right key over text that is written by hand."""
    return lambda issuer: compact(header, claims, rs256(issuer.rsa))


def cut(change: Callable[[str, str, str], str]) -> Forge:
    """A good token, taken apart and put together in another way."""
    return lambda issuer: change(*issuer.rs().split("."))


def spki(encoding: serialization.Encoding) -> Callable[[Issuer], bytes]:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return lambda issuer: issuer.rsa.public_key.public_bytes(encoding, form)


def twice(value: dict[str, Any], name: str, other: Any) -> str:
    """The text of an object in which a name stands twice."""
    return f"{json.dumps(value)[:-1]}, {json.dumps(name)}: {json.dumps(other)}}}"


def pss(issuer: Issuer) -> str:
    way = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    key = issuer.rsa.private_key
    assert key is not None
    return issuer.of(RS | {"alg": "PS256"}, lambda signed: key.sign(signed, way, hashes.SHA256()))


def rs384(issuer: Issuer) -> str:
    key = issuer.rsa.private_key
    assert key is not None
    return issuer.of(RS | {"alg": "RS384"}, lambda signed: key.sign(signed, padding.PKCS1v15(), hashes.SHA384()))


def der(issuer: Issuer) -> str:
    key = issuer.ec.private_key
    assert key is not None
    return issuer.of(ES, lambda signed: key.sign(signed, ec.ECDSA(hashes.SHA256())))


def huge(issuer: Issuer) -> str:
    return issuer.rs(note="x" * 4096)


def unencoded(issuer: Issuer) -> str:
    """RFC 7797: the payload is signed and sent as it is."""
    head, payload = part(RS | {"b64": False, "crit": ["b64"]}), json.dumps(CLAIMS)
    return f"{head}.{payload}.{b64(rs256(issuer.rsa)(f'{head}.{payload}'.encode()))}"


ALGORITHM: dict[str, Forge] = {
    **{
        f"alg {name!r} unsigned": (lambda issuer, name=name: issuer.of(RS | {"alg": name}, unsigned))
        for name in ("none", "None", "NONE", "nOnE", "none ", "", "null")
    },
    "alg none unsigned, without kid": lambda issuer: issuer.of({"alg": "none", "typ": "JWT"}, unsigned),
    "alg none over a good signature": header(alg="none"),
    "alg missing": header(alg=None),
    "alg is a list": header(alg=["RS256"]),
    "alg is a number": header(alg=256),
    "alg in other letters": header(alg="rs256"),
    "alg of another key of the set": lambda issuer: issuer.of(RS | {"alg": "ES256"}, es256(issuer.ec)),
    "kid of another key of the set": lambda issuer: issuer.of(ES | {"alg": "RS256"}, rs256(issuer.rsa)),
    "alg RS384 by the right key": rs384,
    "alg PS256 by the right key": pss,
    "alg HS512 by the right secret": lambda issuer: issuer.of(
        {"alg": "HS512", "kid": "oct", "typ": "JWT"}, mac(issuer.oct.raw_value, "sha512")
    ),
    "public key as secret, PEM": secret(spki(serialization.Encoding.PEM)),
    "public key as secret, PEM without its last newline": secret(lambda i: spki(serialization.Encoding.PEM)(i).strip()),
    "public key as secret, DER": secret(spki(serialization.Encoding.DER)),
    "public key as secret, JWK": secret(lambda issuer: json.dumps(public(issuer.rsa)).encode()),
    "public key as secret, modulus": secret(lambda issuer: public(issuer.rsa)["n"].encode()),
    "public EC key as secret": secret(lambda issuer: issuer.ec.as_pem(private=False), kid="ec"),
    "no secret": secret(lambda _: b""),
    "no secret under the shared secret's name": secret(lambda _: b"", kid="oct"),
    "another secret under the shared secret's name": secret(lambda _: b"secret", kid="oct"),
}

KEY: dict[str, Forge] = {
    "a stranger's key under a known name": stranger(),
    "a stranger's key under another name": stranger(kid="nobody"),
    "a stranger's key under no name": stranger(kid=None),
    "no kid": header(kid=None),
    "kid is empty": header(kid=""),
    "kid is a list": header(kid=["rsa"]),
    "kid is an object": header(kid={"rsa": "rsa"}),
    "kid is a number": header(kid=0),
    "kid in other letters": header(kid="RSA"),
    "kid is a path to nothing": secret(lambda _: b"", kid="../../../../../dev/null"),
    "kid is a path to a file": secret(lambda _: b"root", kid="file:///etc/hostname"),
    "kid is SQL": secret(lambda _: b"secret", kid="' UNION SELECT 'secret' --"),
    "kid is a command": secret(lambda _: b"", kid="rsa|touch /etc/owned"),
    "kid is an address": stranger(kid="https://forger.example/key"),
    "kid with a NUL": header(kid="rsa\0"),
    "kid with a line break": header(kid="rsa\nrsa"),
    "jwk of the forger": with_his_key("jwk"),
    "jwk of the forger, without kid": lambda issuer: issuer.of(
        {"alg": "RS256", "typ": "JWT", "jwk": public(issuer.stranger)}, rs256(issuer.stranger)
    ),
    "jwk beside a good signature": lambda issuer: issuer.rs({"jwk": public(issuer.rsa)}),
    "jku of the forger": stranger(jku="https://forger.example/jwks.json"),
    "jku beside a good signature": header(jku="https://motcua.example/jwks.json"),
    "x5u of the forger": stranger(x5u="https://forger.example/chain.pem"),
    "x5u beside a good signature": header(x5u="https://motcua.example/chain.pem"),
    "x5c of the forger": stranger(x5c=["MIIB"]),
    "x5c beside a good signature": header(x5c=["MIIB"]),
}

HEADER: dict[str, Forge] = {
    "crit with an extension": header(crit=["x"], x=1),
    "crit with an extension that is not there": header(crit=["x"]),
    "crit with a name that is known": header(crit=["kid"]),
    "crit is empty": header(crit=[]),
    "crit is no list": header(crit="kid"),
    "b64 false": header(b64=False),
    "b64 false and critical": header(b64=False, crit=["b64"]),
    "b64 false and critical, payload as it is": unencoded,
    "b64 true": header(b64=True),
    "zip": header(zip="DEF"),
    "a name nobody knows": header(x=1),
    "nested: cty JWT": lambda issuer: compact(RS | {"cty": "JWT"}, issuer.rs(), rs256(issuer.rsa)),
    "nested without saying so": lambda issuer: compact(RS, issuer.rs(), rs256(issuer.rsa)),
    "typ missing": header(typ=None),
    "typ of a logout": header(typ="logout+jwt"),
    "typ of a proof": header(typ="dpop+jwt"),
    "typ of an encrypted one": header(typ="JWE"),
    "typ is a list": header(typ=["JWT"]),
    "typ is a number": header(typ=1),
    "alg twice": raw(twice(RS, "alg", "RS256"), json.dumps(CLAIMS)),
    "kid twice": raw(twice(RS | {"kid": "nobody"}, "kid", "rsa"), json.dumps(CLAIMS)),
    "header is no JSON": raw("{", json.dumps(CLAIMS)),
    "header is a list": raw(json.dumps(["RS256"]), json.dumps(CLAIMS)),
    "header is null": raw("null", json.dumps(CLAIMS)),
    "header is deep": raw("[" * 2500, ""),
    "header of 600 bytes": header(x5t="x" * 600),
}

FORM: dict[str, Forge] = {
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "words": lambda _: "a.b.c",
    "letters outside ASCII": cut(lambda head, claims, mark: f"{head}.{claims}.é{mark}"),
    "a lone surrogate": cut(lambda head, claims, mark: f"{head}.{claims}.\ud800{mark}"),
    "signature missing": cut(lambda head, claims, _: f"{head}.{claims}"),
    "signature empty": cut(lambda head, claims, _: f"{head}.{claims}."),
    "signature of nulls": cut(lambda head, claims, _: f"{head}.{claims}.{b64(bytes(256))}"),
    "signature without its last letter": cut(lambda head, claims, mark: f"{head}.{claims}.{mark[:-1]}"),
    "signature without its last byte": cut(lambda head, claims, mark: f"{head}.{claims}.{mark[:-2]}"),
    "half a signature": cut(lambda head, claims, mark: f"{head}.{claims}.{mark[:171]}"),
    "signature with a byte more": cut(lambda head, claims, mark: f"{head}.{claims}.{mark}AA"),
    "signature padded": cut(lambda head, claims, mark: f"{head}.{claims}.{mark}=="),
    "signature with a line break": cut(lambda head, claims, mark: f"{head}.{claims}.{mark}\n"),
    "signature of another token": lambda issuer: ".".join(
        (*issuer.rs().split(".")[:2], issuer.rs(sub="another").split(".")[2])
    ),
    "ES256 signature of nulls": lambda issuer: issuer.of(ES, lambda _: bytes(64)),
    "ES256 signature in DER": der,
    "ES256 signature cut": lambda issuer: issuer.of(ES, lambda signed: es256(issuer.ec)(signed)[:63]),
    "claims of a leader": cut(lambda head, _, mark: f"{head}.{part(CLAIMS | {'role': 'leader'})}.{mark}"),
    "another header": cut(lambda _, claims, mark: f"{part(RS | {'typ': 'at+jwt'})}.{claims}.{mark}"),
    "four parts": lambda issuer: f"{issuer.rs()}.",
    "five parts, a JWE": lambda _: ".".join(
        (part({"alg": "dir", "enc": "A256GCM"}), "", b64(b"iv"), b64(b"x"), b64(b"t"))
    ),
    "a JWE for a key of ours": lambda _: ".".join((part({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": "rsa"}), *"wxyz")),
    "JSON serialisation": cut(
        lambda head, claims, mark: json.dumps({"protected": head, "payload": claims, "signature": mark})
    ),
    "two tokens": lambda issuer: f"{issuer.rs()} {issuer.rs()}",
    "with its scheme": lambda issuer: f"Bearer {issuer.rs()}",
    "huge": huge,
    "claims are no JSON": raw(json.dumps(RS), "{"),
    "claims are a list": raw(json.dumps(RS), json.dumps([CLAIMS])),
    "claims are a text": raw(json.dumps(RS), json.dumps("desk")),
    "claims are empty": raw(json.dumps(RS), "{}"),
    "claims are nothing": raw(json.dumps(RS), ""),
    "claims are deep": raw(json.dumps(RS), "[" * 2500),
    "role twice": raw(json.dumps(RS), twice(CLAIMS, "role", "leader")),
    "exp twice": raw(json.dumps(RS), twice(CLAIMS | {"exp": 0}, "exp", CLAIMS["exp"])),
    "a claim twice inside another": raw(json.dumps(RS), json.dumps(CLAIMS)[:-1] + ', "x": {"y": 1, "y": 2}}'),
}

_MOMENTS = (None, "", "tomorrow", str(CLAIMS["exp"]), True, [CLAIMS["exp"]], {}, SECOND - 0.5, 1e400, float("nan"))
CLAIM: dict[str, Forge] = {
    **{f"{name} {value!r}": claims(**{name: value}) for name in ("exp", "iat") for value in _MOMENTS},
    **{f"nbf {value!r}": claims(nbf=value) for value in _MOMENTS[1:]},
    "exp in ten years": claims(exp=SECOND + 10 * 365 * 86400),
    "exp without end": claims(exp=10**30),
    "exp of 2500 digits": raw(json.dumps(RS), json.dumps(CLAIMS).replace(str(CLAIMS["exp"]), "9" * 2500)),
    "a second more than the longest life": claims(exp=SECOND + LONGEST_SECONDS + 1),
    "a long life by an early iat": claims(iat=0),
    "iat in the future": claims(iat=SECOND + 31, exp=SECOND + 600),
    "nbf in the future": claims(nbf=SECOND + 31),
    **{f"iss {value!r}": claims(iss=value) for value in (None, "", "someone", "motcua/", "MOTCUA", ["motcua"], 1)},
    **{
        f"aud {value!r}": claims(aud=value)
        for value in (None, "", "else", "motcua/", "MOTCUA", TRACKING, [], ["a", "b"], 1)
    },
    "aud is an object": claims(aud={"motcua": "motcua"}),
    "aud holds no text": claims(aud=["motcua", 1]),
    **{
        f"role {value!r}": claims(role=value)
        for value in (None, "", "king", "DESK", "desk ", ["desk"], {"desk": 1}, 0, True)
    },
    **{
        f"agency {value!r}": claims(agency=value)
        for value in (None, "", "H5", "H56.97.21 ", "H56'--", ["H56"], 5, False)
    },
    "agency of a role without one is a number": claims(role="service", agency=0),
    "agency of a role without one is no code": claims(role="service", agency="everywhere"),
    **{
        f"sub {value!r}": claims(sub=value)
        for value in (None, "", 5, ["officer"], {}, True, "a" * 65, "anna\n", "anna b")
    },
    "sub is a person": claims(sub="Nguyễn Văn A"),
    "sub is a phone": claims(sub="0977 012 345"),
    "sub of a service is free text": claims(role="service", agency="", sub="any words"),
    "sub is a lone surrogate": claims(role="citizen", agency="", sub="\ud800"),
}


FORGED = {"algorithm": ALGORITHM, "key": KEY, "header": HEADER, "form": FORM, "claim": CLAIM}
CASES = [pytest.param(forge, id=f"{what}: {name}") for what, table in FORGED.items() for name, forge in table.items()]


@pytest.mark.parametrize("forge", CASES)
def test_no_forged_token_is_believed(issuer: Issuer, forge: Forge) -> None:
    verifier = issuer.verifier()
    assert verifier.verify(issuer.rs()).role is Role.DESK
    assert refusal(verifier, forge(issuer)) == "token_invalid"


@pytest.mark.parametrize(
    "good",
    [
        pytest.param(claims(), id="RS256"),
        pytest.param(lambda issuer: issuer.of(ES, es256(issuer.ec)), id="ES256"),
        pytest.param(lambda i: i.of({"alg": "HS256", "kid": "oct", "typ": "JWT"}, mac(i.oct.raw_value)), id="HS256"),
        pytest.param(header(typ="at+jwt"), id="typ of RFC 9068"),
        pytest.param(header(typ="jwt"), id="typ in other letters"),
        pytest.param(header(**{"x5t": "abc", "x5t#S256": "abc"}), id="thumbprints"),
        pytest.param(claims(aud=["account", "motcua"]), id="two audiences"),
        pytest.param(claims(exp=SECOND + LONGEST_SECONDS), id="the longest life"),
        pytest.param(claims(iat=SECOND + 30, nbf=SECOND + 30, exp=SECOND + 600), id="a clock that is 30 s ahead"),
        pytest.param(claims(iat=SECOND - 600, exp=SECOND - 29), id="a clock that is 30 s behind"),
        pytest.param(claims(jti="1", azp="desk-app", scope="openid", realm_access={"roles": ["x"]}), id="more claims"),
    ],
)
def test_the_same_made_rightly_is_believed(issuer: Issuer, good: Forge) -> None:
    """Or the refusals above would say nothing."""
    assert issuer.verifier().verify(good(issuer)) == Principal("officer", Role.DESK, "H56.97.21")


def test_an_applicants_token_opens_no_officers_door_and_the_other_way_round(issuer: Issuer, tmp_path: Path) -> None:
    """Two audiences, and two key sets as well: either alone would hold."""
    keys = tmp_path / "tracking-jwks.json"
    keys.write_text(json.dumps({"keys": [public(issuer.stranger)]}))
    officers = issuer.verifier()
    applicants = TokenVerifier(TokenSettings(jwks_file=keys, audience=TRACKING), now=lambda: NOW)
    for aud, key in ((TRACKING, issuer.rsa), ("motcua", issuer.stranger), (["motcua", TRACKING], issuer.stranger)):
        assert refusal(officers, issuer.of(RS, rs256(key), aud=aud)) == "token_invalid"
    for aud, key in (("motcua", issuer.stranger), (TRACKING, issuer.rsa), (["motcua", TRACKING], issuer.rsa)):
        assert refusal(applicants, issuer.of(RS, rs256(key), aud=aud)) == "token_invalid"
    assert applicants.verify(issuer.of(RS, rs256(issuer.stranger), aud=TRACKING)).subject == "officer"
