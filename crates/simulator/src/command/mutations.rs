//! Breaking the rules one by one, to see that it is noticed.

use clap::Args;
use terminal::exit::Code;

/// Breaks the rules one by one and says what noticed: `docs/mutations.md`.
#[derive(Clone, Debug, Args)]
pub struct Mutations {
    /// Which ones [default: all].
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Names them, with the rule and what notices, and runs nothing.
    #[arg(long)]
    list: bool,
    /// Also runs the detectors that are tests of other crates, through cargo.
    #[arg(long)]
    tests: bool,
    /// Results as JSON on standard output.
    #[arg(long)]
    json: bool,
}

#[cfg(not(feature = "mutations"))]
impl Mutations {
    /// Says how to get a program that can break rules.
    ///
    /// # Errors
    /// Always: this program holds no switches.
    pub fn run(&self) -> Result<Code, String> {
        let mut command =
            "cargo run --release -p simulator --features mutations -- mutations".to_owned();
        let flags = [
            (self.list, " --list"),
            (self.tests, " --tests"),
            (self.json, " --json"),
        ];
        flags
            .iter()
            .filter(|(given, _)| *given)
            .for_each(|(_, flag)| command.push_str(flag));
        for id in &self.ids {
            command.push(' ');
            command.push_str(id);
        }
        Err(format!(
            "this program was built without the switches that break rules: {command}"
        ))
    }
}

#[cfg(feature = "mutations")]
mod running {
    use std::{
        process::{Command, Stdio},
        time::{Duration, Instant},
    };

    use serde_json::{Value, json};
    use simulator::mutations::{Attempt, Detector, Entry, attempt, catalogue};

    use super::{Code, Mutations};

    /// What came of one detector.
    struct Row {
        /// `None`: it was not run.
        noticed: Option<bool>,
        /// How it was noticed, or not.
        story: String,
        json: Value,
    }

    impl Mutations {
        /// Breaks each rule and prints what noticed.
        ///
        /// # Errors
        /// A name that the catalogue lacks.
        pub fn run(&self) -> Result<Code, String> {
            let entries = self.entries()?;
            if self.list {
                list(&entries, self.json);
                return Ok(Code::Ok);
            }
            let started = Instant::now();
            let (mut caught, mut left) = (0, 0);
            let mut results = Vec::new();
            for entry in &entries {
                if !self.json {
                    println!("{} ({})\n  {}", entry.id, entry.rule, entry.breaks);
                }
                let rows: Vec<Row> = entry
                    .detectors
                    .iter()
                    .map(|detector| {
                        let row = self.row(entry, detector);
                        if !self.json {
                            println!("  {}: {}", detector.describe(), row.story);
                        }
                        row
                    })
                    .collect();
                // Every detector that runs must notice, or it is listed for nothing.
                let noticed: Vec<bool> = rows.iter().filter_map(|row| row.noticed).collect();
                if noticed.is_empty() {
                    left += 1;
                } else if noticed.iter().all(|noticed| *noticed) {
                    caught += 1;
                }
                results.push(json!({
                    "mutation": entry.id,
                    "rule": entry.rule,
                    "breaks": entry.breaks,
                    "detectors": rows.into_iter().map(|row| row.json).collect::<Vec<_>>(),
                }));
            }
            let tried = entries.len() - left;
            let elapsed = started.elapsed();
            if self.json {
                println!(
                    "{}",
                    json!({
                        "caught": caught,
                        "tried": tried,
                        "left_to_tests": left,
                        "seconds": elapsed.as_secs_f64(),
                        "mutations": results,
                    })
                );
            } else {
                println!(
                    "caught {caught} of {tried} in {:.0} s",
                    elapsed.as_secs_f64()
                );
                if left > 0 {
                    println!("{left} more are for tests of other crates: --tests runs those too");
                }
            }
            Ok(if caught == tried {
                Code::Ok
            } else {
                Code::AssertionFailed
            })
        }

        fn entries(&self) -> Result<Vec<&'static Entry>, String> {
            if self.ids.is_empty() {
                return Ok(catalogue::entries().collect());
            }
            let find = |id: &String| {
                catalogue::find(id).ok_or_else(|| {
                    format!("there is no mutation '{id}': cargo sim mutations --list names them")
                })
            };
            self.ids.iter().map(find).collect()
        }

        fn row(&self, entry: &Entry, detector: &Detector) -> Row {
            let command = detector.command(entry.id);
            if let Some(attempt) = attempt(entry, detector) {
                return Row {
                    noticed: Some(attempt.holds()),
                    story: story(&attempt),
                    json: json!({
                        "detector": detector.describe(),
                        "command": command,
                        "caught": attempt.caught.as_ref().map(|caught| &caught.what),
                        "after_seeds": attempt.caught.as_ref().map(|caught| caught.after),
                        "seconds": attempt.elapsed.as_secs_f64(),
                        "false_alarm": attempt.false_alarm.map(|alarm| alarm.what),
                    }),
                };
            }
            let ran = self.tests.then(|| {
                let started = Instant::now();
                (run_test(&command), started.elapsed())
            });
            let noticed = ran.as_ref().map(|(passed, _)| *passed);
            let elapsed = ran.map(|(_, elapsed)| elapsed.as_secs_f64());
            Row {
                noticed,
                story: match noticed {
                    None => format!("not run: {command}"),
                    Some(true) => "caught: the test expects the consequence and saw it".to_owned(),
                    Some(false) => format!("NOT CAUGHT: {command}"),
                },
                json: json!({
                    "detector": detector.describe(),
                    "command": command,
                    "test_passed": noticed,
                    "seconds": elapsed,
                }),
            }
        }
    }

    fn story(attempt: &Attempt) -> String {
        let seconds = |elapsed: Duration| elapsed.as_secs_f64();
        if let Some(alarm) = &attempt.false_alarm {
            return format!("FALSE ALARM while the rule holds: {}", alarm.what);
        }
        match &attempt.caught {
            None => format!("NOT CAUGHT in {:.1} s", seconds(attempt.elapsed)),
            Some(caught) => {
                let after = match caught.seed {
                    Some(seed) => format!("at seed {seed}, after {} seeds and ", caught.after),
                    None => "after ".to_owned(),
                };
                format!(
                    "caught {after}{:.1} s: {}",
                    seconds(attempt.elapsed),
                    caught.what
                )
            }
        }
    }

    /// A test that does not exist passes nothing.
    fn run_test(command: &str) -> bool {
        let mut words = command.split_whitespace();
        let program = words.next().unwrap_or("cargo");
        Command::new(program)
            .args(words)
            .stderr(Stdio::null())
            .output()
            .is_ok_and(|output| {
                let text = String::from_utf8_lossy(&output.stdout);
                output.status.success() && text.contains("... ok")
            })
    }

    fn list(entries: &[&Entry], as_json: bool) {
        if as_json {
            let entries: Vec<Value> = entries
                .iter()
                .map(|entry| {
                    json!({
                        "mutation": entry.id,
                        "rule": entry.rule,
                        "breaks": entry.breaks,
                        "detectors": entry
                            .detectors
                            .iter()
                            .map(|one| json!({
                                "detector": one.describe(),
                                "command": one.command(entry.id),
                            }))
                            .collect::<Vec<_>>(),
                    })
                })
                .collect();
            return println!("{}", json!({ "mutations": entries }));
        }
        for entry in entries {
            println!("{:<34} {:<14} {}", entry.id, entry.rule, entry.breaks);
            for detector in entry.detectors {
                println!("{:<34} {}", "", detector.describe());
            }
        }
    }
}
