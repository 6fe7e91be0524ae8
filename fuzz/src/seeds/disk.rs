//! Segments that a node wrote, as lists of writes; damages of each kind; scripts of a traitor.

use storage::testing::Random;

use super::Seeds;
use crate::{input::block, target::disk::segments};

/// Zeros that part two writes.
const GAP: usize = 24;

pub(super) fn add(seeds: &mut Seeds) {
    for length in [0_u8, 1, 2, 5] {
        let files = segments(length);
        let mut input = vec![u8::from(files.len() > 1)];
        for (number, file) in files.iter().take(2).enumerate() {
            for (position, bytes) in file.chunks(4096).enumerate().take(7) {
                for (offset, run) in runs(bytes) {
                    let place = u8::try_from(number << 7 | position).expect("few blocks");
                    input.push(place);
                    input.extend(u16::try_from(offset).expect("in a block").to_le_bytes());
                    block(&mut input, run);
                }
            }
        }
        seeds.add("segment", format!("{length}-batches"), input);
    }
    for kind in 0..4_u8 {
        for place in 0..5_u8 {
            // Length 5, one damage of 64 bytes.
            let input = [5, kind, place & 1, place, 16, 0, 64, 0, 1];
            seeds.add("damage", format!("kind-{kind}-block-{place}"), input);
        }
    }
    let mut random = Random::new(11);
    for number in 0..12 {
        let length = 64 + random.below(200);
        let script: Vec<u8> = (0..length)
            .map(|_| random.number().to_le_bytes()[3])
            .collect();
        seeds.add("traitor", format!("script-{number}"), script);
    }
    // Requests and time alone; then the leader is cut off, and comes back.
    let calm = [4, 1, 6, 20, 4, 2, 6, 20, 4, 3, 6, 20];
    seeds.add("traitor", "calm", [&[0], &calm[..]].concat());
    let change = [7, 1, 5, 6, 60, 5, 6, 60, 5, 7, 0, 4, 9, 6, 90, 5, 6, 90];
    seeds.add(
        "traitor",
        "change",
        [&[0], &calm[..], &change, &calm].concat(),
    );
    let restarts = [8, 0, 8, 2, 8, 3, 5, 6, 30, 8, 1, 5, 6, 90];
    seeds.add(
        "traitor",
        "restarts",
        [&[0], &calm[..], &restarts, &calm].concat(),
    );
}

/// Pieces of a block that are not zero.
fn runs(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut runs = Vec::new();
    let mut start = None;
    let mut last = 0;
    for (offset, byte) in bytes.iter().enumerate() {
        if *byte == 0 {
            continue;
        }
        if let Some(begun) = start.filter(|_| offset - last > GAP) {
            runs.push((begun, &bytes[begun..=last]));
            start = None;
        }
        start.get_or_insert(offset);
        last = offset;
    }
    runs.extend(start.map(|begun| (begun, &bytes[begun..=last])));
    runs
}
