//! Every attack by name: where it comes from, the rule that withstands it, what it does to the
//! published protocol, and how it is run against ours.

mod commit;
mod data;
mod election;
mod progress;
mod running;
mod throughput;

pub use running::{Report, Running};
pub use throughput::{SHARE, Throughput, throughput};

use std::fmt;

use crate::{fault::Kind, published};

/// A way of running an attack against ours.
#[derive(Clone, Copy, Debug)]
pub enum Means {
    /// A script of `cargo sim --list`.
    Script(&'static str),
    /// f of so many nodes play these behaviours (as `--adversary` reads them), under whatever
    /// breaks besides.
    Behave(usize, &'static str),
    /// Nobody is Byzantine: four nodes under these faults, in every mode.
    Break(&'static [Kind]),
    /// Outside the simulator: package, kind of target (`--lib` or `--test NAME`), name of a test.
    Test(&'static str, &'static str, &'static str),
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script(id) => write!(f, "script `{id}`"),
            Self::Behave(nodes, behaviours) => write!(f, "`{behaviours}` at n = {nodes}"),
            Self::Break(kinds) => write!(f, "faults {kinds:?}"),
            Self::Test(package, _, name) => write!(f, "test `{package}` {name}"),
        }
    }
}

/// An attack.
#[derive(Clone, Copy, Debug)]
pub struct Attack {
    /// The name on the command line.
    pub id: &'static str,
    /// Where it is named: `A1` … `S17` are traces of the literature, `P13` is the protocol's list.
    pub source: &'static str,
    /// The rules that withstand it.
    pub rule: &'static str,
    /// What happens, in one line.
    pub summary: &'static str,
    /// The same attack among the published scenarios, or nothing.
    pub published: &'static str,
    /// What is to be said beside the outcomes: of the published protocol, or of ours.
    pub note: &'static str,
    /// How it is run against ours.
    pub means: &'static [Means],
}

/// Shorthand for the lists:
/// `"id" "source" "rule" "summary" / "published" "note" => [means];`
macro_rules! attacks {
    ($($id:literal $source:literal $rule:literal $summary:literal
        / $published:literal $note:literal => [$($means:expr),+ $(,)?];)*) => {
        &[$($crate::attacks::Attack {
            id: $id,
            source: $source,
            rule: $rule,
            summary: $summary,
            published: $published,
            note: $note,
            means: &[$($means),+],
        }),*]
    };
}
use attacks;

/// Every attack.
pub fn all() -> impl Iterator<Item = &'static Attack> {
    [election::LIST, commit::LIST, progress::LIST, data::LIST]
        .into_iter()
        .flatten()
}

impl Attack {
    /// The attack of that name.
    #[must_use]
    pub fn find(id: &str) -> Option<&'static Self> {
        all().find(|attack| attack.id == id)
    }

    /// What the published protocol comes to under it, reading by reading.
    #[must_use]
    pub fn published_outcomes(&self) -> Vec<(&'static str, String)> {
        published::SCENARIOS
            .iter()
            .filter(|one| !self.published.is_empty() && one.attack == self.published)
            .map(|one| {
                (
                    one.id,
                    format!("{}: {}", one.reading, one.published_outcome),
                )
            })
            .collect()
    }

    /// The same in one line, with the note.
    #[must_use]
    pub fn published_line(&self) -> String {
        let mut parts: Vec<String> = self
            .published_outcomes()
            .into_iter()
            .map(|(_, outcome)| outcome)
            .collect();
        if !self.note.is_empty() {
            parts.push(self.note.to_owned());
        }
        parts.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;
    use crate::{adversary::Strategy, scenario};

    #[test]
    fn names_are_unique_and_kebab_case() {
        let mut names = BTreeSet::new();
        for attack in all() {
            assert!(names.insert(attack.id), "{} twice", attack.id);
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(attack.id.chars().all(kebab), "{}", attack.id);
            assert!(!attack.rule.is_empty() && !attack.means.is_empty());
        }
    }

    #[test]
    fn scripts_and_behaviours_exist() {
        let scripts: BTreeSet<_> = scenario::list().into_iter().map(|one| one.id).collect();
        for attack in all() {
            for means in attack.means {
                match means {
                    Means::Script(id) => assert!(scripts.contains(id), "{id}"),
                    Means::Behave(_, text) => {
                        for name in text.split(',') {
                            assert!(Strategy::read(name).is_ok(), "{name}");
                        }
                    }
                    Means::Break(kinds) => assert!(!kinds.is_empty()),
                    Means::Test(..) => {}
                }
            }
            let published = attack.published;
            assert!(
                published.is_empty() || !attack.published_outcomes().is_empty(),
                "{published}"
            );
        }
    }

    #[test]
    fn every_published_scenario_belongs_to_an_attack() {
        for one in published::SCENARIOS {
            assert!(
                all().any(|attack| attack.published == one.attack),
                "{}",
                one.id
            );
        }
    }

    fn holds(folder: &Path, wanted: &str) -> bool {
        let Ok(entries) = fs::read_dir(folder) else {
            return false;
        };
        entries.flatten().any(|entry| {
            let path = entry.path();
            if path.is_dir() {
                return holds(&path, wanted);
            }
            let source = path.extension().is_some_and(|extension| extension == "rs");
            source && fs::read_to_string(&path).is_ok_and(|text| text.contains(wanted))
        })
    }

    /// A test that was renamed or removed would leave an attack without a defence.
    #[test]
    fn tests_elsewhere_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for attack in all() {
            for means in attack.means {
                let Means::Test(package, target, name) = means else {
                    continue;
                };
                let folder = ["crates", "."]
                    .iter()
                    .map(|above| root.join(above).join(package))
                    .find(|folder| folder.join("Cargo.toml").exists())
                    .unwrap_or_else(|| panic!("no package {package}"));
                let test = format!("fn {name}(");
                let found = match target.strip_prefix("--test ") {
                    // One file, or a folder of them.
                    Some(name) => {
                        let tests = folder.join("tests");
                        fs::read_to_string(tests.join(format!("{name}.rs")))
                            .is_ok_and(|text| text.contains(&test))
                            || holds(&tests.join(name), &test)
                    }
                    None => holds(&folder.join("src"), &test),
                };
                assert!(found, "{package} {target} has no test {name}");
            }
        }
    }
}
