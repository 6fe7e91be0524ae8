//! Key files: their exact bytes, what OpenSSL says of them, and what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ed25519_dalek::pkcs8::spki::der::pem::{LineEnding, decode_vec, encode_string};
use keys::{FileError, KeyFileError, KeyPair, Overwrite, SigningKey, to_hex};

/// The example of RFC 8410, section 7 and 10.3: secret and public key.
const SECRET: [u8; 32] = [
    0xd4, 0xee, 0x72, 0xdb, 0xf9, 0x13, 0x58, 0x4a, 0xd5, 0xb6, 0xd8, 0xf1, 0xf7, 0x69, 0xf8, 0xad,
    0x3a, 0xfe, 0x7c, 0x28, 0xcb, 0xf1, 0xd4, 0xfb, 0xe0, 0x97, 0xa8, 0x8f, 0x44, 0x75, 0x58, 0x42,
];
const PUBLIC: &str = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

/// Everything before the secret key in the DER of RFC 8410's version 1 example.
const HEADER: [u8; 16] = [
    0x30, 0x2e, // a sequence of 46 bytes:
    0x02, 0x01, 0x00, // version 1, written as 0
    0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, // algorithm 1.3.101.112, no parameters
    0x04, 0x22, 0x04, 0x20, // an octet string in an octet string
];

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A private file with these contents.
    fn file(&self, name: &str, contents: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn pem(&self, label: &str, der: &[u8]) -> PathBuf {
        let pem = encode_string(label, LineEnding::LF, der).unwrap();
        self.file("key", pem.as_bytes())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn example() -> KeyPair {
    SigningKey::from_bytes(&SECRET).into()
}

fn refusal(path: &Path) -> KeyFileError {
    KeyPair::read_pem(path).expect_err("the file must be refused")
}

#[test]
fn the_file_is_the_rfc_example_byte_for_byte() {
    let folder = Folder::new();
    let path = folder.path("key");
    example().write_pem(&path, Overwrite::Refuse).unwrap();
    let text = fs::read(&path).unwrap();
    assert!(text.starts_with(b"-----BEGIN PRIVATE KEY-----\n"));
    assert!(text.ends_with(b"\n-----END PRIVATE KEY-----\n"));
    let (label, der) = decode_vec(&text).unwrap();
    assert_eq!(label, "PRIVATE KEY");
    assert_eq!(der, [HEADER.as_slice(), &SECRET].concat());
    assert_eq!(example().to_pkcs8_der().as_slice(), der);

    let read = KeyPair::read_pem(&path).unwrap();
    assert_eq!(read.public_key().to_hex(), PUBLIC);
    assert_eq!(read.signing_key().as_bytes(), &SECRET);
}

#[test]
fn openssl_reads_the_file_and_finds_the_same_public_key() {
    let folder = Folder::new();
    let key = KeyPair::generate().unwrap();
    let path = folder.path("key");
    key.write_pem(&path, Overwrite::Refuse).unwrap();
    let openssl = Command::new("openssl")
        .args(["pkey", "-noout", "-text", "-in"])
        .arg(&path)
        .output();
    let Ok(output) = openssl else {
        eprintln!("openssl is not installed; the_file_is_the_rfc_example_byte_for_byte stands in");
        return;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let public: String = text
        .split_once("pub:")
        .unwrap()
        .1
        .chars()
        .filter(char::is_ascii_hexdigit)
        .collect();
    assert_eq!(public, key.public_key().to_hex());
}

#[test]
fn a_file_by_openssl_is_read() {
    let folder = Folder::new();
    let path = folder.path("key");
    let Ok(output) = Command::new("openssl")
        .args(["genpkey", "-algorithm", "ed25519", "-out"])
        .arg(&path)
        .output()
    else {
        eprintln!("openssl is not installed");
        return;
    };
    assert!(output.status.success());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    KeyPair::read_pem(&path).unwrap();
}

#[test]
fn version_two_is_read_if_its_public_key_matches() {
    let folder = Folder::new();
    let mut der = HEADER.to_vec();
    der[1] = 0x51;
    der[4] = 1;
    der.extend(SECRET);
    der.extend([0x81, 0x21, 0x00]);
    der.extend(example().public_key().as_bytes());
    let read = KeyPair::read_pem(&folder.pem("PRIVATE KEY", &der)).unwrap();
    assert_eq!(read.public_key(), example().public_key());

    let other = KeyPair::from_seed("other").public_key();
    let start = der.len() - 32;
    der[start..].copy_from_slice(other.as_bytes());
    assert!(matches!(
        refusal(&folder.pem("PRIVATE KEY", &der)),
        KeyFileError::Malformed(_)
    ));
}

#[test]
fn only_the_owner_can_read_file_and_folder() {
    let folder = Folder::new();
    let path = folder.path("new/keys/key");
    example().write_pem(&path, Overwrite::Refuse).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&folder.path("new/keys")), 0o700);

    for open in [0o640, 0o604, 0o620, 0o602, 0o644, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        let error = refusal(&path);
        assert!(
            matches!(error, KeyFileError::OpenToOthers { mode, .. } if mode == open),
            "{error:?}"
        );
        let command = format!("chmod 600 {}", path.display());
        assert!(error.to_string().contains(&command), "{error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    KeyPair::read_pem(&path).unwrap();
}

#[test]
fn other_algorithms_are_named() {
    let folder = Folder::new();
    let private_key_information = |oid: &[u8]| {
        let mut der = vec![0x30, 0, 0x02, 0x01, 0x00];
        der.extend([0x30, u8::try_from(oid.len()).unwrap() + 2, 0x06]);
        der.push(u8::try_from(oid.len()).unwrap());
        der.extend(oid);
        der.extend([0x04, 0x22, 0x04, 0x20]);
        der.extend([7; 32]);
        der[1] = u8::try_from(der.len() - 2).unwrap();
        der
    };
    let rsa = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    let elliptic = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    for (oid, name) in [
        (rsa.as_slice(), "RSA"),
        (&elliptic, "ECDSA"),
        (&[0x2b, 0x65, 0x6e], "X25519"),
        (&[0x2b, 0x65, 0x71], "Ed448"),
        (&[0x2b, 0x65, 0x01], "1.3.101.1"),
    ] {
        let error = refusal(&folder.pem("PRIVATE KEY", &private_key_information(oid)));
        assert!(
            matches!(error, KeyFileError::WrongAlgorithm { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn other_contents_are_refused_with_their_reason() {
    let folder = Folder::new();
    let good = [HEADER.as_slice(), &SECRET].concat();
    for label in [
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "PUBLIC KEY",
    ] {
        let error = refusal(&folder.pem(label, &good));
        assert!(
            matches!(error, KeyFileError::WrongLabel { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains(label), "{error}");
    }
    for contents in [b"".as_slice(), b"hello", &[0xff; 100], &good] {
        let error = refusal(&folder.file("key", contents));
        assert!(matches!(error, KeyFileError::NotPem(_)), "{error:?}");
    }
    // Every shortening, and a byte too many.
    for length in 0..good.len() {
        let error = refusal(&folder.pem("PRIVATE KEY", &good[..length]));
        assert!(matches!(error, KeyFileError::Malformed(_)), "{error:?}");
    }
    let longer = [good.as_slice(), &[0]].concat();
    assert!(matches!(
        refusal(&folder.pem("PRIVATE KEY", &longer)),
        KeyFileError::Malformed(_)
    ));
}

#[test]
fn size_and_kind_of_file_are_bounded() {
    let folder = Folder::new();
    let large = folder.file("large", &vec![b'-'; (16 << 10) + 1]);
    assert!(matches!(
        refusal(&large),
        KeyFileError::File(FileError::TooLarge { .. })
    ));
    assert!(matches!(
        refusal(folder.0.path()),
        KeyFileError::File(FileError::NotAFile(_))
    ));
    assert!(matches!(
        refusal(&folder.path("none")),
        KeyFileError::File(FileError::NotFound(_))
    ));
}

#[test]
fn no_error_shows_the_secret() {
    let folder = Folder::new();
    let mut der = [HEADER.as_slice(), &SECRET].concat();
    der[4] = 9;
    let error = refusal(&folder.pem("PRIVATE KEY", &der));
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(&to_hex(&SECRET)) && !shown.contains(&format!("{SECRET:?}")));
}
