//! `docs/compatibility.md` tells the truth: what it says works has a test, what it says is refused is refused.

use std::collections::BTreeSet;
use std::fs;
use tests::sampan::DEMO_IMAGE;
use tests::{catalog, isolated, paths};

/// A row of a table: `| name | state | tests |`.
struct Row {
    section: String,
    name: String,
    state: String,
    tests: Vec<String>,
}

impl Row {
    fn works(&self) -> bool {
        self.state == "works"
    }

    fn refusal(&self) -> Option<&str> {
        self.state.strip_prefix("refused: ")
    }
}

fn rows() -> Vec<Row> {
    let path = paths::repository().join("docs/compatibility.md");
    rows_of(&fs::read_to_string(path).unwrap())
}

fn rows_of(text: &str) -> Vec<Row> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title.to_owned();
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", name, state, tests, ""] = cells[..] else { continue };
        let Some(name) = name.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) else { continue };
        let tests = tests.split('`').skip(1).step_by(2).map(String::from).collect();
        found.push(Row { section: section.clone(), name: name.into(), state: state.into(), tests });
    }
    found
}

/// `file::function` of every test below `tests/suite`.
fn tests_of_the_suite() -> BTreeSet<String> {
    let suite = paths::repository().join("tests/suite");
    let mut found = BTreeSet::new();
    for path in catalog::files(&suite) {
        let module = path.strip_prefix(&suite).unwrap().with_extension("");
        let module: Vec<_> =
            module.iter().map(|part| part.to_string_lossy()).filter(|part| part != "mod").collect();
        let text = fs::read_to_string(&path).unwrap();
        for after in text.split("#[test]\n").skip(1) {
            let function = after.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
            found.extend(function.map(|function| format!("{}::{function}", module.join("::"))));
        }
    }
    found
}

#[test]
fn what_works_has_a_test() {
    let (known, rows) = (tests_of_the_suite(), rows());
    let mut wrong = Vec::new();
    for row in &rows {
        let unknown: Vec<&String> = row.tests.iter().filter(|test| !known.contains(*test)).collect();
        if row.works() && row.tests.is_empty() {
            wrong.push(format!("{} works, but no test is named", row.name));
        }
        if !unknown.is_empty() {
            wrong.push(format!("{}: no such test: {unknown:?}", row.name));
        }
        if !row.works() && row.refusal().is_none() && row.state != "not yet" {
            wrong.push(format!(
                "{}: {:?} is neither `works`, `refused: reason` nor `not yet`",
                row.name, row.state
            ));
        }
    }
    assert!(wrong.is_empty(), "docs/compatibility.md:\n{}", wrong.join("\n"));
    assert!(rows.iter().filter(|row| row.works()).count() > 50, "the tables were not found");
}

#[test]
fn a_row_without_a_test_is_noticed() {
    let rows = rows_of(
        "## Flags\n| Flag | State | Test |\n|---|---|---|\n| `--x` | works | |\n| `--y` | refused: why | `a::b`, `c::d` |\n",
    );
    assert!(rows.len() == 2 && rows[0].works() && rows[0].tests.is_empty());
    assert_eq!((rows[1].refusal(), rows[1].tests.len(), rows[1].section.as_str()), (Some("why"), 2, "Flags"));
}

/// Every flag that the help of `run` or `create` lists is in the table and not refused there, and the other way round.
#[test]
fn the_help_and_the_table_agree() {
    isolated(|sampan| {
        let listed = |verb: &str| -> BTreeSet<String> {
            let text = sampan.run([verb, "--help"]).ok().stdout();
            let words = text.lines().filter_map(|line| {
                line.trim_start().split("--").nth(1).filter(|_| line.trim_start().starts_with('-'))
            });
            words.map(|rest| format!("--{}", rest.split([' ', ',', '=']).next().unwrap())).collect()
        };
        let mut help = listed("run");
        help.extend(listed("create"));
        help.remove("--help");
        let rows = rows();
        let table: BTreeSet<String> = rows
            .iter()
            .filter(|row| row.refusal().is_none() && row.section.contains("Flags"))
            .map(|row| row.name.clone())
            .collect();
        let missing: Vec<&String> = help.difference(&table).collect();
        let invented: Vec<&String> = table.difference(&help).collect();
        assert!(
            missing.is_empty() && invented.is_empty(),
            "not in the table: {missing:?}; not in the help: {invented:?}"
        );
    });
}

#[test]
fn refused_flags_are_refused_by_name() {
    isolated(|sampan| {
        let rows = rows();
        for row in rows.iter().filter(|row| row.section.contains("Flags") && row.refusal().is_some()) {
            for verb in ["run", "create"] {
                let words = [verb, &format!("{}=1", row.name), DEMO_IMAGE, "true"];
                let _ =
                    sampan.run(words).fails_with(125).says(&row.name).says("not supported").says_one_line();
            }
        }
        assert!(!sampan.data_root().exists(), "a refused flag made a data root");
    });
}

#[test]
fn missing_verbs_are_named() {
    isolated(|sampan| {
        let rows = rows();
        for row in rows.iter().filter(|row| row.section.contains("Verbs") && !row.works()) {
            let words: Vec<&str> = row.name.split(' ').collect();
            let refused = sampan.run(&words);
            assert!(refused.code() != 0 && refused.stderr().contains(&row.name), "{refused}");
            let _ = refused.prints("");
        }
    });
}
