//! What was found, as a table: [`Report`].

use std::fmt;
use std::time::Duration;

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) platform: &'static str,
    pub(crate) what: String,
    pub(crate) works: usize,
    pub(crate) skipped: usize,
    pub(crate) fails: usize,
    pub(crate) time: Duration,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    /// Why something was not run, and what.
    skipped: Vec<(&'static str, Vec<String>)>,
    /// What fails, as it is called.
    failed: Vec<String>,
    /// Platforms that were not looked at at all, and why.
    left_out: Vec<(&'static str, String)>,
}

impl Report {
    pub(crate) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Says that a platform was not looked at.
    pub(crate) fn leave_out(&mut self, platform: &'static str, why: String) {
        self.left_out.push((platform, why));
    }

    /// Says what was not run.
    pub(crate) fn skip(&mut self, why: &'static str, test: String) {
        match self.skipped.iter_mut().find(|(reason, _)| *reason == why) {
            Some((_, tests)) => tests.push(test),
            None => self.skipped.push((why, vec![test])),
        }
    }

    /// Says what fails.
    pub(crate) fn fail(&mut self, test: String) {
        self.failed.push(test);
    }

    /// How many things fail that should work.
    pub(crate) fn failures(&self) -> usize {
        self.rows.iter().map(|row| row.fails).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<22} {:<54} {:>5} {:>7} {:>5} {:>7}",
            "platform", "what", "works", "skipped", "fails", "time"
        )?;
        for row in &self.rows {
            writeln!(
                f,
                "{:<22} {:<54} {:>5} {:>7} {:>5} {:>5.1} s",
                row.platform,
                row.what,
                row.works,
                row.skipped,
                row.fails,
                row.time.as_secs_f32()
            )?;
        }
        for (platform, why) in &self.left_out {
            writeln!(f, "{platform:<22} not looked at: {why}")?;
        }
        for (why, tests) in &self.skipped {
            writeln!(f, "\nskipped, because {why}:")?;
            for test in tests {
                writeln!(f, "  {test}")?;
            }
        }
        if !self.failed.is_empty() {
            writeln!(f, "\nfails:")?;
            for test in &self.failed {
                writeln!(f, "  {test}")?;
            }
        }
        Ok(())
    }
}
