//! Runs a target over its corpus and over mutations of it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use crate::{corpus, memory, mutation::Mutator, target::Target};

/// An input that breaks a promise.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The input.
    pub input: Vec<u8>,
    /// What the target said.
    pub message: String,
}

/// When to stop mutating.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After so many inputs.
    Inputs(u64),
    /// After so much time.
    Time(Duration),
}

/// What a campaign did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done {
    /// Inputs of the corpus.
    pub kept: u64,
    /// Mutations of them.
    pub mutated: u64,
    /// The most bytes of memory that one input made the target ask for.
    pub most_memory: usize,
}

/// Runs one input and checks what it costs.
///
/// # Errors
/// [`Failure`] if the target panics or asks for more memory than it may.
pub fn run_one(target: &Target, input: &[u8]) -> Result<usize, Failure> {
    let failure = |message: String| Failure {
        input: input.to_vec(),
        message,
    };
    let mut outcome = Ok(());
    let requested = memory::requested(|| {
        outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    });
    if let Err(panic) = outcome {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        return Err(failure(text.unwrap_or("it panicked").to_owned()));
    }
    let allowed = target.memory.allowed(input.len());
    if requested > allowed {
        return Err(failure(format!(
            "{} bytes made it ask for {requested} bytes of memory; {allowed} are allowed",
            input.len()
        )));
    }
    Ok(requested)
}

/// Runs the corpus, then mutations of it.
///
/// # Errors
/// The first [`Failure`].
pub fn run(target: &Target, seed: u64, until: Until) -> Result<Done, Failure> {
    let kept = corpus::load(target.name).map_err(|error| Failure {
        input: Vec::new(),
        message: format!("the corpus cannot be read: {error}"),
    })?;
    let corpus: Vec<Vec<u8>> = kept.into_iter().map(|kept| kept.bytes).collect();
    // What is made once and for all must not count as an input's.
    let _ = run_one(target, &[]);
    for input in &corpus {
        let _ = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    }
    let mut done = Done::default();
    for input in &corpus {
        done.most_memory = done.most_memory.max(run_one(target, input)?);
        done.kept += 1;
    }
    let mut mutator = Mutator::new(seed);
    let began = Instant::now();
    loop {
        let over = match until {
            Until::Inputs(inputs) => done.mutated >= inputs,
            Until::Time(time) => done.mutated.is_multiple_of(16) && began.elapsed() >= time,
        };
        if over {
            return Ok(done);
        }
        let input = mutator.next(&corpus, target.longest);
        done.most_memory = done.most_memory.max(run_one(target, &input)?);
        done.mutated += 1;
    }
}
