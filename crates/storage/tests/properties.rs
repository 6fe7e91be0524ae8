//! Whatever is appended, in whatever grouping and over however many openings, comes back.

mod common;

use common::{OwnedBatch, flatten, open_with};
use proptest::prelude::*;
use storage::Options;
use storage::testing::MemoryDisk;

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<u8>, Vec<(u8, Vec<u8>)>),
    Sync,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = |length| prop::collection::vec(any::<u8>(), 0..length);
    let records = prop::collection::vec((any::<u8>(), bytes(5000)), 0..6);
    prop_oneof![
        6 => (bytes(1024), records).prop_map(|(vote, records)| Step::Append(vote, records)),
        3 => Just(Step::Sync),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn everything_comes_back(
        steps in prop::collection::vec(step(), 1..40),
        blocks in 5_usize..12,
        prepare_ahead: bool,
    ) {
        let options = Options { segment_bytes: blocks * 4096, prepare_ahead };
        let disk = MemoryDisk::new();
        let (mut storage, _) = open_with(&disk, options).expect("open");
        let mut batches: Vec<OwnedBatch> = Vec::new();
        for step in steps.into_iter().chain([Step::Reopen]) {
            match step {
                Step::Append(vote_state, records) => {
                    let batch = OwnedBatch { vote_state, records };
                    let positions = batch.append(&mut storage).expect("append");
                    prop_assert_eq!(positions.len(), batch.records.len());
                    batches.push(batch);
                }
                Step::Sync => storage.sync().expect("sync"),
                Step::Reopen => {
                    drop(storage);
                    let opened;
                    (storage, opened) = open_with(&disk, options).expect("open");
                    prop_assert_eq!(opened.contents(), flatten(&batches));
                    prop_assert_eq!(opened.recovery.damage, None);
                    prop_assert_eq!(&opened.recovery.findings, &[]);
                    prop_assert_eq!(opened.recovery.last_sequence, batches.len() as u64);
                    let vote_state = batches.last().map(|batch| batch.vote_state.clone());
                    prop_assert_eq!(opened.recovery.vote_state, vote_state);
                }
            }
        }
    }
}
