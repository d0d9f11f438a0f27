//! `DateTime.ParseExact`: a text read by a format, the invariant culture.

use super::format::{DAYS, MONTHS};
use super::parse::{OFFSET_MINUTES_MAX, Parsed, two_digit_year};
use super::{DateTime, calendar};
use crate::clr::exception::{Error, Result};
use crate::clr::time_span::{TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND};

/// `DateTimeStyles`, with .NET's bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Styles(pub u32);

impl Styles {
    const LEADING_WHITE: u32 = 1;
    const TRAILING_WHITE: u32 = 2;
    const INNER_WHITE: u32 = 4;
    const NO_CURRENT_DATE: u32 = 8;
    /// `AdjustToUniversal`.
    pub const TO_UNIVERSAL: u32 = 16;
    /// `AssumeUniversal`.
    pub const ASSUME_UNIVERSAL: u32 = 64;
    /// `RoundtripKind`.
    pub const ROUND_TRIP: u32 = 128;

    /// Whether a bit is set.
    pub fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }
}

/// The text does not follow the format.
struct Mismatch;

type Outcome<T> = std::result::Result<T, Mismatch>;

#[derive(Default)]
struct Fields {
    year: Option<i32>,
    month: Option<i32>,
    day: Option<i32>,
    hour: Option<i32>,
    /// The hour goes to twelve only.
    has_half_hours: bool,
    minute: Option<i32>,
    second: Option<i32>,
    fraction_ticks: i64,
    afternoon: Option<bool>,
    day_of_week: Option<i32>,
    offset_minutes: Option<i32>,
}

struct Reader<'a> {
    text: &'a [char],
    at: usize,
    styles: Styles,
    fields: Fields,
}

/// Reads a text by a format; `offset` for a `DateTimeOffset`, for which `R` and `u` are UTC.
pub(super) fn parse(
    text: &str,
    format: &str,
    styles: Styles,
    today: DateTime,
    offset: bool,
) -> Result<Parsed> {
    let problem = || Error::format(format!("String '{text}' was not recognized as a valid DateTime."));
    let (pattern, is_utc) = pattern(format).ok_or_else(problem)?;
    let mut letters: Vec<char> = text.chars().collect();
    while letters.last() == Some(&'\0') {
        letters.pop();
    }
    let mut reader = Reader { text: &letters, at: 0, styles, fields: Fields::default() };
    if styles.has(Styles::LEADING_WHITE) {
        reader.spaces();
    }
    let read = reader.read(&pattern.chars().collect::<Vec<_>>()).and_then(|()| {
        if styles.has(Styles::TRAILING_WHITE) {
            reader.spaces();
        }
        if reader.at == letters.len() { reader.fields.resolve(today, styles) } else { Err(Mismatch) }
    });
    let mut parsed = read.map_err(|Mismatch| problem())?;
    if is_utc && offset {
        parsed.offset_minutes = Some(0);
    }
    Ok(parsed)
}

