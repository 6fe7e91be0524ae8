//! The real disk: who may read what lies there.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use storage::{Batch, DirectoryDisk, Identity, Options, Record, Storage};

const IDENTITY: Identity = Identity {
    network: [1; 32],
    node: [2; 32],
};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn nobody_but_the_owner_reads_a_stream() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("made/by/the/disk");
    let disk = Arc::new(DirectoryDisk::new(&directory).unwrap());
    // Several segments, one of them made beside the writer.
    let options = Options {
        segment_bytes: 16 * 4096,
        prepare_ahead: true,
    };
    let (mut storage, _) = Storage::open(disk, IDENTITY, options, |_| {}).unwrap();
    for number in 0..4 {
        let bytes = [number; 7 * 4096];
        let records = [Record {
            kind: 1,
            bytes: &bytes,
        }];
        let batch = Batch {
            vote_state: &[number],
            records: &records,
        };
        storage.append(&batch).unwrap();
        storage.sync().unwrap();
    }
    drop(storage);
    for made in ["made", "made/by", "made/by/the", "made/by/the/disk"] {
        assert_eq!(mode(&parent.path().join(made)), 0o700, "{made}");
    }
    let files: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(files.len() > 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file) & 0o077, 0, "{}", file.display());
    }
}
