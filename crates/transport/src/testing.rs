//! What this crate reads from strangers, as functions of bytes: for tests outside it that have no
//! connection at hand.

use bytes::Bytes;
use rustls::pki_types::CertificateDer;

use crate::admission::Refusal;
use crate::codec::{self, CodecError};
use crate::error::{IdentityError, ReceiveError};
use crate::frame::Partial;
use crate::hello::{Hello, Network, Reply};
use crate::identity::{Identity, PeerKey};
use crate::limits::MAX_HELLO_FRAME;
use crate::tls;

/// Reads a hello as a listener of that network does. The outer error means that it is none.
///
/// # Errors
/// [`CodecError`] for bytes that are no hello; inside, the refusal that would be sent.
pub fn hello(bytes: &[u8], network: &Network) -> Result<Result<Hello, Refusal>, CodecError> {
    Hello::check(bytes, network)
}

/// Reads a reply as a dialler does: nothing if it is accepted, or the refusal.
///
/// # Errors
/// [`CodecError`].
pub fn reply(bytes: &[u8]) -> Result<Option<Refusal>, CodecError> {
    Ok(match codec::decode::<Reply, MAX_HELLO_FRAME>(bytes)? {
        Reply::Accepted => None,
        Reply::Refused(refusal) => Some(refusal),
    })
}

/// What a stream's bytes are as frames.
#[derive(Debug)]
pub struct Frames {
    /// The whole frames, in order.
    pub whole: Vec<Bytes>,
    /// Bytes of memory reserved for a frame that is not whole yet.
    pub reserved: usize,
    /// Whether the stream ends between two frames.
    pub ends_between: bool,
}

/// Takes frames of at most `maximum` bytes from the pieces of a stream, as they come.
///
/// # Errors
/// [`ReceiveError`] for a frame that is empty or too large; the connection would be closed.
pub fn frames<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    maximum: usize,
) -> Result<Frames, ReceiveError> {
    let mut partial = Partial::default();
    let mut whole = Vec::new();
    for piece in pieces {
        let mut piece = Bytes::copy_from_slice(piece);
        while !piece.is_empty() {
            whole.extend(partial.take_from(&mut piece, maximum)?);
        }
    }
    Ok(Frames {
        whole,
        reserved: partial.reserved(),
        ends_between: partial.is_empty(),
    })
}

/// The key that a peer's X.509 certificate names, if it is one that we take.
///
/// # Errors
/// A text for people.
pub fn certificate_key(der: &[u8]) -> Result<PeerKey, String> {
    tls::certificate_key(&CertificateDer::from(der)).map_err(|error| error.to_string())
}

/// The certificate that an identity presents, in DER.
///
/// # Errors
/// [`IdentityError`].
pub fn certificate(secret: [u8; 32]) -> Result<Vec<u8>, IdentityError> {
    let identity = Identity::new(ed25519_dalek::SigningKey::from_bytes(&secret))?;
    Ok(identity
        .certified()
        .cert
        .iter()
        .flat_map(|certificate| certificate.to_vec())
        .collect())
}

/// Whether a handshake's message with that signature proves the key of a certificate that holds it:
/// both what makes a key one that we take, and the signature.
#[must_use]
pub fn handshake_proves(key: &PeerKey, message: &[u8], signature: &[u8]) -> bool {
    tls::acceptable(key) && tls::proves(key, message, signature)
}
