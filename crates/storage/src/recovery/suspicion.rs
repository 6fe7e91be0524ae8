//! Whether a segment may have held a newer vote state than can be read (P11.2).
//!
//! A node that takes damage for a write that never happened votes in forgetfulness. What a crash
//! can leave is narrow: a header copy is never written again, one slot at most is being written,
//! the second slot only after the first was synced, and a torn write leaves each byte as it was
//! or as it should be. Whatever is outside of this is damage. One damaged byte alone is never
//! taken for more than it is.
//!
//! Not to be told from a blank segment is one whose slots and batches, and nothing else, were
//! zeroed.

use crate::format::{
    DATA_START, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_OFFSETS, SLOT_OFFSETS, padded,
};
use crate::recovery::image::{Image, Slot, is_blank};

/// For a segment of which nothing but the header is whole: it may have held a synced vote state.
/// Otherwise its first sync did not happen, or it is blank.
pub(crate) fn was_in_use(image: &Image) -> bool {
    let data_blank = image.is_blank_from(DATA_START);
    let slots = image.slots();
    let all_blank = data_blank && slots.iter().all(|slot| matches!(slot, Slot::Blank));
    let slots_damaged = match slots {
        [Slot::Damaged, Slot::Damaged] => true,
        [_, Slot::Damaged] => !data_blank,
        _ => false,
    };
    let header_damaged = !image.header_copies_whole && !all_blank;
    header_damaged
        || has_wiped_header(image)
        || slots_damaged
        || has_foreign_slot(image)
        || is_foreign(image, DATA_START)
}

/// For a segment of which nothing but the header is whole: it was written to. The next one gets
/// its first batch only after that was synced.
pub(crate) fn was_written(image: &Image) -> bool {
    !matches!(image.slot(0), Slot::Blank) && !image.is_blank_from(DATA_START)
}

/// For the last segment with batches, which end at an offset: what follows them may be a synced
/// batch that lost both copies of its vote state.
pub(crate) fn hides_a_vote_state(image: &Image, end: usize) -> bool {
    let beyond_a_crash = match image.slots() {
        [Slot::Damaged | Slot::Blank, Slot::Damaged] => true,
        _ => has_foreign_slot(image),
    };
    beyond_a_crash && !image.is_blank_from(after_whole_votes(image, end))
}

/// Damaged batches whose vote state is whole hide nothing.
fn after_whole_votes(image: &Image, mut offset: usize) -> usize {
    while let Some((header, _)) = image.batch(offset)
        && image
            .vote(offset)
            .is_some_and(|vote| vote.sequence == header.sequence)
    {
        offset += padded(header.length as usize);
    }
    offset
}

/// A header copy is zero: blocks around it may have been zeroed with it.
fn has_wiped_header(image: &Image) -> bool {
    SEGMENT_HEADER_OFFSETS.iter().any(|offset| {
        let copy = image.bytes.get(*offset..offset + SEGMENT_HEADER_BYTES);
        is_blank(copy.unwrap_or_default())
    })
}

fn has_foreign_slot(image: &Image) -> bool {
    SLOT_OFFSETS.iter().any(|offset| is_foreign(image, *offset))
}

/// What stands here begins neither with zeros nor with the salt nor, torn, with some of both.
fn is_foreign(image: &Image, offset: usize) -> bool {
    let found = image.bytes.get(offset..).unwrap_or_default();
    let salt = image.header.salt.to_le_bytes();
    let strange = found
        .iter()
        .zip(salt)
        .filter(|(byte, expected)| **byte != 0 && **byte != *expected);
    strange.count() > 1
}
