//! Key files under a passphrase: what they consist of, who else reads them, and what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use keys::{
    KeyFileError, KeyPair, Overwrite, Passphrase, PassphraseSource, PublicSide, SigningKey, to_hex,
};
use pkcs8::der::Encode;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::pem::{LineEnding, decode_vec, encode_string};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{
    EncryptionScheme as Cipher, Kdf, Parameters, Pbkdf2Params, Pbkdf2Prf, Salt, ScryptParams,
};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};

const PASSPHRASE: &str = "open sesame";

fn passphrase(text: &str) -> PassphraseSource {
    PassphraseSource::Known(Passphrase::new(text.to_owned()).unwrap())
}

fn example() -> KeyPair {
    SigningKey::from_bytes(&[7; 32]).into()
}

fn locked(folder: &Path) -> PathBuf {
    let path = folder.join("key");
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    example()
        .write_locked_pem(&path, &passphrase, Overwrite::Refuse)
        .unwrap();
    path
}

fn parse(contents: &str, source: &PassphraseSource) -> Result<KeyPair, KeyFileError> {
    KeyPair::from_pem(Path::new("key"), contents.as_bytes(), source)
}

#[test]
fn the_passphrase_and_no_other_unlocks_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = locked(folder.path());
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let read = KeyPair::read_pem_with(&path, &passphrase(PASSPHRASE)).unwrap();
    assert_eq!(read.signing_key().as_bytes(), &[7; 32]);
    for wrong in ["open sesam", "open sesame ", "Open sesame", "x"] {
        let error = KeyPair::read_pem_with(&path, &passphrase(wrong)).unwrap_err();
        assert!(matches!(error, KeyFileError::WrongPassphrase(_)), "{error}");
    }
    let error = KeyPair::read_pem_with(&path, &PassphraseSource::Nowhere).unwrap_err();
    assert!(matches!(error, KeyFileError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("--passphrase-file"), "{error}");
}

#[test]
fn nothing_of_the_secret_is_in_the_file_and_no_two_files_are_alike() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["a", "b"].map(|name| {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::read_to_string(locked(&folder.path().join(name))).unwrap()
    });
    assert_ne!(one, two);
    for contents in [&one, &two] {
        let (_, pem) = contents.split_once('\n').unwrap();
        let (label, der) = decode_vec(pem.as_bytes()).unwrap();
        assert_eq!(label, "ENCRYPTED PRIVATE KEY");
        assert!(!der.windows(8).any(|window| window == [7; 8]));
    }
}

#[test]
fn the_public_side_takes_no_passphrase_and_a_changed_one_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = locked(folder.path());
    let side = PublicSide::read(&path, &PassphraseSource::Nowhere).unwrap();
    assert_eq!(side.key, example().public_key());
    assert!(side.locked);
    let contents = fs::read_to_string(&path).unwrap();
    let other = KeyPair::from_seed("other").public_key().to_string();
    let swapped = contents.replace(&example().public_key().to_string(), &other);
    let error = parse(&swapped, &passphrase(PASSPHRASE)).unwrap_err();
    assert!(matches!(error, KeyFileError::OtherPublicKey(_)), "{error}");
    // A file that names none is as good; its public side takes the passphrase.
    let (_, bare) = contents.split_once('\n').unwrap();
    parse(bare, &passphrase(PASSPHRASE)).unwrap();
    fs::write(&path, bare).unwrap();
    assert!(PublicSide::read(&path, &PassphraseSource::Nowhere).is_err());
    let side = PublicSide::read(&path, &passphrase(PASSPHRASE)).unwrap();
    assert_eq!(side.key, example().public_key());
    // In front of a key that is not locked it says nothing.
    let plain = folder.path().join("plain");
    example().write_pem(&plain, Overwrite::Refuse).unwrap();
    let side = PublicSide::read(&plain, &PassphraseSource::Nowhere).unwrap();
    assert_eq!((side.key, side.locked), (example().public_key(), false));
}

#[test]
fn openssl_unlocks_our_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = locked(folder.path());
    let run = |passphrase: &str| {
        Command::new("openssl")
            .args(["pkey", "-noout", "-text", "-passin"])
            .arg(format!("pass:{passphrase}"))
            .arg("-in")
            .arg(&path)
            .output()
    };
    let Ok(output) = run(PASSPHRASE) else {
        eprintln!("openssl is not installed");
        return;
    };
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, public) = text.split_once("pub:").unwrap();
    let public: String = public.chars().filter(char::is_ascii_hexdigit).collect();
    assert_eq!(public, example().public_key().to_hex());
    assert!(!run("another").unwrap().status.success());
}

