//! `DateTime.ToString` and `DateTimeOffset.ToString`, invariant culture.

use std::fmt::Write as _;

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
/// Digits of a second that a tick shows.
const FRACTION_MOST: usize = 7;

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

/// Appends a text by a format; an offset makes it a `DateTimeOffset`.
pub(super) fn apply(
    clock: DateTime,
    offset_minutes: Option<i32>,
    format: &str,
    text: &mut String,
) -> Result<()> {
    let moment = Moment { clock, offset_minutes };
    let mut letters = format.chars();
    match (letters.next(), letters.next()) {
        (None, _) if offset_minutes.is_some() => custom(moment, "MM/dd/yyyy HH:mm:ss zzz", text),
        (None, _) => custom(moment, "MM/dd/yyyy HH:mm:ss", text),
        (Some(letter), None) => standard(moment, letter, text),
        _ => custom(moment, format, text),
    }
}

fn standard(moment: Moment, letter: char, text: &mut String) -> Result<()> {
    let pattern = match letter {
        'd' => "MM/dd/yyyy",
        'D' => "dddd, dd MMMM yyyy",
        'f' => "dddd, dd MMMM yyyy HH:mm",
        'F' => "dddd, dd MMMM yyyy HH:mm:ss",
        'g' => "MM/dd/yyyy HH:mm",
        'G' => "MM/dd/yyyy HH:mm:ss",
        'm' | 'M' => "MMMM dd",
        'o' | 'O' => "yyyy-MM-ddTHH:mm:ss.fffffffK",
        'r' | 'R' => return custom(moment.in_utc(), "ddd, dd MMM yyyy HH:mm:ss 'GMT'", text),
        's' => "yyyy-MM-ddTHH:mm:ss",
        't' => "HH:mm",
        'T' => "HH:mm:ss",
        'u' => return custom(moment.in_utc(), "yyyy-MM-dd HH:mm:ss'Z'", text),
        'U' if moment.offset_minutes.is_none() => "dddd, dd MMMM yyyy HH:mm:ss",
        'y' | 'Y' => "yyyy MMMM",
        _ => return Err(malformed()),
    };
    custom(moment, pattern, text)
}

/// The numbers below a hundred, two digits each.
const PAIRS: &str = "0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

fn pair(number: u32) -> &'static str {
    let at = number as usize * 2;
    PAIRS.get(at..at + 2).unwrap_or_default()
}

/// Appends a number that is not negative with at least so many digits.
fn digits(text: &mut String, number: u32, width: usize) {
    match (number, width) {
        (0..10, 0 | 1) => text.push_str(pair(number).get(1..).unwrap_or_default()),
        (0..100, 0..=2) => text.push_str(pair(number)),
        (0..10_000, 4) => {
            text.push_str(pair(number / 100));
            text.push_str(pair(number % 100));
        }
        _ => {
            let _ = write!(text, "{number:0width$}");
        }
    }
}

impl Moment {
    /// A `DateTimeOffset` moved to UTC; a `DateTime` prints as it stands.
    fn in_utc(self) -> Self {
        let minutes = i64::from(self.offset_minutes.unwrap_or(0));
        let ticks = (self.clock.ticks - minutes * TICKS_PER_MINUTE).clamp(0, super::TICKS_MAX);
        Self { clock: DateTime { ticks, ..self.clock }, ..self }
    }

    /// `z…`: +2, +02, +02:00.
    fn offset(self, count: usize, text: &mut String) {
        let minutes = self.offset_minutes.unwrap_or(0);
        text.push(if minutes < 0 { '-' } else { '+' });
        let (hours, minutes) = (minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60);
        digits(text, hours, count.min(2));
        if count > 2 {
            text.push(':');
            digits(text, minutes, 2);
        }
    }

    /// `K`.
    fn kind(self, text: &mut String) {
        match (self.offset_minutes, self.clock.kind) {
            (None, DateTimeKind::Utc) => text.push('Z'),
            (None, DateTimeKind::Unspecified) => {}
            _ => self.offset(3, text),
        }
    }

