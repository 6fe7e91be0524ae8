//! The first frame on a connection and the reply to it.
//!
//! QUIC reports a connection to its dialler before the listener has judged the dialler's
//! certificate, so nothing counts as up before this exchange.

use quinn::SendStream;
use serde::{Deserialize, Serialize};

use crate::admission::{Refusal, RefusalReason};
use crate::codec::{self, CodecError};
use crate::frame;
use crate::limits::MAX_HELLO_FRAME;

/// Version of the frames and of everything in them. Peers with different versions refuse each
/// other.
pub const PROTOCOL_VERSION: u32 = 1;

/// What a peer must share with us to be of any use (P1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Hash of the genesis.
    pub id: [u8; 32],
    /// The mode's number, as in everything signed.
    pub mode: u8,
}

/// What a dialler wants to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// A member of the network; gets streams for both classes.
    Validator,
    /// Someone who sends requests; gets one stream in both directions.
    Client,
}

/// What a dialler says first. The version comes first and keeps its place in every version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`] of the dialler.
    pub version: u32,
    /// [`Network::id`] of the dialler.
    pub network: [u8; 32],
    /// [`Network::mode`] of the dialler.
    pub mode: u8,
    /// What the dialler wants to be.
    pub role: Role,
}

impl Hello {
    /// Reads a hello and compares it with what we are. The outer error means that it is none.
    pub(crate) fn check(
        bytes: &[u8],
        network: &Network,
    ) -> Result<Result<Self, Refusal>, CodecError> {
        let version: u32 = codec::decode::<_, 4>(bytes.get(..4).unwrap_or(bytes))?;
        if version != PROTOCOL_VERSION {
            let text = format!("this node speaks version {PROTOCOL_VERSION}, not {version}");
            return Ok(Err(Refusal::new(RefusalReason::WrongVersion, text)));
        }
        let hello: Self = codec::decode::<_, MAX_HELLO_FRAME>(bytes)?;
        Ok(if hello.network != network.id {
            let text = "this node belongs to another network (the genesis differs)";
            Err(Refusal::new(RefusalReason::WrongNetwork, text))
        } else if hello.mode != network.mode {
            let text = format!("this node runs mode {}, not {}", network.mode, hello.mode);
            Err(Refusal::new(RefusalReason::WrongMode, text))
        } else {
            Ok(hello)
        })
    }
}

/// What a listener answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reply {
    Accepted,
    Refused(Refusal),
}

/// Why a hello or reply could not be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SayError {
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Write(#[from] quinn::WriteError),
}

/// Sends a hello or a reply as a frame.
pub(crate) async fn say<T: Serialize>(stream: &mut SendStream, value: &T) -> Result<(), SayError> {
    let mut frames = vec![codec::encode(value)?.into()];
    stream
        .write_all_chunks(&mut frame::assemble(&mut frames))
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: Network = Network {
        id: [3; 32],
        mode: 2,
    };

    fn hello() -> Hello {
        Hello {
            version: PROTOCOL_VERSION,
            network: [3; 32],
            mode: 2,
            role: Role::Client,
        }
    }

    fn reason(hello: &Hello) -> RefusalReason {
        let bytes = codec::encode(hello).unwrap();
        Hello::check(&bytes, &NETWORK).unwrap().unwrap_err().reason
    }

    #[test]
    fn layout_is_fixed() {
        let mut expected = vec![1, 0, 0, 0];
        expected.extend([3; 32]);
        expected.extend([2, 1, 0, 0, 0]);
        assert_eq!(codec::encode(&hello()).unwrap(), expected);
    }

    #[test]
    fn own_hello_is_taken() {
        let bytes = codec::encode(&hello()).unwrap();
        assert_eq!(Hello::check(&bytes, &NETWORK).unwrap().unwrap(), hello());
    }

    #[test]
    fn differences_have_their_reasons() {
        assert_eq!(
            reason(&Hello {
                network: [4; 32],
                ..hello()
            }),
            RefusalReason::WrongNetwork
        );
        assert_eq!(
            reason(&Hello { mode: 1, ..hello() }),
            RefusalReason::WrongMode
        );
        assert_eq!(
            reason(&Hello {
                version: 2,
                ..hello()
            }),
            RefusalReason::WrongVersion
        );
    }

    #[test]
    fn another_version_is_recognised_whatever_its_layout() {
        let refusal = Hello::check(&[7, 0, 0, 0, 1, 2, 3], &NETWORK)
            .unwrap()
            .unwrap_err();
        assert_eq!(refusal.reason, RefusalReason::WrongVersion);
    }

    #[test]
    fn garbage_is_no_hello() {
        assert!(Hello::check(&[], &NETWORK).is_err());
        assert!(Hello::check(&[1, 0], &NETWORK).is_err());
        assert!(Hello::check(&[1, 0, 0, 0, 9], &NETWORK).is_err());
        let mut long = codec::encode(&hello()).unwrap();
        long.push(0);
        assert!(Hello::check(&long, &NETWORK).is_err());
    }

    #[test]
    fn the_longest_refusal_fits_into_a_reply() {
        let refusal = Refusal::new(RefusalReason::Policy, "é".repeat(MAX_HELLO_FRAME));
        let bytes = codec::encode(&Reply::Refused(refusal.clone())).unwrap();
        let reply: Reply = codec::decode::<_, MAX_HELLO_FRAME>(&bytes).unwrap();
        assert_eq!(reply, Reply::Refused(refusal));
    }
}
