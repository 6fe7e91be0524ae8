//! The first inputs of every corpus: the vectors of the wire format, and good samples of the rest.

mod connections;
mod disk;
mod files;
mod frames;
mod ledger;
mod people;
mod statements;

/// One input for a target's corpus.
#[derive(Clone, Debug)]
pub struct Seed {
    /// The target.
    pub target: &'static str,
    /// The file's name.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Collects seeds.
#[derive(Default)]
struct Seeds(Vec<Seed>);

impl Seeds {
    fn add(&mut self, target: &'static str, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push(Seed {
            target,
            name: name.into().replace(' ', "-"),
            bytes: bytes.into(),
        });
    }
}

/// Every seed, the same in every run.
#[must_use]
pub fn all() -> Vec<Seed> {
    let mut seeds = Seeds::default();
    statements::add(&mut seeds);
    disk::add(&mut seeds);
    connections::add(&mut seeds);
    frames::add(&mut seeds);
    ledger::add(&mut seeds);
    files::add(&mut seeds);
    people::add(&mut seeds);
    seeds.0
}
