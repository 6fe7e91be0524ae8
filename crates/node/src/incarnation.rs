//! Whether a data directory may vote: it must be the one that genesis lists, and if a node ever ran
//! in it, its stream must be there (P9.4).

use std::{io, path::Path};

use keys::{FileError, IncarnationError, IncarnationHash, IncarnationRecord};
use storage::DirectoryDisk;

use crate::error::StartError;

/// The directory's record, if it may be opened. Nothing is made or changed.
pub(crate) fn admit(
    data: &Path,
    listed: &IncarnationHash,
) -> Result<IncarnationRecord, StartError> {
    let directory = || data.display().to_string();
    let record = IncarnationRecord::load(data).map_err(|error| match error {
        IncarnationError::File(FileError::NotFound(_)) => StartError::NotMade {
            directory: directory(),
        },
        source => StartError::Incarnation { source },
    })?;
    if record.incarnation.hash() != *listed {
        return Err(StartError::OtherIncarnation {
            directory: directory(),
            found: record.incarnation.hash(),
            listed: *listed,
        });
    }
    let segments = DirectoryDisk::read_only(data)
        .segments()
        .map_err(|source| cannot_list(data, source))?;
    if record.begun && segments == 0 {
        return Err(StartError::StreamLost {
            directory: directory(),
        });
    }
    Ok(record)
}

/// Notes that the stream is there; before that nothing may be promised.
pub(crate) fn begin(record: &mut IncarnationRecord, data: &Path) -> Result<(), StartError> {
    record.begin(data).map_err(|error| StartError::Incarnation {
        source: error.into(),
    })
}

fn cannot_list(data: &Path, source: io::Error) -> StartError {
    storage::OpenError::Disk {
        directory: data.display().to_string(),
        operation: "list the files".to_owned(),
        source,
    }
    .into()
}