#[test]
fn we_unlock_what_openssl_locked() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    example().write_pem(&plain, Overwrite::Refuse).unwrap();
    for derivation in [&["-scrypt"][..], &["-v2prf", "hmacWithSHA256"]] {
        let output = Command::new("openssl")
            .args(["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout"])
            .arg(format!("pass:{PASSPHRASE}"))
            .args(derivation)
            .arg("-in")
            .arg(&plain)
            .output();
        let Ok(output) = output else {
            eprintln!("openssl is not installed");
            return;
        };
        let contents = String::from_utf8(output.stdout).unwrap();
        let read = parse(&contents, &passphrase(PASSPHRASE)).unwrap();
        assert_eq!(read.public_key(), example().public_key());
        assert!(parse(&contents, &passphrase("another")).is_err());
    }
}

/// The example, locked with these parameters as they stand, or with none of it encrypted where
/// they cannot be used.
fn with(kdf: Kdf) -> String {
    let parameters = Parameters {
        kdf,
        encryption: Cipher::Aes256Cbc { iv: [3; 16] },
    };
    let info = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: EncryptionScheme::Pbes2(parameters),
        encrypted_data: OctetStringRef::new(&[1; 64]).unwrap(),
    };
    let der = info.to_der().unwrap();
    encode_string("ENCRYPTED PRIVATE KEY", LineEnding::LF, &der).unwrap()
}

fn scrypt(cost_parameter: u64, block_size: u16, parallelization: u16) -> Kdf {
    Kdf::Scrypt(ScryptParams {
        salt: Salt::new([1; 16]).unwrap(),
        cost_parameter,
        block_size,
        parallelization,
        key_length: None,
    })
}

fn pbkdf2(iteration_count: u32, prf: Pbkdf2Prf) -> Kdf {
    Kdf::Pbkdf2(Pbkdf2Params {
        salt: Salt::new([1; 16]).unwrap(),
        iteration_count,
        key_length: None,
        prf,
    })
}

/// A file that somebody else made must not cost more than a second, or memory, before it is
/// refused.
#[test]
fn what_a_file_demands_is_bounded() {
    for kdf in [
        scrypt(1 << 40, 8, 1),
        scrypt(1 << 17, 8, 1),
        scrypt(1 << 63, u16::MAX, u16::MAX),
        scrypt(1 << 14, 8, u16::MAX),
        scrypt(2, u16::MAX, u16::MAX),
        pbkdf2(u32::MAX, Pbkdf2Prf::HmacWithSha256),
        pbkdf2(1000, Pbkdf2Prf::HmacWithSha1),
    ] {
        let error = parse(&with(kdf.clone()), &passphrase("x")).unwrap_err();
        let unsupported = matches!(error, KeyFileError::UnsupportedLock { .. });
        assert!(unsupported, "{kdf:?}: {error}");
    }
    for kdf in [
        scrypt(0, 8, 1),
        scrypt(1, 8, 1),
        scrypt(1000, 8, 1),
        scrypt(1024, 0, 1),
        scrypt(1024, 8, 0),
        pbkdf2(0, Pbkdf2Prf::HmacWithSha256),
    ] {
        let error = parse(&with(kdf.clone()), &passphrase("x")).unwrap_err();
        assert!(
            matches!(error, KeyFileError::Malformed(_)),
            "{kdf:?}: {error}"
        );
    }
    let error = parse(&with(scrypt(1024, 8, 1)), &passphrase("x")).unwrap_err();
    assert!(matches!(error, KeyFileError::WrongPassphrase(_)), "{error}");
}

#[test]
fn a_locked_key_of_another_kind_is_named() {
    let mut der = example().to_pkcs8_der().to_vec();
    der[11] = 0x6e;
    let info = PrivateKeyInfoRef::try_from(der.as_slice()).unwrap();
    let parameters = Parameters {
        kdf: scrypt(1024, 8, 1),
        encryption: Cipher::Aes256Cbc { iv: [3; 16] },
    };
    let locked = info.encrypt_with_params(parameters, PASSPHRASE).unwrap();
    let pem = locked.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF);
    let error = parse(&pem.unwrap(), &passphrase(PASSPHRASE)).unwrap_err();
    assert!(error.to_string().contains("X25519"), "{error}");
}

#[test]
fn every_damage_is_an_error_that_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let contents = fs::read(locked(folder.path())).unwrap();
    let source = passphrase(PASSPHRASE);
    // Deriving the key takes long: only some places are tried.
    for place in (0..contents.len()).step_by(37) {
        let mut damaged = contents.clone();
        damaged[place] ^= 1;
        let Err(error) = KeyPair::from_pem(Path::new("key"), &damaged, &source) else {
            // The first line may be damaged beyond being one.
            assert!(place < 80, "byte {place}");
            continue;
        };
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(&to_hex(&[7; 32])) && !shown.contains(PASSPHRASE));
    }
}
