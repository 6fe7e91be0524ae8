//! One binary for all targets: `HAWSER_FUZZ_TARGET` says which; `list` prints their names.
#![no_main]

use std::sync::LazyLock;

use fuzzing::{campaign, target};
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<&target::Target> = LazyLock::new(|| {
    let name = std::env::var("HAWSER_FUZZ_TARGET").unwrap_or_default();
    if name == "list" {
        target::TARGETS.iter().for_each(|target| println!("{}", target.name));
        std::process::exit(0);
    }
    let found = target::find(&name);
    let target = found.unwrap_or_else(|| panic!("HAWSER_FUZZ_TARGET={name:?} is no target"));
    // What is made once and for all must not count as an input's memory.
    let _ = campaign::run_one(target, &[]);
    target
});

// The fuzzer's hook ends the process at a panic, so that the input is kept.
fuzz_target!(|input: &[u8]| {
    let requested = fuzzing::memory::requested(|| (TARGET.run)(input));
    // The first inputs make what is made once and for all.
    assert!(
        requested <= TARGET.memory.allowed(input.len()) + (4 << 20),
        "{} bytes made it ask for {requested} bytes of memory",
        input.len()
    );
});
