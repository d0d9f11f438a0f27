//! `ToSerializedString` and `FromSerializedString`: fields with `;` behind them, rules in brackets.

use super::super::date_time::{DateTime, DateTimeKind};
use super::super::exception::{Error, ExceptionKind, Result};
use super::super::time_span::{TICKS_PER_MINUTE, TICKS_PER_SECOND, TimeSpan};
use super::custom::{Adjustment, Custom, Transition};

/// Rules that a text may have.
const RULES_MAX: usize = 1000;

/// The text of a zone.
pub(super) fn write(id: &str, zone: &Custom) -> String {
    let mut text = String::new();
    let base = (zone.base.0 / TICKS_PER_MINUTE).to_string();
    for field in [id, &base, &zone.display, &zone.standard, &zone.daylight] {
        escape(&mut text, field);
        text.push(';');
    }
    for rule in &zone.rules {
        text.push('[');
        for date in [rule.start, rule.end] {
            text.push_str(&format!("{:02}:{:02}:{:04};", date.month(), date.day(), date.year()));
        }
        text.push_str(&format!("{};", rule.delta.0 / TICKS_PER_MINUTE));
        transition(&mut text, rule.from);
        transition(&mut text, rule.to);
        text.push(']');
    }
    text.push(';');
    text
}

fn escape(text: &mut String, field: &str) {
    for c in field.chars() {
        if matches!(c, '\\' | '[' | ']' | ';') {
            text.push('\\');
        }
        text.push(c);
    }
}

fn transition(text: &mut String, at: Transition) {
    let milliseconds = at.time_of_day / (TICKS_PER_SECOND / 1000);
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    text.push_str(&format!(
        "[{};{:02}:{:02}:{:02}",
        u8::from(at.is_fixed),
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    ));
    if rest > 0 {
        text.push_str(format!(".{rest:03}").trim_end_matches('0'));
    }
    if at.is_fixed {
        text.push_str(&format!(";{};{};];", at.month, at.day));
    } else {
        text.push_str(&format!(";{};{};{};];", at.month, at.week, at.day_of_week));
    }
}

/// Id and zone of a text.
pub(super) fn read(text: &str) -> Result<(String, Custom)> {
    if text.is_empty() {
        return Err(Error::argument_for("The specified serialized string '' is not supported.", "source"));
    }
    let broken = || {
        let problem = "An error occurred while deserializing the object.  The serialized data is corrupt.";
        Error::new(ExceptionKind::Serialization, problem)
    };
    Reader { rest: text }.zone().ok_or_else(broken)
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn eat(&mut self, mark: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(mark)?;
        Some(())
    }

    /// A field up to its `;`, without escapes.
    fn field(&mut self) -> Option<String> {
        let mut found = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => found.push(chars.next().filter(|(_, c)| matches!(c, '\\' | '[' | ']' | ';'))?.1),
                ';' => {
                    self.rest = self.rest.get(at + 1..)?;
                    return Some(found);
                }
                '[' | ']' => return None,
                c => found.push(c),
            }
        }
        None
    }

    fn number(&mut self) -> Option<i32> {
        self.field()?.parse().ok()
    }

    fn minutes(&mut self) -> Option<TimeSpan> {
        Some(TimeSpan(i64::from(self.number()?) * TICKS_PER_MINUTE))
    }

    fn zone(mut self) -> Option<(String, Custom)> {
        let id = self.field()?;
        let (base, display, standard, daylight) =
            (self.minutes()?, self.field()?, self.field()?, self.field()?);
        let mut rules = Vec::new();
        while self.rest.starts_with('[') {
            if rules.len() >= RULES_MAX {
                return None;
            }
            rules.push(self.rule()?);
        }
        self.eat(';')?;
        let has_daylight_saving = rules.iter().any(|rule| rule.delta.0 != 0);
        let zone = Custom { base, display, standard, daylight, rules, has_daylight_saving };
        zone.check(&id).ok()?;
        Some((id, zone))
    }

    fn rule(&mut self) -> Option<Adjustment> {
        self.eat('[')?;
        let (start, end, delta) = (self.date()?, self.date()?, self.minutes()?);
        let (from, to) = (self.transition()?, self.transition()?);
        self.eat(']')?;
        Adjustment::new(start, end, delta, from, to).ok()
    }

    fn date(&mut self) -> Option<DateTime> {
        let text = self.field()?;
        let mut parts = text.split(':').map(|part| part.parse().ok());
        let (month, day, year) = (parts.next()??, parts.next()??, parts.next()??);
        DateTime::from_date(year, month, day).ok()
    }

    fn transition(&mut self) -> Option<Transition> {
        self.eat('[')?;
        let (fixed, time) = (self.number()?, self.field()?);
        let (clock, fraction) = time.split_once('.').unwrap_or((&time, "0"));
        let mut parts = clock.split(':').map(|part| part.parse::<i32>().ok());
        let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
        let milliseconds = format!("{fraction:0<3}").parse().ok()?;
        let time = DateTime::from_ticks(0, DateTimeKind::Unspecified).ok()?;
        let time = time.at(hour, minute, second, milliseconds).ok()?;
        let month = self.number()?;
        let found = match fixed {
            1 => Transition::fixed(time, month, self.number()?),
            0 => Transition::floating(time, month, self.number()?, self.number()?),
            _ => return None,
        };
        self.eat(']')?;
        self.eat(';')?;
        found.ok()
    }
}
