//! The corpus of every target, and a fixed number of mutations of it: about a minute in all.

use fuzzing::{
    TARGETS,
    campaign::{self, Until},
    corpus,
};

/// One test in this process, for all targets one after the other: memory is measured for the whole
/// process.
#[test]
fn every_promise_holds_for_the_corpus_and_its_mutations() {
    let mut broken = Vec::new();
    for target in TARGETS {
        match campaign::run(target, 1, Until::Inputs(target.replayed)) {
            Ok(done) => println!("{}: {} and {} inputs", target.name, done.kept, done.mutated),
            Err(failure) => {
                let path = corpus::keep_failure(target.name, &failure.input).unwrap();
                broken.push(format!(
                    "{}: {} ({})",
                    target.name,
                    failure.message,
                    path.display()
                ));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
