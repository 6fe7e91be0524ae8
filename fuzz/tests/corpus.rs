//! What the corpora in the repository consist of.

use fuzzing::{TARGETS, corpus, seeds};

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    for target in TARGETS {
        assert!(
            !corpus::load(target.name).unwrap().is_empty(),
            "{} has no corpus",
            target.name
        );
    }
    let root = corpus::folder("").canonicalize().unwrap();
    let mut bytes = 0;
    for folder in std::fs::read_dir(root).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(TARGETS.iter().any(|target| target.name == name), "{name}");
        bytes += corpus::load(&name)
            .unwrap()
            .iter()
            .map(|kept| kept.bytes.len())
            .sum::<usize>();
    }
    assert!(bytes < 2_000_000, "the corpora have {bytes} bytes");
}

#[test]
fn the_seeds_in_the_corpus_are_those_that_the_code_makes() {
    let stale: Vec<String> = seeds::all()
        .into_iter()
        .filter(|seed| {
            let path = corpus::folder(seed.target).join(&seed.name);
            std::fs::read(path).ok().as_ref() != Some(&seed.bytes)
        })
        .map(|seed| format!("{}/{}", seed.target, seed.name))
        .collect();
    assert!(
        stale.is_empty(),
        "run: cargo run --release -p fuzzing -- --write-seeds\n{stale:#?}"
    );
}
