//! `cargo run --release -p fuzzing`: mutates every corpus for as long as wanted.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use fuzzing::{
    TARGETS, Target,
    campaign::{self, Done, Failure, Until},
    corpus, seeds, target,
};
use serde_json::json;

/// Tries hostile bytes on everything that reads what somebody else wrote.
///
/// Each target gets its corpus and then mutations of it, the same for the same seed. Memory is
/// measured, and every target checks more than that nothing crashes. Coverage is followed by the
/// libFuzzer binary instead: fuzz/run.
#[derive(Parser)]
#[command(name = "fuzzing", max_term_width = 100, after_help = EXAMPLES)]
struct Arguments {
    /// How long in all, shared evenly by the targets
    #[arg(long, default_value_t = 60, value_name = "N")]
    seconds: u64,
    /// Only these targets
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
    /// Where the mutations begin
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Run one input on one target, to see a failure again
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// List the targets and what they promise
    #[arg(long)]
    list: bool,
    /// Write the first inputs of every corpus anew
    #[arg(long)]
    write_seeds: bool,
    /// JSON, one object for each target
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  cargo run --release -p fuzzing -- --list
  cargo run --release -p fuzzing -- --seconds 600
  cargo run --release -p fuzzing -- --seconds 60 --target message --target traitor --seed 7
  cargo run --release -p fuzzing -- --target message --input fuzz/failures/message-0123456789abcdef

Exit codes: 0 done, 1 the system failed, 2 wrong use, 6 a promise is broken.";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut chosen = Vec::new();
    for name in &arguments.target {
        let Some(target) = target::find(name) else {
            eprintln!("error: there is no target {name:?}; see --list");
            return ExitCode::from(2);
        };
        chosen.push(target);
    }
    if chosen.is_empty() {
        chosen.extend(TARGETS);
    }
    if arguments.list {
        return list(&chosen, arguments.json);
    }
    if arguments.write_seeds {
        return write_seeds();
    }
    if let Some(path) = &arguments.input {
        return again(&chosen, path);
    }
    run(&arguments, &chosen)
}

fn list(targets: &[&Target], as_json: bool) -> ExitCode {
    for target in targets {
        if as_json {
            println!("{}", json!({"target": target.name, "about": target.about}));
        } else {
            println!("{:14} {}", target.name, target.about);
        }
    }
    ExitCode::SUCCESS
}

fn write_seeds() -> ExitCode {
    let seeds = seeds::all();
    for seed in &seeds {
        if let Err(error) = corpus::keep(seed.target, &seed.name, &seed.bytes) {
            eprintln!("error: cannot write {}/{}: {error}", seed.target, seed.name);
            return ExitCode::FAILURE;
        }
    }
    println!("wrote {} inputs", seeds.len());
    ExitCode::SUCCESS
}

fn again(targets: &[&Target], path: &PathBuf) -> ExitCode {
    let [target] = targets else {
        eprintln!("error: say which target the input is for: --target NAME");
        return ExitCode::from(2);
    };
    let input = match std::fs::read(path) {
        Ok(input) => input,
        Err(error) => {
            eprintln!("error: cannot read {}: {error}", path.display());
            return ExitCode::from(2);
        }
    };
    // The first run makes what is made once and for all.
    let first = campaign::run_one(target, &[]).and_then(|_| {
        (target.run)(&input);
        campaign::run_one(target, &input)
    });
    match first {
        Ok(memory) => {
            println!(
                "{}: the promises hold; {memory} bytes of memory",
                target.name
            );
            ExitCode::SUCCESS
        }
        Err(failure) => broken(target, &failure, false),
    }
}

fn run(arguments: &Arguments, targets: &[&Target]) -> ExitCode {
    let share = Duration::from_secs(arguments.seconds) / u32::try_from(targets.len()).unwrap_or(1);
    let began = Instant::now();
    let mut total = 0;
    for target in targets {
        let began = Instant::now();
        match campaign::run(target, arguments.seed, Until::Time(share)) {
            Ok(done) => {
                total += done.kept + done.mutated;
                report(target, done, began.elapsed(), arguments.json);
            }
            Err(failure) => return broken(target, &failure, arguments.json),
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    if !arguments.json {
        println!(
            "{total} inputs on {} targets in {seconds:.1} s; every promise held",
            targets.len()
        );
    }
    ExitCode::SUCCESS
}

fn report(target: &Target, done: Done, took: Duration, as_json: bool) {
    let inputs = done.kept + done.mutated;
    if as_json {
        let line = json!({
            "target": target.name,
            "kept": done.kept,
            "mutated": done.mutated,
            "seconds": took.as_secs_f64(),
            "most_memory_bytes": done.most_memory,
        });
        println!("{line}");
    } else {
        let rate = inputs as f64 / took.as_secs_f64();
        println!(
            "{:14} {inputs:>9} inputs, {rate:>9.0} a second, at most {:>8} bytes of memory",
            target.name, done.most_memory
        );
    }
}

fn broken(target: &Target, failure: &Failure, as_json: bool) -> ExitCode {
    let path = match corpus::keep_failure(target.name, &failure.input) {
        Ok(path) => path.display().to_string(),
        Err(error) => format!("nowhere, for {error}"),
    };
    if as_json {
        let line = json!({"target": target.name, "broken": failure.message, "input": path});
        println!("{line}");
    }
    eprintln!(
        "error: {} breaks a promise: {}",
        target.name, failure.message
    );
    eprintln!("  The input is kept in {path}.");
    eprintln!(
        "  Again: cargo run --release -p fuzzing -- --target {} --input {path}",
        target.name
    );
    ExitCode::from(6)
}
