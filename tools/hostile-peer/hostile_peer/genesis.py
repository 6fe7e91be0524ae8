"""Genesis files, keys and addresses: docs/wire.md, sections 4 and 5."""

import ipaddress
import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .canonical import MODES, Domain, founding, many, sized, u32, u64
from .reading import Malformed, fields, hexadecimal, items, read_json, text, whole_number
from .signatures import may_be_registered
from .transactions import ASSET, NAME

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32M = 0x2BC830A3
NETWORK = re.compile(r"[A-Za-z0-9._-]{1,64}")
AMOUNT = re.compile(r"0|[1-9][0-9]{0,19}")
MOST_KEY_BYTES = 16 << 10


def _polymod(values):
    generator = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit in range(5):
            check ^= generator[bit] if (top >> bit) & 1 else 0
    return check


def decode_text(written, prefix):
    """The 32 bytes of a key or an address in bech32m (BIP 350)."""
    if written not in (written.lower(), written.upper()):
        raise Malformed("upper and lower case are mixed")
    found, _, data = written.lower().rpartition("1")
    if found != prefix or len(data) != 58 or not set(data) <= set(ALPHABET):
        raise Malformed(f"{written!r} is no text of 32 bytes that begins with {prefix}1")
    values = [ALPHABET.index(character) for character in data]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    if _polymod(expanded + values) != BECH32M:
        raise Malformed(f"{written!r} has a wrong checksum")
    bits = 0
    for value in values[:-6]:
        bits = bits << 5 | value
    if bits & 15:
        raise Malformed(f"{written!r} has bits in its padding")
    return (bits >> 4).to_bytes(32, "big")


def encode_text(data, prefix):
    """32 bytes as people see them."""
    bits = int.from_bytes(data, "big") << 4
    values = [bits >> shift & 31 for shift in range(255, -1, -5)]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = _polymod(expanded + values + [0] * 6) ^ BECH32M
    values += [check >> shift & 31 for shift in range(25, -1, -5)]
    return prefix + "1" + "".join(ALPHABET[value] for value in values)


def registered(written, prefix):
    """A key that genesis may list."""
    key = decode_text(text(written), prefix)
    if not may_be_registered(key):
        raise Malformed(f"{written} is no canonical point of more than small order")
    return key


def address(key):
    return founding("hawser/account/v1", key)


