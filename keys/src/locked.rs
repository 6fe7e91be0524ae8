//! Key files under a passphrase: PKCS#8 encrypted by PBES2 with scrypt and AES-256-CBC, as OpenSSL
//! and Python's `cryptography` read it.
//!
//! A file of ours begins with a line `Public-Key: hwk1…`, which readers of PEM pass over. It lets
//! `keys list` and the like work without the passphrase, and is compared with the key when that is
//! unlocked.

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{PrivateKeyInfoRef, SecretDocument};
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{
    EncryptionScheme as Cipher, Kdf, Parameters, Pbkdf2Params, Pbkdf2Prf, Salt, ScryptParams,
};
use zeroize::Zeroizing;

use crate::key_pair::{KeyPair, RandomnessError};
use crate::passphrase::Passphrase;
use crate::public_key::PublicKey;

/// The label of such a file.
pub(crate) const LABEL: &str = "ENCRYPTED PRIVATE KEY";
const HINT: &str = "Public-Key: ";

/// N, r and p of files that are written: 16 MiB of memory, five times over. OpenSSL refuses to use
/// more than 32 MiB, so the work is in p.
const SCRYPT: (u64, u16, u16) = (1 << 14, 8, 5);
/// The most memory that a file may demand of scrypt, in bytes: 128 · N · r.
const SCRYPT_MEMORY_MAX: u64 = 64 << 20;
/// The most work, in bytes gone through: 128 · N · r · p.
const SCRYPT_WORK_MAX: u64 = 512 << 20;
/// The most iterations that a file may demand of PBKDF2.
const PBKDF2_ITERATIONS_MAX: u32 = 5_000_000;

/// Why a locked key could not be unlocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The structure is damaged.
    Malformed,
    /// It is locked in a way that is not read here.
    Unsupported(&'static str),
    /// What came out is no key: another passphrase, or damage.
    Wrong,
}

/// The contents of a key file under a passphrase.
pub(crate) fn lock(
    key: &KeyPair,
    passphrase: &Passphrase,
) -> Result<Zeroizing<String>, RandomnessError> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    getrandom::fill(&mut salt)?;
    getrandom::fill(&mut iv)?;
    let (cost_parameter, block_size, parallelization) = SCRYPT;
    let parameters = Parameters {
        kdf: Kdf::Scrypt(ScryptParams {
            salt: Salt::new(salt).expect("16 bytes are no more than 32"),
            cost_parameter,
            block_size,
            parallelization,
            key_length: None,
        }),
        encryption: Cipher::Aes256Cbc { iv },
    };
    let plain = key.to_pkcs8_der();
    let pem = PrivateKeyInfoRef::try_from(plain.as_slice())
        .ok()
        .and_then(|plain| {
            plain
                .encrypt_with_params(parameters, passphrase.as_bytes())
                .ok()
        })
        .and_then(|locked| locked.to_pem(LABEL, LineEnding::LF).ok())
        .expect("48 bytes of fixed structure can be encrypted with these parameters");
    let mut contents = Zeroizing::new(format!("{HINT}{}\n", key.public_key()));
    contents.push_str(&pem);
    Ok(contents)
}

/// Unlocks the DER of an `EncryptedPrivateKeyInfo`. What it demands is bounded before any of it is
/// done.
pub(crate) fn unlock(der: &[u8], passphrase: &Passphrase) -> Result<SecretDocument, Refused> {
    let locked = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| Refused::Malformed)?;
    let EncryptionScheme::Pbes2(parameters) = &locked.encryption_algorithm else {
        return Err(Refused::Unsupported("PBES1, which is broken"));
    };
    match &parameters.kdf {
        Kdf::Scrypt(scrypt) => check_scrypt(scrypt)?,
        Kdf::Pbkdf2(pbkdf2) => check_pbkdf2(pbkdf2)?,
        _ => return Err(Refused::Unsupported("an unknown derivation of keys")),
    }
    locked
        .decrypt(passphrase.as_bytes())
        .map_err(|_| Refused::Wrong)
}

fn check_scrypt(scrypt: &ScryptParams) -> Result<(), Refused> {
    let (n, r) = (scrypt.cost_parameter, u64::from(scrypt.block_size));
    let p = u64::from(scrypt.parallelization);
    if n < 2 || !n.is_power_of_two() || r == 0 || p == 0 {
        return Err(Refused::Malformed);
    }
    let memory = n.saturating_mul(r).saturating_mul(128);
    if memory > SCRYPT_MEMORY_MAX || memory.saturating_mul(p) > SCRYPT_WORK_MAX {
        return Err(Refused::Unsupported(
            "scrypt with parameters that cost too much",
        ));
    }
    Ok(())
}

fn check_pbkdf2(pbkdf2: &Pbkdf2Params) -> Result<(), Refused> {
    if pbkdf2.prf == Pbkdf2Prf::HmacWithSha1 {
        return Err(Refused::Unsupported("PBKDF2 with SHA-1"));
    }
    if pbkdf2.iteration_count == 0 {
        return Err(Refused::Malformed);
    }
    if pbkdf2.iteration_count > PBKDF2_ITERATIONS_MAX {
        return Err(Refused::Unsupported("PBKDF2 with too many iterations"));
    }
    Ok(())
}

/// The public key that a file of ours names in front of the secret one.
pub(crate) fn named_public_key(contents: &str) -> Option<PublicKey> {
    contents
        .lines()
        .take_while(|line| !line.starts_with("-----"))
        .find_map(|line| line.strip_prefix(HINT)?.trim_end().parse().ok())
}
