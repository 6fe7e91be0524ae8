//! The report of a comparison: one HTML file that needs nothing else, and the figures as JSON.

mod axis;
mod bars;
mod lines;
mod page;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    compare::Comparison,
    failure::{Failure, Outcome},
};

/// The files of a report: the page, and the figures.
pub const FILES: [&str; 2] = ["compare.html", "compare.json"];

/// Makes the folder if it is missing, and sees whether a report can be written into it: better before
/// minutes of measuring than after them.
///
/// # Errors
/// Those of the operating system.
pub fn make_room(folder: &Path) -> Outcome {
    let fail = |error: io::Error| {
        Failure::system(
            format!("write the report into the folder {}", folder.display()),
            error,
        )
        .next("Name another folder with --report. Nothing was measured.")
    };
    fs::create_dir_all(folder).map_err(fail)?;
    for name in FILES {
        let path = folder.join(name);
        let there = path.exists();
        let opened = fs::OpenOptions::new().append(true).create(true).open(&path);
        opened.map_err(fail)?;
        if !there {
            fs::remove_file(&path).map_err(fail)?;
        }
    }
    Ok(())
}

/// Writes `compare.html` and `compare.json` into a folder, which is made if it is missing.
/// Returns the page's path.
///
/// # Errors
/// Those of the operating system.
pub fn write(folder: &Path, comparison: &Comparison) -> Outcome<PathBuf> {
    let page = folder.join(FILES[0]);
    let fail = |error: io::Error| Failure::system(format!("write {}", page.display()), error);
    let json = serde_json::to_string_pretty(comparison).expect("figures are plain values");
    fs::create_dir_all(folder).map_err(fail)?;
    fs::write(&page, page::page(comparison)).map_err(fail)?;
    fs::write(folder.join(FILES[1]), json + "\n").map_err(fail)?;
    Ok(page)
}

/// Text as it stands in HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Method, conclusion, environment::Environment, sample};

    fn comparison() -> Comparison {
        let results = sample::rows();
        Comparison {
            environment: Environment {
                processor: "A <processor>".to_owned(),
                cores: 2,
                memory_mib: 8000,
                kernel: "Linux 6".to_owned(),
                file_system: "ext4".to_owned(),
                sync_ms: Some(0.25),
                compiler: "rustc".to_owned(),
                ifma: true,
                version: "0.1.0".to_owned(),
                command: "testnet compare".to_owned(),
            },
            method: Method {
                repeats: 3,
                saturated_seconds: 10.0,
                low_load_seconds: 5.0,
                rate: 200,
                clients: 4,
                outstanding: 1024,
            },
            conclusion: conclusion::sentence(&results),
            caution: None,
            results,
        }
    }

    #[test]
    fn the_page_holds_every_row_and_refers_to_nothing_outside() {
        let text = page::page(&comparison());
        for row in &comparison().results {
            assert!(text.contains(&row.configuration.name()));
        }
        for outside in ["http:", "https:", "src=", "<script", "url("] {
            assert!(!text.contains(outside), "{outside}");
        }
        assert!(text.contains("A &lt;processor&gt;") && !text.contains("<processor>"));
        assert!(!text.contains("NaN"));
        assert_eq!(text.matches("<svg").count(), text.matches("</svg>").count());
    }

    #[test]
    fn each_of_the_most_rows_has_a_colour_of_its_own() {
        let both = [keys::ClientChecks::Leader, keys::ClientChecks::All];
        let rows = crate::compare::plan::configurations(&keys::Mode::ALL, Some(&both), 5, Some(1));
        let rows = rows.unwrap().len();
        let mut results = sample::rows();
        let one = results[0].clone();
        results.resize(rows, one);
        let text = page::page(&Comparison {
            results,
            ..comparison()
        });
        let colour = |class: String| {
            let (_, after) = text.split_once(&class).expect(&class);
            after[..7].to_owned()
        };
        for kind in [".s{}{stroke:", ",.b{}{fill:"] {
            let used: std::collections::BTreeSet<String> = (0..rows)
                .map(|row| colour(kind.replace("{}{", &format!("{row}{{"))))
                .collect();
            assert_eq!(used.len(), rows, "{kind}: {used:?}");
        }
        for row in 0..rows {
            assert!(text.contains(&format!("class=\"line s{row}\"")), "{row}");
        }
    }

    #[test]
    fn a_folder_that_cannot_hold_the_report_is_found_beforehand() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("report");
        make_room(&folder).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        write(&folder, &comparison()).unwrap();
        let before = fs::read(folder.join(FILES[1])).unwrap();
        make_room(&folder).unwrap();
        assert_eq!(fs::read(folder.join(FILES[1])).unwrap(), before);
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        for bad in [file.join("report"), "/proc/report".into()] {
            let failure = make_room(&bad).unwrap_err();
            assert!(failure.message.contains("report"), "{failure}");
        }
        fs::create_dir(root.path().join("taken")).unwrap();
        fs::create_dir(root.path().join("taken").join(FILES[0])).unwrap();
        assert!(make_room(&root.path().join("taken")).is_err());
    }

    #[test]
    fn the_figures_read_back() {
        let root = tempfile::tempdir().unwrap();
        let page = write(&root.path().join("report"), &comparison()).unwrap();
        let json = fs::read(page.with_extension("json")).unwrap();
        let read: Comparison = serde_json::from_slice(&json).unwrap();
        assert_eq!(read.environment, comparison().environment);
        assert_eq!(read.conclusion, comparison().conclusion);
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let row = &value["results"][3];
        assert_eq!(row["mode"], "byzantine");
        assert_eq!(row["client_checks"], "all");
        assert_eq!(row["nodes"], 4);
        assert_eq!(row["audit"], "pass");
        assert!(row["throughput"]["median"].is_number());
        assert!(row["latency_ms"]["p99"].is_number());
    }
}
