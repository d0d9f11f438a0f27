//! What was refused and still is: for the status, until whoever gave it gives something else.

use std::collections::VecDeque;

/// Complaints that are kept.
const MAX: usize = 32;

/// The oldest first; each with what it is about.
#[derive(Debug, Default)]
pub struct Complaints(VecDeque<(String, String)>);

impl Complaints {
    /// Logs the complaint and keeps it.
    pub fn add(&mut self, about: &str, line: String) {
        tracing::warn!(reason = line, "datapath rule refused");
        if self.0.len() == MAX {
            self.0.pop_front();
        }
        self.0.push_back((about.to_owned(), line));
    }

    /// What was complained of is gone.
    pub fn settle(&mut self, about: &str) {
        self.0.retain(|(of, _)| of != about);
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.iter().map(|(_, line)| line.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settle_forgets_what_it_is_about_and_the_oldest_goes_first() {
        let mut complaints = Complaints::default();
        complaints.add("a", "first".into());
        complaints.add("b", "second".into());
        complaints.settle("a");
        assert_eq!(complaints.lines(), ["second"]);
        for _ in 0..MAX {
            complaints.add("a", "again".into());
        }
        assert_eq!((complaints.lines().len(), complaints.lines().contains(&"second".into())), (MAX, false));
    }
}
