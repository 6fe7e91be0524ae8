"""Genesis files, keys and addresses: docs/wire.md, sections 4 and 5."""

import json

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .canonical import MODES, Domain, founding, many, sized, u32, u64

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32M = 0x2BC830A3


def _polymod(values):
    generator = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit in range(5):
            check ^= generator[bit] if (top >> bit) & 1 else 0
    return check


def decode_text(text, prefix):
    """The 32 bytes of a key or an address in bech32m (BIP 350)."""
    found, _, data = text.lower().rpartition("1")
    if found != prefix:
        raise ValueError(f"{text} does not begin with {prefix}1")
    values = [ALPHABET.index(character) for character in data]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    if _polymod(expanded + values) != BECH32M:
        raise ValueError(f"{text} has a wrong checksum")
    bits = 0
    for value in values[:-6]:
        bits = bits << 5 | value
    return (bits >> 4).to_bytes(32, "big")


def load_key(path):
    """An Ed25519 key from a PKCS#8 PEM file."""
    with open(path, "rb") as file:
        return load_pem_private_key(file.read(), None)


class Genesis:
    """A genesis file, read and hashed as the document says."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            json_ = json.load(file)
        self.mode = json_["mode"]
        self.validators = [
            (one["name"], decode_text(one["key"], "hwv"), one["address"]) for one in json_["validators"]
        ]
        listed = [
            sized(one["name"].encode()) + decode_text(one["key"], "hwv") + bytes.fromhex(one["incarnation"])
            for one in json_["validators"]
        ]
        checks = json_.get("client_checks", "leader" if self.mode == "raft" else "all")
        accounts = []
        for account in json_["accounts"]:
            balances = sorted(account.get("balances", {}).items())
            accounts.append(
                sized(account["name"].encode())
                + decode_text(account["key"], "hwk")
                + many([sized(code.encode()) + u64(int(amount)) for code, amount in balances])
            )
        layout = (
            u32(json_["format"])
            + sized(json_["network"].encode())
            + u32(MODES[self.mode])
            + u32({"leader": 0, "all": 1}[checks])
            + u32({"anybody": 0, "members": 1}[json_.get("access", "members")])
            + u64(json_["created_unix_ms"])
            + many(listed)
            + decode_text(json_["admin"], "hwk")
            + many([sized(a["code"].encode()) + u32(a["decimals"]) for a in json_["assets"]])
            + many(accounts)
            + many([decode_text(reader, "hwk") for reader in json_.get("readers", [])])
        )
        self.network = founding("hawser/genesis/v1", layout)
        self.domain = Domain(self.network, self.mode)
        self.accounts = {one["name"]: decode_text(one["key"], "hwk") for one in json_["accounts"]}

    def position(self, key):
        """The validator that holds this key, if one does."""
        public = key.public_key().public_bytes_raw()
        for position, (_, one, _) in enumerate(self.validators):
            if one == public:
                return position
        return None
