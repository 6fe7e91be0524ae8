//! What is shown of a key.

use std::path::Path;

use keys::{Address, PublicKey, PublicSide, ValidatorKey};
use serde::Serialize;

/// The public side of a key file.
#[derive(Serialize)]
pub struct Identity {
    /// The key's name in its folder; none if a file was given.
    pub name: Option<String>,
    pub address: Address,
    pub public_key: PublicKey,
    pub validator_key: ValidatorKey,
    pub public_key_hex: String,
    pub file: String,
    /// Whether it takes a passphrase to use the key.
    pub locked: bool,
}

impl Identity {
    pub fn new(name: Option<&str>, side: &PublicSide, file: &Path) -> Self {
        let public_key = side.key;
        Self {
            name: name.map(str::to_owned),
            address: public_key.address(),
            public_key,
            validator_key: public_key.into(),
            public_key_hex: public_key.to_hex(),
            file: file.display().to_string(),
            locked: side.locked,
        }
    }

    pub fn text(&self) -> String {
        let name = self.name.as_deref().unwrap_or("-");
        format!(
            "name           {name}\n\
             address        {}\n\
             public key     {}\n\
             as validator   {}\n\
             hexadecimal    {}\n\
             file           {}{}",
            self.address,
            self.public_key,
            self.validator_key,
            self.public_key_hex,
            self.file,
            if self.locked {
                ", locked by a passphrase"
            } else {
                ""
            }
        )
    }
}
