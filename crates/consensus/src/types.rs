//! The small values everything else is made of.

use std::fmt;

use crate::encoding::{Canonical, DecodeError, Reader, Writer};

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            /// The first value.
            pub const ZERO: Self = Self(0);

            /// The value after this one. Saturates: no input can make it wrap (attack A8).
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }

            /// The value before this one, or zero.
            #[must_use]
            pub const fn previous(self) -> Self {
                Self(self.0.saturating_sub(1))
            }

            /// How far this value lies beyond `other`; zero if it does not.
            #[must_use]
            pub const fn beyond(self, other: Self) -> u64 {
                self.0.saturating_sub(other.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Canonical for $name {
            fn encode(&self, writer: &mut Writer) {
                writer.u64(self.0);
            }
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                reader.u64().map(Self)
            }
        }
    };
}

counter! {
    /// A term of leadership. In Byzantine mode its leader follows from its number (P4.1).
    Term
}
counter! {
    /// A configuration of validators; terms start again with each (P9.1).
    Epoch
}
counter! {
    /// A position in the log. Index 0 is genesis, the first entry has index 1.
    Index
}

/// A validator's position in the configuration of its epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

impl NodeId {
    /// The position as an index into per-node tables.
    #[must_use]
    pub const fn position(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl Canonical for NodeId {
    fn encode(&self, writer: &mut Writer) {
        writer.u16(self.0);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.u16().map(Self)
    }
}

/// A SHA-256 hash.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The first eight hexadecimal digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl Canonical for Hash {
    fn encode(&self, writer: &mut Writer) {
        writer.raw(&self.0);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array().map(Self)
    }
}

/// An entry's position and hash. It stands for its whole prefix, because the log is chained (P2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// The entry's index.
    pub index: Index,
    /// The entry's hash.
    pub hash: Hash,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.index, self.hash.short())
    }
}

impl Canonical for Point {
    fn encode(&self, writer: &mut Writer) {
        self.index.encode(writer);
        self.hash.encode(writer);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            index: Index::decode(reader)?,
            hash: Hash::decode(reader)?,
        })
    }
}

/// A span of time, or a moment on a monotonic clock of unstated origin, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// A span of whole milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000)
    }

    /// The moment `span` after this one.
    #[must_use]
    pub const fn after(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The span since `earlier`, or zero.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

/// What a clock says: a monotonic moment for timers, and wall-clock time for timestamps (P3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Monotonic, never goes back.
    pub monotonic: Time,
    /// Milliseconds since the Unix epoch; may jump.
    pub wall: u64,
}
