//! Whether a member takes connections: a word of its own readiness endpoint is believed when it has been said often
//! enough.

use serde::{Deserialize, Serialize};

/// What a member said when it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200.
    Ready,
    /// Anything else.
    Unready,
    /// Nothing.
    Silent,
}

/// What is believed about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberState {
    /// It has its share of new connections.
    Ready,
    /// It gets no new ones, and keeps those that it has.
    Draining,
    /// Its connections are lost, and go to others, who say so to the clients.
    Gone,
}

impl MemberState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Gone => "gone",
        }
    }
}

/// One member's health.
#[derive(Clone, Copy, Debug)]
pub struct Health {
    state: MemberState,
    /// Nothing was heard yet: the first word counts.
    fresh: bool,
    /// The same word, unlike the state, as often in a row.
    other: (MemberState, u32),
}

impl Health {
    /// Believed to be so until something is heard.
    pub fn new(state: MemberState) -> Self {
        Self { state, fresh: true, other: (state, 0) }
    }

    pub fn state(&self) -> MemberState {
        self.state
    }

    /// True if that changes what is believed: after `rise` good words in a row, or `fall` bad ones.
    pub fn hear(&mut self, answer: Answer, rise: u32, fall: u32) -> bool {
        let heard = match answer {
            Answer::Ready => MemberState::Ready,
            Answer::Unready => MemberState::Draining,
            Answer::Silent => MemberState::Gone,
        };
        let fresh = std::mem::take(&mut self.fresh);
        if heard == self.state {
            self.other = (heard, 0);
            return false;
        }
        let before = if self.other.0 == heard { self.other.1 } else { 0 };
        self.other = (heard, before + 1);
        let enough = if heard == MemberState::Ready { rise } else { fall };
        if !fresh && self.other.1 < enough {
            return false;
        }
        *self = Self { state: heard, fresh: false, other: (heard, 0) };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(health: &mut Health, answers: &[Answer]) -> Vec<MemberState> {
        answers
            .iter()
            .map(|answer| {
                health.hear(*answer, 2, 3);
                health.state()
            })
            .collect()
    }

    #[test]
    fn hear_once_does_not_change_what_is_believed() {
        use Answer::{Ready, Silent, Unready};
        let mut health = Health::new(MemberState::Ready);
        assert_eq!(
            run(&mut health, &[Ready, Silent, Silent, Ready, Silent, Silent]),
            [MemberState::Ready; 6]
        );
        assert_eq!(run(&mut health, &[Silent]), [MemberState::Gone]);
        // Two kinds of bad words are no row of three; a good one between breaks the row.
        assert_eq!(run(&mut health, &[Ready, Silent, Ready]), [MemberState::Gone; 3]);
        assert_eq!(run(&mut health, &[Ready]), [MemberState::Ready]);
        assert_eq!(run(&mut health, &[Unready, Unready, Silent, Silent]), [MemberState::Ready; 4]);
        assert_eq!(run(&mut health, &[Silent, Unready, Unready]), [MemberState::Gone; 3]);
        assert_eq!(run(&mut health, &[Unready]), [MemberState::Draining]);
    }

    #[test]
    fn hear_the_first_word_counts_at_once() {
        for (answer, state) in [
            (Answer::Silent, MemberState::Gone),
            (Answer::Unready, MemberState::Draining),
            (Answer::Ready, MemberState::Ready),
        ] {
            let mut health = Health::new(MemberState::Ready);
            assert_eq!(run(&mut health, &[answer]), [state]);
        }
    }
}