/// The custom format behind a standard one, and whether it stands for UTC.
fn pattern(format: &str) -> Option<(&str, bool)> {
    let mut letters = format.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else {
        return (!format.is_empty()).then_some((format, false));
    };
    Some(match letter {
        'd' => ("MM/dd/yyyy", false),
        'D' => ("dddd, dd MMMM yyyy", false),
        'f' => ("dddd, dd MMMM yyyy HH:mm", false),
        'F' | 'U' => ("dddd, dd MMMM yyyy HH:mm:ss", letter == 'U'),
        'g' => ("MM/dd/yyyy HH:mm", false),
        'G' => ("MM/dd/yyyy HH:mm:ss", false),
        'm' | 'M' => ("MMMM dd", false),
        'o' | 'O' => ("yyyy-MM-ddTHH:mm:ss.fffffffK", false),
        'r' | 'R' => ("ddd, dd MMM yyyy HH:mm:ss 'GMT'", true),
        's' => ("yyyy-MM-ddTHH:mm:ss", false),
        't' => ("HH:mm", false),
        'T' => ("HH:mm:ss", false),
        'u' => ("yyyy-MM-dd HH:mm:ss'Z'", true),
        'y' | 'Y' => ("yyyy MMMM", false),
        _ => return None,
    })
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn literal(&mut self, wanted: char) -> Outcome<()> {
        if self.peek() != Some(wanted) {
            return Err(Mismatch);
        }
        self.at += 1;
        Ok(())
    }

    /// As many digits as `least` to `most`.
    fn number(&mut self, least: usize, most: usize) -> Outcome<i32> {
        let start = self.at;
        let mut value = 0;
        while self.at - start < most
            && let Some(digit) = self.peek().and_then(|c| c.to_digit(10))
        {
            value = value * 10 + digit as i32;
            self.at += 1;
        }
        if self.at - start < least { Err(Mismatch) } else { Ok(value) }
    }

    /// A name out of a list, whole or its first three letters.
    fn name(&mut self, names: &[&'static str], whole: bool) -> Outcome<i32> {
        let rest: String = self.text.get(self.at..).unwrap_or_default().iter().take(16).collect();
        for (index, name) in names.iter().enumerate() {
            let name = if whole { name } else { name.get(..3).unwrap_or(name) };
            if rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
                self.at += name.len();
                return Ok(index as i32);
            }
        }
        Err(Mismatch)
    }

    fn read(&mut self, format: &[char]) -> Outcome<()> {
        let mut at = 0;
        while let Some(letter) = format.get(at) {
            if self.styles.has(Styles::INNER_WHITE) {
                self.spaces();
                if letter.is_whitespace() {
                    at += 1;
                    continue;
                }
            }
            let count = format.iter().skip(at).take_while(|next| *next == letter).count();
            at += match letter {
                'd' | 'M' | 'y' | 'h' | 'H' | 'm' | 's' | 't' | 'z' | 'g' | 'f' | 'F' => {
                    self.field(*letter, count)?;
                    count
                }
                'K' => {
                    self.kind()?;
                    1
                }
                'Z' => {
                    self.zulu()?;
                    1
                }
                '\'' | '"' => self.quoted(format.get(at + 1..).unwrap_or_default(), *letter)?,
                '%' => match format.get(at + 1) {
                    None | Some('%') => return Err(Mismatch),
                    Some(_) => 1,
                },
                '\\' => {
                    self.literal(*format.get(at + 1).ok_or(Mismatch)?)?;
                    2
                }
                // A point in front of digits that may be left out goes with them.
                '.' if format.get(at + 1) == Some(&'F') && self.peek() != Some('.') => {
                    1 + format.iter().skip(at + 1).take_while(|next| **next == 'F').count()
                }
                other => {
                    self.literal(*other)?;
                    1
                }
            };
        }
        Ok(())
    }

    fn quoted(&mut self, rest: &[char], quote: char) -> Outcome<usize> {
        let mut at = 0;
        loop {
            match rest.get(at).ok_or(Mismatch)? {
                c if *c == quote => return Ok(at + 2),
                '\\' => {
                    self.literal(*rest.get(at + 1).ok_or(Mismatch)?)?;
                    at += 2;
                }
                c => {
                    self.literal(*c)?;
                    at += 1;
                }
            }
        }
    }

    fn field(&mut self, letter: char, count: usize) -> Outcome<()> {
        let least = count.min(2);
        match letter {
            'd' if count > 2 => {
                let day = self.name(&DAYS, count > 3)?;
                set(&mut self.fields.day_of_week, day)
            }
            'd' => {
                let day = self.number(least, 2)?;
                set(&mut self.fields.day, day)
            }
            'M' if count > 2 => {
                let month = self.name(&MONTHS, count > 3)? + 1;
                set(&mut self.fields.month, month)
            }
            'M' => {
                let month = self.number(least, 2)?;
                set(&mut self.fields.month, month)
            }
            'y' if count <= 2 => {
                let year = two_digit_year(self.number(least, 2)?);
                set(&mut self.fields.year, year)
            }
            'y' if count > 4 => Err(Mismatch),
            'y' => {
                let year = self.number(count, count)?;
                set(&mut self.fields.year, year)
            }
            'h' => {
                let hour = self.number(least, 2)?;
                self.fields.has_half_hours = true;
                set(&mut self.fields.hour, hour)
            }
            'H' => {
                let hour = self.number(least, 2)?;
                set(&mut self.fields.hour, hour)
            }
            'm' => {
                let minute = self.number(least, 2)?;
                set(&mut self.fields.minute, minute)
            }
            's' => {
                let second = self.number(least, 2)?;
                set(&mut self.fields.second, second)
            }
            't' => self.half(count),
            'z' => self.offset(count),
            'f' | 'F' => self.fraction(count, letter == 'f'),
            _ => self.name(&["A.D."], true).map(|_| ()),
        }
    }

    fn half(&mut self, count: usize) -> Outcome<()> {
        let names: [&'static str; 2] = if count == 1 { ["A", "P"] } else { ["AM", "PM"] };
        let half = self.name(&names, true)?;
        set(&mut self.fields.afternoon, half == 1)
    }

    fn fraction(&mut self, count: usize, exact: bool) -> Outcome<()> {
        if count > 7 {
            return Err(Mismatch);
        }
        let start = self.at;
        let value = self.number(if exact { count } else { 0 }, count)?;
        let missing = 7 - (self.at - start) as u32;
        self.fields.fraction_ticks = i64::from(value) * 10_i64.pow(missing);
        Ok(())
    }

    /// `z`: hours with one digit or two, `zz`: two, `zzz`: with minutes.
    fn offset(&mut self, count: usize) -> Outcome<()> {
        let negative = match self.peek() {
            Some('-') => true,
            Some('+') => false,
            _ => return Err(Mismatch),
        };
        self.at += 1;
        let hours = self.number(count.min(2), 2)?;
        let minutes = if count >= 3 {
            let _ = self.literal(':');
            self.number(2, 2)?
        } else {
            0
        };
        let total = hours * 60 + minutes;
        if minutes > 59 || total > OFFSET_MINUTES_MAX {
            return Err(Mismatch);
        }
        set(&mut self.fields.offset_minutes, if negative { -total } else { total })
    }

    fn kind(&mut self) -> Outcome<()> {
        match self.peek() {
            Some('Z' | 'z') => {
                self.at += 1;
                set(&mut self.fields.offset_minutes, 0)
            }
            Some('+' | '-') => self.offset(3),
            _ => Ok(()),
        }
    }

    fn zulu(&mut self) -> Outcome<()> {
        let _ = self.name(&["GMT", "Z"], true)?;
        set(&mut self.fields.offset_minutes, 0)
    }
}

/// A field that stands twice must say the same.
fn set<T: PartialEq>(field: &mut Option<T>, value: T) -> Outcome<()> {
    match field {
        Some(known) if *known != value => Err(Mismatch),
        _ => {
            *field = Some(value);
            Ok(())
        }
    }
}

impl Fields {
    fn date(&self, today: DateTime, styles: Styles) -> (i32, i32, i32) {
        match (self.year, self.month, self.day) {
            (None, None, None) if styles.has(Styles::NO_CURRENT_DATE) => (1, 1, 1),
            (None, None, None) => (today.year(), today.month(), today.day()),
            (year, month, day) => {
                (year.unwrap_or_else(|| today.year()), month.unwrap_or(1), day.unwrap_or(1))
            }
        }
    }

    fn resolve(&self, today: DateTime, styles: Styles) -> Outcome<Parsed> {
        let (year, month, day) = self.date(today, styles);
        let exists = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=calendar::days_in_month(year, month)).contains(&day);
        let hour = match (self.hour.unwrap_or(0), self.afternoon) {
            (hour, _) if self.has_half_hours && hour > 12 => return Err(Mismatch),
            (hour, half) if self.has_half_hours => hour % 12 + if half == Some(true) { 12 } else { 0 },
            (hour, Some(afternoon)) if afternoon != (hour >= 12) => return Err(Mismatch),
            (hour, _) => hour,
        };
        let (minute, second) = (self.minute.unwrap_or(0), self.second.unwrap_or(0));
        if !exists || hour > 23 || minute > 59 || second > 59 {
            return Err(Mismatch);
        }
        let ticks = i64::from(hour) * TICKS_PER_HOUR
            + i64::from(minute) * TICKS_PER_MINUTE
            + i64::from(second) * TICKS_PER_SECOND
            + self.fraction_ticks;
        let midnight = DateTime::from_date(year, month, day).map_err(|_| Mismatch)?;
        let clock = midnight.add_ticks(ticks).map_err(|_| Mismatch)?;
        if self.day_of_week.is_some_and(|day| day != clock.day_of_week()) {
            return Err(Mismatch);
        }
        Ok(Parsed { clock, offset_minutes: self.offset_minutes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, format: &str) -> Option<(String, Option<i32>)> {
        let today = DateTime::from_date(2024, 5, 6).unwrap();
        let parsed = parse(text, format, Styles::default(), today, false).ok()?;
        Some((parsed.clock.to_text("s").unwrap(), parsed.offset_minutes))
    }

    #[test]
    fn fields_are_read_by_their_letters() {
        let table = [
            ("20240131", "yyyyMMdd", "2024-01-31T00:00:00", None),
            ("31/1/24 4:05 PM", "d/M/yy h:mm tt", "2024-01-31T16:05:00", None),
            ("2024-01-31T10:00:00Z", "yyyy-MM-ddTHH:mm:ssZ", "2024-01-31T10:00:00", Some(0)),
            ("2024-01-31T10:00:00+02:00", "yyyy-MM-ddTHH:mm:sszzz", "2024-01-31T10:00:00", Some(120)),
            ("Wed, 31 Jan 2024 10:00:00 GMT", "R", "2024-01-31T10:00:00", None),
            ("10:30", "HH:mm", "2024-05-06T10:30:00", None),
            ("2024", "yyyy", "2024-01-01T00:00:00", None),
            ("10:00:00", "HH:mm:ss.FFF", "2024-05-06T10:00:00", None),
            ("at 5", "'at' %H", "2024-05-06T05:00:00", None),
        ];
        for (text, format, expected, offset) in table {
            assert_eq!(read(text, format), Some((expected.to_owned(), offset)), "{text} by {format}");
        }
        for (text, format) in [
            ("2024-1-31", "yyyy-MM-dd"),
            ("2024-01-31 ", "yyyy-MM-dd"),
            ("2024-02-30", "yyyy-MM-dd"),
            ("Thu, 31 Jan 2024", "ddd, dd MMM yyyy"),
            ("13 PM", "h tt"),
            ("x", "Q"),
            ("", "yyyy"),
        ] {
            assert_eq!(read(text, format), None, "{text} by {format}");
        }
    }
}
