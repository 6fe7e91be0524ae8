//! The layout of evidence, the same in messages, records and files.

use super::{Evidence, Offence};
use crate::{
    certificate::Counted,
    encoding::{Canonical, DecodeError, Reader, Writer},
    entry::SignedHeader,
    limits,
    signed::body,
    types::{Epoch, NodeId},
};

/// Which points of two votes are compared, as one byte: the lower vote's, the higher vote's.
const COMPARED: [(Counted, Counted); 4] = [
    (Counted::Accepted, Counted::Accepted),
    (Counted::Locked, Counted::Locked),
    (Counted::Locked, Counted::Accepted),
    (Counted::Accepted, Counted::Locked),
];

fn write_compared(writer: &mut Writer, compared: (Counted, Counted)) {
    writer.u8(match compared {
        (Counted::Accepted, Counted::Accepted) => 0,
        (Counted::Locked, Counted::Locked) => 1,
        (Counted::Locked, Counted::Accepted) => 2,
        (Counted::Accepted, Counted::Locked) => 3,
    });
}

fn read_compared(reader: &mut Reader<'_>) -> Result<(Counted, Counted), DecodeError> {
    let found = reader.u8()?;
    COMPARED
        .get(usize::from(found))
        .copied()
        .ok_or(DecodeError::Unknown {
            what: "compared points",
            found: found.into(),
        })
}

impl Canonical for Evidence {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        match &self.offence {
            Offence::Equivocation {
                author,
                first,
                second,
            } => {
                writer.u8(0);
                author.encode(writer);
                first.encode(writer);
                second.encode(writer);
            }
            Offence::ForkedVotes {
                lower,
                higher,
                compared,
                headers,
            } => {
                writer.u8(1);
                Canonical::encode(lower, writer);
                Canonical::encode(higher, writer);
                write_compared(writer, *compared);
                writer.list(headers);
            }
            Offence::TwoGrants { first, second } => {
                writer.u8(2);
                Canonical::encode(first, writer);
                Canonical::encode(second, writer);
            }
            Offence::TwoResults { first, second } => {
                writer.u8(3);
                Canonical::encode(first, writer);
                Canonical::encode(second, writer);
            }
            Offence::FalseReport { report, vote } => {
                writer.u8(4);
                Canonical::encode(&**report, writer);
                Canonical::encode(vote, writer);
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let epoch = Epoch::decode(reader)?;
        let offence = match reader.u8()? {
            0 => Offence::Equivocation {
                author: NodeId::decode(reader)?,
                first: SignedHeader::decode(reader)?,
                second: SignedHeader::decode(reader)?,
            },
            1 => Offence::ForkedVotes {
                lower: Canonical::decode(reader)?,
                higher: Canonical::decode(reader)?,
                compared: read_compared(reader)?,
                headers: reader.list("headers of evidence", limits::EVIDENCE_HEADERS)?,
            },
            2 => Offence::TwoGrants {
                first: Canonical::decode(reader)?,
                second: Canonical::decode(reader)?,
            },
            3 => Offence::TwoResults {
                first: Canonical::decode(reader)?,
                second: Canonical::decode(reader)?,
            },
            4 => Offence::FalseReport {
                report: Box::new(Canonical::decode(reader)?),
                vote: Canonical::decode(reader)?,
            },
            found => {
                return Err(DecodeError::Unknown {
                    what: "offence",
                    found: found.into(),
                });
            }
        };
        Ok(Self { epoch, offence })
    }
}

body!(Evidence, "hawser/v1/accuse");