    /// `f…`: the leading digits of the fraction of the second.
    fn fraction(self, count: usize, text: &mut String) {
        let start = text.len();
        digits(text, (self.clock.ticks % TICKS_PER_SECOND) as u32, FRACTION_MOST);
        text.truncate(start + count);
    }

    /// `F…`: the same without zeros at its end.
    fn short_fraction(self, count: usize, text: &mut String) {
        let start = text.len();
        self.fraction(count, text);
        let shown = text.trim_end_matches('0').len();
        text.truncate(shown.max(start));
        // A point in front of nothing goes with it.
        if text.len() == start && text.ends_with('.') {
            text.pop();
        }
    }
}

fn name(names: &[&'static str], index: i32, whole: bool) -> &'static str {
    let name = usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default();
    if whole { name } else { name.get(..ABBREVIATED).unwrap_or(name) }
}

fn custom(moment: Moment, format: &str, text: &mut String) -> Result<()> {
    text.reserve(format.len() + 8);
    let date = moment.clock.ymd();
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        let behind = rest.get(c.len_utf8()..).unwrap_or_default();
        let run = rest.bytes().take_while(|next| u32::from(*next) == u32::from(c)).count();
        let used = match c {
            'd' | 'M' | 'y' | 'h' | 'H' | 'm' | 's' | 't' | 'z' | 'g' => {
                token(moment, date, c, run, text);
                run
            }
            'K' => {
                moment.kind(text);
                1
            }
            'f' | 'F' if run > FRACTION_MOST => return Err(malformed()),
            'f' => {
                moment.fraction(run, text);
                run
            }
            'F' => {
                moment.short_fraction(run, text);
                run
            }
            '\'' | '"' => 1 + quoted(behind, c, text)?,
            '%' => {
                let next = behind.chars().next().filter(|next| *next != '%').ok_or_else(malformed)?;
                let next = behind.get(..next.len_utf8()).unwrap_or_default();
                custom(moment, next, text)?;
                1 + next.len()
            }
            '\\' => {
                let next = behind.chars().next().ok_or_else(malformed)?;
                text.push(next);
                1 + next.len_utf8()
            }
            other => {
                text.push(other);
                other.len_utf8()
            }
        };
        rest = rest.get(used..).unwrap_or_default();
    }
    Ok(())
}

fn token(moment: Moment, date: (i32, i32, i32), letter: char, count: usize, text: &mut String) {
    let clock = moment.clock;
    let (year, month, day) = date;
    let number = match letter {
        'd' if count > 2 => return text.push_str(name(&DAYS, clock.day_of_week(), count > 3)),
        'M' if count > 2 => return text.push_str(name(&MONTHS, month - 1, count > 3)),
        'y' if count > 2 => return digits(text, year.unsigned_abs(), count),
        't' => {
            let half = if clock.hour() < 12 { "AM" } else { "PM" };
            return text.push_str(half.get(..count.min(2)).unwrap_or_default());
        }
        'z' => return moment.offset(count, text),
        'd' => day,
        'M' => month,
        'y' => year % 100,
        'h' => (clock.hour() + 11) % 12 + 1,
        'H' => clock.hour(),
        'm' => clock.minute(),
        's' => clock.second(),
        _ => return text.push_str("A.D."),
    };
    digits(text, number.unsigned_abs(), count.min(2));
}

/// Appends a text up to its closing quote and gives how many bytes of the format it took.
fn quoted(format: &str, quote: char, text: &mut String) -> Result<usize> {
    let mut letters = format.char_indices();
    while let Some((at, c)) = letters.next() {
        match c {
            _ if c == quote => return Ok(at + c.len_utf8()),
            '\\' => text.push(letters.next().ok_or_else(malformed)?.1),
            other => text.push(other),
        }
    }
    Err(Error::format(format!("Cannot find a matching quote character for the character '{quote}'.")))
}