def read_key(pem, passphrase=None):
    """An Ed25519 key from the PKCS#8 PEM of a key file (section 4), and whether it was locked."""
    if len(pem) > MOST_KEY_BYTES:
        raise Malformed("no key file is so large")
    locked = b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in pem
    try:
        key = load_pem_private_key(pem, passphrase if locked else None)
    except (ValueError, TypeError) as error:
        raise Malformed(f"it is no key file, or locked by another passphrase: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Malformed("it holds no Ed25519 key")
    public = key.public_key().public_bytes_raw()
    head, _, _ = pem.partition(b"-----BEGIN")
    for line in head.decode("utf-8", "replace").splitlines():
        named = line.removeprefix("Public-Key: ").strip()
        if locked and named != line and decode_text(named, "hwk") != public:
            raise Malformed("its first line names another public key")
    return key, locked


def load_key(path):
    """The key of a file that no passphrase locks."""
    with open(path, "rb") as file:
        return read_key(file.read(MOST_KEY_BYTES + 1))[0]


def _distinct(what, values):
    if len(set(values)) != len(values):
        raise Malformed(f"two {what} are the same")


def _name(value):
    if not NAME.fullmatch(text(value)):
        raise Malformed(f"{value!r} is no name")
    return value


def _socket(value):
    host, _, port = text(value).rpartition(":")
    try:
        place = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError as error:
        raise Malformed(f"{value!r} is no address and port") from error
    if not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65535:
        raise Malformed(f"{value!r} has no port")
    place = getattr(place, "ipv4_mapped", None) or place
    if place.is_unspecified or place.is_multicast:
        raise Malformed(f"nobody is reached at {value}")
    return place, int(port)


class Sizes:
    """P1.2: what follows from the number of validators and the mode."""

    def __init__(self, validators, mode):
        self.validators = validators
        self.faulty = (validators - 1) // (3 if mode == "byzantine" else 2)
        if mode == "byzantine":
            self.quorum = -(-(validators + self.faulty + 1) // 2)
            self.fast = max(self.quorum, validators - (validators - 3 * self.faulty + 1) // 2)
            self.matching = self.faulty + 1
        else:
            self.quorum, self.fast, self.matching = validators // 2 + 1, None, 1


class Genesis:
    """A genesis file, read strictly and hashed as the document says."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self._read(file.read())

    @classmethod
    def of(cls, written):
        """The genesis in that text."""
        genesis = cls.__new__(cls)
        genesis._read(written)
        return genesis

    def _read(self, written):
        json_ = fields(
            read_json(written),
            ("format", "network", "mode", "created_unix_ms", "validators", "admin", "assets", "accounts"),
            ("client_checks", "access", "readers"),
        )
        if whole_number(json_["format"], 2**32 - 1) != 1:
            raise Malformed("it has another format than 1")
        self.name, self.mode = text(json_["network"]), text(json_["mode"])
        if not NETWORK.fullmatch(self.name) or self.mode not in MODES:
            raise Malformed("the network's name or mode is none")
        checks = json_.get("client_checks")
        checks = ("leader" if self.mode == "raft" else "all") if checks is None else text(checks)
        access = text(json_.get("access", "members"))
        if checks not in ("leader", "all") or access not in ("members", "anybody"):
            raise Malformed("client checks or access are of no kind")
        if (checks, self.mode) == ("leader", "byzantine"):
            raise Malformed("mode byzantine has every node check")
        created = whole_number(json_["created_unix_ms"], 253_402_300_799_999)
        self.admin = registered(json_["admin"], "hwk")
        listed = self._validators(json_["validators"])
        assets = self._assets(json_["assets"])
        accounts = self._accounts(json_["accounts"])
        readers = [registered(one, "hwk") for one in items(json_.get("readers", []), 10_000)]
        _distinct("readers", readers)
        if readers and access == "anybody":
            raise Malformed("readers are listed where anybody may read")
        keys = {key for _, key, _ in self.validators}
        if keys & {self.admin, *self.accounts.values(), *readers}:
            raise Malformed("somebody has the key of a validator")
        layout = (
            u32(1)
            + sized(self.name.encode())
            + u32(MODES[self.mode])
            + u32({"leader": 0, "all": 1}[checks])
            + u32({"anybody": 0, "members": 1}[access])
            + u64(created)
            + many(listed)
            + self.admin
            + many(assets)
            + many(accounts)
            + many(readers)
        )
        self.network = founding("hawser/genesis/v1", layout)
        self.domain = Domain(self.network, self.mode)
        self.sizes = Sizes(len(self.validators), self.mode)

    def _validators(self, value):
        self.validators, listed, places = [], [], []
        for one in items(value, 64):
            fields(one, ("name", "key", "incarnation", "address"))
            name, key = _name(one["name"]), registered(one["key"], "hwv")
            incarnation = hexadecimal(text(one["incarnation"]).lower(), 32)
            self.validators.append((name, key, one["address"]))
            listed.append((sized(name.encode()), key, incarnation))
            places.append(_socket(one["address"]))
        if len(listed) < (4 if self.mode == "byzantine" else 1):
            raise Malformed("there are too few validators")
        for what, values in zip(("names", "keys", "incarnations"), zip(*listed)):
            _distinct(what, values)
        _distinct("addresses", places)
        return [b"".join(one) for one in listed]

    def _assets(self, value):
        self.assets = {}
        for one in items(value, 64):
            fields(one, ("code", "decimals"))
            code, decimals = text(one["code"]), whole_number(one["decimals"], 18)
            if not ASSET.fullmatch(code.encode()) or code in self.assets:
                raise Malformed(f"{code!r} is no asset, or the second of its kind")
            self.assets[code] = decimals
        if not self.assets:
            raise Malformed("there is no asset")
        return [sized(code.encode()) + u32(decimals) for code, decimals in self.assets.items()]

    def _accounts(self, value):
        self.accounts, laid_out = {}, []
        supplies = dict.fromkeys(self.assets, 0)
        for one in items(value, 10_000):
            fields(one, ("name", "key"), ("balances",))
            name, key = _name(one["name"]), registered(one["key"], "hwk")
            if name in self.accounts or key in self.accounts.values():
                raise Malformed("two accounts have the same name or key")
            self.accounts[name] = key
            balances = []
            for code, amount in sorted(fields(one.get("balances", {}), (), supplies).items()):
                if not AMOUNT.fullmatch(text(amount)):
                    raise Malformed(f"{amount!r} is no amount")
                supplies[code] += int(amount)
                balances.append(sized(code.encode()) + u64(whole_number(int(amount), 2**64 - 1)))
            laid_out.append(sized(name.encode()) + key + many(balances))
        if any(supply >= 2**64 for supply in supplies.values()):
            raise Malformed("balances add up to more than amounts can count")
        return laid_out

    def key_of(self, position):
        """The key of the validator at that position; none if there is no such."""
        return self.validators[position][1] if position < len(self.validators) else None

    def position(self, key):
        """The validator that holds this key, if one does."""
        public = key.public_key().public_bytes_raw()
        for position, (_, one, _) in enumerate(self.validators):
            if one == public:
                return position
        return None
