//! How connections end.

use std::fmt;

use quinn::{ConnectionError, TransportErrorCode, VarInt};

/// Why a side closed a connection; travels in QUIC's application close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum CloseCode {
    /// Nothing is wrong; the connection is not needed any more.
    Done = 0,
    /// What should have been a hello, or a reply to one, was not.
    MalformedHello = 1,
    /// The hello was refused; the reply says why.
    Refused = 2,
    /// No hello in time.
    HelloTimeout = 3,
    /// A frame announced more bytes than its class allows.
    FrameTooLarge = 4,
    /// A frame announced no bytes.
    FrameEmpty = 5,
    /// A frame was not completed in time.
    FrameTimeout = 6,
    /// A stream ended, or was reset, within a frame.
    FrameTruncated = 7,
    /// A newer connection of the same validator took over.
    Replaced = 8,
    /// The peer did not read what it asked for.
    NotReading = 9,
    /// Streams other than the protocol's.
    UnexpectedStream = 10,
    /// The node stops.
    ShuttingDown = 11,
    /// The node does not take up connections quickly enough.
    Overloaded = 12,
}

impl CloseCode {
    const ALL: [Self; 13] = [
        Self::Done,
        Self::MalformedHello,
        Self::Refused,
        Self::HelloTimeout,
        Self::FrameTooLarge,
        Self::FrameEmpty,
        Self::FrameTimeout,
        Self::FrameTruncated,
        Self::Replaced,
        Self::NotReading,
        Self::UnexpectedStream,
        Self::ShuttingDown,
        Self::Overloaded,
    ];

    fn from_wire(code: VarInt) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|known| VarInt::from_u32(*known as u32) == code)
    }

    /// Closes `connection` with this code; nothing happens if it is closed already.
    pub(crate) fn close(self, connection: &quinn::Connection) {
        // QUIC would forget the peer's reason in favour of ours.
        if connection.close_reason().is_none() {
            connection.close(VarInt::from_u32(self as u32), self.to_string().as_bytes());
        }
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Done => "done",
            Self::MalformedHello => "malformed hello",
            Self::Refused => "refused",
            Self::HelloTimeout => "no hello in time",
            Self::FrameTooLarge => "frame too large",
            Self::FrameEmpty => "empty frame",
            Self::FrameTimeout => "frame not completed in time",
            Self::FrameTruncated => "frame cut short",
            Self::Replaced => "replaced by a newer connection",
            Self::NotReading => "answers were not read",
            Self::UnexpectedStream => "unexpected stream",
            Self::ShuttingDown => "node is stopping",
            Self::Overloaded => "node is overloaded",
        })
    }
}

/// How a connection that was up came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disconnect {
    /// The peer closed it, with a code of this protocol or (`None`) of no protocol we know.
    ByPeer(Option<CloseCode>),
    /// We closed it.
    ByUs,
    /// Nothing was heard for the idle timeout.
    TimedOut,
    /// The peer restarted and knows nothing of this connection.
    PeerRestarted,
    /// The peer's QUIC refused the connection, for it has too many attempts under way.
    Busy,
    /// QUIC or TLS failed; the text says how.
    Failed(String),
}

impl fmt::Display for Disconnect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByPeer(Some(code)) => write!(formatter, "closed by the peer: {code}"),
            Self::ByPeer(None) => formatter.write_str("closed by the peer for an unknown reason"),
            Self::ByUs => formatter.write_str("closed by this side"),
            Self::TimedOut => formatter.write_str("nothing heard from the peer"),
            Self::PeerRestarted => formatter.write_str("the peer restarted"),
            Self::Busy => formatter.write_str("the peer takes no more connection attempts now"),
            Self::Failed(text) => write!(formatter, "QUIC failed: {text}"),
        }
    }
}

impl From<ConnectionError> for Disconnect {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::ApplicationClosed(close) => {
                Self::ByPeer(CloseCode::from_wire(close.error_code))
            }
            ConnectionError::ConnectionClosed(close)
                if close.error_code == TransportErrorCode::CONNECTION_REFUSED =>
            {
                Self::Busy
            }
            ConnectionError::LocallyClosed => Self::ByUs,
            ConnectionError::TimedOut => Self::TimedOut,
            ConnectionError::Reset => Self::PeerRestarted,
            other => Self::Failed(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_survive_the_wire() {
        for (number, code) in CloseCode::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, number);
            assert_eq!(
                CloseCode::from_wire(VarInt::from_u32(number as u32)),
                Some(code)
            );
        }
        assert_eq!(CloseCode::from_wire(VarInt::from_u32(9999)), None);
    }
}
