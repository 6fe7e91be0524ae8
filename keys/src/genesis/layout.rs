//! The canonical bytes of a genesis, by hand (P2.1). The module's page has the table.

use super::content::GenesisFile;
use crate::hash::tagged_hash;
use crate::mode::ClientChecks;

const TAG: &str = "hawser/genesis/v1";

pub(super) fn id(content: &GenesisFile, client_checks: ClientChecks) -> [u8; 32] {
    tagged_hash(TAG, &canonical_bytes(content, client_checks))
}

pub(super) fn canonical_bytes(content: &GenesisFile, client_checks: ClientChecks) -> Vec<u8> {
    // Taken apart without `..`: a new field cannot be forgotten here.
    let GenesisFile {
        format,
        network,
        mode,
        client_checks: _,
        access,
        created_unix_ms,
        validators,
        admin,
        assets,
        accounts,
        readers,
    } = content;
    let mut bytes = Vec::new();
    number(&mut bytes, *format);
    string(&mut bytes, network);
    number(&mut bytes, mode.wire().into());
    number(&mut bytes, client_checks.wire().into());
    number(&mut bytes, access.wire().into());
    bytes.extend(created_unix_ms.to_le_bytes());
    count(&mut bytes, validators.len());
    for validator in validators {
        string(&mut bytes, &validator.name);
        bytes.extend(validator.key.as_bytes());
        bytes.extend(validator.incarnation.as_bytes());
    }
    bytes.extend(admin.as_bytes());
    count(&mut bytes, assets.len());
    for asset in assets {
        string(&mut bytes, &asset.code);
        number(&mut bytes, asset.decimals.into());
    }
    count(&mut bytes, accounts.len());
    for account in accounts {
        string(&mut bytes, &account.name);
        bytes.extend(account.key.as_bytes());
        count(&mut bytes, account.balances.len());
        for (code, amount) in &account.balances {
            string(&mut bytes, code);
            bytes.extend(amount.to_le_bytes());
        }
    }
    count(&mut bytes, readers.len());
    for reader in readers {
        bytes.extend(reader.as_bytes());
    }
    bytes
}

fn number(bytes: &mut Vec<u8>, value: u32) {
    bytes.extend(value.to_le_bytes());
}

fn count(bytes: &mut Vec<u8>, value: usize) {
    number(
        bytes,
        u32::try_from(value).expect("a checked genesis keeps every count far below 2^32"),
    );
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    count(bytes, text.len());
    bytes.extend(text.as_bytes());
}
