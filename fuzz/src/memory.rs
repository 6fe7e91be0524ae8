//! How much memory a target asks for: whoever sends few bytes must not make a node reserve many.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that `work` asked the allocator for, all requests added up, whether given back or not.
/// Other threads count too: run one target at a time.
pub fn requested(work: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    work();
    region.change().bytes_allocated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_counts_even_if_it_is_given_back() {
        let requested = requested(|| drop(std::hint::black_box(vec![1_u8; 10_000])));
        assert!(requested >= 10_000);
    }
}
