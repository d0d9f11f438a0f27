//! `DateTime.ToString` and `DateTimeOffset.ToString`, invariant culture.

use super::{DateTime, DateTimeKind};
use crate::clr::exception::{Error, Result};
use crate::clr::time_span::{TICKS_PER_MINUTE, TICKS_PER_SECOND};

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const ABBREVIATED: usize = 3;

fn malformed() -> Error {
    Error::format("Input string was not in a correct format.")
}

/// What is printed: a clock reading and where its offset comes from.
#[derive(Clone, Copy)]
struct Moment {
    clock: DateTime,
    /// Of a `DateTimeOffset`.
    offset_minutes: Option<i32>,
}

/// Formats; an offset makes it a `DateTimeOffset`.
pub(super) fn apply(clock: DateTime, offset_minutes: Option<i32>, format: &str) -> Result<String> {
    let moment = Moment { clock, offset_minutes };
    let mut letters = format.chars();
    match (letters.next(), letters.next()) {
        (None, _) if offset_minutes.is_some() => custom(moment, "MM/dd/yyyy HH:mm:ss zzz"),
        (None, _) => custom(moment, "MM/dd/yyyy HH:mm:ss"),
        (Some(letter), None) => standard(moment, letter),
        _ => custom(moment, format),
    }
}

fn standard(moment: Moment, letter: char) -> Result<String> {
    let pattern = match letter {
        'd' => "MM/dd/yyyy",
        'D' => "dddd, dd MMMM yyyy",
        'f' => "dddd, dd MMMM yyyy HH:mm",
        'F' => "dddd, dd MMMM yyyy HH:mm:ss",
        'g' => "MM/dd/yyyy HH:mm",
        'G' => "MM/dd/yyyy HH:mm:ss",
        'm' | 'M' => "MMMM dd",
        'o' | 'O' => "yyyy-MM-ddTHH:mm:ss.fffffffK",
        'r' | 'R' => return custom(moment.in_utc(), "ddd, dd MMM yyyy HH:mm:ss 'GMT'"),
        's' => "yyyy-MM-ddTHH:mm:ss",
        't' => "HH:mm",
        'T' => "HH:mm:ss",
        'u' => return custom(moment.in_utc(), "yyyy-MM-dd HH:mm:ss'Z'"),
        'U' if moment.offset_minutes.is_none() => "dddd, dd MMMM yyyy HH:mm:ss",
        'y' | 'Y' => "yyyy MMMM",
        _ => return Err(malformed()),
    };
    custom(moment, pattern)
}

impl Moment {
    /// A `DateTimeOffset` moved to UTC; a `DateTime` prints as it stands.
    fn in_utc(self) -> Self {
        let minutes = i64::from(self.offset_minutes.unwrap_or(0));
        let ticks = (self.clock.ticks - minutes * TICKS_PER_MINUTE).clamp(0, super::TICKS_MAX);
        Self { clock: DateTime { ticks, ..self.clock }, ..self }
    }

    /// `z…`: +2, +02, +02:00.
    fn offset(self, count: usize) -> String {
        let minutes = self.offset_minutes.unwrap_or(0);
        let sign = if minutes < 0 { '-' } else { '+' };
        let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
        match count {
            1 => format!("{sign}{hours}"),
            2 => format!("{sign}{hours:02}"),
            _ => format!("{sign}{hours:02}:{minutes:02}"),
        }
    }

    /// `K`.
    fn kind(self) -> String {
        match (self.offset_minutes, self.clock.kind) {
            (None, DateTimeKind::Utc) => "Z".to_owned(),
            (None, DateTimeKind::Unspecified) => String::new(),
            _ => self.offset(3),
        }
    }

    /// `f…`: the leading digits of the fraction of the second.
    fn fraction(self, count: usize) -> String {
        let mut digits = format!("{:07}", self.clock.ticks % TICKS_PER_SECOND);
        digits.truncate(count);
        digits
    }
}

fn name(names: &[&'static str], index: i32, whole: bool) -> &'static str {
    let name = usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default();
    if whole { name } else { name.get(..ABBREVIATED).unwrap_or(name) }
}

fn custom(moment: Moment, format: &str) -> Result<String> {
    let format: Vec<char> = format.chars().collect();
    let mut text = String::with_capacity(format.len() + 8);
    let mut at = 0;
    while let Some(c) = format.get(at) {
        let count = format.iter().skip(at).take_while(|next| *next == c).count();
        let used = match c {
            'd' | 'M' | 'y' | 'h' | 'H' | 'm' | 's' | 't' | 'z' | 'K' | 'g' => {
                let used = if *c == 'K' { 1 } else { count };
                text.push_str(&token(moment, *c, count));
                used
            }
            'f' | 'F' if count > 7 => return Err(malformed()),
            'f' => {
                text.push_str(&moment.fraction(count));
                count
            }
            'F' => {
                let digits = moment.fraction(count);
                let digits = digits.trim_end_matches('0');
                // A point in front of nothing goes with it.
                if digits.is_empty() && text.ends_with('.') {
                    text.pop();
                }
                text.push_str(digits);
                count
            }
            '\'' | '"' => quoted(&format, at, *c, &mut text)?,
            '%' => {
                let next = format.get(at + 1).filter(|next| **next != '%').ok_or_else(malformed)?;
                text.push_str(&custom(moment, &next.to_string())?);
                2
            }
            '\\' => {
                text.push(*format.get(at + 1).ok_or_else(malformed)?);
                2
            }
            other => {
                text.push(*other);
                1
            }
        };
        at += used;
    }
    Ok(text)
}

fn token(moment: Moment, letter: char, count: usize) -> String {
    let clock = moment.clock;
    let number = |value: i32| format!("{value:0width$}", width = count.min(2));
    match letter {
        'd' if count > 2 => name(&DAYS, clock.day_of_week(), count > 3).to_owned(),
        'd' => number(clock.day()),
        'M' if count > 2 => name(&MONTHS, clock.month() - 1, count > 3).to_owned(),
        'M' => number(clock.month()),
        'y' if count <= 2 => number(clock.year() % 100),
        'y' => format!("{:0count$}", clock.year()),
        'h' => number((clock.hour() + 11) % 12 + 1),
        'H' => number(clock.hour()),
        'm' => number(clock.minute()),
        's' => number(clock.second()),
        't' => {
            let half = if clock.hour() < 12 { "AM" } else { "PM" };
            half.get(..count.min(2)).unwrap_or_default().to_owned()
        }
        'z' => moment.offset(count),
        'K' => moment.kind(),
        _ => "A.D.".to_owned(),
    }
}

/// Appends a quoted text and gives how many characters it took.
fn quoted(format: &[char], start: usize, quote: char, text: &mut String) -> Result<usize> {
    let mut at = start + 1;
    loop {
        match format.get(at) {
            Some(c) if *c == quote => return Ok(at + 1 - start),
            Some('\\') => {
                text.push(*format.get(at + 1).ok_or_else(malformed)?);
                at += 2;
            }
            Some(c) => {
                text.push(*c);
                at += 1;
            }
            None => {
                let problem = format!("Cannot find a matching quote character for the character '{quote}'.");
                return Err(Error::format(problem));
            }
        }
    }
}
