//! `cargo sim`: whole networks in virtual time, seed after seed.

mod arguments;
mod command;
mod output;

use std::{io::IsTerminal, process::ExitCode, time::Instant};

use arguments::Arguments;
use simulator::{
    adversary::BEHAVIOURS,
    run::{self, Totals},
    scenario,
    trace::Trace,
};
use terminal::exit::Code;

fn main() -> ExitCode {
    terminal::end_unread();
    let arguments = terminal::arguments::<Arguments>();
    let result = if let Some(command) = &arguments.command {
        command.run()
    } else if arguments.list {
        output::list(arguments.json);
        Ok(Code::Ok)
    } else if let Some(id) = &arguments.scenario {
        play(&arguments, id)
    } else if arguments.trace {
        trace(&arguments)
    } else {
        run(&arguments)
    };
    match result {
        Ok(code) => code.into(),
        Err(message) => {
            eprintln!("error: {message}");
            Code::Usage.into()
        }
    }
}

fn play(arguments: &Arguments, id: &str) -> Result<Code, String> {
    let trace = if arguments.trace {
        Trace::to_stdout()
    } else {
        Trace::Off
    };
    let Some(verdict) = scenario::play(id, trace) else {
        return command::attacks::one(id, arguments.json);
    };
    if arguments.json {
        output::verdict(id, &verdict);
    } else if arguments.trace {
        eprintln!("{verdict}");
    } else {
        println!("{verdict}");
    }
    Ok(code(verdict.holds))
}

fn trace(arguments: &Arguments) -> Result<Code, String> {
    let options = arguments.options()?;
    let seeds = arguments.seeds.clone();
    let mut totals = Totals::default();
    for seed in seeds.0 {
        println!("seed {seed}");
        let outcome =
            run::traced(&options, seed, Trace::to_stdout()).map_err(|error| error.to_string())?;
        totals.add(outcome);
    }
    output::failures(arguments, &totals);
    Ok(code(totals.violations.is_empty()))
}

fn run(arguments: &Arguments) -> Result<Code, String> {
    let options = arguments.options()?;
    let started = Instant::now();
    let live = std::io::stderr().is_terminal() && !arguments.json;
    let expected = arguments.seeds.0.end - arguments.seeds.0.start;
    let progress = |totals: &Totals| {
        if live {
            let line = output::line(totals, started.elapsed());
            eprint!("\r\x1b[2K{}/{expected}: {line}", totals.seeds);
        }
    };
    let totals = run::seeds(
        &options,
        arguments.seeds.0.clone(),
        arguments.jobs(),
        &progress,
    )
    .map_err(|error| error.to_string())?;
    if live {
        eprint!("\r\x1b[2K");
    }
    output::failures(arguments, &totals);
    if arguments.json {
        output::totals(arguments, &totals, started.elapsed());
    } else {
        println!("{}", output::line(&totals, started.elapsed()));
    }
    Ok(code(totals.violations.is_empty()))
}

const fn code(holds: bool) -> Code {
    if holds {
        Code::Ok
    } else {
        Code::AssertionFailed
    }
}

/// The names of all behaviours, for messages.
fn behaviours() -> String {
    let names: Vec<_> = BEHAVIOURS.iter().map(|behaviour| behaviour.id).collect();
    names.join(", ")
}
